"""The exception tree.

EcpError
├── InvalidRequest          a field is missing or malformed
│   ├── InvalidQuery
│   └── InvalidChoice
├── NotFoundError
│   ├── ConceptNotFound     nothing in the catalog matches
│   └── ResolutionNotFound  unknown or another user's
├── PreconditionFailed
│   ├── IncompatibleConcepts
│   │   └── TooLarge        more figures than can be brought together
│   ├── AmbiguousConcept
│   ├── ResolutionExpired
│   └── RuleBroken
│       ├── BusinessRuleViolation
│       └── DataQuality
├── PolicyDenied
├── StoreError
│   ├── StoreUnavailable
│   │   ├── CircuitOpen
│   │   ├── StoreBusy
│   │   ├── StoreThrottled
│   │   ├── StoreIncompatible
│   │   ├── NotPublished
│   │   └── PolicyUnavailable
│   │       └── PolicyMissing
│   ├── StoreTimeout
│   └── StoreQueryFailed    shown to callers as an opaque internal error
├── Overloaded
├── DeadlineExceeded
└── NotImplementedYet

Every message here may be shown to a caller: fixed words and the caller's own input, nothing of stores.
`interceptors.errors` alone turns them into a status.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar

from ecp_server.domain.concepts import Mention, Option
from ecp_server.domain.frozen import dataclass
from ecp_server.domain.provenance import StoreKind


class Reason(StrEnum):
    """Why a call failed: the names of error_reason.proto without their prefix."""

    INVALID_QUERY = "INVALID_QUERY"
    INVALID_CHOICE = "INVALID_CHOICE"
    CONCEPT_NOT_FOUND = "CONCEPT_NOT_FOUND"
    RESOLUTION_NOT_FOUND = "RESOLUTION_NOT_FOUND"
    AMBIGUOUS_CONCEPT = "AMBIGUOUS_CONCEPT"
    BUSINESS_RULE_VIOLATION = "BUSINESS_RULE_VIOLATION"
    DATA_QUALITY = "DATA_QUALITY"
    POLICY_DENIED = "POLICY_DENIED"
    INSUFFICIENT_PERMISSIONS = "INSUFFICIENT_PERMISSIONS"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    RATE_LIMITED = "RATE_LIMITED"
    OVERLOADED = "OVERLOADED"
    STORE_UNAVAILABLE = "STORE_UNAVAILABLE"
    CIRCUIT_OPEN = "CIRCUIT_OPEN"
    POLICY_UNAVAILABLE = "POLICY_UNAVAILABLE"
    STORE_TIMEOUT = "STORE_TIMEOUT"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    INTERNAL = "INTERNAL"
    RESOLUTION_EXPIRED = "RESOLUTION_EXPIRED"
    INCOMPATIBLE_CONCEPTS = "INCOMPATIBLE_CONCEPTS"
    NOT_IMPLEMENTED = "NOT_IMPLEMENTED"


@dataclass(frozen=True, slots=True)
class FieldViolation:
    """A field of the request, as a path such as ``user_context.roles[2]``, and what is wrong with it."""

    field: str
    description: str


class EcpError(Exception):
    """The root: a message for a person, metadata for a program."""

    reason: ClassVar[Reason] = Reason.INTERNAL

    def __init__(
        self, message: str, *, metadata: Mapping[str, str] | None = None, retry_after_seconds: float | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.metadata: Mapping[str, str] = metadata or {}
        self.retry_after_seconds = retry_after_seconds


class InvalidRequest(EcpError):
    """A field is missing or malformed; ``violations`` names each, and is empty where the request cannot be read."""

    reason = Reason.INVALID_QUERY

    def __init__(self, message: str, violations: tuple[FieldViolation, ...] = ()) -> None:
        super().__init__(message)
        self.violations = violations


class InvalidQuery(InvalidRequest):
    """The request itself is malformed."""


class InvalidChoice(InvalidRequest):
    """A choice names no offered option."""

    reason = Reason.INVALID_CHOICE


class NotFoundError(EcpError):
    """Something asked for does not exist, or not for this user."""


class ConceptNotFound(NotFoundError):
    """Nothing in the catalog matches."""

    reason = Reason.CONCEPT_NOT_FOUND

    def __init__(
        self,
        message: str,
        *,
        resolution_id: str = "",
        suggestions: tuple[Option, ...] = (),
        unmatched: tuple[Mention, ...] = (),
    ) -> None:
        super().__init__(message)
        self.resolution_id = resolution_id
        self.suggestions = suggestions
        self.unmatched = unmatched


class ResolutionNotFound(NotFoundError):
    """The resolution is unknown or another user's; the two look the same."""

    reason = Reason.RESOLUTION_NOT_FOUND

    def __init__(self) -> None:
        super().__init__("no such resolution")


class PreconditionFailed(EcpError):
    """The request is well formed but cannot be served as things stand."""


class IncompatibleConcepts(PreconditionFailed):
    """Known words that do not fit together; metadata says what would fit."""

    reason = Reason.INCOMPATIBLE_CONCEPTS


class TooLarge(IncompatibleConcepts):
    """A query gives, or takes, more than can be had whole, as aligning, computing and ordering need it."""

    def __init__(self, what: str) -> None:
        """``what`` is too large, as the subject of a sentence."""
        super().__init__(f"{what}; ask for a shorter period, for fewer groups, or narrow it to some members")


class AmbiguousConcept(PreconditionFailed):
    """The resolution still needs a choice."""

    reason = Reason.AMBIGUOUS_CONCEPT


class ResolutionExpired(PreconditionFailed):
    """The caller's own resolution has expired."""

    reason = Reason.RESOLUTION_EXPIRED

    def __init__(self) -> None:
        super().__init__("the resolution has expired; resolve the question again")


@dataclass(frozen=True, slots=True)
class BrokenRule:
    """A rule that does not hold, and what was seen."""

    rule_id: str
    description: str


class RuleBroken(PreconditionFailed):
    """Figures are withheld because something critical does not hold of them; ``broken`` says what, the worst first."""

    def __init__(self, message: str, broken: tuple[BrokenRule, ...]) -> None:
        super().__init__(message, metadata={"rules": ",".join(rule.rule_id for rule in broken)})
        self.broken = broken


class BusinessRuleViolation(RuleBroken):
    """A critical rule of the catalog does not hold."""

    reason = Reason.BUSINESS_RULE_VIOLATION


class DataQuality(RuleBroken):
    """A critical promise of the data's contract does not hold."""

    reason = Reason.DATA_QUALITY


class PolicyDenied(EcpError):
    """A policy denies it; ``may`` names the roles that may."""

    reason = Reason.POLICY_DENIED

    def __init__(self, policy: str, why: str, may: tuple[str, ...] = ()) -> None:
        metadata = {"policy": policy} | ({"may": ",".join(may)} if may else {})
        super().__init__(why or "policy denies this", metadata=metadata)
        self.policy = policy
        self.may = may


class StoreError(EcpError):
    """A store did not do what was asked. The cause goes to the log, never to the caller."""

    def __init__(self, store: StoreKind, message: str, *, retry_after_seconds: float | None = None) -> None:
        super().__init__(message, metadata={"store": store.name.lower()}, retry_after_seconds=retry_after_seconds)
        self.store = store


class StoreUnavailable(StoreError):
    """A store that has no stand-in does not answer."""

    reason = Reason.STORE_UNAVAILABLE

    def __init__(self, store: StoreKind, *, retry_after_seconds: float | None = 1.0) -> None:
        super().__init__(
            store, f"the {store.name.lower()} store does not answer", retry_after_seconds=retry_after_seconds
        )


class CircuitOpen(StoreUnavailable):
    """The store's breaker is open."""

    reason = Reason.CIRCUIT_OPEN


class StoreBusy(StoreUnavailable):
    """As many calls to the store are under way as it is given; this one was not sent."""


class StoreThrottled(StoreUnavailable):
    """The store works, and asks to be left alone for ``retry_after_seconds`` (HTTP: 429 with Retry-After)."""


class StoreIncompatible(StoreUnavailable):
    """A store answers, but not as one of its kind and version does, or lacks the schema that this server reads."""

    def __init__(self, store: StoreKind) -> None:
        super().__init__(store, retry_after_seconds=None)
        self.message = f"the {store.name.lower()} store is not of the version or the schema that this server needs"


class NotPublished(StoreUnavailable):
    """A store works and lacks a catalog that is in force: it is yet to be published there."""

    def __init__(self, store: StoreKind) -> None:
        super().__init__(store, retry_after_seconds=None)
        self.message = f"the catalog in force has not been published to the {store.name.lower()} store"


class PolicyUnavailable(StoreUnavailable):
    """No policy decision could be had, so nothing is allowed."""

    reason = Reason.POLICY_UNAVAILABLE

    def __init__(self, *, retry_after_seconds: float | None = 1.0) -> None:
        super().__init__(StoreKind.POLICY, retry_after_seconds=retry_after_seconds)
        self.message = "no policy decision could be had"


class PolicyMissing(PolicyUnavailable):
    """The policy engine works and has no decision to give: no such rule, an undefined one, another catalog's.

    Or one that may be outdated.
    """

    def __init__(self) -> None:
        super().__init__(retry_after_seconds=None)


class StoreTimeout(StoreError):
    """A store did not answer in time."""

    reason = Reason.STORE_TIMEOUT

    def __init__(self, store: StoreKind) -> None:
        super().__init__(store, f"the {store.name.lower()} store did not answer in time")


class StoreQueryFailed(StoreError):
    """A store refused a query that should have been right: a bug of ours, opaque to the caller."""

    def __init__(self, store: StoreKind) -> None:
        super().__init__(store, "internal error")


class RateLimited(EcpError):
    """The caller has asked for so much of one kind that it must wait; ``what`` names it, in a fixed word or two."""

    reason = Reason.RATE_LIMITED

    def __init__(self, what: str, *, retry_after_seconds: float) -> None:
        super().__init__(f"too many {what} of this user", retry_after_seconds=retry_after_seconds)


class Overloaded(EcpError):
    """The server has more to do than it can; nothing was begun."""

    reason = Reason.OVERLOADED

    def __init__(self, *, retry_after_seconds: float) -> None:
        super().__init__("the server is overloaded", retry_after_seconds=retry_after_seconds)


class DeadlineExceeded(EcpError):
    """The caller's deadline passed."""

    reason = Reason.DEADLINE_EXCEEDED

    def __init__(self) -> None:
        super().__init__("the deadline passed")


class NotImplementedYet(EcpError):
    """An RPC that is not built yet."""

    reason = Reason.NOT_IMPLEMENTED

    def __init__(self, method: str) -> None:
        super().__init__(f"{method} is not implemented yet")
