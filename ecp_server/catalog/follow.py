"""Keeps the catalog in force in step with the registry that catalogs are published to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Final, Protocol

import structlog

from ecp_server.catalog.errors import CatalogInvalid
from ecp_server.catalog.shelf import CatalogShelf
from ecp_server.domain.catalog import Catalog
from ecp_server.domain.errors import StoreError, StoreQueryFailed
from ecp_server.stores.publish import Publication

_LOG: Final = structlog.get_logger(__name__)

_LISTEN_AGAIN_SECONDS: Final = 2.0


class PublishedSource(Protocol):
    """The registry as a follower sees it. Every method raises `StoreError` where the registry does not answer."""

    async def latest(self) -> Publication | None:
        """Return the catalog in force; None before the first."""

    async def load(self, publication: Publication) -> Catalog:
        """Return a catalog as it was published. Raises `StoreQueryFailed` where this release cannot read it."""

    def notifications(self) -> AsyncGenerator[None, None]:
        """Yield when listening has begun, and then whenever something was published."""


class CatalogFollower:
    """Loads each catalog that is published and puts it on the shelf if it is valid.

    Notifications say when to look; it looks every ``poll_seconds`` all the same, so that one that was lost, or a
    connection that went silent, delays a change by no more than that.
    """

    def __init__(
        self,
        source: PublishedSource,
        shelf: CatalogShelf,
        number: int | None,
        keep: Callable[[Catalog], None],
        *,
        poll_seconds: float = 3.0,
    ) -> None:
        """``number`` is that of the shelf's catalog, None where it came from elsewhere.

        ``keep`` keeps a catalog that came into force for a start without the registry; it blocks, and raises `OSError`.
        """
        self._source = source
        self._shelf = shelf
        self._number = number
        self._keep = keep
        self._poll_seconds = poll_seconds
        self._problem = "" if number is not None else "the registry has not given a catalog yet; another stands in"
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def problem(self) -> str:
        """Return why the catalog in force is not the one that was published last, "" where it is."""
        return self._problem

    def start(self) -> None:
        """Begin to follow."""
        self._tasks = [
            asyncio.create_task(self._run(), name="catalog-follower"),
            asyncio.create_task(self._listen(), name="catalog-listener"),
        ]

    async def close(self) -> None:
        """Stop following. A load under way has no effect."""
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        self._tasks = []

    async def refresh(self) -> None:
        """Put in force what was published last, if that is another one than before. Failures are told, not raised."""
        try:
            publication = await self._source.latest()
            if publication is None:
                self._problem = "nothing is published; another catalog stands in"
            elif publication.number != self._number:
                await self._take(publication)
            elif self._problem in _OUTAGES:
                self._problem = ""
        except StoreError as error:
            if not self._problem or self._problem in _OUTAGES:
                self._problem = _AWAY
            _LOG.debug("registry_not_followed", cause=type(error).__name__)

    async def _take(self, publication: Publication) -> None:
        started = time.monotonic()
        try:
            catalog = await self._source.load(publication)
            swapped = await asyncio.to_thread(self._shelf.swap, catalog)
        except StoreQueryFailed:
            self._reject(publication, "this release cannot read it")
        except CatalogInvalid as invalid:
            self._reject(publication, str(invalid.errors[0]))
        else:
            self._problem = ""
            if swapped:
                seconds = round(time.monotonic() - started, 3)
                _LOG.info("catalog_loaded", version=catalog.version, number=publication.number, seconds=seconds)
            await self._kept(catalog)
        self._number = publication.number

    def _reject(self, publication: Publication, reason: str) -> None:
        self._problem = f"the catalog published as number {publication.number} is not fit to come into force: {reason}"
        _LOG.warning("catalog_rejected", in_force=self._shelf.current.version, number=publication.number, reason=reason)

    async def _kept(self, catalog: Catalog) -> None:
        try:
            await asyncio.to_thread(self._keep, catalog)
        except OSError as error:
            _LOG.warning("catalog_not_kept", reason=error.strerror)

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            await self.refresh()
            try:
                async with asyncio.timeout(self._poll_seconds):
                    await self._wake.wait()
            except TimeoutError:
                continue

    async def _listen(self) -> None:
        while True:
            try:
                async with aclosing(self._source.notifications()) as notifications:
                    async for _ in notifications:
                        self._wake.set()
            except StoreError as error:
                _LOG.debug("registry_not_listened_to", cause=type(error).__name__)
            await asyncio.sleep(_LISTEN_AGAIN_SECONDS)


_AWAY: Final = "the registry does not answer; the catalog that it gave last stands in"
_OUTAGES: Final = frozenset({_AWAY})
