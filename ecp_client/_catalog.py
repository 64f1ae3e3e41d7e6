"""What is known, without a figure: terms, metrics, lineage and how the server fares."""

from dataclasses import dataclass, field
from datetime import datetime

from ecp.v1 import catalog_pb2, health_pb2
from ecp_client._enums import BreakerState, HealthStatus, LineageNodeType, Store
from ecp_client._provenance import Degradation


@dataclass(frozen=True, slots=True)
class Variation:
    """A definition that holds in one context."""

    context: str
    """E.g. "sales"."""
    name: str
    definition: str
    metric_id: str
    """Empty where it means none."""


@dataclass(frozen=True, slots=True)
class GlossaryTerm:
    """One entry of the business glossary, as it reads for this user."""

    id: str
    name: str
    definition: str
    domain: str
    synonyms: tuple[str, ...]
    owner: str
    """Whom to ask."""
    metric_id: str
    """The metric that it means for this user; empty where it means none."""
    variations: tuple[Variation, ...]
    """How other contexts define it."""
    score: float
    """0 to 1, where it was searched for."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One governed metric."""

    id: str
    name: str
    definition: str
    domain: str
    certification_tier: int
    """1 (regulatory) to 4 (exploratory)."""
    dimensions: tuple[str, ...]
    """Ids of the dimensions that it can be sliced by."""
    owner: str
    semantic_ref: str
    """Its address in the semantic layer."""
    unit: str


@dataclass(frozen=True, slots=True)
class MetricList:
    """Some of the metrics that the user may see."""

    metrics: tuple[Metric, ...]
    total_size: int
    """How many there are in all."""
    next_page_token: str
    """Empty where that was all."""


@dataclass(frozen=True, slots=True)
class LineageNode:
    """A metric, column, table or system."""

    id: str
    type: LineageNodeType
    name: str
    depth: int
    """Hops from the target."""


@dataclass(frozen=True, slots=True)
class LineageEdge:
    """``to_id`` is made of ``from_id``."""

    from_id: str
    to_id: str
    transformation: str
    """How, for people."""


@dataclass(frozen=True, slots=True)
class Lineage:
    """A part of the lineage graph."""

    target: str
    nodes: tuple[LineageNode, ...]
    """The target included."""
    edges: tuple[LineageEdge, ...]
    truncated: bool
    """More lies beyond the depth or number asked for."""


@dataclass(frozen=True, slots=True)
class GlossaryPage:
    """A page of terms, best first."""

    terms: tuple[GlossaryTerm, ...]
    next_page_token: str
    """Empty at the end."""
    degradations: tuple[Degradation, ...]
    request_id: str
    proto: catalog_pb2.SearchGlossaryResponse = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class MetricPage:
    """A page of metrics, by tier, then id."""

    metrics: tuple[Metric, ...]
    next_page_token: str
    """Empty at the end."""
    total_size: int
    request_id: str
    proto: catalog_pb2.ListMetricsResponse = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class LineageResult:
    """The part of the lineage within reach."""

    lineage: Lineage
    degradations: tuple[Degradation, ...]
    request_id: str
    proto: catalog_pb2.GetLineageResponse = field(repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class StoreHealth:
    """The state of one store."""

    store: Store
    adapter: str
    status: HealthStatus
    breaker: BreakerState
    reason: str
    since: datetime | None
    latency_ms: float
    """Round trip of the last probe."""


@dataclass(frozen=True, slots=True)
class Health:
    """The state of the server and of each of its stores."""

    status: HealthStatus
    """The worst that affects answers."""
    stores: tuple[StoreHealth, ...]
    catalog_version: str
    server_version: str
    request_id: str
    proto: health_pb2.GetHealthResponse = field(repr=False, compare=False)
