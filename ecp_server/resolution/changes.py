"""What changes inside a period that is read: definitions, what terms mean and members stand for, targets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from ecp_server.domain.catalog import AssetKind, AssetRef, Severity
from ecp_server.domain.period import TimeRange
from ecp_server.domain.resolution import Warning  # noqa: A004 - the contract's word
from ecp_server.resolution.draft import Draft, Grouping, Slice, SlicedMember, read_by

DEFINITION_CHANGED = "definition_changed"
_LAST_DAY_HOLDS = "What holds on the last day of the period applies."


def changes_inside(draft: Draft) -> list[Warning]:
    """Return a warning for each change, once (catalog.md, Effective dates and definition_changes)."""
    found: dict[tuple[str, str], Warning] = {}
    for part in draft.selection.slices:
        for warning in _of_slice(draft, part):
            found[warning.id, warning.message] = warning
    return list(found.values())


def _of_slice(draft: Draft, part: Slice) -> Iterator[Warning]:
    members = [*part.members]
    for grouping in draft.selection.groupings if part.grouped else ():
        members += _members_of(grouping, draft)
    for sliced in members:
        for day in _days_of_member(sliced, part.period, draft):
            yield _warning(sliced.member.id, f"What {sliced.member.name} stands for changed on {day}", _LAST_DAY_HOLDS)
    for metric in read_by(part):
        for change in metric.definition_changes:
            if _inside(change.on, part.period):
                yield _warning(metric.id, f"The definition of {metric.name} changed on {change.on}: {change.note}")
    for term_id, day in _days_of_terms(part.period, draft) if draft.variations else ():
        name = draft.prepared.catalog.terms[term_id].name
        yield _warning(term_id, f"What {name} means changed on {day}", _LAST_DAY_HOLDS)
    for name, day in _days_of_target(draft, part):
        yield _warning(part.asked.id, f"The target {name} changed on {day}", _LAST_DAY_HOLDS)


def _members_of(grouping: Grouping, draft: Draft) -> Iterator[SlicedMember]:
    """Return the members of the level that is grouped by, those that did not hold to the end included."""
    read = {sliced.member.id: sliced for sliced in grouping.members}
    for member in (draft.prepared.catalog.members[member_id] for member_id in grouping.dimension.members):
        if member.level == (grouping.level or member.level):
            yield read.get(member.id, SlicedMember(member, (), ""))


def _days_of_target(draft: Draft, part: Slice) -> Iterator[tuple[str, date]]:
    """Return the days on which a target that the slice reads begins or ends to hold."""
    for metric in draft.selection.metrics:
        for target in metric.targets:
            if target.metric == part.asked.id and (target.valid_from or target.valid_to):
                for day in _inside_of((target.valid_from, target.valid_to), part.period):
                    yield target.name, day


def _days_of_member(sliced: SlicedMember, period: TimeRange | None, draft: Draft) -> list[date]:
    """Return the days on which the member, or its reading in the context that applies, begins or ends."""
    member = sliced.member
    if not (member.valid_from or member.valid_to or member.variations or draft.variations):
        return []
    asked = draft.variations.get(AssetRef(AssetKind.MEMBER, member.id))
    variations = member.variations if asked is None else asked.members
    bounds = [member.valid_from, member.valid_to]
    bounds += [day for v in variations if v.context == sliced.variation for day in (v.valid_from, v.valid_to)]
    return _inside_of(bounds, period)


def _days_of_terms(period: TimeRange | None, draft: Draft) -> Iterator[tuple[str, date]]:
    """Return the days on which a variation of a named term, in a context that applies, begins or ends."""
    for ref, variations in draft.variations.items():
        bounds = [d for v in variations.terms if v.context in draft.contexts for d in (v.valid_from, v.valid_to)]
        for day in _inside_of(bounds, period):
            yield ref.id, day


def _inside_of(days: Iterable[date | None], period: TimeRange | None) -> list[date]:
    known = [day for day in days if day is not None]
    return sorted({day for day in known if _inside(day, period)}) if known else []


def _inside(day: date, period: TimeRange | None) -> bool:
    """Tell whether the period has days on both sides of the change; all time has."""
    if period is None:
        return True
    return (period.start is None or period.start < day) and (period.end is None or day < period.end)


def _warning(asset_id: str, message: str, impact: str = "") -> Warning:
    return Warning(asset_id, DEFINITION_CHANGED, Severity.MEDIUM, message, impact)
