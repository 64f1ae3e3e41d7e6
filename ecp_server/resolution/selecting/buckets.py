"""What must be told of a grouping by buckets: members that share values, values that are in no bucket."""

from __future__ import annotations

from collections.abc import Iterator

from ecp_server.domain.catalog import Member
from ecp_server.domain.concepts import Assumption, Option
from ecp_server.resolution.draft import Draft, Grouping

_NAMED = 5


def bucket_assumptions(grouping: Grouping, draft: Draft) -> Iterator[Assumption]:
    """Tell of overlapping siblings, and of known values that no bucket holds (catalog.md, Dimension)."""
    told = [*_overlaps(grouping), *_left_out(grouping, draft)]
    if told:
        taken = Option("as_defined", f"{grouping.dimension.name} as its members are defined")
        yield Assumption(f"buckets.{grouping.dimension.id}", taken, "; ".join(told))


def _overlaps(grouping: Grouping) -> Iterator[str]:
    for i, one in enumerate(grouping.members):
        for other in grouping.members[i + 1 :]:
            if shared := sorted(set(one.values) & set(other.values)):
                yield f"{one.member.name} and {other.member.name} both count {_list(shared)}"


def _left_out(grouping: Grouping, draft: Draft) -> Iterator[str]:
    counted = {value for member in grouping.members for value in member.values}
    members = (draft.prepared.catalog.members[member] for member in grouping.dimension.members)
    known = {value for member in members for values in _all_readings(member) for value in values}
    if grouping.members and (missing := sorted(known - counted)):
        yield f"no part counts {_list(missing)}"


def _all_readings(member: Member) -> Iterator[tuple[str, ...]]:
    yield member.values or ()
    yield from (variation.values for variation in member.variations)


def _list(values: list[str]) -> str:
    more = len(values) - _NAMED
    return ", ".join(values[:_NAMED]) + (f" and {more} more" if more > 0 else "")
