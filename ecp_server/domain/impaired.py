"""What was impaired while one call was answered: told in its reply, and not asked again for the rest of it."""

from __future__ import annotations

from contextvars import ContextVar

from ecp_server.domain.provenance import Degradation, StoreKind


class Impaired:
    """The stores that failed one call, and what stood in for each."""

    def __init__(self) -> None:
        self._noted: dict[StoreKind, Degradation] = {}

    def __contains__(self, store: StoreKind) -> bool:
        return store in self._noted

    def note(self, degradation: Degradation) -> None:
        """Note what stands in for a store; the first time decides."""
        self._noted.setdefault(degradation.store, degradation)

    @property
    def degradations(self) -> tuple[Degradation, ...]:
        """Return what was noted, one a store, in the order of their kinds."""
        return tuple(self._noted[store] for store in sorted(self._noted))


def nothing_impaired() -> Impaired:
    """Begin to answer a call: return what will be noted while it is answered."""
    impaired = Impaired()
    IMPAIRED.set(impaired)
    return impaired


IMPAIRED: ContextVar[Impaired | None] = ContextVar("impaired", default=None)
"""Of the call being answered; None where nobody is to be told."""
