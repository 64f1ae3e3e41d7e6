"""A shop whose figures are for some regions alone, who asks for them, and how they narrow them: generated."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final

from ecp_server.domain.catalog import Binding, Catalog, Derived, DerivedInput, Level, Target, TimeAggregation
from ecp_server.domain.identity import Principal
from tests.resolution.samples import catalog as catalog_of
from tests.resolution.samples import dimension, member, metric

COUNTRIES: Final = {"japan": "JP", "korea": "KR", "chile": "CL", "peru": "PE", "spain": "ES"}
AREAS: Final = {"asia": ("JP", "KR"), "andes": ("CL", "PE"), "pacific": ("JP", "KR", "CL")}
QUESTIONS: Final = (
    "{m} last quarter",
    "{m} last quarter in {r}",
    "{m} last quarter excluding {r}",
    "{m} last quarter by country",
    "{m} last quarter by area",
    "{m} by month last quarter in {r}",
    "{m} last quarter by kind",
    "top 2 countries by {m} last quarter",
    "share of {m} by country last quarter",
    "{m} last quarter vs budget",
    "{m} last quarter vs same period last year in {r}",
    "{m} in {r} vs {o} last quarter",
)
METRICS: Final = ("sales", "buyers", "stock", "basket", "orders")


def shop() -> Catalog:
    where = ("region", "kind")
    return catalog_of(
        metric("sales", dimensions=where, targets=(Target("budget", "planned"),)),
        metric("planned", dimensions=("region",), semantic_ref="Plan.amount", time_dimension="Plan.day"),
        metric("orders", dimensions=where, unit="count"),
        metric("buyers", dimensions=where, unit="count"),
        metric("stock", dimensions=where, unit="count", time_aggregation=TimeAggregation.LAST),
        metric(
            "basket",
            dimensions=where,
            derived=Derived("sales / orders", (DerivedInput("sales", "sales"), DerivedInput("orders", "orders"))),
        ),
        dimension(
            "region",
            row_level=True,
            levels=(Level("area", "Area"), Level("country", "Country")),
            default_level="country",
            bindings=(Binding("Plan", "Plan.region"),),
        ),
        *(member(f"region.{name}", *values, level="area") for name, values in AREAS.items()),
        *(member(f"region.{name}", value, level="country") for name, value in COUNTRIES.items()),
        dimension("kind"),
        member("kind.tea", "tea"),
        member("kind.ore", "ore"),
    )


def values_of(members: tuple[str, ...]) -> frozenset[str]:
    """What members stand for, worked out from the tables above."""
    names = [name.partition(".")[2] for name in members]
    return frozenset(v for name in names for v in AREAS.get(name, (COUNTRIES.get(name, ""),)) if v)


def sold() -> list[dict[str, Any]]:
    """Sales of a year and a half, some of no region or kind."""
    chance = random.Random(7)  # noqa: S311 - rows of a test
    first = date(2023, 7, 1)
    return [
        {
            "day": first + timedelta(days=chance.randrange(560)),
            "region": chance.choice((*COUNTRIES.values(), None)),
            "kind": chance.choice(("tea", "ore", None)),
            "amount": Decimal(chance.randrange(-500, 5000)) / 100,
            "buyer": chance.choice("abcdef"),
            "stock": Decimal(chance.randrange(9)),
        }
        for _ in range(400)
    ]


def cases(seed: int, count: int) -> Iterator[tuple[str, Principal, list[tuple[str, ...]]]]:
    """Questions, who asks them, and to what members each is narrowed in turn; to none at first."""
    chance = random.Random(seed)  # noqa: S311 - cases of a test
    regions = [f"region.{name}" for name in (*COUNTRIES, *AREAS)]
    for _ in range(count):
        allowed = tuple(sorted(chance.sample(regions, chance.randrange(4))))
        names = chance.sample([*COUNTRIES, *AREAS], 2)
        text = chance.choice(QUESTIONS).format(m=chance.choice(METRICS), r=names[0], o=names[1])
        who = Principal("ann", roles=("explorer",), allowed_members=(("region", allowed),))
        narrowings = [tuple(chance.sample(regions, chance.randrange(1, 3))) for _ in range(4)]
        yield text, who, [(), *narrowings]
