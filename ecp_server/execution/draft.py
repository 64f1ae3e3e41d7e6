"""The state that the path carries: an execution in the making, which every step returns anew with what it found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from ecp_server.domain.catalog import Catalog, Metric
from ecp_server.domain.execution import Attestation, Cell, ExecutionRequest, QuerySource, ResultTable, Validation
from ecp_server.domain.frozen import dataclass
from ecp_server.domain.identity import Principal
from ecp_server.domain.plan import ExecutionPlan, ObligationKind, SemanticQuery
from ecp_server.domain.policy import Decision
from ecp_server.domain.provenance import Degradation, Step
from ecp_server.domain.records import ResolutionRecord
from ecp_server.domain.resolution import Confidence, Warning  # noqa: A004 - the contract's word

Key = tuple[Cell, ...]
"""What a row is matched by, in the order of the query's keys; the part of a period as its position."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The recorded answer to a question, as far as running it needs it; `rpc` reads it from the recorded bytes."""

    principal: Principal
    plan: ExecutionPlan | None
    confidence: Confidence | None
    warnings: tuple[Warning, ...] = ()
    definition_context: str = ""
    """Whose definitions the question asked for; "" for the user's own."""


@dataclass(frozen=True, slots=True)
class QueryRows:
    """The figures of one query of the plan, by key."""

    query_id: str
    keys: tuple[str, ...]
    """Dimension ids, after `PERIOD` where the query has parts of a period."""
    rows: Mapping[Key, Mapping[str, Cell]]
    """The values of the measures, by the measure's name."""
    found: frozenset[Key]
    """The keys that the data has anything for; the others complete the parts of the period and the members."""
    outside: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """The measures, by dimension, of which something belongs to none of the members that the query groups by."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Everything found so far. Each step replaces its own part and leaves the rest as it was."""

    request: ExecutionRequest
    record: ResolutionRecord
    answer: Recorded
    plan: ExecutionPlan
    """The recorded one; then as policy, and the request's narrowing, let it run."""
    definitions: Catalog
    """The catalog that the question was resolved by: what its metrics and members are."""
    rights: Catalog
    """The catalog in force: what its metrics are to policy, and what members the user may see."""
    contexts: tuple[str, ...] = ()
    """Whose readings of members the question has, nearest first."""
    own_contexts: tuple[str, ...] = ()
    """Whose readings of members the user's rights have."""
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    results: tuple[QueryRows, ...] = ()
    sources: tuple[QuerySource, ...] = ()
    attestation: Attestation | None = None
    complete: tuple[Mapping[str, Cell], ...] = ()
    """All rows after ordering, before the plan's own limit, their values not rounded."""
    rows: tuple[Mapping[str, Cell], ...] = ()
    """What the table is cut from: the complete rows after the plan's own limit."""
    table: ResultTable | None = None
    validations: tuple[Validation, ...] = ()
    warnings: tuple[Warning, ...] = ()
    """Those of the execution."""
    confidence: Confidence | None = None
    degradations: tuple[Degradation, ...] = ()
    steps: tuple[Step, ...] = ()

    def asked(self, query_id: str) -> Metric | None:
        """Return the metric that a query serves; None where that is not known."""
        reads = next((r for r in self.record.reads if r.query_id == query_id), None)
        return self.definitions.metrics.get(reads.metrics[0]) if reads is not None and reads.metrics else None

    def masked(self, query: SemanticQuery) -> frozenset[str]:
        """Return the addresses whose values policy hides in a query."""
        return frozenset(
            o.ref for o in self.plan.obligations if o.kind is ObligationKind.MASK and o.query_id in ("", query.id)
        )
