"""How old the policies of an OPA may be: when it was last told by its bundle server that they are the current ones.

An OPA that lost its bundle server goes on deciding by what it has, for ever, and nothing in its decisions says so. When
a bundle was activated tells nothing either, for a policy that does not change is not activated again: what counts is
the last request for it that was answered.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Final

import httpx
import structlog

from ecp_server.domain.errors import PolicyMissing
from ecp_server.stores.policy.opa_client import OpaClient

_ASK_AGAIN_SECONDS: Final = 1.0
"""However many decisions are wanted meanwhile, OPA is asked no more often how old its policies are."""
_DATE_RESOLUTION: Final = timedelta(seconds=1)
"""Of HTTP's Date: it may have been almost so much later."""
_LOG: Final = structlog.get_logger(__name__)


class BundleAge:
    """Refuses decisions of an OPA whose bundles were confirmed too long ago."""

    def __init__(
        self, client: OpaClient, *, max_age_seconds: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._client = client
        self._max_age_seconds = max_age_seconds
        self._clock = clock
        self._confirmed_at: float | None = None
        """When they were last known to be current, on the clock; None where that is not known."""
        self._asked_at = -_ASK_AGAIN_SECONDS
        self._asking = asyncio.Lock()

    async def require(self) -> None:
        """Return where they are young enough; OPA is asked only where they are not by what it said before.

        Raises `PolicyMissing`, and `PolicyUnavailable` where it does not answer.
        """
        if self._is_young():
            return
        async with self._asking:
            if not self._is_young() and self._clock() - self._asked_at >= _ASK_AGAIN_SECONDS:
                await self._ask()
        if not self._is_young():
            raise PolicyMissing

    async def probe(self) -> None:
        """Ask OPA, whatever is known. Raises as `require` does."""
        async with self._asking:
            await self._ask()
        if not self._is_young():
            raise PolicyMissing

    def _is_young(self) -> bool:
        return self._confirmed_at is not None and self._clock() - self._confirmed_at <= self._max_age_seconds

    async def _ask(self) -> None:
        self._asked_at = self._clock()
        age = await self._told()
        if age is not None:
            confirmed_at = self._asked_at - age.total_seconds()
            # What was known before holds on while OPA says worse: that it has got a bundle which it cannot activate.
            self._confirmed_at = confirmed_at if self._confirmed_at is None else max(self._confirmed_at, confirmed_at)
        if self._confirmed_at is not None and not self._is_young():
            age_seconds = round(self._clock() - self._confirmed_at)
            _LOG.error("policy_outdated", age_seconds=age_seconds, max_age_seconds=self._max_age_seconds)

    async def _told(self) -> timedelta | None:
        """Return how long ago OPA says that its bundles were confirmed; None where it does not say."""
        reply = await self._client.request("GET", "/v1/status")
        if reply.status_code != HTTPStatus.OK:
            # 500 where its configuration has no `status`: it then does not tell, and old policies may not be used.
            _LOG.error("policy_age_unknown", status=reply.status_code)
            return None
        age = _age(self._client.body(reply), _said_at(reply))
        if age is None:
            _LOG.error("policy_age_unknown", reason="no bundle was ever confirmed")
        return age


def _said_at(reply: httpx.Response) -> datetime:
    """Return when OPA answered at the latest, by its own clock: its times are by that."""
    try:
        return parsedate_to_datetime(reply.headers["date"]).astimezone(UTC) + _DATE_RESOLUTION
    except (KeyError, ValueError):  # a proxy left it out
        return datetime.now(UTC)


def _age(body: object, now: datetime) -> timedelta | None:
    """Return how long ago the bundle that was confirmed first was confirmed; None where one never was."""
    match body:
        case {"result": {"bundles": dict(bundles)}} if bundles:
            confirmed = [moment for bundle in bundles.values() for moment in _confirmed(bundle)]
            return max(now - min(confirmed), timedelta()) if len(confirmed) == len(bundles) else None
        case _:
            return None


def _confirmed(bundle: object) -> Iterator[datetime]:
    """Yield when OPA was last told that the bundle it has is the current one; nothing where it never was.

    Where it got another one that it cannot activate, all that is known is that it was current when it was activated.
    """
    match bundle:
        case {
            "last_request": str(asked),
            "last_successful_request": str(answered),
            "last_successful_activation": str(activated),
            **rest,
        }:
            refused = bool(rest.get("code")) and asked == answered
            try:
                moment = datetime.fromisoformat(activated if refused else answered)
                never = datetime.fromisoformat(activated).year == 1  # Go's zero
            except ValueError:
                return
            if moment.tzinfo is not None and moment.year > 1 and not never:
                yield moment
        case _:
            return
