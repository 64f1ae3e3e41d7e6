"""`ecp-server catalog publish`, `history`, `rollback`."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from ecp_server.catalog.errors import CatalogInvalid
from ecp_server.catalog.files import content_digest
from ecp_server.catalog.load import load_catalog
from ecp_server.domain.catalog import Catalog
from ecp_server.domain.errors import StoreError
from ecp_server.settings import Settings, SettingsError
from ecp_server.stores.publish import Difference
from ecp_server.wiring.publishing import NothingToPublishTo, Published, Publishing, publishing
from ecp_server.wiring.registry import published_catalogs

if TYPE_CHECKING:
    from ecp_server.stores.registry.published import PublishedCatalogs

DISTRIBUTION: Final = "enterprise-context-platform"
_NAMES_SHOWN: Final = 20
_PROGRESS_SECONDS: Final = 1.0


@click.command()
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Only tell what would change.")
@click.option("--note", default="", help="What the history says of it.")
def publish(directory: Path, *, dry_run: bool, note: str) -> None:
    """Put the catalog in DIRECTORY into the stores that are servers; servers that follow the registry take it over.

    The stores are those that the server uses (ECP_REGISTRY_URL and others), with rights to write. Publishing what is
    there already changes nothing.

    Exit codes: 0 published, 1 the catalog is not valid or a store failed, 2 a bad setting or no such directory.
    """
    _run(lambda settings: _publish_folder(settings, directory, note=note, dry_run=dry_run))


@click.command()
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1, 10_000), help="How many, newest first.")
def history(limit: int) -> None:
    """List the catalogs that were published to the registry, the one in force first."""
    _run(lambda settings: _history(settings, limit))


@click.command()
@click.argument("number", type=click.IntRange(min=1))
@click.option("--dry-run", is_flag=True, help="Only tell what would change.")
def rollback(number: int, *, dry_run: bool) -> None:
    """Publish once more the catalog that the history lists as NUMBER.

    Exit codes: as for publish; 1 where the history has no such number.
    """
    _run(lambda settings: _rollback(settings, number, dry_run=dry_run))


def _run(command: Callable[[Settings], Coroutine[Any, Any, None]]) -> None:
    try:
        asyncio.run(command(Settings.load()))
    except SettingsError as error:
        raise click.UsageError(str(error)) from None
    except NothingToPublishTo:
        raise click.UsageError("no store is a server: set ECP_REGISTRY_URL, ECP_VECTOR_URL or ECP_GRAPH_URL") from None
    except (CatalogInvalid, StoreError) as error:
        raise click.ClickException(str(error)) from None


async def _publish_folder(settings: Settings, directory: Path, *, note: str, dry_run: bool) -> None:
    source = content_digest(directory, release=version(DISTRIBUTION))
    async with publishing(settings, note, source) as stores:
        unchanged = await stores.unchanged(source)
        if unchanged is None:
            await _publish(stores, load_catalog(directory), dry_run=dry_run)
            return
    for store in unchanged.stores:
        _show(store, names=False)
    click.echo(f"version {unchanged.version}")


async def _publish(stores: Publishing, catalog: Catalog, *, dry_run: bool) -> None:
    tell = _Progress()
    async for done in stores.differences(catalog) if dry_run else stores.publish(catalog, tell):
        tell.end()
        _show(done, names=dry_run)
    click.echo(f"version {catalog.version}{' was not published' if dry_run else ''}")


async def _history(settings: Settings, limit: int) -> None:
    async with _published(settings) as published:
        for one in await published.history(limit=limit):
            when = one.published.strftime("%Y-%m-%d %H:%M:%S UTC")
            changes = f"{one.items} items, {one.added} added, {one.changed} changed, {one.removed} removed"
            note = f"; {one.note}" if one.note else ""
            click.echo(f"{one.number:>5}  {one.version}  {when}  {one.publisher}  {changes}{note}")


async def _rollback(settings: Settings, number: int, *, dry_run: bool) -> None:
    async with _published(settings) as published:
        publication = await published.numbered(number)
        if publication is None:
            raise click.ClickException(f"the history has no catalog {number}")
        catalog = await published.load(publication)
    async with publishing(settings, note=f"as number {number}") as stores:
        await _publish(stores, catalog, dry_run=dry_run)


@asynccontextmanager
async def _published(settings: Settings) -> AsyncIterator[PublishedCatalogs]:
    found = published_catalogs(settings)
    if found is None:
        raise click.UsageError("there is no registry: set ECP_REGISTRY_URL")
    published, database = found
    try:
        yield published
    finally:
        await database.close()


class _Progress:
    """Shows on standard error how far a publish is, once a second at most."""

    def __init__(self) -> None:
        self._shown_at = time.monotonic()
        self._shown = False

    def __call__(self, doing: str, done: int, of: int) -> None:
        now = time.monotonic()
        if now - self._shown_at >= _PROGRESS_SECONDS and of > 0:
            self._shown_at = now
            self._shown = True
            text = f"{doing}: {done} of {of} ({100 * done // of} %)"
            click.echo(f"\r{text:<70}" if sys.stderr.isatty() else text, err=True, nl=not sys.stderr.isatty())

    def end(self) -> None:
        """Begin a new line where one is open."""
        if self._shown and sys.stderr.isatty():
            click.echo(err=True)
        self._shown = False


def _show(done: Published, *, names: bool) -> None:
    found = done.difference
    counts = f"{len(found.added)} added, {len(found.changed)} changed, {len(found.removed)} removed"
    click.echo(f"{done.store}: {counts}, {found.unchanged} unchanged")
    if names:
        _show_names(found)


def _show_names(found: Difference) -> None:
    for sign, titles in (("+", found.added), ("~", found.changed), ("-", found.removed)):
        for title in titles[:_NAMES_SHOWN]:
            click.echo(f"  {sign} {title}")
        if len(titles) > _NAMES_SHOWN:
            click.echo(f"  {sign} and {len(titles) - _NAMES_SHOWN} more")
