"""Attaches what is known to be wrong with exactly these slices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from ecp_server.domain.catalog import Catalog, KnownIssue, Severity
from ecp_server.domain.frozen import dataclass, replace
from ecp_server.domain.period import TimeRange
from ecp_server.domain.provenance import Finding, OutputValue, StepStatus
from ecp_server.domain.resolution import Warning  # noqa: A004 - the contract's word
from ecp_server.resolution.changes import changes_inside
from ecp_server.resolution.draft import Draft, Slice, SlicedMember, read_by
from ecp_server.resolution.selecting.membership import member_values
from ecp_server.resolution.selecting.periods import CALENDAR, PARTIAL_PERIOD, has_not_ended
from ecp_server.stores.ports import Graph, IssueLink

KNOWN_ISSUE = "known_issue"
METRIC = "metric"
DERIVED_FROM = "derived_from"
LOW_CERTIFICATION = "low_certification"
EXPLORATORY_TIER = 4

_MOST_CONSIDERED = 50


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether an issue fires for a slice, and why."""

    issue: KnownIssue
    slice_id: str
    fires: bool
    reason: str


async def know(draft: Draft, graph: Graph) -> tuple[Draft, Finding]:
    """Return the draft with a warning for every issue that fires.

    What was considered and does not fire stands in the output, with the reason.
    """
    slices = draft.selection.slices
    warnings = [*draft.warnings, *draft.selection.warnings, *_partial(draft)]
    if not slices:
        draft = replace(draft, warnings=tuple(warnings)) if warnings else draft
        return draft, Finding("Nothing is to be read, so nothing can be wrong with it", status=StepStatus.SKIPPED)
    catalog = draft.prepared.catalog
    metrics = sorted({metric.id for part in slices for metric in read_by(part)})
    links = await graph.known_issues(catalog.version, metrics)
    own = _own_members(draft) if draft.question.principal.allowed_members else ()
    verdicts: list[Verdict] = []
    for part in slices if links else ():
        verdicts += judge(links, part, draft.contexts, catalog, own)
    fired = {v.issue.id: v.issue for v in verdicts if v.fires}
    if draft.selection.other_readings:
        draft = _with_other_readings(draft, links, frozenset(fired), own)
    warnings += [_warning(issue) for issue in sorted(fired.values(), key=_gravest_first)]
    warnings += changes_inside(draft)
    warnings += _certification(draft)
    draft = replace(draft, warnings=tuple(warnings)) if warnings else draft
    reasoning = f"{len(fired)} of {len({v.issue.id for v in verdicts})} known issues concern this slice"
    return draft, Finding(reasoning, {"considered": _output(verdicts)})


def judge(
    links: Sequence[IssueLink],
    part: Slice,
    contexts: Sequence[str],
    catalog: Catalog,
    own: Sequence[SlicedMember] = (),
) -> list[Verdict]:
    """Judge every issue that concerns a metric of the slice (catalog.md, Known issue).

    ``own`` are the members that the principal is restricted to: of the others it sees nothing, issues included, not
    even that they were considered.
    """
    read = {m.metric.id for m in part.metrics}
    concerned = {
        link.issue.id: link.issue
        for link in links
        if link.metric in read or (link.metric == part.asked.id and _names_what_is_computed(link, catalog))
    }
    verdicts: list[Verdict] = []
    for issue in concerned.values():
        meets = part.period is None or part.period.overlaps(issue.scope.start, issue.scope.end)
        scoped: Mapping[str, frozenset[str]] = {}
        if meets or own:
            scoped = _scoped_values(issue.scope.members or (), contexts, part.period, catalog)
        if not own or _is_seen(scoped, own):
            verdicts.append(_judge_one(issue, part, scoped, own, meets=meets))
    return verdicts


def _is_seen(scoped: Mapping[str, frozenset[str]], own: Sequence[SlicedMember]) -> bool:
    """Tell whether rows that an issue is about can be the user's."""
    return all(_met(values, [m for m in own if m.member.dimension == d]) for d, values in scoped.items())


def _names_what_is_computed(link: IssueLink, catalog: Catalog) -> bool:
    """Tell whether the issue names a metric that is computed, and so read by no query; others are judged where read."""
    subject = catalog.metrics.get(link.subject)
    return link.via in (METRIC, DERIVED_FROM) and subject is not None and bool(subject.inputs)


def _judge_one(
    issue: KnownIssue, part: Slice, scoped: Mapping[str, frozenset[str]], own: Sequence[SlicedMember], *, meets: bool
) -> Verdict:
    if part.period is not None and not meets:
        return Verdict(issue, part.id, fires=False, reason=f"its period does not meet {part.period.label}")
    for dimension, values in scoped.items():
        asked = _met(values, [m for m in part.members if m.member.dimension == dimension])
        if not _met(asked, [m for m in own if m.member.dimension == dimension]):
            return Verdict(issue, part.id, fires=False, reason=f"its members of {dimension} are not asked for")
    return Verdict(issue, part.id, fires=True, reason="its metric, members and period meet the question's")


def _scoped_values(
    members: Sequence[str], contexts: Sequence[str], period: TimeRange | None, catalog: Catalog
) -> Mapping[str, frozenset[str]]:
    """Return the values that the scope's members stand for at the end of the period, by dimension.

    Members of one dimension are alternatives; of two dimensions both are needed. Where contexts disagree and none
    decides, all of their values count.
    """
    by_dimension: dict[str, frozenset[str]] = {}
    for member_id in members:
        member = catalog.members[member_id]
        read = member_values(member, member.variations, tuple(contexts), period)
        values = read.values if isinstance(read, SlicedMember) else [x for v in member.variations for x in v.values]
        by_dimension[member.dimension] = by_dimension.get(member.dimension, frozenset()) | frozenset(values)
    return by_dimension


def _met(values: frozenset[str], asked: Sequence[SlicedMember]) -> frozenset[str]:
    """Return those of the values that members of one dimension let through; without members all of them."""
    wanted = {value for m in asked if not m.excluded for value in m.values}
    left_out = {value for m in asked if m.excluded for value in m.values}
    restricted = any(not m.excluded for m in asked)
    return (values & wanted if restricted else values) - left_out


def _own_members(draft: Draft) -> list[SlicedMember]:
    """Return the members that the principal is restricted to, as its own department reads them."""
    catalog, principal = draft.prepared.catalog, draft.question.principal
    contexts = draft.prepared.contexts.chain(principal.department)
    own: list[SlicedMember] = []
    for dimension_id, ids in principal.allowed_members:
        if dimension_id in catalog.dimensions and catalog.dimensions[dimension_id].row_level:
            for member in (catalog.members[i] for i in ids if i in catalog.members):
                read = member_values(member, member.variations, contexts, draft.selection.period)
                own.append(read if isinstance(read, SlicedMember) else SlicedMember(member, (), ""))
    return own


def _warning(issue: KnownIssue) -> Warning:
    return Warning(issue.id, KNOWN_ISSUE, issue.severity, issue.description, issue.impact, issue.workaround)


_GRAVITY = tuple(Severity)


def _gravest_first(issue: KnownIssue) -> tuple[int, str]:
    return -_GRAVITY.index(issue.severity), issue.id


def _with_other_readings(
    draft: Draft, links: Sequence[IssueLink], fired: frozenset[str], own: Sequence[SlicedMember]
) -> Draft:
    """Say with the assumed calendar which issues the other reading would meet and this one does not."""
    catalog = draft.prepared.catalog
    others = {
        verdict.issue.id: verdict.issue.description
        for days in draft.selection.other_readings
        for part in draft.selection.slices
        if _same_days(part.period, draft.selection.period)
        for verdict in judge(links, replace(part, period=days), draft.contexts, catalog, own)
        if verdict.fires and verdict.issue.id not in fired
    }
    if not others:
        return draft
    told = "; ".join(description.rstrip(".") for _, description in sorted(others.items()))
    assumptions = tuple(
        replace(a, reason=f"{a.reason}. The other reading meets known issues: {told}") if a.id == CALENDAR else a
        for a in draft.selection.assumptions
    )
    return replace(draft, selection=replace(draft.selection, assumptions=assumptions))


def _same_days(one: TimeRange | None, other: TimeRange | None) -> bool:
    return one is not None and other is not None and (one.start, one.end) == (other.start, other.end)


def _certification(draft: Draft) -> list[Warning]:
    """Tell of metrics that nobody has certified."""
    return [
        Warning(
            metric.id,
            LOW_CERTIFICATION,
            Severity.LOW,
            f"{metric.name} is exploratory: nobody has certified it",
            workaround=f"Ask {metric.owner} before relying on it." if metric.owner else "",
        )
        for metric in draft.selection.metrics
        if metric.certification_tier == EXPLORATORY_TIER
    ]


def _partial(draft: Draft) -> list[Warning]:
    """Tell of periods that have not ended: the one asked for, and those that it is compared with."""
    periods = [draft.selection.period, *[part.period for part in draft.selection.slices]]
    running: dict[date, str] = {}
    for period in reversed(periods):
        if period is None or period.end is None or period.end <= draft.today:
            continue
        if has_not_ended(period, draft.today):
            running[period.end] = period.label
    if not running:
        return []
    told = "; ".join(f"{label} has not ended" for label in reversed(running.values()))
    return [Warning(PARTIAL_PERIOD, PARTIAL_PERIOD, Severity.LOW, told, "The figure is of a part of it.")]


def _output(verdicts: Sequence[Verdict]) -> list[OutputValue]:
    return [
        {"issue": v.issue.id, "query": v.slice_id, "fires": v.fires, "reason": v.reason}
        for v in verdicts[:_MOST_CONSIDERED]
    ]
