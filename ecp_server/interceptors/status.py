"""The one table from exceptions to gRPC statuses, and the details that travel with them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]

from ecp.v1 import error_reason_pb2
from ecp_server.domain import errors
from ecp_server.domain.frozen import dataclass, replace
from ecp_server.rpc.convert.responses import mention, option


class Stopping(errors.EcpError):
    """The server drains: the caller may go elsewhere, or come back. The contract has no reason for it."""

    def __init__(self) -> None:
        super().__init__("the server is stopping", retry_after_seconds=1.0)


CODES: Final[Mapping[type[errors.EcpError], grpc.StatusCode]] = {
    errors.EcpError: grpc.StatusCode.INTERNAL,
    errors.InvalidRequest: grpc.StatusCode.INVALID_ARGUMENT,
    errors.InvalidQuery: grpc.StatusCode.INVALID_ARGUMENT,
    errors.InvalidChoice: grpc.StatusCode.INVALID_ARGUMENT,
    errors.NotFoundError: grpc.StatusCode.NOT_FOUND,
    errors.ConceptNotFound: grpc.StatusCode.NOT_FOUND,
    errors.ResolutionNotFound: grpc.StatusCode.NOT_FOUND,
    errors.PreconditionFailed: grpc.StatusCode.FAILED_PRECONDITION,
    errors.IncompatibleConcepts: grpc.StatusCode.FAILED_PRECONDITION,
    errors.TooLarge: grpc.StatusCode.FAILED_PRECONDITION,
    errors.AmbiguousConcept: grpc.StatusCode.FAILED_PRECONDITION,
    errors.ResolutionExpired: grpc.StatusCode.FAILED_PRECONDITION,
    errors.RuleBroken: grpc.StatusCode.FAILED_PRECONDITION,
    errors.BusinessRuleViolation: grpc.StatusCode.FAILED_PRECONDITION,
    errors.DataQuality: grpc.StatusCode.FAILED_PRECONDITION,
    errors.PolicyDenied: grpc.StatusCode.PERMISSION_DENIED,
    errors.StoreError: grpc.StatusCode.INTERNAL,
    errors.StoreUnavailable: grpc.StatusCode.UNAVAILABLE,
    errors.CircuitOpen: grpc.StatusCode.UNAVAILABLE,
    errors.StoreBusy: grpc.StatusCode.UNAVAILABLE,
    errors.StoreThrottled: grpc.StatusCode.UNAVAILABLE,
    errors.StoreIncompatible: grpc.StatusCode.UNAVAILABLE,
    errors.NotPublished: grpc.StatusCode.UNAVAILABLE,
    errors.PolicyUnavailable: grpc.StatusCode.UNAVAILABLE,
    errors.PolicyMissing: grpc.StatusCode.UNAVAILABLE,
    errors.StoreTimeout: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.StoreQueryFailed: grpc.StatusCode.INTERNAL,
    errors.RateLimited: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.Overloaded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.DeadlineExceeded: grpc.StatusCode.DEADLINE_EXCEEDED,
    errors.NotImplementedYet: grpc.StatusCode.UNIMPLEMENTED,
    Stopping: grpc.StatusCode.UNAVAILABLE,
}

DOMAIN: Final = "ecp"
DETAILS: Final = "grpc-status-details-bin"
_OPAQUE: Final = "internal error"
_OVERLOADED: Final = errors.Overloaded(retry_after_seconds=0).message

# The core drops trailers of more than 8 KiB and, past 16 KiB, the status itself.
MAX_MESSAGE_BYTES: Final = 1024
MAX_TRAILER_BYTES: Final = 6 * 1024
_OTHER_TRAILER_BYTES: Final = 256
_MAX_TEXT_BYTES: Final = 512
_FEWER_ITEMS: Final = (20, 10, 5, 2, 1, 0)

_SENT_AS_THEY_ARE: Final = bytes(byte for byte in range(0x20, 0x7F) if byte != ord("%"))
_UNPRINTABLE: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Status:
    """What a caller is told of a failure."""

    code: grpc.StatusCode
    reason: errors.Reason | None
    """None where it is not an error of the contract's."""
    message: str
    details: bytes
    """A serialised google.rpc.Status, for the trailer `DETAILS`."""

    @property
    def retryable(self) -> bool:
        """Whether the same call can succeed a little later."""
        return self.code in {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED}


def code_of(error: BaseException) -> grpc.StatusCode:
    """Return the status code of an exception; what is not in the table is an internal error."""
    return next((CODES[kind] for kind in type(error).__mro__ if kind in CODES), grpc.StatusCode.INTERNAL)


def status_of(error: BaseException, request_id: str) -> Status:
    """Return what a caller is told of an exception: nothing but the request id where it is internal.

    The result fits into HTTP/2 trailers; where it would not, the last violations, suggestions and so on are left out.
    """
    code = code_of(error)
    known = isinstance(error, errors.EcpError) and code is not grpc.StatusCode.INTERNAL
    shown = error if isinstance(error, errors.EcpError) and known else errors.EcpError(_OPAQUE)
    message = _message(shown.message)
    packed = b""
    for items in _FEWER_ITEMS:
        status = status_pb2.Status(code=code.value[0], message=message)
        status.details.extend(_any(detail) for detail in _details(shown, request_id, items))
        packed = status.SerializeToString()
        if _OTHER_TRAILER_BYTES + _encoded_length(message) + len(packed) * 4 // 3 <= MAX_TRAILER_BYTES:
            break
    return Status(code, _reason(shown), message, packed)


def overloaded(retry_after_seconds: float, request_id: str) -> Status:
    """As `status_of` an `Overloaded`, at a hundredth of its cost.

    The seconds are to have two decimals at most, the id ASCII characters alone: then what it is made of is kept.
    """
    before, after = _around_request_id(retry_after_seconds, len(request_id))
    details = before + request_id.encode("ascii") + after
    return Status(grpc.StatusCode.RESOURCE_EXHAUSTED, errors.Reason.OVERLOADED, _OVERLOADED, details)


@lru_cache(maxsize=1024)
def _around_request_id(retry_after_seconds: float, length: int) -> tuple[bytes, bytes]:
    """Return what stands before and after a request id of that length in the details of an overload."""
    status = status_of(errors.Overloaded(retry_after_seconds=retry_after_seconds), "\0" * length)
    before, after = status.details.split(bytes(length))
    return before, after


def _details(error: errors.EcpError, request_id: str, items: int) -> Iterator[Message]:
    """Make the details, with at most ``items`` of whatever repeats."""
    if reason := _reason(error):
        yield error_details_pb2.ErrorInfo(
            reason=f"ERROR_REASON_{reason}",
            domain=DOMAIN,
            metadata={key: _text(value) for key, value in list(error.metadata.items())[:items]},
        )
    yield error_details_pb2.RequestInfo(request_id=request_id)
    if isinstance(error, errors.InvalidRequest) and error.violations:
        yield error_details_pb2.BadRequest(
            field_violations=[
                error_details_pb2.BadRequest.FieldViolation(field=_text(v.field), description=_text(v.description))
                for v in error.violations[:items]
            ]
        )
    if isinstance(error, errors.RuleBroken):
        yield error_details_pb2.PreconditionFailure(
            violations=[
                error_details_pb2.PreconditionFailure.Violation(
                    type=error.reason.value, subject=_text(rule.rule_id), description=_text(rule.description)
                )
                for rule in error.broken[:items]
            ]
        )
    if error.retry_after_seconds is not None:
        yield error_details_pb2.RetryInfo(retry_delay=_duration(error.retry_after_seconds))
    if isinstance(error, errors.ConceptNotFound):
        yield error_reason_pb2.ConceptNotFoundDetail(
            resolution_id=error.resolution_id,
            suggestions=[
                option(replace(o, id=_text(o.id), name=_text(o.name), definition=_text(o.definition)))
                for o in error.suggestions[:items]
            ],
            unmatched=[mention(replace(m, text=_text(m.text))) for m in error.unmatched[:items]],
        )


def _reason(error: errors.EcpError) -> errors.Reason | None:
    return None if isinstance(error, Stopping) else error.reason


def _any(message: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed


def _duration(seconds: float) -> duration_pb2.Duration:
    duration = duration_pb2.Duration()
    duration.FromNanoseconds(round(seconds * 1e9))
    return duration


def _text(text: str) -> str:
    """Return the text without what a terminal would obey, cut to a bounded number of bytes."""
    return _UNPRINTABLE.sub(" ", text).encode()[:_MAX_TEXT_BYTES].decode(errors="ignore")


def _message(text: str) -> str:
    """As `_text`, cut by the length that it takes as it travels."""
    clean = _text(text)
    while _encoded_length(clean) > MAX_MESSAGE_BYTES:
        clean = clean[: len(clean) * MAX_MESSAGE_BYTES // _encoded_length(clean)]
    return clean


def _encoded_length(message: str) -> int:
    """Return the length of a message in its trailer, where gRPC percent-encodes all but printable ASCII."""
    encoded = message.encode()
    return len(encoded) + 2 * len(encoded.translate(None, _SENT_AS_THEY_ARE))
