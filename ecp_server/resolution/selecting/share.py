"""The whole that a figure is a share of."""

from __future__ import annotations

from collections.abc import Sequence

from ecp_server.domain.frozen import replace
from ecp_server.domain.plan import Computation
from ecp_server.domain.resolution import Incompatible
from ecp_server.resolution.draft import Draft, Grouping, SlicedMember
from ecp_server.resolution.parsing.words import LIGHT
from ecp_server.resolution.selecting.comparison import Main
from ecp_server.resolution.selecting.expansion import Column, Wanted
from ecp_server.resolution.selecting.parts import Part
from ecp_server.resolution.selecting.slicing import NamedMember

TOTAL = "total"
SHARE = "share_pct"

_POSSESSIVE = frozenset({"'s"})
_BEING = frozenset({"is", "are", "was", "were", "come", "comes", "came", "coming"})
_RATIOS = frozenset({"percent", "ratio", "percentage_points"})


def whole(draft: Draft, main: Main, part: Part, groupings: Sequence[Grouping]) -> Wanted | Incompatible:
    """Return the column of the whole: the same metric and period without the dimension that the part is of.

    Of that dimension it keeps what the part lies in, and leaves out what does not touch the part.
    Where a member is said to be the part, and something else grouped by, each group is a whole of its own.

    Incompatible where the metric is a ratio, which has no whole, or where nothing is named that could be a part.
    """
    wanted = main.wanted
    if wanted.metric.unit in _RATIOS:
        return Incompatible(f"{wanted.metric.name} does not add up, so there is no share of it")
    grouped = {grouping.dimension.id for grouping in groupings}
    said = _said_part(draft, part.named) - grouped
    dimensions = said or grouped or _of_the_part(draft, part.named)
    if not dimensions:
        return Incompatible(f"A share of {wanted.metric.name} needs a part of it to be named")
    read = part.members
    around = wholes(read)
    parts = {value for m in read if not m.excluded and m not in around for value in m.values}
    rest = tuple(
        m
        for m in read
        if m.member.dimension not in dimensions or m in around or (m.excluded and parts.isdisjoint(m.values))
    )
    return replace(wanted, name=main.beside(TOTAL), members=rest, label="Total", grouped=bool(said))


def wholes(members: Sequence[SlicedMember]) -> tuple[SlicedMember, ...]:
    """Return the members that others of them are part of: in "Japan's share of APAC" that is APAC."""
    included = [m for m in members if not m.excluded]
    return tuple(
        m
        for m in included
        if any(n.member.dimension == m.member.dimension and set(n.values) < set(m.values) for n in included)
    )


def share_computations(shares: Sequence[tuple[Column, Column]]) -> tuple[Computation, ...]:
    """Return each part's share of its whole in percent; a single one needs no name of its own."""
    return tuple(
        Computation(
            SHARE if len(shares) == 1 else f"{SHARE}_{part.name}",
            f"{part.expression} / {total.expression} * 100",
            "percent",
        )
        for part, total in shares
    )


def _of_the_part(draft: Draft, members: Sequence[NamedMember]) -> set[str]:
    """Return the dimension of the member whose share it is said to be, else of the last one in the text."""
    included = [named for named in members if not named.named.excluded]
    if not included or draft.parsed.share_at is None:
        return set()
    return _said_part(draft, members) or {included[-1].member.dimension}


def _said_part(draft: Draft, members: Sequence[NamedMember]) -> set[str]:
    """Return the dimension of the member whose share it is said to be; nothing where the words do not say.

    It is the one before "share" ("Japan's share of feed sales"), the one that the rest is or comes from, or the one
    after "share of".
    """
    included = [named for named in members if not named.named.excluded]
    at = draft.parsed.share_at
    if at is None:
        return set()
    before = (n for n in included if n.named.last <= at and _words(draft, n.named.last, at) <= _POSSESSIVE)
    said = (n for n in included if _BEING & _words(draft, at, n.named.first))
    after = (n for n in included if at < n.named.first and _words(draft, at + 1, n.named.first) <= LIGHT)
    found = next((named for way in (before, said, after) for named in way), None)
    return set() if found is None else {found.member.dimension}


def _words(draft: Draft, first: int, last: int) -> set[str]:
    return {token.folded for token in draft.parsed.tokens[first:last]}
