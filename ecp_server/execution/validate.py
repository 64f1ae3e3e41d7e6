"""Checks the figures against the catalog's rules and the data's contracts, and withholds what breaks a critical one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from math import prod

from ecp_server.domain.catalog import Contract, Rule, Severity
from ecp_server.domain.errors import BrokenRule, BusinessRuleViolation, DataQuality
from ecp_server.domain.execution import PERIOD, Cell, Validation, text_of
from ecp_server.domain.expressions import Expression, ExpressionError, Name, parse_computation, parse_condition, walk
from ecp_server.domain.frozen import dataclass, replace
from ecp_server.domain.provenance import Finding, StepStatus
from ecp_server.domain.resolution import Confidence
from ecp_server.execution.draft import Draft
from ecp_server.execution.findings import findings
from ecp_server.execution.offload import worked_out
from ecp_server.execution.rules import Seen, holds
from ecp_server.resolution.weigh import WARNING_FACTOR, level_of
from ecp_server.stores.ports import Registry

VARIANCES = ("variance", "variance_pct")
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Subject:
    """A column that a rule can be about: the metric that it is of, and the kind of arithmetic that made it."""

    column: str
    metric_id: str
    on: str
    """value, variance or variance_pct."""


async def validate(draft: Draft, registry: Registry) -> tuple[Draft, Finding]:
    """Return the draft with its validations and warnings, and with its confidence lowered by what was found.

    Raises `BusinessRuleViolation` where a critical rule of the catalog does not hold, `DataQuality` where a critical
    rule of a contract does not.
    """
    subjects = subjects_of(draft)
    read = sorted({subject.metric_id for subject in subjects} | {m for r in draft.record.reads for m in r.metrics})
    contracts = await registry.contracts(draft.definitions.version, read)
    unique = {contract.id: contract for of_metric in contracts.values() for contract in of_metric}
    return await worked_out(lambda: _validated(draft, subjects, unique), rows=len(draft.complete))


def _validated(draft: Draft, subjects: Sequence[Subject], unique: Mapping[str, Contract]) -> tuple[Draft, Finding]:
    own = [_of_rule(rule, subjects, draft) for rule in draft.definitions.rules.values()]
    promised = [_of_promise(*promise, subjects, draft) for promise in _promises(unique.values())]
    business, quality = ([v for v in found if v is not None] for found in (own, promised))
    _withhold(BusinessRuleViolation, business)
    _withhold(DataQuality, quality)
    validations = (*business, *quality)
    warnings = (*draft.warnings, *findings(draft, tuple(unique.values()), subjects_of_measures(draft)))
    failed = [validation for validation in validations if not validation.passed]
    severities = [warning.severity for warning in warnings] + [validation.severity for validation in failed]
    confidence = _lowered(draft.confidence, severities)
    finding = Finding(
        f"{len(validations)} rules checked, {len(failed)} broken; {len(warnings)} warnings",
        {"rules": {validation.rule_id: validation.passed for validation in validations}},
        StepStatus.COMPLETE if validations or warnings else StepStatus.SKIPPED,
    )
    return replace(draft, validations=validations, warnings=warnings, confidence=confidence), finding


def subjects_of_measures(draft: Draft) -> tuple[str, ...]:
    """Return the names of the measures that policy does not hide."""
    return tuple(m.name for query in draft.plan.queries for m in query.measures if m.ref not in draft.masked(query))


def subjects_of(draft: Draft) -> tuple[Subject, ...]:
    """Return the columns that rules can be about.

    A computation that holds a metric against another is about the first metric of its expression.
    """
    metrics = {measure.name: measure.metric_id for query in draft.plan.queries for measure in query.measures}
    subjects = [Subject(name, metric, "value") for name, metric in metrics.items()]
    table = {column.name for column in draft.table.columns} if draft.table is not None else set()
    for computation in draft.plan.computations:
        if computation.name not in table:
            continue
        asked = draft.asked(computation.name)
        if asked is not None:
            subjects.append(Subject(computation.name, asked.id, "value"))
            continue
        names = [part.name for part in walk(parse_computation(computation.expression)) if isinstance(part, Name)]
        first = draft.asked(names[0].partition(".")[0]) if names else None
        metric = first.id if first is not None else metrics[names[0]] if names else ""
        on = next((v for v in reversed(VARIANCES) if computation.name == v or computation.name.startswith(f"{v}_")), "")
        subjects.append(Subject(computation.name, metric, on))
    return tuple(subjects)


def _of_rule(rule: Rule, subjects: Sequence[Subject], draft: Draft) -> Validation | None:
    """Return what a rule finds; None where it is not about these figures, or nothing that it asks for is known."""
    about = [subject for subject in subjects if not rule.metrics or subject.metric_id in rule.metrics]
    if not about:
        return None
    broken, checked = _broken(parse_condition(rule.expression), rule.on, about, draft)
    missing = _missing(rule.expect_members, draft)
    if missing:
        broken.append(f"nothing for {', '.join(missing[:_SHOWN])}")
    if not checked and not missing:
        return None
    return Validation(rule.id, not broken, rule.severity, _message(broken, rule.description or rule.expression))


def _promises(contracts: Iterable[Contract]) -> Iterator[tuple[str, Expression, Severity, str]]:
    """Yield the rules of contracts that are conditions; the others are for people."""
    for contract in contracts:
        for promised in contract.quality_rules:
            try:
                condition = parse_condition(promised.rule)
            except ExpressionError:
                continue
            yield contract.id, condition, promised.severity, promised.rule


def _of_promise(
    contract: str, condition: Expression, severity: Severity, text: str, subjects: Sequence[Subject], draft: Draft
) -> Validation | None:
    names = {part.name for part in walk(condition) if isinstance(part, Name)}
    on = "value" if "value" in names else "rows"
    broken, checked = _broken(condition, on, subjects, draft)
    return Validation(contract, not broken, severity, _message(broken, text)) if checked else None


def _broken(condition: Expression, on: str, subjects: Sequence[Subject], draft: Draft) -> tuple[list[str], int]:
    """Return what was seen where a condition does not hold, and how often it could be checked."""
    rows, age = _rows_with_figures(draft), _age_hours(draft)
    if on in ("rows", "freshness"):
        verdict = holds(condition, Seen(rows=rows, age_hours=age))
        told = f"{rows} rows" if on == "rows" else f"the data is {age} hours old"
        return ([told] if verdict is False else []), int(verdict is not None)
    broken: list[str] = []
    checked = 0
    for subject in (subject for subject in subjects if subject.on == on):
        for row in draft.rows:
            value = row[subject.column]
            if not isinstance(value, Decimal):
                continue
            dimensions = {name: cell if isinstance(cell, Decimal) else None for name, cell in row.items()}
            verdict = holds(condition, Seen(value, rows, age, dimensions))
            checked += verdict is not None
            if verdict is False:
                broken.append(f"{subject.column} is {text_of(value)}{_where(row, draft)}")
    return broken, checked


def _where(row: Mapping[str, Cell], draft: Draft) -> str:
    """Say which row it is."""
    cells = [(key, row[key]) for key in draft.plan.alignment.keys if key in row]
    told = [
        f"part {int(cell) + 1}" if key == PERIOD and isinstance(cell, Decimal) else text_of(cell) for key, cell in cells
    ]
    return f" for {', '.join(told)}" if told else ""


def _rows_with_figures(draft: Draft) -> Decimal:
    """Return the number of rows that have any figure; a question for the highest few leaves none out here."""
    names = subjects_of_measures(draft)
    return Decimal(sum(1 for row in draft.complete if any(isinstance(row[name], Decimal) for name in names)))


def _age_hours(draft: Draft) -> Decimal | None:
    """Return how old the oldest of the data is; None where a source does not say."""
    times = [source.refresh_time for source in draft.sources]
    known = [moment for moment in times if moment is not None]
    if not known or len(known) < len(times):
        return None
    return Decimal(int((datetime.now(UTC) - min(known)).total_seconds())) / 3600


def _missing(expected: Sequence[str], draft: Draft) -> list[str]:
    """Return the expected members that have no row with a figure, of those that the plan groups by."""
    names = subjects_of_measures(draft)
    missing: list[str] = []
    for member_id in expected:
        dimension = draft.definitions.members[member_id].dimension
        if dimension not in draft.plan.alignment.keys or not _of_level(member_id, dimension, draft):
            continue
        rows = [row for row in draft.complete if row.get(dimension) == member_id]
        if not any(isinstance(row[name], Decimal) for row in rows for name in names):
            missing.append(member_id)
    return missing


def _of_level(member_id: str, dimension: str, draft: Draft) -> bool:
    """Tell whether a grouping is by the member's level, and not cut to other members."""
    level = draft.definitions.members[member_id].level or ""
    for query in draft.plan.queries:
        for group in query.group_by:
            if group.dimension == dimension and group.level == level:
                return not any(condition.dimension == dimension for condition in query.filters)
    return False


def _message(broken: Sequence[str], demanded: str) -> str:
    if not broken:
        return f"{demanded.rstrip('.')}: holds"
    more = f" and {len(broken) - _SHOWN} more" if len(broken) > _SHOWN else ""
    return f"{demanded.rstrip('.')}: {'; '.join(broken[:_SHOWN])}{more}"


def _withhold(error: type[BusinessRuleViolation | DataQuality], validations: Sequence[Validation]) -> None:
    critical = [v for v in validations if not v.passed and v.severity is Severity.CRITICAL]
    if critical:
        broken = tuple(BrokenRule(v.rule_id, v.message) for v in critical)
        raise error("the figure is withheld: a critical rule does not hold", broken)


def _lowered(confidence: Confidence | None, severities: Sequence[Severity]) -> Confidence | None:
    if confidence is None or not severities:
        return confidence
    overall = round(confidence.overall * prod(WARNING_FACTOR[severity] for severity in severities), 4)
    return replace(confidence, overall=overall, level=level_of(overall))
