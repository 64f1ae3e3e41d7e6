"""Members with what follows from their family: parents, children, and values that are the union of the children's."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from graphlib import TopologicalSorter

from ecp_server.catalog.documents import DimensionDocument
from ecp_server.domain.catalog import Context, Member, MemberVariation

_ANY = ""
"""The context of values that hold where no context decides."""


def members_of(dimension: DimensionDocument, contexts: Mapping[str, Context]) -> Iterator[Member]:
    """Yield the members of a dimension, whose family has no cycle, in the order of its document.

    A parent that only one side states holds for both; of several members that name a child none becomes its parent.
    """
    stated = {member.id: member.to_domain(dimension.id) for member in dimension.members}
    children = {member_id: dimension.children[member_id] for member_id in stated}
    parents: dict[str, list[str]] = {}
    for parent, ids in children.items():
        for child in ids:
            parents.setdefault(child, []).append(parent)
    complete: dict[str, Member] = {}
    for member_id in TopologicalSorter(children).static_order():  # children first
        named_by = parents.get(member_id, [])
        member = replace(
            stated[member_id],
            children=children[member_id],
            parent=stated[member_id].parent or (named_by[0] if len(named_by) == 1 else None),
        )
        if member.values is None and not member.variations:
            family = [complete[child] for child in member.children]
            member = replace(member, values=_union(family), variations=tuple(_variations(family, contexts)))
        complete[member_id] = member
    yield from (complete[member_id] for member_id in stated)


def _union(family: Sequence[Member]) -> tuple[str, ...] | None:
    """Return the values of all, or None where they depend on context or day."""
    if any(member.values is None or member.valid_from or member.valid_to for member in family):
        return None
    return _joined(member.values or () for member in family)


def _variations(family: Sequence[Member], contexts: Mapping[str, Context]) -> Iterator[MemberVariation]:
    """Yield the union in each context that the family knows, split where what holds changes from one day to the next.

    Where members come and go, the union without a context changes too: that is a variation whose context is "".
    """
    named = dict.fromkeys(variation.context for member in family for variation in member.variations)
    dated = any(member.valid_from or member.valid_to for member in family)
    for context in (*named, *((_ANY,) if dated and _ANY not in named else ())):
        chain = tuple(_with_ancestors(context, contexts))
        for start, end in _stretches(family):
            parts = [_values_on(member, chain, start) for member in family]
            values = _joined(part for part in parts if part is not None)
            if values and None not in parts:
                yield MemberVariation(context, values, start, end)


def _with_ancestors(context: str, contexts: Mapping[str, Context]) -> Iterator[str]:
    current: str | None = context
    while current is not None:
        yield current
        current = contexts[current].parent if current in contexts else None


def _stretches(family: Sequence[Member]) -> Iterator[tuple[date | None, date | None]]:
    """Yield the stretches of days, without gap, in each of which the same holds for every member."""
    dated: list[Member | MemberVariation] = [
        *family,
        *(variation for member in family for variation in member.variations),
    ]
    days = sorted({day for item in dated for day in (item.valid_from, item.valid_to) if day is not None})
    yield from zip((None, *days), (*days, None), strict=True)


def _values_on(member: Member, chain: Sequence[str], day: date | None) -> tuple[str, ...] | None:
    """Return a member's values on a day (None: before all dates): () where it is not valid, None where nobody says."""
    if not _holds(member, day):
        return ()
    variations = [variation for variation in member.variations if _holds(variation, day)]
    for context in (*chain, _ANY):
        for variation in variations:
            if variation.context == context:
                return variation.values
    if member.values is not None:
        return member.values
    return variations[0].values if len(variations) == 1 else None


def _holds(item: Member | MemberVariation, day: date | None) -> bool:
    if day is None:
        return item.valid_from is None
    return (item.valid_from is None or item.valid_from <= day) and (item.valid_to is None or day < item.valid_to)


def _joined(parts: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(value for part in parts for value in part))
