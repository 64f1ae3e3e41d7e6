"""The documents: the catalog in memory."""

from __future__ import annotations

from ecp_server.domain.catalog import Catalogs
from ecp_server.settings import Settings
from ecp_server.stores.registry.embedded import EmbeddedRegistry


def registry_store(settings: Settings, catalogs: Catalogs) -> EmbeddedRegistry:
    """Return the adapter."""
    return EmbeddedRegistry(catalogs)
