"""How a server is reached: channel options, credentials, and the RPCs over a channel."""

import json
from collections.abc import Mapping
from typing import Any

import grpc
from google.protobuf.descriptor_pb2 import MethodOptions

from ecp.v1 import catalog_pb2, catalog_pb2_grpc, health_pb2, health_pb2_grpc, resolve_pb2, resolve_pb2_grpc

_FILES = (resolve_pb2.DESCRIPTOR, catalog_pb2.DESCRIPTOR, health_pb2.DESCRIPTOR)
_STUBS = (
    resolve_pb2_grpc.ResolveServiceStub,
    catalog_pb2_grpc.CatalogServiceStub,
    health_pb2_grpc.HealthServiceStub,
)

# Enough to get from a replica that stops to another one; what lasts longer is the caller's to judge.
_RETRY = {
    "maxAttempts": 3,
    "initialBackoff": "0.1s",
    "maxBackoff": "1s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}
# After five failures, each made up for by ten successes, nothing is retried: retries must not hold down a server that
# struggles to its feet.
_THROTTLE = {"maxTokens": 10, "tokenRatio": 0.1}


def service_config() -> Mapping[str, Any]:
    """Return the gRPC service config: round robin over the addresses of the target, and retries of UNAVAILABLE.

    Only calls are retried that can be repeated without harm: those that the contract marks as free of side effects
    (``idempotency_level``), and those whose request has an id under which it is recorded once.
    """
    names = [
        {"service": service.full_name, "method": method.name}
        for file in _FILES
        for service in file.services_by_name.values()
        for method in service.methods
        if method.GetOptions().idempotency_level == MethodOptions.NO_SIDE_EFFECTS
        or "request_id" in method.input_type.fields_by_name
    ]
    return {
        "loadBalancingConfig": [{"round_robin": {}}],
        "methodConfig": [{"name": names, "retryPolicy": _RETRY}],
        "retryThrottling": _THROTTLE,
    }


def channel_options() -> list[tuple[str, str | int]]:
    """Return the options of every channel of a client."""
    return [("grpc.service_config", json.dumps(service_config()))]


def channel_credentials(
    *, insecure: bool, credentials: grpc.ChannelCredentials | None
) -> grpc.ChannelCredentials | None:
    """Return what to connect with: TLS with the well-known roots unless told otherwise, None for plain text."""
    if insecure and credentials is not None:
        raise ValueError("credentials need TLS: insecure=True and credentials exclude each other")
    return None if insecure else credentials or grpc.ssl_channel_credentials()


def rpcs(channel: Any) -> Mapping[str, Any]:
    """Return the RPCs of the contract over ``channel``, by name."""
    return {name: rpc for stub in _STUBS for name, rpc in vars(stub(channel)).items()}
