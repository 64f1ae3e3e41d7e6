"""What every refusal of ours has: its reason by its full name, and the request's id twice."""

from __future__ import annotations

from typing import Any

from ecp.v1 import error_reason_pb2
from tests.serving import Outcome

_REASONS = frozenset(error_reason_pb2.ErrorReason.keys())


def refused(outcome: Outcome, code: str, reason: str) -> dict[str, Any]:
    """Return the metadata of a refusal's ErrorInfo after a look at all that every refusal must have."""
    info, request = outcome.details.get("ErrorInfo"), outcome.details.get("RequestInfo")
    assert info is not None, outcome
    assert request is not None, outcome
    assert (code, f"ERROR_REASON_{reason}", "ecp") == (outcome.code, info.reason, info.domain), outcome
    assert info.reason in _REASONS
    assert outcome.request_id == request.request_id
    assert outcome.message
    return dict(info.metadata)


def fields(outcome: Outcome) -> list[str]:
    """Return the fields that a refusal names, in order."""
    request = outcome.details.get("BadRequest")
    return [] if request is None else [violation.field for violation in request.field_violations]
