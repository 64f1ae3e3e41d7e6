"""The details of an error, as `google.rpc` messages in the ``grpc-status-details-bin`` metadata.

The messages are declared here, in a descriptor pool of their own: googleapis-common-protos, which has them too, is no
dependency of the client, and where a program has it all the same the two do not meet. Field numbers are those of
google/rpc/status.proto and google/rpc/error_details.proto.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from ecp.v1 import error_reason_pb2
from ecp_client._enums import Reason

DOMAIN = "ecp"
DETAILS_KEY = "grpc-status-details-bin"
REQUEST_ID_KEY = "x-request-id"

_REASONS: Mapping[str, Reason] = {f"ERROR_REASON_{reason.name}": reason for reason in Reason}

# Field, number and type by message. A field of messages repeats, but for Duration; a map is its entries.
_SCHEMA: Mapping[str, tuple[tuple[str, int, str], ...]] = {
    "Any": (("type_url", 1, "string"), ("value", 2, "bytes")),
    "Status": (("code", 1, "int32"), ("message", 2, "string"), ("details", 3, "Any")),
    "Entry": (("key", 1, "string"), ("value", 2, "string")),
    "ErrorInfo": (("reason", 1, "string"), ("domain", 2, "string"), ("metadata", 3, "Entry")),
    "FieldViolation": (("field", 1, "string"), ("description", 2, "string")),
    "BadRequest": (("field_violations", 1, "FieldViolation"),),
    "Violation": (("type", 1, "string"), ("subject", 2, "string"), ("description", 3, "string")),
    "PreconditionFailure": (("violations", 1, "Violation"),),
    "Duration": (("seconds", 1, "int64"), ("nanos", 2, "int32")),
    "RetryInfo": (("retry_delay", 1, "Duration"),),
    "RequestInfo": (("request_id", 1, "string"),),
}


def _messages() -> Mapping[str, Any]:
    """Return the message classes of ``_SCHEMA`` by name."""
    file = FileDescriptorProto(name="ecp_client/status.proto", package="ecp_client", syntax="proto3")
    for name, fields in _SCHEMA.items():
        message = file.message_type.add(name=name)
        for field_name, number, kind in fields:
            added = message.field.add(name=field_name, number=number, label=FieldDescriptorProto.LABEL_OPTIONAL)
            if kind not in _SCHEMA:
                added.type = FieldDescriptorProto.Type.Value(f"TYPE_{kind.upper()}")
                continue
            added.type, added.type_name = FieldDescriptorProto.TYPE_MESSAGE, f".ecp_client.{kind}"
            if kind != "Duration":
                added.label = FieldDescriptorProto.LABEL_REPEATED
    pool = DescriptorPool()
    pool.Add(file)
    return {name: GetMessageClass(pool.FindMessageTypeByName(f"ecp_client.{name}")) for name in _SCHEMA}


_RPC = _messages()


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """A field of the request, as a path such as ``user_context.roles[2]``, and what is wrong with it."""

    field: str
    description: str


@dataclass(frozen=True, slots=True)
class PreconditionViolation:
    """What does not hold: its type, what it concerns, and a sentence for a person."""

    type: str
    subject: str
    description: str


@dataclass(frozen=True, slots=True)
class Details:
    """What an error says of itself beyond its status and message."""

    reason: Reason = Reason.UNSPECIFIED
    metadata: Mapping[str, str] = field(default_factory=dict)
    field_violations: tuple[FieldViolation, ...] = ()
    precondition_violations: tuple[PreconditionViolation, ...] = ()
    retry_after_seconds: float | None = None
    request_id: str = ""
    not_found: error_reason_pb2.ConceptNotFoundDetail | None = None


def details_of(metadata: Iterable[Any]) -> Details:
    """Return what the trailing metadata of a failed call, pairs of key and value, says of the error.

    Details that cannot be read count as none: the status itself is the error, and must reach the caller.
    """
    found: dict[str, Any] = {}
    for key, value in metadata:
        if key == REQUEST_ID_KEY:
            found["request_id"] = str(value)
        elif key == DETAILS_KEY and isinstance(value, bytes):
            found |= _decoded(value)
    return Details(**found)


def _decoded(status: bytes) -> dict[str, Any]:
    found: dict[str, Any] = {}
    try:
        for detail in _RPC["Status"].FromString(status).details:
            name = detail.type_url.rpartition("/")[2]
            if name in _DETAILS:
                found |= _DETAILS[name](detail.value)
    except DecodeError:
        return {}
    return found


def _error_info(value: bytes) -> dict[str, Any]:
    info = _RPC["ErrorInfo"].FromString(value)
    if info.domain != DOMAIN:
        return {}
    reason = _REASONS.get(info.reason, Reason.UNSPECIFIED)
    return {"reason": reason, "metadata": {entry.key: entry.value for entry in info.metadata}}


def _bad_request(value: bytes) -> dict[str, Any]:
    violations = _RPC["BadRequest"].FromString(value).field_violations
    return {"field_violations": tuple(FieldViolation(one.field, one.description) for one in violations)}


def _precondition_failure(value: bytes) -> dict[str, Any]:
    violations = _RPC["PreconditionFailure"].FromString(value).violations
    return {
        "precondition_violations": tuple(
            PreconditionViolation(one.type, one.subject, one.description) for one in violations
        )
    }


def _retry_info(value: bytes) -> dict[str, Any]:
    delay = _RPC["RetryInfo"].FromString(value).retry_delay
    return {"retry_after_seconds": delay.seconds + delay.nanos / 1e9}


def _request_info(value: bytes) -> dict[str, Any]:
    return {"request_id": _RPC["RequestInfo"].FromString(value).request_id}


def _concept_not_found(value: bytes) -> dict[str, Any]:
    return {"not_found": error_reason_pb2.ConceptNotFoundDetail.FromString(value)}


_DETAILS: Mapping[str, Callable[[bytes], dict[str, Any]]] = {
    "google.rpc.ErrorInfo": _error_info,
    "google.rpc.BadRequest": _bad_request,
    "google.rpc.PreconditionFailure": _precondition_failure,
    "google.rpc.RetryInfo": _retry_info,
    "google.rpc.RequestInfo": _request_info,
    "ecp.v1.ConceptNotFoundDetail": _concept_not_found,
}
