#!/usr/bin/env python
"""Prints docs/errors.md: the reasons of error_reason.proto with their comments, and the server's table of statuses.

Usage: scripts/document_errors.py > docs/errors.md
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import grpc

import ecp_client
from ecp_server.domain import errors
from ecp_server.interceptors.status import CODES

_ROOT: Final = Path(__file__).resolve().parents[1]
PROTO: Final = _ROOT / "protos" / "ecp" / "v1" / "error_reason.proto"
SERVER: Final = _ROOT / "ecp_server"
STATUS: Final = SERVER / "interceptors" / "status.py"
_REASON: Final = re.compile(r"^ +// ([A-Z_]+): (.+)\n +ERROR_REASON_([A-Z_]+) = \d+;", re.MULTILINE)
_STATUS_OF_CLIENT: Final = re.compile(r"[├└]── (\w+) +([A-Z_]+) ")

HEAD: Final = """# Errors

A call that fails ends with a gRPC status and, where the server itself refused it, with `google.rpc` details:
`ErrorInfo` has the reason by its full name (`ERROR_REASON_POLICY_DENIED`), the domain `ecp` and metadata for programs;
`RequestInfo` has the request id, under which the server's log has the rest.
This page is generated from the contract and the server's table: `scripts/document_errors.py > docs/errors.md`.

| Reason | Status | When | What to do |
|---|---|---|---|
"""
WHAT_TO_DO: Final = {
    "INVALID_QUERY": "Correct the fields that `BadRequest` names; none is named where the request could not be read.",
    "INVALID_CHOICE": "Offer the user the options of the response before, and send one of those.",
    "CONCEPT_NOT_FOUND": "Ask with one of the suggestions; `unmatched` has the words that nothing matched.",
    "RESOLUTION_NOT_FOUND": "Check the id, and that the same user asks who asked first.",
    "AMBIGUOUS_CONCEPT": "Resolve again with a choice for each ambiguity.",
    "BUSINESS_RULE_VIOLATION": "Tell the user which rule does not hold; the figure is withheld.",
    "DATA_QUALITY": "Ask the owner of the data.",
    "POLICY_DENIED": "Do not retry. Metadata `policy` names the policy, `may` the roles that may, if any.",
    "INSUFFICIENT_PERMISSIONS": "Ask for the scope in metadata `scope`.",
    "UNAUTHENTICATED": "Send credentials that hold.",
    "RATE_LIMITED": "Wait as long as `RetryInfo` says.",
    "OVERLOADED": "Wait as long as `RetryInfo` says.",
    "STORE_UNAVAILABLE": "Retry after what `RetryInfo` says; clients retry by themselves.",
    "CIRCUIT_OPEN": "Retry after what `RetryInfo` says.",
    "POLICY_UNAVAILABLE": "Retry after what `RetryInfo` says. Nothing is revealed meanwhile.",
    "STORE_TIMEOUT": "Retry once; then tell the operator.",
    "DEADLINE_EXCEEDED": "Allow more time.",
    "INTERNAL": "Tell the operator the request id.",
    "RESOLUTION_EXPIRED": "Resolve the question again.",
    "INCOMPATIBLE_CONCEPTS": "Ask for what fits: metadata `fits` lists ids, if any.",
    "NOT_IMPLEMENTED": "Wait for a later version.",
}
TAIL: Final = """
Retries help with UNAVAILABLE and RESOURCE_EXHAUSTED alone. While a server stops, it refuses new calls with UNAVAILABLE
and without a reason; another replica answers them.

What gRPC refuses before the server's own code has its status without these details: an unknown method (UNIMPLEMENTED),
a message beyond `ECP_MAX_MESSAGE_BYTES` (RESOURCE_EXHAUSTED), a server that cannot be reached (UNAVAILABLE).

## In Python

`ecp_client` raises a subclass of `EcpError` a status; `reason` says which error it is, `request_id` finds it in the
log.

| Exception | Status |
|---|---|
"""


def page() -> str:
    """Return the page."""
    return HEAD + "\n".join(_reasons()) + "\n" + TAIL + "\n".join(_exceptions()) + "\n"


def _reasons() -> Iterator[str]:
    kinds = {kind.reason.value: kind for kind in CODES if kind.__module__ == errors.__name__}
    raised = {reason for reason, kind in kinds.items() if reason == errors.Reason.INTERNAL or _is_raised(kind)}
    for status, when, reason in _REASON.findall(PROTO.read_text(encoding="utf-8")):
        if reason in kinds and CODES[kinds[reason]].name != status:
            raise SystemExit(f"{reason}: {status} in the contract, {CODES[kinds[reason]].name} in the server")
        told = f"{when[0].upper()}{when[1:]}"
        later = "" if reason in raised else " *This version never raises it.*"
        yield f"| `{reason}` | {status} | {told}{later} | {WHAT_TO_DO[reason]} |"


def _is_raised(kind: type[errors.EcpError]) -> bool:
    """Tell whether the server knows the exception beyond its definition and its status, or makes one there."""
    elsewhere = [path for path in SERVER.rglob("*.py") if path.name not in {"errors.py", "status.py"}]
    if any(re.search(rf"\b{kind.__name__}\b", path.read_text(encoding="utf-8")) for path in elsewhere):
        return True
    return f"errors.{kind.__name__}(" in STATUS.read_text(encoding="utf-8")


def _exceptions() -> Iterator[str]:
    """Yield the client's exceptions as the tree in its documentation has them."""
    documentation = sys.modules[ecp_client.EcpError.__module__].__doc__ or ""
    for name, status in _STATUS_OF_CLIENT.findall(documentation):
        if not hasattr(ecp_client, name) or not hasattr(grpc.StatusCode, status):
            raise SystemExit(f"{name} {status}: no such exception or status")
        yield f"| `{name}` | {status} |"


if __name__ == "__main__":
    sys.stdout.write(page())
