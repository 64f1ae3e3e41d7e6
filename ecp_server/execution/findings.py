"""What the figures themselves show that must be told: nothing there, periods that have not ended, data that is old."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from ecp_server.domain.catalog import Contract, Severity
from ecp_server.domain.execution import NullReason
from ecp_server.domain.period import TimeRange
from ecp_server.domain.resolution import Warning  # noqa: A004 - the contract's word
from ecp_server.execution.draft import Draft
from ecp_server.execution.run import STALE_DATA

EMPTY_RESULT = "empty_result"
ALL_NULL = "all_null"
PARTIAL_PERIOD = "partial_period"
OUTSIDE_MEMBERS = "outside_members"


def findings(draft: Draft, contracts: Sequence[Contract], measures: Sequence[str]) -> Iterator[Warning]:
    """Yield the warnings that the rows give cause to; ``measures`` are those that are not hidden."""
    yield from _nothing_there(draft, measures)
    yield from _outside(draft)
    yield from _partial(draft)
    yield from _stale(draft, contracts)


def _nothing_there(draft: Draft, measures: Sequence[str]) -> Iterator[Warning]:
    empty = [name for name in measures if not any(isinstance(row[name], Decimal) for row in draft.rows)]
    if measures and len(empty) == len(measures):
        yield Warning(
            EMPTY_RESULT,
            EMPTY_RESULT,
            Severity.HIGH,
            "The semantic layer has nothing for this question",
            "There is no figure; that is not the same as zero.",
        )
        return
    for name in empty:
        lacking = any(row[name] is NullReason.NO_PARTNER for row in draft.rows)
        yield Warning(
            name,
            ALL_NULL,
            Severity.MEDIUM,
            f"“{name}” has no value in any row",
            "Nothing is there to match the other rows." if lacking else "What is computed from it has no value either.",
        )


def _outside(draft: Draft) -> Iterator[Warning]:
    """Tell of what belongs to none of the members that rows are of, once a metric and dimension; never of values."""
    metrics = {measure.name: measure.metric_id for query in draft.plan.queries for measure in query.measures}
    found = {
        (metrics[name], dimension): None
        for result in draft.results
        for dimension, names in result.outside.items()
        for name in sorted(names)
    }
    for metric_id, dimension_id in found:
        metric, dimension = draft.definitions.metrics[metric_id], draft.definitions.dimensions[dimension_id]
        yield Warning(
            metric_id,
            OUTSIDE_MEMBERS,
            Severity.MEDIUM,
            f"Some of “{metric.name}” belongs to no {dimension.name} that the catalog knows",
            "It is in none of the rows, which do not make up the whole.",
        )


def _partial(draft: Draft) -> Iterator[Warning]:
    """Tell of what has not ended, once however many queries are about it."""
    told = [warning.message for warning in draft.answer.warnings if warning.type == PARTIAL_PERIOD]
    for label in dict.fromkeys(label for query in draft.plan.queries for label in _open(query.time_range, draft)):
        if any(message.startswith(label) for message in told):
            continue  # the resolution said so
        yield Warning(
            PARTIAL_PERIOD,
            PARTIAL_PERIOD,
            Severity.LOW,
            f"{label} is not complete",
            "Its figure is not that of the whole and may still change.",
        )


def _open(period: TimeRange | None, draft: Draft) -> Iterator[str]:
    if period is None:
        return
    yield from (bucket.label for bucket in period.buckets if bucket.partial)
    today = draft.record.as_of.astimezone(ZoneInfo(period.time_zone)).date()
    if not period.buckets and period.end is not None and period.start is not None and period.end > today:
        yield period.label


def _stale(draft: Draft, contracts: Sequence[Contract]) -> Iterator[Warning]:
    """Tell of data that is older than its contract promises, where the source says how old it is."""
    times = [source.refresh_time for source in draft.sources if source.refresh_time is not None]
    if not times:
        return
    age = datetime.now(UTC) - min(times)
    for contract in contracts:
        promised = contract.sla.freshness_hours
        if promised is not None and age > timedelta(hours=promised):
            yield Warning(
                contract.id,
                STALE_DATA,
                Severity.HIGH,
                f"The data is {age.total_seconds() / 3600:.0f} hours old; {contract.id} promises {promised:g}",
                "What has happened since is not in the figure.",
            )
