"""An answer for people: what was understood, what to run, what to beware of, how sure it is."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from ecp_client import (
    Ambiguity,
    Assumption,
    Choice,
    Confidence,
    DataWarning,
    Degradation,
    Execution,
    ExecutionPlan,
    Feedback,
    Filter,
    FilterOperator,
    Hop,
    Mention,
    Resolution,
    ResolutionRecord,
    ResolvedConcept,
    SemanticQuery,
    Severity,
    Step,
    TimeRange,
)
from ecp_client.cli.safe import plain, safe
from ecp_client.cli.show_catalog import definition, lineage, metrics

SHOWN_VALUES = 12
"""Values of a filter that are listed."""

_STYLES = {Severity.LOW: "yellow", Severity.MEDIUM: "yellow", Severity.HIGH: "bold red", Severity.CRITICAL: "bold red"}
_OPERATORS = {
    FilterOperator.EQUALS: "is",
    FilterOperator.NOT_EQUALS: "is not",
    FilterOperator.SET: "is set",
    FilterOperator.NOT_SET: "is not set",
}


def resolution(answer: Resolution, *, steps: bool = False) -> RenderableType:
    """Return the whole answer; with ``steps`` also how it was found."""
    parts: list[RenderableType] = [plain(answer.interpretation, "bold")]
    parts += section("Understood", _concepts(answer.concepts))
    if answer.definition is not None:
        parts += section("Definition", definition(answer.definition))
    if answer.lineage is not None:
        parts += section("Lineage", lineage(answer.lineage))
    if answer.metrics is not None:
        listed, total = answer.metrics.metrics, answer.metrics.total_size
        more = f"{len(listed)} of {total}; `ecp metrics` lists them all." if total > len(listed) else ""
        parts += section("Metrics", metrics(listed, more))
    if answer.plan is not None:
        parts += section("To run", _plan(answer.plan))
    parts += section("Beware", *beware(answer.warnings, answer.unmatched, answer.degradations))
    parts += section("Taken for granted", *map(assumption, answer.assumptions))
    parts += section("To choose", *map(_choice, answer.ambiguities))
    if steps:
        parts += section("How it was found", steps_of(answer.provenance.steps))
    parts += ["", _foot(answer)]
    return Group(*parts)


def record(found: ResolutionRecord) -> RenderableType:
    """Return a recorded resolution: the question, who asked and when, the answer, its figures, what was said of it."""
    asked = found.request
    who = ", ".join(part for part in (asked.user_context.user_id, asked.user_context.department) if part) or "nobody"
    head = (plain(asked.concept, "italic"), plain(f"asked by {who} on {_when(found.create_time)}", "dim"))
    runs = section("Executions", *(_execution(run) for run in found.executions))
    said = section("Feedback", *map(judgement, found.feedback))
    return Group(*head, "", resolution(found.response, steps=True), *runs, *said)


def judgement(feedback: Feedback) -> RenderableType:
    """Return what somebody said of an answer, what is right in lines of its own."""
    by = f" by {safe(feedback.user_id)}" if feedback.user_id else ""
    head = Text.assemble((feedback.verdict.name.lower(), "green"), (f"{by} on {_when(feedback.create_time)}", "dim"))
    right = [plain(f"  {_about(one)} is {one.option_id}") for one in feedback.corrections]
    comment = [plain(f"  {feedback.comment}", "italic")] if feedback.comment else []
    return Group(head, *right, *comment)


def _about(correction: Choice) -> str:
    return f"“{correction.mention}”" if correction.mention else correction.subject_id


def _execution(run: Execution) -> RenderableType:
    digest = f"table {run.table_digest[:16]}"
    narrowed = ", ".join(member for members in run.request.filters.values() for member in members)
    told = [_when(run.response.create_time), digest, *([f"only {narrowed}"] if narrowed else [])]
    return Text.assemble((safe(run.response.execution_id), "green"), "  ", (safe(" · ".join(told)), "dim"))


def _when(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")


def to_choose(question: Ambiguity) -> RenderableType:
    """Return what must be chosen between, numbered from 1."""
    return _options(question, [f"{number}." for number in range(1, len(question.options) + 1)])


def _choice(question: Ambiguity) -> RenderableType:
    """Return what must be chosen between, with the option that does."""
    return _options(question, [f"--choose {question.id}={option.id}" for option in question.options])


def _options(question: Ambiguity, keys: Sequence[str]) -> RenderableType:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 2))
    for key, option in zip(keys, question.options, strict=True):
        table.add_row(plain(key, "bold"), plain(option.name), plain(option.definition, "dim"))
    return Group(plain(question.message), table)


def section(title: str, *parts: RenderableType) -> list[RenderableType]:
    """Return parts under a title; nothing where there are none."""
    shown = [Padding(part, (0, 0, 0, 2), expand=False) for part in parts if part != ""]
    return ["", Text(title, style="cyan"), *shown] if shown else []


def _concepts(concepts: Sequence[ResolvedConcept]) -> RenderableType:
    if not concepts:
        return ""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for (_, text), group in groupby(concepts, key=lambda concept: (concept.mention.start, concept.mention.text)):
        for position, concept in enumerate(group):
            meaning = plain(f"not {concept.name}" if concept.excluded else concept.name)
            table.add_row(plain("" if position else text, "green"), meaning, plain(_remark(concept), "dim"))
    return table


def _remark(concept: ResolvedConcept) -> str:
    if concept.time_range is not None:
        return f"{days(concept.time_range)}, {concept.time_range.calendar} calendar"
    if concept.path:
        return " → ".join([concept.path[0].from_id, *map(_step, concept.path)])
    return concept.reason


def _step(hop: Hop) -> str:
    return f"{hop.relation} {hop.to_id}"


def days(period: TimeRange) -> str:
    """Return first and last day."""
    if period.start_date is None and period.end_date is None:
        return "all time"
    last = period.end_date - timedelta(days=1) if period.end_date is not None else None
    if period.start_date is None:
        return f"until {last}"
    return f"since {period.start_date}" if last is None else f"{period.start_date} to {last}"


def _plan(plan: ExecutionPlan) -> RenderableType:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for query in plan.queries:
        table.add_row(plain(query.id, "green"), Text("\n").join(plain(line) for line in _query(query)))
    for computation in plan.computations:
        unit = f" [{computation.unit}]" if computation.unit else ""
        table.add_row(plain(computation.name, "green"), plain(f"= {computation.expression}{unit}"))
    for order in plan.alignment.order_by:
        direction = "largest first" if order.descending else "smallest first"
        limit = f", {plan.alignment.limit} rows" if plan.alignment.limit else ""
        table.add_row(plain("order", "green"), plain(f"by {order.column}, {direction}{limit}"))
    for obligation in plan.obligations:
        what = f"{obligation.kind} {obligation.ref} {_some(obligation.values)}".rstrip()
        table.add_row(plain("policy", "yellow"), plain(f"{what} ({obligation.policy})"))
    return table


def _query(query: SemanticQuery) -> Iterator[str]:
    yield ", ".join(measure.ref for measure in query.measures)
    for one in query.filters:
        yield f"where {_filter(one)}"
    for grouping in query.group_by:
        by = f"{grouping.dimension} ({grouping.level})" if grouping.level else grouping.dimension
        yield f"by {by}: {_some([bucket.name for bucket in grouping.buckets])}" if grouping.buckets else f"by {by}"
    if query.time_range is not None:
        parts = f", by {query.time_range.grain}" if query.time_range.grain else ""
        yield f"{query.time_ref} {days(query.time_range)}{parts}"


def _filter(one: Filter) -> str:
    operator = _OPERATORS.get(one.operator, one.operator.value)
    return f"{one.ref} {operator} {_some(one.values)}".rstrip()


def _some(values: Sequence[str]) -> str:
    more = len(values) - SHOWN_VALUES
    return ", ".join(values[:SHOWN_VALUES]) + (f" and {more} more" if more > 0 else "")


def beware(
    warnings: Sequence[DataWarning], unmatched: Sequence[Mention], degradations: Sequence[Degradation]
) -> Iterator[RenderableType]:
    """Yield what is known to be wrong, what was not understood, and what was impaired."""
    for warning in warnings:
        text = sentences(warning.message, warning.impact, warning.workaround)
        grade = warning.severity.name.lower() if warning.severity else "note"
        yield Text.assemble((f"{grade}: ", _STYLES.get(warning.severity, "yellow")), safe(text))
    for mention in unmatched:
        yield Text.assemble(("unknown: ", "yellow"), safe(f"nothing matched “{mention.text}”"))
    for one in degradations:
        yield Text.assemble(("impaired: ", "yellow"), safe(f"{one.store}: {one.reason}; {one.fallback} stood in"))


def sentences(*parts: str) -> str:
    """Return what was said as sentences one after the other, whether or not each has its full stop."""
    return " ".join(part if part[-1] in ".!?…" else f"{part}." for part in parts if part)


def assumption(one: Assumption) -> RenderableType:
    """Return what was taken for granted, with what it could have been."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 2))
    for option in one.alternatives:
        told = " ".join(dict.fromkeys(part for part in (option.name, option.definition) if part))
        table.add_row(plain(f"--choose {one.id}={option.id}", "dim"), plain(told, "dim"))
    reason = plain(sentences(one.reason))
    return Group(reason, table) if one.alternatives else reason


def steps_of(steps: Sequence[Step]) -> RenderableType:
    """Return how an answer was found, a line a step."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    for step in steps:
        table.add_row(plain(step.id, "green"), plain(f"{step.duration_ms:.1f} ms", "dim"), plain(step.reasoning))
    return table


def _foot(answer: Resolution) -> RenderableType:
    return plain(f"{confidence_of(answer.confidence)} · {answer.resolution_id}", "dim")


def confidence_of(confidence: Confidence) -> str:
    """Return how far an answer can be relied on."""
    level = confidence.level.name.lower()
    return f"confidence {confidence.overall:.2f} ({level})"
