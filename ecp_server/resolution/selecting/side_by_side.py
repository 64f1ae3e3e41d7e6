"""Which members are held against each other, and which cannot be."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from ecp_server.domain.resolution import Incompatible
from ecp_server.resolution.draft import Draft
from ecp_server.resolution.parsing.intent import compares
from ecp_server.resolution.parsing.sides import held_members, members_are_led
from ecp_server.resolution.selecting.slicing import NamedMember


def members_side_by_side(draft: Draft, members: Sequence[NamedMember]) -> frozenset[str]:
    """Return the ids of the members that others of their dimension are held against."""
    if not draft.parsed.comparing:
        return frozenset()
    beside = _beside(draft, members)
    one_dimension = len({dimension for dimension, _ in beside}) == 1
    return frozenset(member for _, member in beside) if one_dimension else frozenset()


def crossed_sides(draft: Draft, members: Sequence[NamedMember]) -> Incompatible | None:
    """Return that two sides differ in several dimensions ("enterprise in japan vs retail in china"), or share none."""
    held = held_members(draft.parsed)
    if not held:
        return _reached_side(draft, members)
    included = [m for m in members if not m.named.excluded]
    if members_are_led(draft.parsed):
        runs = [dimension for dimension, _ in groupby(m.member.dimension for m in included)]
        crossed = len([dimension for dimension in set(runs) if runs.count(dimension) > 1]) > 1
    else:
        main, other = ({m.member.dimension for m in included if (m.named in held) is side} for side in (False, True))
        compared = {dimension for dimension, _ in _beside(draft, members)}
        crossed = len(compared) > 1 or bool(main and other and main.isdisjoint(other))
    return Incompatible("Only members of one dimension can be held against each other") if crossed else None


def _reached_side(draft: Draft, members: Sequence[NamedMember]) -> Incompatible | None:
    """Return that what relations lead to is one of the sides: it is several members, and no side."""
    if draft.reached is None or not draft.parsed.comparing:
        return None
    head = draft.reached.head
    named = [m.named for m in members if m.named is not head and not m.named.excluded]
    places = [(min(head.last, n.last), max(head.first, n.first)) for n in named]
    if not any(compares(draft.parsed, first, last) for first, last in places):
        return None
    return Incompatible(f"What “{head.mention.text}” stands for cannot be held against another member")


def _beside(draft: Draft, members: Sequence[NamedMember]) -> set[tuple[str, str]]:
    """Return the members that others of their dimension are held against, each with its dimension."""
    included = [(m.member.dimension, m.member.id, m.named) for m in members if not m.named.excluded]
    if members_are_led(draft.parsed):
        dimensions = [dimension for dimension, _, _ in included]
        paired = next((dimension for dimension in dimensions if dimensions.count(dimension) > 1), None)
        of_pair = [(dimension, member) for dimension, member, _ in included if dimension == paired]
        return set(of_pair) - set(of_pair[:1])
    held = held_members(draft.parsed)
    main = {(dimension, member) for dimension, member, named in included if named not in held}
    with_others = {dimension for dimension, _ in main}
    beside = {(dimension, member) for dimension, member, named in included if named in held} - main
    return {(dimension, member) for dimension, member in beside if dimension in with_others}
