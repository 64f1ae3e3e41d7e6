"""Works out how far the answer can be relied on: match quality, what contracts promise, what is known to be wrong."""

from __future__ import annotations

from math import prod

from ecp_server.domain.catalog import Contract, Metric, Severity
from ecp_server.domain.frozen import dataclass, replace
from ecp_server.domain.period import Grain
from ecp_server.domain.provenance import Finding, StepStatus
from ecp_server.domain.resolution import Confidence, ConfidenceLevel
from ecp_server.resolution.draft import Draft
from ecp_server.stores.ports import Registry

_HOURS = {Grain.DAY: 24.0, Grain.WEEK: 168.0, Grain.MONTH: 730.0, Grain.QUARTER: 2190.0, Grain.YEAR: 8760.0}
WARNING_FACTOR = {Severity.LOW: 0.99, Severity.MEDIUM: 0.95, Severity.HIGH: 0.85, Severity.CRITICAL: 0.6}
"""What one warning leaves of the confidence."""
UNMATCHED_FACTOR = 0.5
"""How often an answer is right that leaves a content word out. Of 791 rewordings (`scripts/calibrate.py --fit`) 0.17
were, half of which had an unknown place put in; people also write words that say little, so it is not as low."""
_ASSUMED_FACTOR = 0.97
_NO_CONTRACT = 0.97
_CONTRACT_WEIGHT = 0.1
_GRAVE = (Severity.HIGH, Severity.CRITICAL)
_MEDIUM_FROM = 0.6
_HIGH_FROM = 0.85


@dataclass(frozen=True, slots=True)
class Promise:
    """What contracts promise about the tables behind a question, each 0 to 1, the weakest of all."""

    data_quality: float
    freshness: float
    completeness: float

    @property
    def mean(self) -> float:
        """Return the mean of the three."""
        return (self.data_quality + self.freshness + self.completeness) / 3


async def weigh(draft: Draft, registry: Registry) -> tuple[Draft, Finding]:
    """Return the draft with its confidence."""
    if draft.problem is not None:
        return draft, Finding("There is no answer to rely on", status=StepStatus.SKIPPED)
    definition = _definition(draft)
    promise, all_covered = await _promise(draft, registry)
    mean = 1.0 if promise is None else promise.mean
    trust = 1.0 if promise is None else 1 - _CONTRACT_WEIGHT * (1 - mean)
    trust = trust if all_covered else min(trust, _NO_CONTRACT)
    told = prod([WARNING_FACTOR[warning.severity] for warning in draft.warnings]) if draft.warnings else 1
    overall = round(definition * trust * told, 4)
    confidence = Confidence(
        overall=overall,
        level=level_of(overall),
        definition=round(definition, 4),
        data_quality=None if promise is None else round(promise.data_quality, 4),
        freshness=None if promise is None else round(promise.freshness, 4),
        completeness=None if promise is None else round(promise.completeness, 4),
    )
    reasoning = (
        f"Definitions {definition:.2f}, "
        + (f"contracts {mean:.2f}, " if promise is not None else "no contract, ")
        + f"{len(draft.warnings)} warning{'' if len(draft.warnings) == 1 else 's'}"
    )
    return replace(draft, confidence=confidence), Finding(reasoning, {"overall": overall, "definition": definition})


def _definition(draft: Draft) -> float:
    """Return how far the right definitions were chosen: how concepts match, less what is unmatched or assumed."""
    matches = prod([concept.confidence for concept in draft.selection.concepts])
    if draft.selection.ambiguities:
        matches /= max([2, *[len(a.options) for a in draft.selection.ambiguities]])
    unmatched = UNMATCHED_FACTOR ** len(draft.parsed.unmatched)
    assumed = _ASSUMED_FACTOR ** len([a for a in draft.selection.assumptions if a.alternatives])
    return float(matches * unmatched * assumed)


async def _promise(draft: Draft, registry: Registry) -> tuple[Promise | None, bool]:
    """Return the weakest promise of the contracts behind the slices, and whether there is one behind each metric."""
    metrics = {m.metric.id: m.metric for part in draft.selection.slices for m in part.metrics}
    if not metrics:
        return None, False
    contracts = await registry.contracts(draft.prepared.catalog.version, sorted(metrics))
    promises = [_of(contract, metric) for m, metric in metrics.items() for contract in contracts.get(m, ())]
    if not promises:
        return None, False
    uncovered = [metric for metric in metrics if not contracts.get(metric)]
    if len(promises) == 1:
        return promises[0], not uncovered
    weakest = Promise(
        min([p.data_quality for p in promises]),
        min([p.freshness for p in promises]),
        min([p.completeness for p in promises]),
    )
    return weakest, not uncovered


def _of(contract: Contract, metric: Metric) -> Promise:
    """Read one contract for one metric; freshness is relative to the finest grain that the metric has."""
    sla = contract.sla
    hours = _HOURS[metric.time_grain]
    completeness = 1.0 if sla.completeness_pct is None else sla.completeness_pct / 100
    availability = 1.0 if sla.availability_pct is None else sla.availability_pct / 100
    freshness = 1.0 if sla.freshness_hours is None else hours / (hours + sla.freshness_hours)
    return Promise(_strictness(contract) * availability, freshness, completeness)


def _strictness(contract: Contract) -> float:
    """Return how far quality rules guard the tables: rules of high severity do, their absence does not."""
    guarding = [rule for rule in contract.quality_rules if rule.severity in _GRAVE]
    return 1.0 if guarding else 0.95


def level_of(overall: float) -> ConfidenceLevel:
    """Return a confidence in a word."""
    if overall >= _HIGH_FROM:
        return ConfidenceLevel.HIGH
    return ConfidenceLevel.MEDIUM if overall >= _MEDIUM_FROM else ConfidenceLevel.LOW
