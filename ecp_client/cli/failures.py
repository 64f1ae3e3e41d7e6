"""What to do about a call that failed, in words, as JSON and as an exit code."""

import math
from collections.abc import Iterator, Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ecp_client import (
    DeadlineExceeded,
    Denied,
    EcpError,
    FailedPrecondition,
    InvalidRequest,
    NotFound,
    Reason,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
    Unimplemented,
)
from ecp_client.cli.exits import ExitCode
from ecp_client.cli.safe import plain, safe

_EXIT_CODES: Mapping[type[EcpError], ExitCode] = {
    InvalidRequest: ExitCode.USAGE,
    NotFound: ExitCode.NOT_FOUND,
    FailedPrecondition: ExitCode.DOES_NOT_FIT,
    Denied: ExitCode.DENIED,
    Unauthenticated: ExitCode.DENIED,
    ResourceExhausted: ExitCode.UNREACHABLE,
    Unavailable: ExitCode.UNREACHABLE,
    DeadlineExceeded: ExitCode.UNREACHABLE,
}


def exit_code(error: EcpError) -> ExitCode:
    """Return how the command ends with this error."""
    return next((code for kind, code in _EXIT_CODES.items() if isinstance(error, kind)), ExitCode.FAILED)


def explained(error: EcpError, target: str) -> RenderableType:
    """Return what happened and what to do about it."""
    return Group(*_lines(error, target), plain(f"request {error.request_id}", "dim"))


def json_of(error: EcpError) -> dict[str, Any]:
    """Return the error as JSON: its status, its reason and whatever else it says."""
    said: dict[str, Any] = {
        "status": error.code.name,
        "reason": str(error.reason).upper(),
        "message": error.message,
        "request_id": error.request_id,
        "metadata": dict(error.metadata),
    }
    if error.retry_after_seconds is not None:
        said["retry_after_seconds"] = error.retry_after_seconds
    if isinstance(error, NotFound):
        said["suggestions"] = [{"id": one.id, "name": one.name} for one in error.suggestions]
        said["unmatched"] = [mention.text for mention in error.unmatched]
        said["resolution_id"] = error.resolution_id
    if isinstance(error, InvalidRequest):
        said["violations"] = [{"field": one.field, "description": one.description} for one in error.violations]
    return {"error": said}


def _lines(error: EcpError, target: str) -> Iterator[RenderableType]:
    match error:
        case NotFound():
            yield from _not_found(error)
        case Denied():
            yield from _denied(error)
        case FailedPrecondition():
            yield from _does_not_fit(error)
        case InvalidRequest():
            yield from _invalid(error)
        case Unimplemented():
            yield _headline(f"The server at {target} does not have this call: {error.message}.")
        case Unavailable() | DeadlineExceeded() | ResourceExhausted():
            yield from _unreachable(error, target)
        case _:
            yield _headline(f"The server failed: {error.message}.")
            yield plain("Its log has the rest under the request's id.")


def _not_found(error: NotFound) -> Iterator[RenderableType]:
    words = ", ".join(f"“{mention.text}”" for mention in error.unmatched)
    if error.reason is Reason.RESOLUTION_NOT_FOUND:
        yield _headline("There is no such resolution, or it is another user's.")
        yield plain("Check the id, and say with --user who asked.")
        return
    yield _headline(f"Nothing in the catalog matches {words}." if words else f"{error.message}.")
    if error.suggestions:
        yield plain("Ask again with one of these, or look further with `ecp glossary WORDS`:")
        table = Table(box=None, show_header=False, padding=(0, 2, 0, 2))
        for option in error.suggestions:
            table.add_row(plain(option.name, "bold"), plain(option.definition))
        yield table
    else:
        yield plain("Look for it with `ecp glossary WORDS`, or see what there is with `ecp metrics`.")
    yield from _corrected(error.resolution_id)


def _denied(error: Denied) -> Iterator[RenderableType]:
    yield _headline(f"Not allowed: {error.message}.")
    if error.policy:
        yield plain(f"The policy {error.policy} decides this.")
    if error.may:
        yield plain(f"Who may: {', '.join(error.may)}. If you are one of these, say so: --role {error.may[0]}.")
    else:
        yield plain("Ask the owner of the data, or whoever looks after the policy.")


def _does_not_fit(error: FailedPrecondition) -> Iterator[RenderableType]:
    yield _headline(f"{error.message}.")
    if error.fits:
        yield plain(f"What fits: {', '.join(error.fits)}.")
    for violation in error.violations:
        yield plain(f"{violation.subject}: {violation.description}")
    if error.reason is Reason.INCOMPATIBLE_CONCEPTS:
        yield from _corrected(error.metadata.get("resolution_id", ""))


def _corrected(resolution_id: str) -> Iterator[RenderableType]:
    if resolution_id:
        yield plain(f"If you know what it means: `ecp feedback {resolution_id} --correct WORDS=OPTION`.")


def _invalid(error: InvalidRequest) -> Iterator[RenderableType]:
    yield _headline("The server does not accept this request.")
    for violation in error.violations:
        yield plain(f"  {violation.field} {violation.description}")
    if not error.violations:
        yield plain(f"  {error.message}")


def _unreachable(error: EcpError, target: str) -> Iterator[RenderableType]:
    if error.reason is not Reason.UNSPECIFIED or error.retry_after_seconds is not None:
        yield _headline(f"The server cannot answer now: {error.message}.")
    elif isinstance(error, DeadlineExceeded):
        yield _headline(f"No answer from {target} in time.")
        yield plain("Allow more with --timeout SECONDS.")
        return
    elif isinstance(error, ResourceExhausted):
        yield _headline(f"Too much for the server at {target}: {error.message}.")
    else:
        yield _headline(f"No server answers at {target}.")
        yield plain("Start one with `ecp-server serve`, or say where it is with --target HOST:PORT or ECP_TARGET;")
        yield plain("add --tls where it speaks TLS, and leave it out where it does not.")
        yield plain(error.message, "dim")
        return
    wait = error.retry_after_seconds
    again = "Try again" if wait is None else f"Try again in {max(1, math.ceil(wait))} s"
    yield plain(f"{again}; `ecp health` tells how the server fares.")


def _headline(text: str) -> Text:
    return Text(safe(text), style="bold red")
