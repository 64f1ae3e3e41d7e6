"""What a member stands for: its values for this user, at the end of the period."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from ecp_server.domain.catalog import Binding, Dimension, Member, MemberVariation
from ecp_server.domain.concepts import ConceptKind, Option
from ecp_server.domain.period import TimeRange
from ecp_server.resolution.contexts import ANY_CONTEXT
from ecp_server.resolution.draft import SlicedMember


def member_values(
    member: Member, variations: Sequence[MemberVariation], contexts: tuple[str, ...], period: TimeRange | None
) -> SlicedMember | tuple[Option, ...]:
    """Return the values in the nearest context, the own ones, or those that all variations agree on; else the options.

    There are none where no variation holds, so that the member stands for nothing.
    A variation holds if it does on the last day of the period (catalog.md, Dimension and Effective dates).
    """
    if not variations and member.values is not None:
        return SlicedMember(member, member.values, "")
    day = last_day(period)
    holding = [v for v in variations if holds(v.valid_from, v.valid_to, day)]
    for context in (*contexts, ANY_CONTEXT):
        for variation in holding:
            if variation.context == context:
                return SlicedMember(member, variation.values, context)
    if member.values is not None:
        return SlicedMember(member, member.values, "")
    if len({v.values for v in holding}) == 1:
        return SlicedMember(member, holding[0].values, holding[0].context if len(holding) == 1 else "")
    return tuple(
        Option(f"{member.id}@{v.context}", f"{member.name} ({v.context})", ", ".join(v.values), ConceptKind.MEMBER)
        for v in holding
    )


def bound_values(
    sliced: SlicedMember, dimension: Dimension, cube: str, contexts: tuple[str, ...]
) -> tuple[str, ...] | None:
    """Return what the member is called in ``cube``: the binding's values, else its own; None if contexts disagree."""
    binding = _binding(dimension, cube)
    if binding is None or sliced.member.id not in binding.values:
        return sliced.values
    by_context = binding.values[sliced.member.id]
    for context in (*((sliced.variation,) if sliced.variation else ()), *contexts):
        if context in by_context:
            return by_context[context]
    if "" in by_context:
        return by_context[""]
    readings = set(by_context.values())
    return readings.pop() if len(readings) == 1 else None


def readings_in(dimension: Dimension, cube: str) -> Mapping[str, Mapping[str, tuple[str, ...]]]:
    """Return what ``cube`` calls members, by member and context; empty where it calls them what they are."""
    binding = _binding(dimension, cube)
    return binding.values if binding is not None else {}


def last_day(period: TimeRange | None) -> date | None:
    """Return the last day of the period; None where it has no end, which means that what holds last applies."""
    if period is None or period.end is None:
        return None
    return period.end - timedelta(days=1)


def holds(valid_from: date | None, valid_to: date | None, day: date | None) -> bool:
    """Tell whether what holds from one day to another, exclusive, does on ``day``, as `last_day` returns it."""
    if day is None:
        return valid_to is None
    return (valid_from is None or valid_from <= day) and (valid_to is None or day < valid_to)


def _binding(dimension: Dimension, cube: str) -> Binding | None:
    for binding in dimension.bindings:
        if binding.cube == cube:
            return binding
    return None
