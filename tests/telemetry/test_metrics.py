"""What Prometheus sees: exactly these families, these labels, in a form that a strict parser takes."""

import socket
import time
import urllib.request
from typing import Any

import pytest
from prometheus_client.openmetrics.exposition import generate_latest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from ecp_server.domain.health import BreakerState
from ecp_server.telemetry import metrics
from ecp_server.telemetry.metrics import OTHER, Instruments, MetricsServer
from tests.logs import logged

METHOD = "/ecp.v1.ResolveService/Resolve"


@pytest.fixture
def instruments() -> Instruments:
    """Instruments, each used at least once."""
    used = Instruments(version="1.2.3")
    used.request_started(METHOD)
    used.request_started(METHOD)
    used.request_finished(METHOD, "OK", 0.004)
    used.request_started(OTHER)
    used.request_finished(OTHER, "UNIMPLEMENTED", 0.0001)
    used.resolve("RESOLVED", "COMPARISON", 0.003, 0.85)
    used.resolve("NOT_FOUND", "METRIC", 0.002, None)
    used.execute("EXECUTED", 0.1)
    used.execute("POLICY_DENIED", 0.1)
    used.validation("low", True)
    used.validation("high", False)
    used.store_call("graph", "embedded", "known_issues", "ok", 0.0002)
    used.store_call("graph", "embedded", "known_issues", "STORE_TIMEOUT", 2.0)
    used.store_call("graph", "embedded", "known_issues", "cancelled", 0.1)
    used.store_call("policy", "embedded", "decide", "cached", 0.0)
    used.store_retry("graph")
    used.breaker("graph", BreakerState.CLOSED)
    used.breaker("registry", BreakerState.OPEN)
    used.policy_decision("resolve", allowed=True)
    used.policy_decision("discover", allowed=False)
    used.degraded("vector", on=True)
    used.degraded_reply("vector")
    used.degraded("graph", on=True)
    used.degraded("graph", on=False)
    used.catalog("v1", time.time() - 60)
    used.catalog("v2", time.time() - 30)
    return used


def _families(instruments: Instruments) -> dict[str, Any]:
    text = generate_latest(instruments.registry).decode()  # type: ignore[no-untyped-call]
    families = list(text_string_to_metric_families(text))  # type: ignore[no-untyped-call]
    assert len({family.name for family in families}) == len(families)
    return {family.name: family for family in families}


def _values(family: Any, name: str = "") -> dict[tuple[str, ...], float]:
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for sample in family.samples
        if sample.name == (name or family.name)
    }


def test_families_have_the_names_that_dashboards_use(instruments: Instruments) -> None:
    assert {
        "target": "info",
        "rpc_server_call_duration_seconds": "histogram",
        "rpc_server_active_requests": "gauge",
        "ecp_resolve_requests": "counter",
        "ecp_resolve_duration_seconds": "histogram",
        "ecp_resolve_confidence": "histogram",
        "ecp_execute_requests": "counter",
        "ecp_execute_duration_seconds": "histogram",
        "ecp_execute_validations": "counter",
        "ecp_feedback_reports": "counter",
        "ecp_precedents_recorded": "counter",
        "ecp_precedents_applied": "counter",
        "ecp_store_query_duration_seconds": "histogram",
        "ecp_store_query_errors": "counter",
        "ecp_store_calls": "counter",
        "ecp_store_retries": "counter",
        "ecp_breaker_state": "gauge",
        "ecp_policy_decisions": "counter",
        "ecp_degraded_components": "gauge",
        "ecp_degraded_replies": "counter",
        "ecp_catalog_info": "gauge",
        "ecp_catalog_age_seconds": "gauge",
    } == {name: family.type for name, family in _families(instruments).items()}


def test_an_instrument_always_has_the_same_labels(instruments: Instruments) -> None:
    labels = {
        name: {frozenset(sample.labels) - {"le"} for sample in family.samples}
        for name, family in _families(instruments).items()
    }
    assert {
        "target": {frozenset({"service_name", "service_version"})},
        "rpc_server_call_duration_seconds": {frozenset({"rpc_method", "rpc_response_status_code"})},
        "rpc_server_active_requests": {frozenset({"rpc_method"})},
        "ecp_resolve_requests": {frozenset({"status", "intent"})},
        "ecp_resolve_duration_seconds": {frozenset()},
        "ecp_resolve_confidence": {frozenset()},
        "ecp_execute_requests": {frozenset({"status"})},
        "ecp_execute_duration_seconds": {frozenset()},
        "ecp_execute_validations": {frozenset({"severity", "outcome"})},
        "ecp_feedback_reports": {frozenset({"status"})},
        "ecp_precedents_recorded": {frozenset()},
        "ecp_precedents_applied": {frozenset()},
        "ecp_store_query_duration_seconds": {frozenset({"store", "adapter", "operation"})},
        "ecp_store_query_errors": {frozenset({"store", "operation"})},
        "ecp_store_calls": {frozenset({"store", "outcome"})},
        "ecp_store_retries": {frozenset({"store"})},
        "ecp_breaker_state": {frozenset({"store"})},
        "ecp_policy_decisions": {frozenset({"action", "decision"})},
        "ecp_degraded_replies": {frozenset({"store"})},
        "ecp_degraded_components": {frozenset({"component"})},
        "ecp_catalog_info": {frozenset({"version"})},
        "ecp_catalog_age_seconds": {frozenset()},
    } == labels


def test_requests_are_counted_by_method_and_code(instruments: Instruments) -> None:
    families = _families(instruments)
    duration = families["rpc_server_call_duration_seconds"]
    assert {(METHOD, "OK"): 1, ("other", "UNIMPLEMENTED"): 1} == _values(duration, f"{duration.name}_count")
    assert {(METHOD,): 1, ("other",): 0} == _values(families["rpc_server_active_requests"])


def test_resolutions_are_counted_by_status_and_intent(instruments: Instruments) -> None:
    families = _families(instruments)
    requests = families["ecp_resolve_requests"]
    assert {("COMPARISON", "RESOLVED"): 1, ("METRIC", "NOT_FOUND"): 1} == _values(requests, f"{requests.name}_total")
    assert {(): 2} == _values(families["ecp_resolve_duration_seconds"], "ecp_resolve_duration_seconds_count")
    assert {(): 1} == _values(families["ecp_resolve_confidence"], "ecp_resolve_confidence_count")


def test_executions_are_counted_by_status_and_rules_by_outcome(instruments: Instruments) -> None:
    families = _families(instruments)
    assert {("EXECUTED",): 1, ("POLICY_DENIED",): 1} == _values(
        families["ecp_execute_requests"], "ecp_execute_requests_total"
    )
    assert {(): 2} == _values(families["ecp_execute_duration_seconds"], "ecp_execute_duration_seconds_count")
    assert {("held", "low"): 1, ("broken", "high"): 1, ("broken", "critical"): 0} == _values(
        families["ecp_execute_validations"], "ecp_execute_validations_total"
    )


def test_cached_answers_are_not_timed_and_only_the_stores_failures_are_errors(instruments: Instruments) -> None:
    families = _families(instruments)
    duration = families["ecp_store_query_duration_seconds"]
    assert {("embedded", "known_issues", "graph"): 3} == _values(duration, f"{duration.name}_count")
    errors = families["ecp_store_query_errors"]
    assert {("known_issues", "graph"): 1, ("decide", "policy"): 0} == _values(errors, f"{errors.name}_total")


def test_guards_show_how_calls_end_what_is_repeated_and_which_breakers_are_open(instruments: Instruments) -> None:
    families = _families(instruments)
    assert {("ok", "graph"): 1, ("STORE_TIMEOUT", "graph"): 1, ("cancelled", "graph"): 1, ("cached", "policy"): 1} == (
        _values(families["ecp_store_calls"], "ecp_store_calls_total")
    )
    assert {("graph",): 1, ("registry",): 0} == _values(families["ecp_store_retries"], "ecp_store_retries_total")
    assert {("graph",): 0, ("registry",): 2} == _values(families["ecp_breaker_state"])
    assert {("graph",): 0, ("vector",): 1} == _values(families["ecp_degraded_replies"], "ecp_degraded_replies_total")


def test_decisions_and_degradations_and_the_catalog_are_shown(instruments: Instruments) -> None:
    families = _families(instruments)
    decisions = families["ecp_policy_decisions"]
    assert {("resolve", "allow"): 1, ("discover", "deny"): 1} == _values(decisions, f"{decisions.name}_total")
    assert {("vector",): 1, ("graph",): 0} == _values(families["ecp_degraded_components"])
    assert {("v2",): 1} == _values(families["ecp_catalog_info"])
    (age,) = _values(families["ecp_catalog_age_seconds"]).values()
    assert 30 <= age < 60


def test_age_is_left_out_until_there_is_a_catalog() -> None:
    assert "ecp_catalog_age_seconds" not in _families(Instruments())


def test_buckets_of_durations_are_in_seconds(instruments: Instruments) -> None:
    family = _families(instruments)["rpc_server_call_duration_seconds"]
    bounds = [
        float(sample.labels["le"])
        for sample in family.samples
        if sample.name.endswith("_bucket") and sample.labels["rpc_method"] == METHOD
    ]
    assert sorted(bounds) == bounds
    assert (0.0005, 30.0, float("inf")) == (bounds[0], bounds[-2], bounds[-1])


def test_counts_never_go_back_from_scrape_to_scrape(instruments: Instruments) -> None:
    before = _families(instruments)["ecp_resolve_requests"]
    instruments.resolve("RESOLVED", "COMPARISON", 0.003, 0.85)
    after = _families(instruments)["ecp_resolve_requests"]
    total = "ecp_resolve_requests_total"
    assert _values(before, total) | {("COMPARISON", "RESOLVED"): 2} == _values(after, total)


def test_metrics_are_served_over_http_until_closed(instruments: Instruments) -> None:
    server = MetricsServer("127.0.0.1", 0, instruments.registry)
    url = f"http://127.0.0.1:{server.port}/metrics"
    with urllib.request.urlopen(url, timeout=10) as response:
        assert "text/plain" in response.headers["Content-Type"]
        assert b'ecp_resolve_requests_total{intent="COMPARISON",status="RESOLVED"} 1.0' in response.read()
    server.close()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(url, timeout=10)


def test_a_connection_that_asks_nothing_is_closed(instruments: Instruments, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has a thread, also when whoever made it is gone."""
    monkeypatch.setattr(metrics, "SCRAPER_SECONDS", 0.05)
    server = MetricsServer("127.0.0.1", 0, instruments.registry)
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as silent:
        assert b"" == silent.recv(1)
    server.close()


def test_scrape_that_fails_is_logged_and_the_next_one_works(instruments: Instruments) -> None:
    def broken(*_: object) -> None:
        raise ValueError("no metrics today")

    with logged() as lines:
        server = MetricsServer("127.0.0.1", 0, instruments.registry)
        url = f"http://127.0.0.1:{server.port}/metrics"
        collect = instruments.registry.collect
        instruments.registry.collect = broken  # type: ignore[assignment, method-assign]
        with pytest.raises(OSError, match=r"closed|reset"):
            urllib.request.urlopen(url, timeout=10)
        instruments.registry.collect = collect  # type: ignore[method-assign]
        with urllib.request.urlopen(url, timeout=10) as response:
            assert response.status == 200
        server.close()
        (line,) = lines("scrape_failed")
        assert "no metrics today" in line["exception"]


def test_closed_instruments_can_still_be_called(instruments: Instruments) -> None:
    """Clean-up that outlives the server's end must not fail for want of a meter."""
    instruments.close()
    instruments.request_finished(METHOD, "CANCELLED", 1.0)
