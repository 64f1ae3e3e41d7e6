"""Holds the catalog in force and the few before it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from ecp_server.domain.catalog import Catalog

Listener = Callable[[Catalog], None]
"""Makes what depends on a catalog ready for it, before it is put in force. May block; is called from any thread.

Raises:
    CatalogInvalid: the catalog cannot be served, e.g. its policies do not parse; the one before it stays.
"""

# The one in force, and those that resolutions under way or not yet executed were made with.
_HELD: Final = 4


class CatalogShelf:
    """The `Catalogs` of a server. Swaps happen one at a time; reading is safe from any thread at any moment."""

    def __init__(self, catalog: Catalog) -> None:
        self._held: tuple[Catalog, ...] = (catalog,)
        self._loaded_at = datetime.now(UTC)
        self._listeners: list[Listener] = []

    @property
    def current(self) -> Catalog:
        """The catalog in force."""
        return self._held[0]

    @property
    def loaded_at(self) -> datetime:
        """When the catalog in force was put there, in UTC."""
        return self._loaded_at

    def held(self, version: str) -> Catalog | None:
        """Return the catalog of that version if it is in force or one of the last three before it, else None."""
        return next((catalog for catalog in self._held if catalog.version == version), None)

    def subscribe(self, listener: Listener) -> None:
        """Call ``listener`` with the catalog in force, now, and with each catalog that is to be put in force."""
        listener(self.current)
        self._listeners.append(listener)

    def swap(self, catalog: Catalog) -> bool:
        """Put a catalog in force once every listener is ready for it; return False where it is in force already.

        Raises:
            CatalogInvalid: a listener refuses it. Nothing has changed then.
        """
        if catalog.version == self.current.version:
            return False
        for listener in self._listeners:
            listener(catalog)
        before = tuple(other for other in self._held if other.version != catalog.version)
        self._held = (catalog, *before)[:_HELD]
        self._loaded_at = datetime.now(UTC)
        return True
