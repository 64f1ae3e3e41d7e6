"""Connections to one database, with what every session of ours must have."""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from psycopg import AsyncConnection
from psycopg_pool import AsyncConnectionPool

from ecp_server.domain.errors import StoreUnavailable
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.postgresql.errors import lost, translated

Connection = AsyncConnection[tuple[Any, ...]]

# They write addresses and users into their texts; failures are logged where every store call is.
logging.getLogger("psycopg").addHandler(logging.NullHandler())
logging.getLogger("psycopg").propagate = False

_CHECK_AFTER_SECONDS: Final = 1.0
"""A connection that lay idle for longer is asked whether it still works before it is used."""
_RECONNECT_SECONDS: Final = 1.0
"""How long the pool goes on to connect in the background; then the next call tries, so that recovery is noticed."""
_LIFETIME_SECONDS: Final = 600.0
"""Connections are renewed, so that load spreads to replicas that came later and rotated passwords are used."""
_POOL_SHARE: Final = 0.8
"""The share of a call's time that it may wait for a connection: a pool that has none is told of before time is up."""


class Database:
    """A pool of connections to a PostgreSQL database, opened when it is first used.

    Every session commits by itself what is not inside `AsyncConnection.transaction`, gives up a statement after the
    time-out, and reads only, where that is asked for.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        store: StoreKind,
        *,
        size: int,
        timeout_seconds: float,
        read_only: bool = True,
        settings: Mapping[str, str] | None = None,
        configure: Callable[[Connection], Awaitable[None]] | None = None,
    ) -> None:
        """Hold at most ``size`` connections; ``settings`` are further ones of PostgreSQL for every session."""
        self._endpoint = endpoint
        self._store = store
        self._timeout_seconds = timeout_seconds
        self._configure_more = configure
        milliseconds = str(round(timeout_seconds * 1000))
        self._settings = {
            "statement_timeout": milliseconds,
            "idle_in_transaction_session_timeout": milliseconds,
            "default_transaction_read_only": "on" if read_only else "off",
            "timezone": "UTC",
            **(settings or {}),
        }
        self._lost = True
        """Whether a connection broke, or could not be made, and none was made since; or none was made at all."""
        self._finding = asyncio.Lock()
        self._closed = False
        self._opened = False
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            endpoint.url,
            kwargs=self._parameters,
            open=False,
            min_size=0,
            max_size=size,
            timeout=timeout_seconds * _POOL_SHARE,
            max_lifetime=_LIFETIME_SECONDS,
            reconnect_timeout=_RECONNECT_SECONDS,
            reconnect_failed=self._note_lost,
            configure=self._configure,
            check=self._check,
            reset=_note_use,
        )
        self._replaced_at = -math.inf
        """When the connections were last replaced because one was found broken, on the clock of `time.monotonic`."""

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection. Raises what `translated` makes of whatever goes wrong, in the block too.

        Where all are lent it waits for one; that nobody waits for long is for the guard to see to.
        """
        if self._closed:
            raise StoreUnavailable(self._store)
        try:
            if not self._opened:
                await self._pool.open()
                self._opened = True
            if self._lost:
                await self._find()
            async with self._pool.connection() as connection:
                yield connection
        except Exception as error:
            self._lost = self._lost or lost(error)
            raise translated(error, self._store) from error

    async def connect(self) -> Connection:
        """Return a connection beside the pool, for the caller to close: one that waits for notifications.

        Raises what `translated` makes of whatever goes wrong.
        """
        try:
            connection = await AsyncConnection.connect(self._endpoint.url, **await self._parameters())
            try:
                await self._configure(connection)
            except BaseException:
                await connection.close()
                raise
        except Exception as error:
            raise translated(error, self._store) from error
        return connection

    async def close(self) -> None:
        """Close the pool, once lent connections are back or have had their time."""
        if not self._closed:
            self._closed = True
            if self._opened:
                await self._pool.close(timeout=self._timeout_seconds)

    async def _parameters(self) -> dict[str, Any]:
        """Return how to connect; the password is read for each connection."""
        parameters: dict[str, Any] = {
            "autocommit": True,
            "application_name": "ecp-server",
            "connect_timeout": min(max(2, round(self._timeout_seconds)), 10),  # below 2 libpq takes 2
            # A peer that is gone without a word is noticed by its silence.
            "tcp_user_timeout": round(self._timeout_seconds * 2000),
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
        }
        if self._endpoint.password_file is not None:
            parameters["password"] = await asyncio.to_thread(self._endpoint.password)
        return parameters

    async def _configure(self, connection: Connection) -> None:
        await connection.execute(
            "SELECT set_config(name, value, false) FROM unnest(%s::text[], %s::text[]) AS setting (name, value)",
            (list(self._settings), list(self._settings.values())),
        )
        if self._configure_more is not None:
            await self._configure_more(connection)
        await _note_use(connection)
        setattr(connection, _MADE, time.monotonic())
        self._lost = False

    async def _check(self, connection: Connection) -> None:
        """Raise where a connection is broken that was idle for some time; the others are replaced then, too.

        What broke one, as a rule a server that started again, broke all. The pool would lend a caller one after the
        other, and from the second one on let it wait for a second each time.
        """
        if time.monotonic() - getattr(connection, _USED, 0.0) <= _CHECK_AFTER_SECONDS:
            return
        try:
            await AsyncConnectionPool.check_connection(connection)
        except Exception:
            if getattr(connection, _MADE, 0.0) > self._replaced_at:
                self._replaced_at = time.monotonic()
                await self._pool.drain()
            raise

    async def _find(self) -> None:
        """Connect beside the pool, which would let the call wait for its next attempt and then not say what failed.

        One call does, and those that come meanwhile hear of it.
        """
        async with self._finding:
            if self._lost:
                await (await self.connect()).close()

    def _note_lost(self, _: object) -> None:
        self._lost = True


_USED: Final = "ecp_last_use"
"""The attribute of a connection that says when it came back to the pool, on the clock of `time.monotonic`."""
_MADE: Final = "ecp_made"
"""The one that says when it was made."""


async def _note_use(connection: Connection) -> None:
    setattr(connection, _USED, time.monotonic())
