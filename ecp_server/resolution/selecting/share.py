"""The whole that a figure is a share of."""

from __future__ import annotations

from collections.abc import Sequence

from ecp_server.domain.frozen import replace
from ecp_server.domain.plan import Computation
from ecp_server.domain.resolution import Incompatible
from ecp_server.resolution.draft import Draft, Grouping
from ecp_server.resolution.parsing.words import LIGHT
from ecp_server.resolution.selecting.comparison import Main
from ecp_server.resolution.selecting.expansion import Column, Wanted
from ecp_server.resolution.selecting.slicing import NamedMember

TOTAL = "total"
SHARE = "share_pct"

_RATIOS = frozenset({"percent", "ratio", "percentage_points"})


def whole(
    draft: Draft, main: Main, members: Sequence[NamedMember], groupings: Sequence[Grouping]
) -> Wanted | Incompatible:
    """Return the column of the whole: the same metric and period without the dimension that the part is of.

    Incompatible where the metric is a ratio, which has no whole, or where nothing is named that could be a part.
    """
    wanted = main.wanted
    if wanted.metric.unit in _RATIOS:
        return Incompatible(f"{wanted.metric.name} does not add up, so there is no share of it")
    dimensions = {grouping.dimension.id for grouping in groupings} or _of_the_part(draft, members)
    if not dimensions:
        return Incompatible(f"A share of {wanted.metric.name} needs a part of it to be named")
    rest = tuple(member for member in wanted.members if member.member.dimension not in dimensions)
    return replace(wanted, name=main.beside(TOTAL), members=rest, label="Total", grouped=False)


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
    """Return the dimension of the member that "share of" names, else of the last one in the text."""
    included = [named for named in members if not named.named.excluded]
    if not included or draft.parsed.share_at is None:
        return set()
    named = next((n for n in included if _right_after(draft, draft.parsed.share_at, n.named.first)), included[-1])
    return {named.member.dimension}


def _right_after(draft: Draft, position: int, first: int) -> bool:
    between = draft.parsed.tokens[position + 1 : first]
    return position < first and all(token.folded in LIGHT for token in between)
