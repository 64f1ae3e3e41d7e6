"""Sees every call to a store: its metric, its place in the provenance, and its failure in the log.

It stands outside the guard, which bounds and repeats the call and tells through `REPORT` what it did.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass
from traceback import walk_tb
from typing import Final, Protocol, TypeVar

import structlog

from ecp_server.domain.errors import EcpError, StoreQueryFailed
from ecp_server.domain.provenance import STORE_CALLS, StoreCall, StoreKind
from ecp_server.stores.ports import Probed
from ecp_server.stores.wrap import around
from ecp_server.telemetry.failures import chain, named

P = TypeVar("P", bound=Probed)
T = TypeVar("T")

OK: Final = "ok"
CANCELLED: Final = "cancelled"
"""The outcome of a call whose caller went away."""

_LOG: Final = structlog.get_logger(__name__)


class StoreInstruments(Protocol):
    """The metrics of store calls."""

    def store_call(self, store: str, adapter: str, operation: str, outcome: str, seconds: float) -> None:
        """Count one call to a ``store`` such as "graph"; ``outcome`` as in `StoreCall`, ``seconds`` with retries."""


@dataclass(slots=True)
class CallReport:
    """What the wrappers within know of the call under way."""

    attempts: int = 1
    """Attempts made; 0 where the store was not asked at all."""
    outcome: str = OK
    """How it ended where it did not fail: ok or fallback."""


REPORT: ContextVar[CallReport | None] = ContextVar("store_call_report", default=None)
"""The report of the call under way; a wrapper changes it in place, so that it may do so from a task of its own."""


def observed(port: P, store: StoreKind, *, instruments: StoreInstruments) -> P:
    """Return the port with its calls measured and recorded.

    It raises `StoreQueryFailed` for what the adapter did not foresee.
    """
    return around(port, _Observation(store, port.adapter, instruments))


class _Observation:
    def __init__(self, store: StoreKind, adapter: str, instruments: StoreInstruments) -> None:
        self._store = store
        self._label = store.name.lower()
        self._adapter = adapter
        self._instruments = instruments

    async def __call__(self, operation: str, call: Callable[[], Awaitable[T]], /) -> T:
        report = CallReport()
        token = REPORT.set(report)
        started = time.perf_counter()
        failure: Exception | None = None
        try:
            return await call()
        except asyncio.CancelledError:
            report.outcome = CANCELLED
            raise
        except EcpError as error:
            failure, report.outcome = error, error.reason.value
            raise
        except Exception as error:
            failure, report.outcome = error, StoreQueryFailed.reason.value
            raise StoreQueryFailed(self._store) from error
        finally:
            REPORT.reset(token)
            self._record(operation, report, time.perf_counter() - started, failure)

    def _record(self, operation: str, report: CallReport, seconds: float, failure: Exception | None) -> None:
        self._instruments.store_call(self._label, self._adapter, operation, report.outcome, seconds)
        duration_ms = seconds * 1e3
        calls = STORE_CALLS.get()
        if calls is not None:
            calls.append(StoreCall(self._store, self._adapter, operation, duration_ms, report.outcome, report.attempts))
        if failure is not None:
            _LOG.warning(
                "store_call_failed",
                store=self._label,
                adapter=self._adapter,
                operation=operation,
                outcome=report.outcome,
                attempts=report.attempts,
                duration_ms=round(duration_ms, 3),
                **_diagnosis(failure),
            )


def _diagnosis(failure: BaseException) -> dict[str, str]:
    """Say what happened by types, codes and place only: drivers put addresses and credentials into their texts."""
    causes = list(chain(failure))
    return {"cause": " < ".join(map(named, causes)), "where": _place(causes[-1])}


def _place(error: BaseException) -> str:
    place = ""
    for frame, line in walk_tb(error.__traceback__):
        place = f"{frame.f_globals.get('__name__', '?')}.{frame.f_code.co_qualname}:{line}"
    return place
