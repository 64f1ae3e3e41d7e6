"""Looks up the names of hosts so that a resolver that hangs holds up nobody but who asks for that name.

Looking up blocks, so it takes a thread. The event loop would take one of the few that everything else shares, and one
for every connection that is tried: a resolver that hangs would soon hold all of them, and with them each password file
and each other store. Here a name has one thread, of its own, however many ask for it.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import Any, Final

MAX_LOOKUPS: Final = 16
"""Names that are looked up at a time; there are fewer stores."""


class HostLookup:
    """Looks up hosts in the place of an event loop: every driver of ours asks that."""

    def __init__(self, lookup: Callable[..., Any] | None = None) -> None:
        """``lookup`` is asked instead of `socket.getaddrinfo`, if given."""
        self._lookup = lookup
        self._under_way: dict[tuple[Any, ...], asyncio.Future[Any]] = {}

    def serve(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look up from now on what the loop is asked for."""
        loop.getaddrinfo = self.getaddrinfo  # type: ignore[method-assign]  # asyncio has no other way in

    async def getaddrinfo(
        self,
        host: bytes | str | None,
        port: bytes | str | int | None,
        *,
        family: int = 0,
        type: int = 0,  # noqa: A002 - as asyncio calls it
        proto: int = 0,
        flags: int = 0,
    ) -> Any:
        """Return what `socket.getaddrinfo` does; see `asyncio.AbstractEventLoop`. Raises `OSError`.

        A caller who goes away leaves the lookup to the others.
        """
        asked = (host, port, family, type, proto, flags)
        found = self._under_way.get(asked)
        if found is None:
            if len(self._under_way) >= MAX_LOOKUPS:
                raise socket.gaierror(socket.EAI_AGAIN, "too many names are being looked up")
            loop = asyncio.get_running_loop()
            # A daemon: nothing can interrupt it, and the process is not to wait for it at its end.
            thread = Thread(target=self._run, args=(loop, asked), name="ecp-host-lookup", daemon=True)
            try:
                thread.start()
            except RuntimeError as error:  # the process has as many as it may have
                raise socket.gaierror(socket.EAI_AGAIN, "no thread to look up a name in") from error
            found = self._under_way[asked] = loop.create_future()
        return await asyncio.shield(found)

    def _run(self, loop: asyncio.AbstractEventLoop, asked: tuple[Any, ...]) -> None:
        addresses, failure = None, None
        try:
            addresses = (self._lookup or socket.getaddrinfo)(*asked)
        except Exception as error:  # noqa: BLE001 - whatever it is, those who wait must hear of it
            failure = error
        with suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(self._settle, asked, addresses, failure)

    def _settle(self, asked: tuple[Any, ...], addresses: Any, failure: Exception | None) -> None:
        found = self._under_way.pop(asked)
        if failure is None:
            found.set_result(addresses)
        else:
            found.set_exception(failure)
            found.exception()  # retrieved: perhaps nobody waits any more
