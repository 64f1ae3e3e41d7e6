"""Questions that a catalog can answer: its metrics × their members × periods × wordings, none of them twice."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from ecp.v1 import resolve_pb2, types_pb2
from ecp_server.domain.catalog import Catalog, Metric

AS_OF: Final = datetime(2025, 1, 15, 12, tzinfo=UTC)
"""The day that the bundled catalog's history is written around."""

_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_YEARS: Final = range(2020, 2025)
PERIODS: Final = (
    *(f"in {month} {year}" for year in _YEARS for month in _MONTHS),
    *(f"in Q{quarter} FY{year}" for year in _YEARS for quarter in range(1, 5)),
    *(f"in Q{quarter} {year}" for year in _YEARS for quarter in range(1, 5)),
    *(f"in FY{year}" for year in _YEARS),
    *(f"in the last {count} months" for count in range(2, 13)),
    *(f"from {a} to {b} {year}" for year in _YEARS for a, b in (("February", "May"), ("June", "November"))),
    "last month", "last quarter", "last year", "last week", "this quarter", "year to date",
)  # fmt: skip
WORDINGS: Final = (
    "{metric} for {member} {period}",
    "{member} {metric} {period}",
    "What was {metric} for {member} {period}?",
    "Show me the {metric} of {member} {period}",
    "{metric} {period} for {member}",
    "How much was {metric} {period} in {member}?",
    "{metric} for {member} {period} vs the same period last year",
)
WORDINGS_WITHOUT_MEMBER: Final = (
    "{metric} {period}",
    "What was {metric} {period}?",
    "Show me the {metric} {period}",
    "{metric} {period} vs the same period last year",
)

_SHARE_WITH_MEMBER: Final = 0.75
_MOST_REPEATED: Final = 1000


class Exhausted(Exception):
    """The catalog is too small for so many different questions."""


@dataclass(slots=True)
class Questions:
    """Draws questions at random, each once, in an order that is always the same."""

    catalog: Catalog
    users: int
    """How many people ask; who asks is drawn too. 0: nobody asks twice."""
    _random: random.Random = field(init=False, default_factory=lambda: random.Random(4))  # noqa: S311 - no secret
    _asked: set[str] = field(init=False, default_factory=set)

    def requests(self) -> Iterator[bytes]:
        """Yield requests. Raises `Exhausted`."""
        metrics = tuple(self.catalog.metrics.values())
        departments = tuple(self.catalog.contexts)
        repeated = 0
        while repeated < _MOST_REPEATED:
            text = self._text(self._random.choice(metrics))
            if text in self._asked:
                repeated += 1
                continue
            repeated = 0
            self._asked.add(text)
            user = self._random.randrange(self.users) if self.users else len(self._asked)
            yield request(text, user, departments)
        raise Exhausted

    def _text(self, metric: Metric) -> str:
        members = _members(self.catalog, metric)
        member = self._random.choice(members) if members and self._random.random() < _SHARE_WITH_MEMBER else ""
        return self._random.choice(WORDINGS if member else WORDINGS_WITHOUT_MEMBER).format(
            metric=self._random.choice((metric.name, *metric.synonyms)),
            member=member,
            period=self._random.choice(PERIODS),
        )


def request(text: str, user: int, departments: tuple[str, ...]) -> bytes:
    """Return a question of the numbered user, who may rely on metrics of every tier."""
    message = resolve_pb2.ResolveRequest(
        concept=text,
        user_context=types_pb2.UserContext(
            user_id=f"user-{user}",
            department=departments[user % len(departments)] if departments else "",
            roles=["explorer"],
        ),
    )
    message.as_of.FromDatetime(AS_OF)
    return message.SerializeToString()


def _members(catalog: Catalog, metric: Metric) -> list[str]:
    """Return the names of the members that the metric can be sliced by."""
    return [
        catalog.members[member].name
        for dimension in metric.dimensions
        for member in catalog.dimensions[dimension].members
        if member not in metric.not_available_for
    ]
