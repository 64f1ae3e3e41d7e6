"""Refuses calls for overload with as little work as there can be, and counts, traces and logs them all the same.

Of a call that is refused nothing is read or parsed, and its status is put together from prepared bytes. Who has more to
do than can be done should not spend it on saying so: of many refusals in a second some have a line and a span.
"""

from __future__ import annotations

import asyncio
import random
import time
from contextvars import ContextVar
from typing import Any, Final, NoReturn

import grpc
import structlog
from grpc import aio

from ecp_server.domain.call import CALL, Call
from ecp_server.domain.errors import Reason
from ecp_server.domain.frozen import dataclass
from ecp_server.interceptors.endings import code_lost, code_seen
from ecp_server.interceptors.handlers import Context, Handler, reading, without_frames
from ecp_server.interceptors.request_id import REQUEST_ID, CallsInFlight, chosen
from ecp_server.interceptors.status import DETAILS, overloaded
from ecp_server.telemetry.metrics import Instruments
from ecp_server.telemetry.tracing import Tracing, trace_headers

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()

RETRY_SECONDS: Final = (0.5, 1.5)
"""Who is refused is told to come back after a time between these, so that not all come back at once."""
_LINES_A_SECOND: Final = 10


class RefusalLines:
    """How many refused calls were told in this second, and how many were left out since a line was written."""

    def __init__(self) -> None:
        self._second = 0
        self._told = 0
        self._left_out = 0

    def may_be_told(self, now: float) -> bool:
        """Count a refused call; return whether it gets a line."""
        if self._second != int(now):
            self._second, self._told = int(now), 0
        self._told += 1
        if self._told > _LINES_A_SECOND:
            self._left_out += 1
            return False
        return True

    def left_out(self) -> dict[str, int]:
        """Return the field of the next line that tells of it, if there is something to tell."""
        count, self._left_out = self._left_out, 0
        return {"refused_calls_not_logged": count} if count else {}


@dataclass(frozen=True, slots=True)
class _Refused:
    """A call to refuse."""

    method: str
    metadata: Any
    started: float


_REFUSED: ContextVar[_Refused] = ContextVar("refused_for_overload")


class Refusals:
    """Refuses calls."""

    def __init__(self, instruments: Instruments, tracing: Tracing, calls: CallsInFlight, lines: RefusalLines) -> None:
        self._instruments = instruments
        self._tracing = tracing
        self._calls = calls
        self._lines = lines
        self._handler = reading(self._refuse, streams=False)

    def refuse(self, details: grpc.HandlerCallDetails) -> Handler:
        """Return what refuses the call of the current task; its method must exist."""
        _REFUSED.set(_Refused(details.method, details.invocation_metadata, time.perf_counter()))
        return self._handler

    async def _refuse(self, requests: Any, context: Context) -> NoReturn:
        refused = _REFUSED.get()
        request_id = chosen(refused.metadata)
        status = overloaded(round(random.uniform(*RETRY_SECONDS), 2), request_id)  # noqa: S311 - no secret
        self._instruments.request_started(refused.method)
        code = "UNKNOWN"
        try:
            await context.abort(status.code, status.message, ((REQUEST_ID, request_id), (DETAILS, status.details)))
        except aio.AbortError as abort:
            code = code_seen(context, self._calls, "UNKNOWN")
            # As in `TelemetryInterceptor`: the call is to go at once, not when the collector comes.
            without_frames(abort)
            del requests, context
            raise
        except aio.InternalError as closed:  # the caller hung up
            code = code_lost(context, self._calls)
            raise asyncio.CancelledError from closed
        except BaseException:
            code = code_lost(context, self._calls)
            raise
        finally:
            self._finish(refused, request_id, code)

    def _finish(self, refused: _Refused, request_id: str, code: str) -> None:
        seconds = time.perf_counter() - refused.started
        self._instruments.request_finished(refused.method, code, seconds)
        headers = trace_headers(refused.metadata)
        told = self._lines.may_be_told(refused.started)
        if not (told or headers):
            return
        CALL.set(Call(request_id))
        span = self._tracing.begin(refused.method, headers)
        self._tracing.end(span, method=refused.method, code=code)
        if told:
            _log.info(
                "request_completed",
                method=refused.method,
                code=code,
                reason=Reason.OVERLOADED.value,
                duration_ms=round(seconds * 1000, 3),
                **self._lines.left_out(),
            )
