"""Keeps the catalog in force in step with its directory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import datetime
from pathlib import Path
from typing import Final

import structlog
from watchfiles import awatch

from ecp_server.catalog.errors import CatalogInvalid
from ecp_server.catalog.files import directory_state
from ecp_server.catalog.load import load_catalog
from ecp_server.catalog.shelf import CatalogShelf
from ecp_server.domain.frozen import dataclass

_LOG: Final = structlog.get_logger(__name__)

# Errors that one log line names; `catalog check` prints them all.
_ERRORS_LOGGED: Final = 10


@dataclass(frozen=True, slots=True)
class CatalogStatus:
    """Which catalog is in force, and whether the directory holds one that is not fit to replace it."""

    version: str
    loaded_at: datetime
    error: str | None = None
    """What is wrong with what the directory holds now; None where that is in force."""


class CatalogWatch:
    """Loads a catalog again whenever its directory changes, and puts it on the shelf if it is valid.

    The system's notifications only say when to look: what counts is whether names, sizes or times of the files differ
    from those loaded last. So a lost notification, a folder replaced or a file system without notifications delays a
    change by no more than ``poll_seconds``. Loading happens in a thread.
    """

    def __init__(
        self,
        directory: Path,
        shelf: CatalogShelf,
        loaded_state: object = None,
        *,
        poll_seconds: float = 15.0,
        debounce_seconds: float = 0.5,
    ) -> None:
        """Watch ``directory``; ``loaded_state`` is its `directory_state` before the shelf's catalog was loaded.

        Without that the directory is read once more when watching starts.
        """
        self._directory = directory
        self._shelf = shelf
        self._loaded_state = loaded_state
        self._poll_ms = round(poll_seconds * 1000)
        self._debounce_ms = round(debounce_seconds * 1000)
        self._error: str | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def status(self) -> CatalogStatus:
        """What health has to say."""
        return CatalogStatus(self._shelf.current.version, self._shelf.loaded_at, self._error)

    @property
    def problem(self) -> str:
        """Return why what the directory holds is not in force, "" where it is."""
        return (
            "" if self._error is None else f"the catalog on disk is not fit to replace the one in force: {self._error}"
        )

    def start(self) -> None:
        """Begin to watch."""
        self._task = asyncio.create_task(self._run(), name="catalog-watch")

    async def close(self) -> None:
        """Stop watching. A load under way runs to its end in its thread, and has no effect."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def refresh(self) -> None:
        """Load the directory if it has changed since it was loaded last."""
        state = await asyncio.to_thread(directory_state, self._directory)
        if state == self._loaded_state:
            return
        started = time.monotonic()
        try:
            catalog = await asyncio.to_thread(load_catalog, self._directory)
            swapped = await asyncio.to_thread(self._shelf.swap, catalog)
        except CatalogInvalid as invalid:
            first, others = invalid.errors[0], len(invalid.errors) - 1
            self._error = f"{first} (and {others} more)" if others else str(first)
            _LOG.warning(
                "catalog_rejected",
                in_force=self._shelf.current.version,
                errors=len(invalid.errors),
                first_errors=[str(error) for error in invalid.errors[:_ERRORS_LOGGED]],
            )
        except Exception:  # noqa: BLE001 - logged; the catalog in force stays, and the next change is looked at
            self._error = "internal error"
            _LOG.exception("catalog_rejected", in_force=self._shelf.current.version)
        else:
            self._error = None
            if swapped:
                _LOG.info("catalog_loaded", version=catalog.version, seconds=round(time.monotonic() - started, 3))
        self._loaded_state = state

    async def _run(self) -> None:
        await self.refresh()
        async with aclosing(self._wake_ups()) as wake_ups:
            async for _ in wake_ups:
                await self.refresh()

    async def _wake_ups(self) -> AsyncGenerator[None, None]:
        """Yield after each change that the system tells of, and at least once a poll interval."""
        while True:
            notified = awatch(
                self._directory, debounce=self._debounce_ms, rust_timeout=self._poll_ms, yield_on_timeout=True
            )
            try:
                async with aclosing(notified):
                    async for changes in notified:
                        yield
                        if not changes:
                            break  # watch anew: the folder may be another one by now
            except (OSError, RuntimeError) as error:  # no such folder for the moment, or no notifications to be had
                _LOG.warning("catalog_not_watched", reason=type(error).__name__)
                await asyncio.sleep(self._poll_ms / 1000)
                yield
