"""Catalogs that a test holds."""

from __future__ import annotations

from ecp_server.domain.catalog import Catalog


class Held:
    """`Catalogs` of a test: the last one is in force; ``drop`` lets go of one."""

    def __init__(self, *catalogs: Catalog) -> None:
        self._held = {catalog.version: catalog for catalog in catalogs}

    @property
    def current(self) -> Catalog:
        """The catalog added last."""
        return next(reversed(self._held.values()))

    def held(self, version: str) -> Catalog | None:
        """The catalog of that version, if it is held."""
        return self._held.get(version)

    def add(self, catalog: Catalog) -> None:
        """Put a catalog in force."""
        self._held[catalog.version] = catalog

    def drop(self, version: str) -> None:
        """Hold a catalog no more."""
        del self._held[version]
