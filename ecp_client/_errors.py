"""The exception tree: a class a gRPC status, `reason` says which error of ECP it is.

EcpError
├── InvalidRequest       INVALID_ARGUMENT     the request is malformed: see violations
├── NotFound             NOT_FOUND            nothing in the catalog matches: see suggestions; or no such resolution
├── FailedPrecondition   FAILED_PRECONDITION  words that do not fit, an unsettled or expired resolution, a broken rule
├── Denied               PERMISSION_DENIED    a policy denies it: see policy and may
├── Unauthenticated      UNAUTHENTICATED      no credentials, or none that hold
├── ResourceExhausted    RESOURCE_EXHAUSTED   a rate limit, or the server sheds load: see retry_after_seconds
├── Unavailable          UNAVAILABLE          the server or a store does not answer: see store and retry_after_seconds
├── DeadlineExceeded     DEADLINE_EXCEEDED    no answer in time
├── Unimplemented        UNIMPLEMENTED        this server does not have the call
└── InternalError        INTERNAL             unforeseen: the server's log has it under request_id

Any other status is an EcpError itself. `__cause__` is the error of grpc.
"""

from collections.abc import Mapping

import grpc

from ecp_client._concepts import Mention, Option
from ecp_client._enums import Reason, Store
from ecp_client._read import read
from ecp_client._status import Details, FieldViolation, PreconditionViolation, details_of


class EcpError(Exception):
    """The root: what the server, or grpc in its place, says of a call that failed."""

    def __init__(self, message: str, code: grpc.StatusCode, details: Details, request_id: str) -> None:
        super().__init__(message, code, details, request_id)
        self.message = message
        """For a person."""
        self.code = code
        self.request_id = details.request_id or request_id
        """Finds the call in the server's logs."""
        self._details = details

    def __str__(self) -> str:  # type: ignore[explicit-override]  # typing has it from Python 3.12
        return f"{self.message} [{self.reason or self.code.name.lower()}, request {self.request_id}]"

    @property
    def reason(self) -> Reason:
        """Which error of ECP it is; UNSPECIFIED where it does not come from ECP, but from the transport."""
        return self._details.reason

    @property
    def metadata(self) -> Mapping[str, str]:
        """What the reason says besides, e.g. ``{"store": "policy"}``."""
        return self._details.metadata

    @property
    def retry_after_seconds(self) -> float | None:
        """When to come back, in seconds; None where waiting does not help, or nobody knows."""
        return self._details.retry_after_seconds


class InvalidRequest(EcpError):
    """A field is missing or malformed, or a choice names no offered option."""

    @property
    def violations(self) -> tuple[FieldViolation, ...]:
        """Each field that is wrong."""
        return self._details.field_violations


class NotFound(EcpError):
    """Nothing in the catalog matches, or there is no such resolution (also where it is another user's)."""

    @property
    def resolution_id(self) -> str:
        """The recorded resolution of a question that nothing matched, for feedback; else empty."""
        return self._details.not_found.resolution_id if self._details.not_found else ""

    @property
    def suggestions(self) -> tuple[Option, ...]:
        """What was perhaps meant, best first, at most five."""
        found = self._details.not_found
        return tuple(read(Option, one) for one in found.suggestions) if found else ()

    @property
    def unmatched(self) -> tuple[Mention, ...]:
        """The words that nothing matched."""
        found = self._details.not_found
        return tuple(read(Mention, one) for one in found.unmatched) if found else ()


class FailedPrecondition(EcpError):
    """The request is well formed but cannot be served as things stand; ``reason`` says why."""

    @property
    def fits(self) -> tuple[str, ...]:
        """Of words that do not fit together: the ids of what would fit, best first."""
        return _listed(self.metadata.get("fits", ""))

    @property
    def violations(self) -> tuple[PreconditionViolation, ...]:
        """The rules that do not hold."""
        return self._details.precondition_violations


class Denied(EcpError):
    """A policy denies it, or the identity lacks a scope."""

    @property
    def policy(self) -> str:
        """The policy that denies it; empty where none does."""
        return self.metadata.get("policy", "")

    @property
    def may(self) -> tuple[str, ...]:
        """The roles that may."""
        return _listed(self.metadata.get("may", ""))

    @property
    def scope(self) -> str:
        """The scope that is lacking; empty where none is."""
        return self.metadata.get("scope", "")


class Unauthenticated(EcpError):
    """No credentials, or none that hold."""


class ResourceExhausted(EcpError):
    """The caller's rate limit, or the server sheds load."""


class _OfStore(EcpError):
    @property
    def store(self) -> Store:
        """The store that did not answer; UNSPECIFIED where it is the server itself."""
        name = self.metadata.get("store", "")
        return Store(name) if name in set(Store) else Store.UNSPECIFIED


class Unavailable(_OfStore):
    """The server, or a store that has no stand-in, does not answer. Idempotent calls were retried already."""


class DeadlineExceeded(_OfStore):
    """The deadline passed, or a store did not answer in time."""


class Unimplemented(EcpError):
    """This server does not have the call."""


class InternalError(EcpError):
    """Unforeseen: the server's log has the rest under ``request_id``."""


_BY_STATUS: Mapping[grpc.StatusCode, type[EcpError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequest,
    grpc.StatusCode.NOT_FOUND: NotFound,
    grpc.StatusCode.FAILED_PRECONDITION: FailedPrecondition,
    grpc.StatusCode.PERMISSION_DENIED: Denied,
    grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
    grpc.StatusCode.RESOURCE_EXHAUSTED: ResourceExhausted,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
    grpc.StatusCode.UNIMPLEMENTED: Unimplemented,
    grpc.StatusCode.INTERNAL: InternalError,
}


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")) if text else ()


def from_rpc(error: grpc.RpcError, request_id: str) -> EcpError:
    """Return the error of a call that was sent with ``request_id``."""
    code = error.code()
    details = details_of(error.trailing_metadata() or ())
    return _BY_STATUS.get(code, EcpError)(error.details() or "", code, details, request_id)
