"""Policy, state and semantic layer have no stand-in here: what fails there is refused, with the reason that fits."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from ecp_server.domain.errors import PolicyUnavailable, StoreError, StoreTimeout, StoreUnavailable
from ecp_server.stores.ports import Policy, Probed
from ecp_server.stores.wrap import around

MENDED_SECONDS: Final = 10.0
"""When to come back after what does not pass by itself: somebody has to mend it first."""

P = TypeVar("P", bound=Probed)
T = TypeVar("T")


def denying(policy: Policy) -> Policy:
    """Return the policy with every failure as `PolicyUnavailable`: whatever went wrong, nothing was decided.

    The caller is told when to come back.
    """
    return around(policy, _undecided)


def refusing(port: P) -> P:
    """Return the port with a late answer as `StoreUnavailable`: the caller has time left, and may try again.

    Whatever keeps it from answering, the caller is told when to come back.
    """
    return around(port, _unanswered)


async def _undecided(_operation: str, call: Callable[[], Awaitable[T]], /) -> T:
    try:
        return await call()
    except PolicyUnavailable as error:
        if error.retry_after_seconds is None:
            raise PolicyUnavailable(retry_after_seconds=MENDED_SECONDS) from error
        raise
    except StoreError as error:
        raise PolicyUnavailable(retry_after_seconds=error.retry_after_seconds or 1.0) from error


async def _unanswered(_operation: str, call: Callable[[], Awaitable[T]], /) -> T:
    try:
        return await call()
    except StoreTimeout as error:
        raise StoreUnavailable(error.store) from error
    except StoreUnavailable as error:
        if error.retry_after_seconds is None:
            raise StoreUnavailable(error.store, retry_after_seconds=MENDED_SECONDS) from error
        raise
