"""deploy/envoy.yaml: that Envoy takes it, and that it says of ECP what is so."""

from __future__ import annotations

import base64
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]  # it ships no types

from ecp.v1 import catalog_pb2, resolve_pb2
from ecp_server.domain import errors
from ecp_server.interceptors.admission import EXEMPT
from ecp_server.interceptors.status import DETAILS, status_of
from ecp_server.server import LEAST_PING_MILLISECONDS, MAX_CONCURRENT_STREAMS
from ecp_server.settings import Settings
from tests.sidecar import CONFIGURATION, LIMIT, RETRY_SECONDS


@pytest.fixture
def configuration() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(CONFIGURATION.read_text(encoding="utf-8"))
    return found


def manager(configuration: Mapping[str, Any]) -> dict[str, Any]:
    """What becomes of calls that come."""
    (listener,) = configuration["static_resources"]["listeners"]
    (chain,) = listener["filter_chains"]
    (manager,) = chain["filters"]
    found: dict[str, Any] = manager["typed_config"]
    return found


def routes(configuration: Mapping[str, Any]) -> list[dict[str, Any]]:
    (host,) = manager(configuration)["route_config"]["virtual_hosts"]
    found: list[dict[str, Any]] = host["routes"]
    return found


def clusters(configuration: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {cluster["name"]: cluster for cluster in configuration["static_resources"]["clusters"]}


def seconds(duration: str) -> float:
    assert duration.endswith("s")
    return float(duration[:-1])


def test_envoy_takes_the_file(envoy: Path) -> None:
    tried = subprocess.run(
        [envoy, "--mode", "validate", "-c", CONFIGURATION, "--log-level", "warning"],
        check=False,
        capture_output=True,
        text=True,
    )
    # A warning is of what is deprecated, or too open.
    assert (0, "") == (tried.returncode, tried.stderr)


def test_it_stands_before_make_run_on_this_machine_and_has_no_admin(configuration: dict[str, Any]) -> None:
    (listener,) = configuration["static_resources"]["listeners"]
    assert {"address": "127.0.0.1", "port_value": 50050} == listener["address"]["socket_address"]
    listen = Settings.load({}).listen
    for cluster in clusters(configuration).values():
        (group,) = cluster["load_assignment"]["endpoints"]
        (endpoint,) = group["lb_endpoints"]
        address = endpoint["endpoint"]["address"]["socket_address"]
        assert (listen.host, listen.port) == (address["address"], address["port_value"])
    assert "admin" not in configuration


def test_what_admission_exempts_has_no_limit_and_everything_else_has(configuration: dict[str, Any]) -> None:
    *exempt, last = routes(configuration)
    assert EXEMPT == tuple(route["match"]["prefix"] for route in exempt)
    assert {"ecp_health"} == {route["route"]["cluster"] for route in exempt}
    assert ("/", "ecp") == (last["match"]["prefix"], last["route"]["cluster"])
    limits = {name: cluster.get("circuit_breakers") for name, cluster in clusters(configuration).items()}
    assert {
        "ecp": {"thresholds": [{"max_requests": LIMIT, "max_pending_requests": LIMIT}]},
        "ecp_health": None,
    } == limits


def test_its_bounds_fit_those_of_the_server(configuration: dict[str, Any]) -> None:
    found = manager(configuration)
    assert MAX_CONCURRENT_STREAMS == found["http2_protocol_options"]["max_concurrent_streams"]
    buffer, _ = found["http_filters"]
    assert Settings.load({}).max_message_bytes < buffer["typed_config"]["max_request_bytes"]
    for cluster in clusters(configuration).values():
        (protocol,) = cluster["typed_extension_protocol_options"].values()
        http2 = protocol["explicit_http_config"]["http2_protocol_options"]
        assert MAX_CONCURRENT_STREAMS == 2 * http2["max_concurrent_streams"]
        assert LEAST_PING_MILLISECONDS < seconds(http2["connection_keepalive"]["interval"]) * 1000


def test_a_deadline_is_the_callers_and_a_stream_has_no_end(configuration: dict[str, Any]) -> None:
    assert "0s" == manager(configuration)["stream_idle_timeout"]
    for route in routes(configuration):
        action = route["route"]
        assert ("0s", {"grpc_timeout_header_max": "0s"}) == (action["timeout"], action["max_stream_duration"])
        assert ("idle_timeout" in action) == (action["cluster"] == "ecp")
        assert "retry_policy" not in action


def test_the_requests_of_one_connection_do_not_fill_its_memory(configuration: dict[str, Any]) -> None:
    found = manager(configuration)
    buffer, _ = found["http_filters"]
    overload = configuration["overload_manager"]
    _, heap = overload["resource_monitors"]
    reset, _ = overload["actions"]
    assert "envoy.overload_actions.reset_high_memory_stream" == reset["name"]
    (trigger,) = reset["triggers"]
    most = found["http2_protocol_options"]["max_concurrent_streams"] * buffer["typed_config"]["max_request_bytes"]
    assert most < trigger["scaled"]["scaling_threshold"] * heap["typed_config"]["max_heap_size_bytes"]


def test_its_refusal_is_the_servers_own(configuration: dict[str, Any]) -> None:
    own = status_of(errors.Overloaded(retry_after_seconds=RETRY_SECONDS), "")
    (mapper,) = [
        mapper
        for mapper in manager(configuration)["local_reply_config"]["mappers"]
        if mapper["filter"] == {"response_flag_filter": {"flags": ["UO"]}}
    ]
    headers = {added["header"]["key"]: added["header"]["value"] for added in mapper["headers_to_add"]}
    assert str(own.code.value[0]) == headers["grpc-status"]
    assert own.message == mapper["body"]["inline_string"]
    expected = status_pb2.Status.FromString(own.details)
    kept = [detail for detail in expected.details if not detail.Is(error_details_pb2.RequestInfo.DESCRIPTOR)]
    del expected.details[:]
    expected.details.extend(kept)
    text = headers[DETAILS]
    assert expected == status_pb2.Status.FromString(base64.b64decode(text + "=" * (-len(text) % 4), validate=True))


def test_no_method_that_is_limited_streams() -> None:
    """A stream would hold a place for as long as it lasts."""
    services = [
        service
        for file in (catalog_pb2.DESCRIPTOR, resolve_pb2.DESCRIPTOR)
        for service in file.services_by_name.values()
    ]
    assert ["CatalogService", "ResolveService"] == [service.name for service in services]
    methods = [method for service in services for method in service.methods]
    assert not any(method.server_streaming or method.client_streaming for method in methods)
