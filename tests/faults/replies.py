"""What each kind of call comes to while stores are down (design, section 8), whatever took them down."""

from __future__ import annotations

from typing import Any

from ecp.v1 import catalog_pb2, provenance_pb2, resolve_pb2, types_pb2
from ecp_server.domain.provenance import StoreKind
from tests.running import Asker
from tests.serving import Outcome

GRAPH, VECTOR, REGISTRY, POLICY, STATE = (
    StoreKind.GRAPH,
    StoreKind.VECTOR,
    StoreKind.REGISTRY,
    StoreKind.POLICY,
    StoreKind.STATE,
)
STORES = (GRAPH, VECTOR, REGISTRY, POLICY, STATE)
FALLBACKS = {GRAPH: "registry_copy", VECTOR: "keyword_search", REGISTRY: "loaded_catalog"}
QUESTION = "APAC revenue last quarter vs budget"
UNKNOWN = "non-GAAP gross margin"
FINANCE = types_pb2.UserContext(department="finance")
FULL = provenance_pb2.PROVENANCE_VIEW_FULL
DENIED = ("UNAVAILABLE", "ERROR_REASON_POLICY_UNAVAILABLE")
REASONS = {"ERROR_REASON_STORE_UNAVAILABLE", "ERROR_REASON_CIRCUIT_OPEN"}
USED: dict[str, tuple[StoreKind, ...]] = {
    "Resolve": (GRAPH, REGISTRY, POLICY, STATE),
    "Unknown": (VECTOR, REGISTRY, POLICY, STATE),
    "SearchGlossary": (VECTOR, REGISTRY, POLICY),
    "GetLineage": (GRAPH, POLICY),
    "ListMetrics": (POLICY,),
    "GetResolution": (STATE,),
}
"""The stores that each kind of call asks."""


async def ask(server: Asker, kind: str, recorded: str = "", **options: Any) -> Outcome:
    """Make a call of one of the kinds of `USED`; ``recorded`` is what GetResolution asks for."""
    if kind in {"Resolve", "Unknown"}:
        text = QUESTION if kind == "Resolve" else UNKNOWN
        return await server.resolve(text, user_context=FINANCE, provenance_view=FULL, options=options)
    if kind == "SearchGlossary":
        return await server.ask(
            server.catalog.SearchGlossary, catalog_pb2.SearchGlossaryRequest(query="revenue"), **options
        )
    if kind == "GetLineage":
        return await server.ask(
            server.catalog.GetLineage, catalog_pb2.GetLineageRequest(target="net_revenue"), **options
        )
    if kind == "ListMetrics":
        return await server.ask(server.catalog.ListMetrics, catalog_pb2.ListMetricsRequest(), **options)
    request = resolve_pb2.GetResolutionRequest(resolution_id=recorded, provenance_view=FULL)
    return await server.ask(server.resolving.GetResolution, request, **options)


def told(response: Any) -> list[tuple[StoreKind, str]]:
    """Return the notices of a reply."""
    assert all(impaired.reason and impaired.HasField("since") for impaired in response.degradations)
    return [(StoreKind(impaired.store), impaired.fallback) for impaired in response.degradations]


def reason(outcome: Outcome) -> str:
    """Return the reason of a refusal."""
    assert "ErrorInfo" in outcome.details
    return str(outcome.details["ErrorInfo"].reason)


def assert_as_designed(kind: str, down: tuple[StoreKind, ...], outcome: Outcome, how: str = "refused") -> None:
    """One reply, with the stores that were down while it was made."""
    needed = [store for store in down if store in USED[kind]]
    assert "hunter2" not in repr(outcome)
    if kind == "GetLineage" and {GRAPH, POLICY} <= set(needed):
        assert "UNAVAILABLE" == outcome.code  # for whichever was asked first
    elif POLICY in needed:
        assert DENIED == (outcome.code, reason(outcome))
        assert outcome.details["RetryInfo"].retry_delay.ToTimedelta().total_seconds() > 0
    elif STATE in needed and outcome.code == "INTERNAL":
        # A write that the store refuses, or an error that nobody foresaw: a bug of ours, of which nothing is shown.
        assert ("internal error", "ERROR_REASON_INTERNAL") == (outcome.message, reason(outcome))
        assert how in {"wrong schema", "unreadable"}
    elif STATE in needed or (kind == "GetLineage" and GRAPH in needed):
        assert "UNAVAILABLE" == outcome.code
        assert reason(outcome) in REASONS
        assert "RetryInfo" in outcome.details
    elif kind == "Unknown":
        assert "NOT_FOUND" == outcome.code
        assert "gross_margin" in [option.id for option in outcome.details["ConceptNotFoundDetail"].suggestions]
    else:
        assert "OK" == outcome.code
        if kind in {"Resolve", "SearchGlossary"}:
            assert [(store, FALLBACKS[store]) for store in sorted(needed)] == told(outcome.response)
