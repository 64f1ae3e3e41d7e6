"""What a plan says, in short, for tests to compare."""

from __future__ import annotations

from ecp_server.domain.period import TimeRange
from ecp_server.domain.plan import ExecutionPlan, FilterOperator, SemanticQuery
from ecp_server.domain.provenance import Step
from ecp_server.domain.resolution import Incompatible, NotFound, Resolution


def plan_of(resolution: Resolution) -> ExecutionPlan:
    """The plan, in which every name must be unique: computations and rows go by them (plan.proto)."""
    assert resolution.problem is None, resolution.problem
    assert resolution.plan is not None, resolution.ambiguities
    queries = [query.id for query in resolution.plan.queries]
    names = [measure.name for query in resolution.plan.queries for measure in query.measures]
    names += [computation.name for computation in resolution.plan.computations]
    assert len(set(queries)) == len(queries), queries
    assert len(set(names)) == len(names), names
    return resolution.plan


def query_of(resolution: Resolution, query_id: str = "actual") -> SemanticQuery:
    return {query.id: query for query in plan_of(resolution).queries}[query_id]


def queries(resolution: Resolution) -> list[str]:
    return [query.id for query in plan_of(resolution).queries]


def measures(resolution: Resolution) -> dict[str, str]:
    """Metric ids by the names of the measures."""
    return {m.name: m.metric_id for query in plan_of(resolution).queries for m in query.measures}


def computations(resolution: Resolution) -> dict[str, str]:
    return {c.name: c.expression for c in plan_of(resolution).computations}


def filters(resolution: Resolution, query_id: str = "actual") -> dict[str, list[str]]:
    """Values by dimension, in order; those left out with a minus."""
    found: dict[str, list[str]] = {}
    for condition in query_of(resolution, query_id).filters:
        minus = "-" if condition.operator is FilterOperator.NOT_EQUALS else ""
        found.setdefault(condition.dimension, []).extend(minus + value for value in condition.values)
    return found


def buckets(resolution: Resolution, query_id: str = "actual") -> dict[str, tuple[str, ...]]:
    """The values of each member that the only grouping has."""
    (group,) = query_of(resolution, query_id).group_by
    return {bucket.member_id: bucket.values for bucket in group.buckets}


def days(period: TimeRange | None) -> str:
    """The first day and the day after the last; a dot where it is open."""
    assert period is not None
    return f"{period.start or '.'}/{period.end or '.'}"


def periods(resolution: Resolution) -> dict[str, str]:
    """The days of each query."""
    return {query.id: days(query.time_range) for query in plan_of(resolution).queries}


def concepts(resolution: Resolution) -> list[str]:
    assert resolution.problem is None, resolution.problem
    return [concept.id for concept in resolution.concepts]


def assumptions(resolution: Resolution) -> dict[str, str]:
    """What was taken, by the assumption's id."""
    return {assumption.id: assumption.taken.id for assumption in resolution.assumptions}


def options(resolution: Resolution) -> dict[str, list[str]]:
    """What the caller must choose between, by the ambiguity's id."""
    return {ambiguity.id: [option.id for option in ambiguity.options] for ambiguity in resolution.ambiguities}


def warned(resolution: Resolution) -> list[tuple[str, str]]:
    return [(warning.type, warning.id) for warning in resolution.warnings]


def unmatched(resolution: Resolution) -> list[str]:
    return [mention.text for mention in resolution.unmatched]


def refused(resolution: Resolution) -> Incompatible:
    assert isinstance(resolution.problem, Incompatible), resolution.problem
    return resolution.problem


def not_found(resolution: Resolution) -> NotFound:
    assert isinstance(resolution.problem, NotFound), resolution.problem
    return resolution.problem


def step(resolution: Resolution, step_id: str) -> Step:
    return {each.id: each for each in resolution.provenance.steps}[step_id]
