"""What Cube's replies mean: the statuses of its refusals, and JSON that is what it should be."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, NoReturn, TypeVar

import httpx
import structlog
from pydantic import BaseModel, ValidationError

from ecp_server.domain.errors import StoreIncompatible, StoreQueryFailed, StoreThrottled, StoreUnavailable
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.retry_after import retry_after_seconds

# Cube answers 400 for whatever its database says, and tells by its text alone whether that is of the query.
_DATABASE_IS_GONE: Final = re.compile(
    r"\bE(CONN\w+|TIMEDOUT|PIPE|HOSTUNREACH|NETUNREACH|NOTFOUND|AI_AGAIN)\b"
    r"|connection terminated|terminating connection|database system is"
    r"|too many (clients|connections)|timed? ?out|\btimeout\b",
    re.IGNORECASE,
)

_LOG: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

R = TypeVar("R", bound=BaseModel)


def refuse(reply: httpx.Response, content: bytes) -> NoReturn:
    """Raise what a status means: a query that is wrong, bad credentials, or trouble that may pass."""
    status = reply.status_code
    if status == httpx.codes.TOO_MANY_REQUESTS:
        seconds = retry_after_seconds(reply.headers.get("retry-after", ""))
        raise StoreThrottled(StoreKind.SEMANTIC, retry_after_seconds=1.0 if seconds is None else seconds)
    if status in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        _LOG.error("semantic_layer_refused", status=status)
        raise StoreUnavailable(StoreKind.SEMANTIC, retry_after_seconds=None)
    if status == httpx.codes.REQUEST_TIMEOUT or status >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise StoreUnavailable(StoreKind.SEMANTIC)
    if status == httpx.codes.BAD_REQUEST and _DATABASE_IS_GONE.search(_error_of_database(content)):
        raise StoreUnavailable(StoreKind.SEMANTIC)
    if status != httpx.codes.BAD_REQUEST:
        raise unknown_reply()
    raise StoreQueryFailed(StoreKind.SEMANTIC)


def _error_of_database(content: bytes) -> str:
    """Return what Cube says of its database; "" where it says that the query is wrong."""
    try:
        told = json.loads(content)
    except (ValueError, RecursionError):
        return ""
    return str(told.get("error", "")) if isinstance(told, dict) and "type" not in told else ""


def unknown_reply() -> StoreIncompatible:
    """Tell the operator that whoever answers is no Cube that we know."""
    _LOG.error("semantic_reply_unknown")
    return StoreIncompatible(StoreKind.SEMANTIC)


def parsed(content: bytes) -> Mapping[str, Any]:
    """Return the JSON object of a reply, numbers exact. Raises `StoreUnavailable` where it is none."""
    try:
        value = json.loads(content, parse_float=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise StoreUnavailable(StoreKind.SEMANTIC, retry_after_seconds=None) from error  # it would say so again
    if not isinstance(value, dict):
        raise unknown_reply()
    return value


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def read(model: type[R], reply: Mapping[str, Any]) -> R:
    """Return a reply by its model. Raises `StoreIncompatible` where it does not have its form."""
    try:
        return model.model_validate(reply)
    except ValidationError as error:
        raise unknown_reply() from error
