"""The id of a call, from the caller or of our own; and the calls in flight."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Iterable
from typing import Any, Final

import grpc
from grpc import aio
from typing_extensions import override

from ecp_server.domain.call import CALL, Call
from ecp_server.domain.ids import request_id
from ecp_server.interceptors.handlers import Context, Continuation, Handler

REQUEST_ID: Final = "x-request-id"
_INSISTING: Final = 5
"""Who was refused may not be the last to come: so much longer quiet is waited for then."""
_ACCEPTABLE: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")


class CallsInFlight:
    """The calls that are being served, clean-up included: also of those whose caller already has a status.

    The server's own count forgets a call as soon as its status is sent.
    """

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._last_came = 0.0
        self._some_were_refused = False
        self.are_refused = False
        """Whether new calls are to be refused; they are not counted then."""
        self.are_cut_off = False
        """Whether those in flight were cancelled by the server."""

    def __len__(self) -> int:
        return len(self._tasks)

    def enter(self) -> None:
        """Count the call that the current task serves until that task is done."""
        self._last_came = time.monotonic()
        task = asyncio.current_task()
        self._some_were_refused = self.are_refused
        if task is not None and not self.are_refused:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def refuse(self) -> None:
        """Have all calls refused that come from now on."""
        self.are_refused = True

    async def drained(self, timeout_seconds: float) -> bool:
        """Wait until no call is left, or the time is over; return whether none is."""
        end = time.monotonic() + timeout_seconds
        while self._tasks and (left := end - time.monotonic()) > 0:
            await asyncio.wait(self._tasks, timeout=left)
        return not self._tasks

    async def quiet(self, quiet_seconds: float, *, at_most_seconds: float) -> None:
        """Wait until no call has come for a while, for a longer one once some were refused, or the time is over."""
        end = time.monotonic() + at_most_seconds
        while (quiet_at := min(self._quiet_at(quiet_seconds), end)) > (now := time.monotonic()):  # noqa: ASYNC110 - of time
            await asyncio.sleep(min(quiet_seconds, quiet_at - now))

    def _quiet_at(self, quiet_seconds: float) -> float:
        return self._last_came + quiet_seconds * (_INSISTING if self._some_were_refused else 1)

    def cut_off(self) -> None:
        """Cancel what is left."""
        self.are_cut_off = True
        for task in self._tasks:
            task.cancel()


class RequestIdInterceptor(aio.ServerInterceptor):
    """Gives every call its id, known to all that follows; `accept` and `announce` tell the caller."""

    def __init__(self, calls: CallsInFlight) -> None:
        self._calls = calls

    @override
    async def intercept_service(
        self, continuation: Continuation, handler_call_details: grpc.HandlerCallDetails
    ) -> Handler | None:
        """Begin the call."""
        CALL.set(Call(request_id=chosen(handler_call_details.invocation_metadata)))
        self._calls.enter()
        return await continuation(handler_call_details)


def accept(context: Context) -> None:
    """Complete `CALL` with the caller's deadline, and put the request id into the trailers, come what may."""
    call = CALL.get()
    remaining = context.time_remaining()
    if remaining is not None:
        CALL.set(Call(call.request_id, deadline=time.monotonic() + remaining))
    context.set_trailing_metadata(((REQUEST_ID, call.request_id),))


async def announce(context: Context) -> None:
    """Send the request id in initial metadata. A caller's gRPC retries no call of which it has seen these.

    Raises `grpc.aio.InternalError` where the caller is gone.
    """
    await context.send_initial_metadata(((REQUEST_ID, CALL.get().request_id),))


def chosen(metadata: Iterable[tuple[str, str | bytes]]) -> str:
    """Return the caller's id if there is exactly one and it is harmless, else one of our own."""
    sent = [value for key, value in metadata if key == REQUEST_ID]
    if len(sent) == 1 and isinstance(sent[0], str) and _ACCEPTABLE.fullmatch(sent[0]):
        return sent[0]
    return request_id()
