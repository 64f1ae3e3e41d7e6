"""A Neo4j server as its adapter and its publisher reach it: bounded, without retries, errors as the port has them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final

from neo4j import (
    READ_ACCESS,
    WRITE_ACCESS,
    AsyncDriver,
    AsyncGraphDatabase,
    NotificationMinimumSeverity,
    Query,
    basic_auth,
)
from neo4j.api import Auth
from neo4j.auth_management import AsyncAuthManager
from neo4j.exceptions import (
    AuthError,
    ClientError,
    DatabaseError,
    DriverError,
    Forbidden,
    Neo4jError,
    ResultError,
    TransientError,
)
from typing_extensions import override

from ecp_server.domain.call import CALL
from ecp_server.domain.errors import EcpError, StoreQueryFailed, StoreTimeout, StoreUnavailable
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.endpoint import Endpoint

SCHEMES: Final = ("neo4j", "neo4j+s", "neo4j+ssc", "bolt", "bolt+s", "bolt+ssc")
DEFAULT_USER: Final = "neo4j"

# A connection that was idle for longer is asked whether it lives before it is used.
_IDLE_SECONDS: Final = 30.0
_LIFETIME_SECONDS: Final = 3600.0
_Given = tuple[Any, Any] | Auth | None
"""As the driver declares it."""

_TIMED_OUT: Final = "Neo.ClientError.Transaction.TransactionTimedOut"


class Neo4jConnection:
    """A pool of connections to the server of a URL: ``neo4j://USER@HOST:PORT/DATABASE``, bolt and TLS likewise."""

    def __init__(self, endpoint: Endpoint, *, pool_size: int, timeout_seconds: float) -> None:
        """No call takes much longer than ``timeout_seconds``; nothing is connected before the first one."""
        parts = endpoint.parts
        host = parts.hostname or ""
        self._address = f"{parts.scheme}://{f'[{host}]' if ':' in host else host}:{parts.port or 7687}"
        self._database = parts.path.strip("/") or None
        self._password = _Password(endpoint)
        self.pool_size = pool_size
        self._timeout_seconds = timeout_seconds
        self._driver: AsyncDriver | None = None
        self._closed = False

    async def read(self, text: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Ask a question that is answered by one record; one round trip."""
        return await self._run(text, parameters, READ_ACCESS)

    async def write(self, text: str, parameters: Mapping[str, Any]) -> Mapping[str, Any]:
        """Change something in a transaction of its own, and return the one record that tells of it."""
        return await self._run(text, parameters, WRITE_ACCESS)

    async def change_schema(self, text: str) -> None:
        """Make a constraint or an index."""
        async with self._translated(), self._open().session(database=self._database) as session:
            await (await session.run(Query(text, timeout=self._timeout_seconds))).consume()

    async def close(self) -> None:
        """Close every connection. Calling it twice does nothing more."""
        self._closed = True
        driver, self._driver = self._driver, None
        if driver is not None:
            await driver.close()

    async def _run(self, text: str, parameters: Mapping[str, Any], access: str) -> Mapping[str, Any]:
        left = CALL.get().remaining()
        timeout = self._timeout_seconds if left is None else min(self._timeout_seconds, max(left, 0.001))
        async with self._translated():
            session = self._open().session(database=self._database, default_access_mode=access)
            async with session:
                # One statement in a transaction of its own: no BEGIN and COMMIT, which would be trips of their own.
                result = await session.run(Query(text, timeout=timeout), dict(parameters))
                return (await result.single(strict=True)).data()

    def _open(self) -> AsyncDriver:
        if self._closed:
            raise StoreUnavailable(StoreKind.GRAPH)
        if self._driver is None:
            self._driver = AsyncGraphDatabase.driver(
                self._address,
                auth=self._password if self._password.is_given else None,
                max_connection_pool_size=self.pool_size,
                connection_acquisition_timeout=self._timeout_seconds,
                connection_timeout=self._timeout_seconds,
                max_transaction_retry_time=0,
                liveness_check_timeout=_IDLE_SECONDS,
                max_connection_lifetime=_LIFETIME_SECONDS,
                notifications_min_severity=NotificationMinimumSeverity.OFF,
                telemetry_disabled=True,
            )
        return self._driver

    @asynccontextmanager
    async def _translated(self) -> AsyncIterator[None]:
        """Turn what the driver raises into the errors of `ports.Graph`."""
        try:
            yield
        except EcpError:
            raise
        except (AuthError, Forbidden) as error:  # the same again will not help
            self._password.forget()
            raise StoreUnavailable(StoreKind.GRAPH, retry_after_seconds=None) from error
        except Neo4jError as error:
            raise _refused(error) from error
        except (ResultError, UnicodeEncodeError) as error:
            raise StoreQueryFailed(StoreKind.GRAPH) from error
        except (DriverError, OSError) as error:
            raise StoreUnavailable(StoreKind.GRAPH) from error
        except Exception as error:  # whatever the driver makes of bytes that are not Bolt: the same again will not help
            raise StoreUnavailable(StoreKind.GRAPH, retry_after_seconds=None) from error


def _refused(error: Neo4jError) -> EcpError:
    if (error.code or "").startswith(_TIMED_OUT):
        return StoreTimeout(StoreKind.GRAPH)
    if isinstance(error, TransientError) or error.is_retryable():
        return StoreUnavailable(StoreKind.GRAPH)
    if isinstance(error, ClientError | DatabaseError):
        return StoreQueryFailed(StoreKind.GRAPH)
    return StoreUnavailable(StoreKind.GRAPH)


class _Password(AsyncAuthManager):
    """Gives the password for each call, read again once the server has refused it: a secret may have been rotated."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._known: Auth | None = None

    @property
    def is_given(self) -> bool:
        """Whether there is a user or a password at all."""
        parts = self._endpoint.parts
        return bool(parts.username or parts.password or self._endpoint.password_file)

    def forget(self) -> None:
        """Read it anew next time."""
        self._known = None

    @override
    async def get_auth(self) -> Auth:
        if self._known is None:
            password = await asyncio.to_thread(self._endpoint.password)
            self._known = basic_auth(self._endpoint.user or DEFAULT_USER, password)
        return self._known

    @override
    async def handle_security_exception(self, auth: _Given, error: Neo4jError) -> bool:
        self.forget()
        return False
