"""The guards of all stores, and which ports need one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

import structlog

from ecp_server.domain.health import BreakerState
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.guard.breaker import BreakerListener
from ecp_server.stores.guard.deadline import Budget, bounded
from ecp_server.stores.guard.guarded import Guard, GuardInstruments, GuardSettings, guarded
from ecp_server.stores.observe import StoreInstruments, observed
from ecp_server.stores.ports import Probed

P = TypeVar("P", bound=Probed)

NO_STAND_IN: Final = frozenset({StoreKind.POLICY, StoreKind.STATE})
"""Without these nothing is answered; for the others something stands in."""

_LOG: Final = structlog.get_logger(__name__)


class BreakerInstruments(Protocol):
    """The metrics of breakers."""

    def breaker(self, store: str, state: BreakerState) -> None:
        """Tell the state of a store's breaker."""


class Instruments(StoreInstruments, GuardInstruments, BreakerInstruments, Protocol):
    """The metrics of stores and their guards."""


class Guards:
    """Puts a guard and an observation around ports."""

    def __init__(self, settings: GuardSettings, instruments: Instruments) -> None:
        self._settings = settings
        self._instruments = instruments
        self._guards: dict[StoreKind, Guard] = {}
        self._listeners: list[BreakerListener] = [_Teller(settings, instruments)]

    def around(self, port: P, store: StoreKind, *, budget_seconds: float) -> P:
        """Return the port as everybody is to use it: its calls bounded, guarded where it does I/O, and observed.

        A call may take ``budget_seconds`` or what the caller has left, whichever is less. An adapter that keeps all it
        needs in memory says so by ``in_memory = True``; one that can take only so many calls at a time by
        ``concurrency``, and what it gathers by ``batched``.
        """
        budget = Budget(store, budget_seconds, has_stand_in=store not in NO_STAND_IN)
        if answers_from_memory(port):
            inner = bounded(port, budget)
        else:
            concurrency: int | None = getattr(port, "concurrency", None)
            batched: Mapping[str, int] | None = getattr(port, "batched", None)
            guard = Guard(
                budget, self._settings, self._instruments, self._listeners, concurrency=concurrency, batched=batched
            )
            self._guards[store] = guard
            self._instruments.breaker(store.name.lower(), guard.breaker)
            inner = guarded(port, guard)
        return observed(inner, store, instruments=self._instruments)

    def listen(self, listener: BreakerListener) -> None:
        """Tell somebody of every change of a breaker from now on."""
        self._listeners.append(listener)

    @property
    def breakers(self) -> Mapping[StoreKind, BreakerState]:
        """Return the states of the breakers; a store without one is left out."""
        return {store: guard.breaker for store, guard in self._guards.items()}

    async def close(self) -> None:
        """Wait a while for calls that were left behind; to be called after the adapters are closed."""
        for guard in self._guards.values():
            await guard.close()


def answers_from_memory(port: Probed) -> bool:
    """Return whether the adapter behind a port says that it does no I/O."""
    return bool(getattr(port, "in_memory", False))


@dataclass(frozen=True, slots=True)
class _Teller:
    """Logs and counts what breakers do."""

    settings: GuardSettings
    instruments: BreakerInstruments

    def breaker_changed(self, store: StoreKind, state: BreakerState) -> None:
        self.instruments.breaker(store.name.lower(), state)
        if state is BreakerState.OPEN:
            recovery_seconds = self.settings.breaker.recovery_seconds
            _LOG.warning("breaker_opened", store=store.name.lower(), recovery_seconds=recovery_seconds)
        elif state is BreakerState.HALF_OPEN:
            _LOG.info("breaker_half_opened", store=store.name.lower())
        else:
            _LOG.info("breaker_closed", store=store.name.lower())
