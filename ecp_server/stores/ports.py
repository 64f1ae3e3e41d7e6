"""The interfaces to the kinds of stores, and their contracts.

Every method is batch-shaped (many ids in, many out), so that one resolution costs at most one round trip a store and
step. Each takes its deadline from `domain.call.CALL`. ``version`` is a catalog version that `Catalogs` holds or the
store has published. Unless said otherwise, methods raise `StoreUnavailable` where the store does not answer,
`StoreTimeout` where it answers too late and `StoreQueryFailed` where it refuses a query that should have been right;
adapters translate their drivers' errors into these themselves. An unknown id is left out of the answer; an unknown
version is `StoreQueryFailed`. One conformance suite runs against every adapter.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from ecp_server.domain.catalog import Asset, AssetKind, AssetRef, Contract, KnownIssue, MemberVariation, TermVariation
from ecp_server.domain.concepts import Hop
from ecp_server.domain.figures import FigureQuery, Figures
from ecp_server.domain.frozen import dataclass
from ecp_server.domain.identity import Principal
from ecp_server.domain.lineage import Lineage
from ecp_server.domain.policy import Decision, PolicyQuestion
from ecp_server.domain.records import (
    AuditRecord,
    ExecutionRecord,
    FeedbackRecord,
    Precedent,
    Recordable,
    ResolutionRecord,
)

MAX_PATHS = 1000
"""Paths that one question gets: their number may grow exponentially with the depth."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One search result; ``score`` is 0 to 1, comparable within one answer only."""

    ref: AssetRef
    score: float


@dataclass(frozen=True, slots=True)
class Variations:
    """How contexts define one term or member, in the order of the catalog; effective dates are not applied."""

    terms: tuple[TermVariation, ...] = ()
    members: tuple[MemberVariation, ...] = ()


@dataclass(frozen=True, slots=True)
class IssueLink:
    """An issue that may concern a metric, and by which part of its scope.

    ``via`` is "metric" (the metric itself), "derived_from" (one it is computed from), "table" (a source table) or "any"
    (the scope names neither metrics nor tables); ``subject`` is the metric or table that is in scope.
    """

    issue: KnownIssue
    metric: str
    via: str
    subject: str


class Probed(Protocol):
    """What health asks of every store.

    An adapter is guarded (`stores.guard`) unless it has ``in_memory = True``; ``concurrency`` says how many calls it
    can take at a time, where that is its own affair, and ``batched`` which it gathers, and how many of them at a time.
    """

    @property
    def adapter(self) -> str:
        """Return the engine's name, e.g. "embedded", "neo4j"."""

    async def probe(self) -> None:
        """Return if the store answers; raise as any method does if not."""

    async def close(self) -> None:
        """Release what the adapter holds. Calling it twice does nothing more."""


class Graph(Probed, Protocol):
    """How things of the catalog hang together."""

    async def variations(self, version: str, refs: Sequence[AssetRef]) -> Mapping[AssetRef, Variations]:
        """Return the variations of terms and members."""

    async def known_issues(self, version: str, metrics: Sequence[str]) -> Sequence[IssueLink]:
        """Return the active issues that concern the metrics.

        Their scope names one of the metrics, one that it is computed from (transitively), a table that one of these is
        computed from (upstream through the whole lineage), or neither metrics nor tables.
        Ordered by issue id, then metric. Members and period are left to the caller. Of several ways in which one issue
        concerns one metric the first of metric, derived_from, table is returned.
        """

    async def lineage(
        self, version: str, target: str, *, depth: int, downstream: bool, max_nodes: int
    ) -> Lineage | None:
        """Walk from the metric, column, ``table:NAME`` or ``system:NAME``; return None where there is no such node.

        Breadth first, neighbours by id; the target has depth 0. A table owns the columns whose id is its id, a dot and
        a name, and owning a column is no hop. ``computed_from`` of metrics and inputs of derived metrics are edges to
        the metric.
        """

    async def paths(self, version: str, start: str, *, depth: int) -> Sequence[tuple[Hop, ...]]:
        """Return the simple paths from an entity over relations in either direction.

        Shortest first, then by ids and verbs. A hop reads in the direction that it is walked. At most the first
        `MAX_PATHS`.
        """


class Vector(Probed, Protocol):
    """What is near in meaning."""

    async def nearest(
        self, version: str, texts: Sequence[str], *, kinds: frozenset[AssetKind], limit: int
    ) -> Sequence[Sequence[Hit]]:
        """Return for each text the nearest assets of these kinds, best first, ties by ref."""


class Registry(Probed, Protocol):
    """The catalog's documents."""

    async def assets(self, version: str, refs: Sequence[AssetRef]) -> Mapping[AssetRef, Asset]:
        """Return assets by kind and id."""

    async def search(
        self, version: str, texts: Sequence[str], *, kinds: frozenset[AssetKind], limit: int
    ) -> Sequence[Sequence[Hit]]:
        """Return for each text the assets whose words match best, best first, ties by ref: keyword search."""

    async def contracts(self, version: str, metrics: Sequence[str]) -> Mapping[str, Sequence[Contract]]:
        """Return for each metric the contracts of the tables that it, or one it is computed from, is computed from."""


class Semantic(Probed, Protocol):
    """Computes figures."""

    async def run(self, queries: Sequence[FigureQuery], *, principal: Principal | None = None) -> Sequence[Figures]:
        """Run the queries side by side and return the figures of each, in their order.

        A layer with rules of its own is told whom they are for; what ECP's policy demands is in the queries already.

        A measure over no rows is null, a count 0. A caller who goes away interrupts what runs.

        Raises `StoreQueryFailed` where a query names what the model lacks, `TooLarge` where it yields more rows than
        may be returned, and `IncompatibleConcepts` where there is no model.
        """


class Policy(Probed, Protocol):
    """One decision for many data products."""

    async def decide(self, question: PolicyQuestion) -> Mapping[str, Decision]:
        """Evaluate the policy once; a product that is missing in the answer is denied.

        A malformed answer (policy.md) denies the product it concerns, and all of them where none can be told apart.
        Raises `PolicyUnavailable` where no evaluation could be had.
        """


class State(Probed, Protocol):
    """What must not be lost."""

    async def record(self, audit: AuditRecord, *records: Recordable) -> None:
        """Write all of them, or none. When it returns they survive a loss of power.

        What is repeated, told by its id, stays as it was first. A precedent is written with its feedback, and not where
        other feedback (of another time) has that one's id.
        """

    async def resolution(self, resolution_id: str) -> ResolutionRecord | None:
        """Return a recorded resolution, expired or not; None where there is none."""

    async def executions(self, resolution_id: str, *, limit: int, tables: bool) -> Sequence[ExecutionRecord]:
        """Return the newest executions of a resolution, newest first, by id where made at once.

        Their tables are empty unless ``tables``.
        """

    async def feedback(
        self, *, ids: Sequence[str] = (), resolution_ids: Sequence[str] = (), limit: int
    ) -> Sequence[FeedbackRecord]:
        """Return the newest of the feedback with these ids or on these resolutions, in the order of executions."""

    async def precedents(
        self,
        *,
        ids: Sequence[str] | None = None,
        departments: Sequence[str] | None = None,
        reporters: Sequence[str] | None = None,
        revoked: bool = False,
        skip: int = 0,
        limit: int,
    ) -> Sequence[Precedent]:
        """Return the newest precedents, in the order of executions; with those that are revoked where ``revoked``.

        Only those with these ids, of these departments and by these reporters, where such are given; without the
        newest ``skip`` of them.
        """
