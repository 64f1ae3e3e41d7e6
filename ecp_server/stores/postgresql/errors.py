"""What the errors of psycopg and its pool mean."""

from __future__ import annotations

from typing import Final

import psycopg
from psycopg import errors

from ecp_server.domain.errors import StoreError, StoreIncompatible, StoreQueryFailed, StoreTimeout, StoreUnavailable
from ecp_server.domain.provenance import StoreKind

# A schema that is missing or older than this server: `ecp-server migrate` mends that, no change of ours.
_NOT_MIGRATED: Final = (
    errors.UndefinedTable,
    errors.UndefinedColumn,
    errors.UndefinedFunction,
    errors.UndefinedObject,  # the type of an extension
    errors.InvalidSchemaName,
)
_LATE: Final = (errors.QueryCanceled, errors.ConnectionTimeout)
_REFUSED: Final = (psycopg.DataError, psycopg.IntegrityError, psycopg.ProgrammingError, psycopg.NotSupportedError)


def lost(error: Exception) -> bool:
    """Return whether the server, or the way there, is gone: such an error has no code, or one that says so."""
    if isinstance(error, psycopg.InterfaceError | OSError):
        return True
    if not isinstance(error, psycopg.OperationalError) or isinstance(error, errors.QueryCanceled):
        return False
    return error.sqlstate is None or error.sqlstate.startswith(("08", "57"))


def translated(error: Exception, store: StoreKind) -> StoreError:
    """Return the domain's error for what the driver, its pool or the network raised."""
    failure: StoreError
    if isinstance(error, StoreError):
        return error
    if isinstance(error, _LATE):
        failure = StoreTimeout(store)
    elif isinstance(error, _NOT_MIGRATED):
        failure = StoreIncompatible(store)
    elif _is_not_let_in(error):
        failure = StoreUnavailable(store, retry_after_seconds=None)  # the same again will not help
    elif isinstance(error, psycopg.Error | OSError) and not isinstance(error, _REFUSED):
        # The pool's errors are OperationalErrors too.
        failure = StoreUnavailable(store)
    else:
        failure = StoreQueryFailed(store)
    failure.__cause__ = error
    return failure


def _is_not_let_in(error: Exception) -> bool:
    """Return whether the server asked for a password, got one and refused the connection all the same.

    The error has no code then: libpq hands on a text alone, in the server's language.
    """
    connecting = error.pgconn if isinstance(error, psycopg.OperationalError) else None
    return connecting is not None and bool(connecting.used_password)
