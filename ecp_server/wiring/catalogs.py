"""Where the catalog comes from: its folder, or the registry, for which a copy on disk and then the folder stand in."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import structlog

from ecp_server.catalog.errors import CatalogMissing
from ecp_server.catalog.files import directory_state
from ecp_server.catalog.follow import CatalogFollower
from ecp_server.catalog.load import load_catalog
from ecp_server.catalog.shelf import CatalogShelf
from ecp_server.catalog.watch import CatalogWatch
from ecp_server.domain.catalog import Catalog
from ecp_server.domain.errors import StoreError
from ecp_server.settings import Settings, SettingsError, variable
from ecp_server.wiring.postgresql import endpoint_of
from ecp_server.wiring.registry import published_catalogs

if TYPE_CHECKING:
    from ecp_server.stores.registry.copy import CatalogCopy
    from ecp_server.stores.registry.published import PublishedCatalogs

_LOG: Final = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Beginning:
    """The catalog to begin with, and where it came from."""

    catalog: Catalog
    state: object = None
    """The `directory_state` of the folder that it was loaded from."""
    number: int | None = None
    """Under which it was published; None where it came from elsewhere."""


async def beginning(settings: Settings) -> Beginning:
    """Load the catalog to begin with.

    Raises:
        CatalogInvalid: the folder's is the one, and cannot be served.
        SettingsError: the folder's is the one, and there is no such folder.
        CatalogMissing: the registry gives none, and nothing stands in for it.
    """
    if settings.registry_url is None:
        return await asyncio.to_thread(from_folder, settings)
    published = await _from_registry(settings)
    if published is not None:
        return published
    copy = await asyncio.to_thread(_copy(settings).read)
    if copy is not None:
        _LOG.warning("catalog_stand_in", source="copy", version=copy.version)
        return Beginning(copy)
    if "catalog" not in settings.model_fields_set:  # the bundled one is a made-up company's
        raise CatalogMissing(
            "the registry gives no catalog (none is published, or it does not answer), there is no copy of an earlier "
            "one, and ECP_CATALOG names no folder that stands in"
        )
    _LOG.warning("catalog_stand_in", source="folder")
    return await asyncio.to_thread(from_folder, settings)


def from_folder(settings: Settings) -> Beginning:
    """Load the catalog in the folder; blocks. Raises `CatalogInvalid`, and `SettingsError` where there is no folder."""
    with contextlib.suppress(OSError):  # a folder that cannot be looked at is told with the reason
        if not settings.catalog.is_dir():
            raise SettingsError(f"{variable('catalog')}: no such directory: {settings.catalog}")
    state = directory_state(settings.catalog)
    return Beginning(load_catalog(settings.catalog), state)


def kept_in_step(
    settings: Settings, shelf: CatalogShelf, begun: Beginning, published: PublishedCatalogs | None
) -> CatalogWatch | CatalogFollower:
    """Return what puts later catalogs on the shelf: those of the registry, where there is one, else the folder's."""
    if published is None:
        return CatalogWatch(settings.catalog, shelf, begun.state)
    return CatalogFollower(published, shelf, begun.number, _copy(settings).write)


async def _from_registry(settings: Settings) -> Beginning | None:
    found = published_catalogs(settings)
    assert found is not None  # noqa: S101 - there is a URL
    published, database = found
    try:
        publication = await published.latest()
        if publication is None:
            return None
        catalog = await published.load(publication)
    except StoreError as error:
        _LOG.warning("registry_not_read", cause=type(error).__name__)
        return None
    finally:
        await database.close()
    try:
        await asyncio.to_thread(_copy(settings).write, catalog)
    except OSError as error:
        _LOG.warning("catalog_not_kept", reason=error.strerror)
    return Beginning(catalog, number=publication.number)


def _copy(settings: Settings) -> CatalogCopy:
    from ecp_server.stores.registry.copy import CatalogCopy  # noqa: PLC0415 - as its siblings, where it is needed

    endpoint = endpoint_of(settings.registry_url, settings.registry_password_file)
    assert endpoint is not None  # noqa: S101 - there is a URL
    return CatalogCopy(settings.catalog_copy, endpoint)
