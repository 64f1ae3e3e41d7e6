"""Asks a store, and where it fails something in its place; tells that in reply and provenance."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

from ecp_server.domain.errors import StoreError
from ecp_server.domain.impaired import IMPAIRED
from ecp_server.domain.provenance import FALLBACK, STORE_CALLS, Degradation, StoreCall, StoreKind

T = TypeVar("T")


class StandIn:
    """What stands in for one store."""

    def __init__(self, store: StoreKind, fallback: str, adapter: str, *, remark: Callable[[], str] = str) -> None:
        """``fallback`` is its name for callers, ``adapter`` what answers, ``remark`` what is to be told beside."""
        self._store = store
        self._fallback = fallback
        self._adapter = adapter
        self._remark = remark
        self._since: datetime | None = None

    async def ask(self, operation: str, asked: Callable[[], Awaitable[T]], instead: Callable[[], Awaitable[T]]) -> T:
        """Return what is asked for, or what stands in for it.

        A store that failed once is not asked again in the same call: its time is spent, and a reply that is partly its
        and partly not would be harder to read.
        """
        impaired = IMPAIRED.get()
        if impaired is None or self._store not in impaired:
            try:
                answer = await asked()
            except StoreError as error:
                self._since = self._since or datetime.now(UTC)
                if impaired is not None:
                    reason = error.message + self._remark()
                    impaired.note(Degradation(self._store, reason, self._fallback, self._since))
            else:
                self._since = None
                return answer
        started = time.perf_counter()
        answer = await instead()
        calls = STORE_CALLS.get()
        if calls is not None:
            duration_ms = (time.perf_counter() - started) * 1e3
            calls.append(StoreCall(self._store, self._adapter, operation, duration_ms, FALLBACK))
        return answer
