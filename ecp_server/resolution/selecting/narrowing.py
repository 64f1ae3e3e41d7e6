"""Members that stand inside others: "Japan in APAC" is Japan, while "Japan and APAC" is both."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from ecp_server.domain.catalog import Member
from ecp_server.domain.frozen import replace
from ecp_server.domain.resolution import Incompatible
from ecp_server.resolution.draft import Draft, NamedMention
from ecp_server.resolution.lexicon import SenseKind
from ecp_server.resolution.selecting.slicing import NamedMember, read_members

_PLACING: Final = frozenset({"in", "of", "within", "inside"})
_BETWEEN: Final = _PLACING | {"the", "'s", "(", ":", "but", "only", "just"}
"""What may stand between the two; "and", a comma or "vs" make them a list or a comparison."""
_PREDICATIVE: Final = frozenset({SenseKind.METRIC, SenseKind.TERM})
_GROUPABLE: Final = frozenset({SenseKind.DIMENSION, SenseKind.LEVEL})


def narrowed(draft: Draft) -> Draft | Incompatible:
    """Return the draft without the names of members that only say where others are; a problem where these are not."""
    parsed = draft.parsed
    members = [n for n in parsed.names if SenseKind.MEMBER in n.kinds and n.kinds.isdisjoint(_PREDICATIVE)]
    if len(members) < 2 or parsed.share_at is not None or parsed.percent:  # noqa: PLR2004 - a pair
        return draft
    things = {i for n in parsed.names if n.kinds <= _GROUPABLE for i in range(n.first, n.last)}
    around: set[NamedMention] = set()
    for one, other in pairwise(members):
        between = [i for i in range(one.last, other.first) if i not in things]
        words = {parsed.tokens[i].folded for i in between}
        pair = _of_one_dimension(one, other, draft)
        if pair is None or not words <= _BETWEEN or one.excluded or other.excluded:
            continue
        first, second = pair
        if _is_part(first, second, draft):
            around.add(other)
        elif _is_part(second, first, draft):
            around.add(one)
        elif words & _PLACING:
            return Incompatible(f"{first.member.name} is no part of {second.member.name}")
    if not around:
        return draft
    return replace(draft, parsed=replace(parsed, names=tuple(n for n in parsed.names if n not in around)))


def _of_one_dimension(one: NamedMention, other: NamedMention, draft: Draft) -> tuple[NamedMember, NamedMember] | None:
    """Return the first two members of one dimension that two mentions can name."""
    catalog = draft.prepared.catalog
    for mine in one.named(SenseKind.MEMBER):
        for yours in other.named(SenseKind.MEMBER):
            first, second = catalog.members[mine.id], catalog.members[yours.id]
            if first.dimension == second.dimension and first != second:
                return NamedMember(one, first), NamedMember(other, second)
    return None


def _is_part(inner: NamedMember, outer: NamedMember, draft: Draft) -> bool:
    """Tell whether a member is part of another as this user reads them; by the catalog's parents if that is open."""
    readings = [read_members([named], draft, (), None).members for named in (inner, outer)]
    if all(readings):
        return set(readings[0][0].values) <= set(readings[1][0].values)
    return outer.member.id in [member.id for member in _around(inner.member, draft)]


def _around(member: Member, draft: Draft) -> Sequence[Member]:
    found: list[Member] = []
    while member.parent is not None:
        member = draft.prepared.catalog.members[member.parent]
        found.append(member)
    return found
