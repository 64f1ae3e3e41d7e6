"""Whatever is asked by whomever, no row outside the caller's members is in a figure (trust.md, wrong allow)."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest
from typing_extensions import override

from ecp_server.domain.catalog import Binding, Catalog, Derived, DerivedInput, Level, Target, TimeAggregation
from ecp_server.domain.errors import InvalidQuery, PolicyDenied
from ecp_server.domain.figures import FigureQuery
from ecp_server.domain.identity import Principal
from ecp_server.domain.resolution import ResolutionStatus
from tests.execution.rows import Measured, Record, Rows
from tests.execution.till import Till
from tests.resolution.desk import policy_for
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


@dataclass(slots=True)
class Watched:
    """The regions of all rows that were read for one execution."""

    read: set[str] = field(default_factory=set)


class Watching(Rows):
    """Notes which rows count in an answer, whatever their figures."""

    watched = Watched()

    @override
    def met(self, query: FigureQuery, record: Record) -> bool:
        counts = super().met(query, record)
        if counts:
            self.watched.read.add(str(record["region"]))
        return counts


def engine() -> Watching:
    chance = random.Random(7)  # noqa: S311 - rows of a test
    first = date(2023, 7, 1)
    sold = [
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
    planned = [{key: row[key] for key in ("day", "region", "amount")} for row in sold]
    measures = {
        "Sales.sales": Measured("sum", "amount"),
        "Sales.orders": Measured("count"),
        "Sales.buyers": Measured("count_distinct", "buyer"),
        "Sales.stock": Measured("sum", "stock"),
        "Plan.amount": Measured("sum", "amount"),
    }
    return Watching({"Sales": sold, "Plan": planned}, measures)


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


async def counted(till: Till, watching: Watching, seed: int, count: int) -> Counter[str]:
    """Run the cases; no figure may be made of rows outside the caller's members."""
    outcomes: Counter[str] = Counter()
    for text, who, narrowings in cases(seed, count):
        try:
            found = await till.ask(text, principal=who)
        except PolicyDenied:
            outcomes["questions denied"] += 1
            continue
        if found.status is ResolutionStatus.RESOLVED:
            for members in narrowings:
                outcomes[await _checked(till, watching, found.id, who, members)] += 1
    return outcomes


async def _checked(till: Till, watching: Watching, resolution_id: str, who: Principal, members: tuple[str, ...]) -> str:
    """Run once, look at every row that was read and every member that is shown, and say how it ended."""
    watching.watched.read.clear()
    may_see = values_of(who.allowed_members[0][1])
    may_see = may_see & values_of(members) if members else may_see
    try:
        execution = await till.run(resolution_id, narrowing=(("region", members),) if members else ())
    except PolicyDenied:
        return "denied"
    except InvalidQuery:
        return "refused"
    finally:
        assert watching.watched.read <= may_see, (resolution_id, who, members)
    shown = [str(cell) for c in execution.table.columns if c.name == "region" for cell in c.cells]
    assert all(values_of((name,)) & may_see for name in shown), (resolution_id, who, members, shown)
    return "figures"


async def opened(folder: Path) -> tuple[Till, Watching]:
    watching, catalog = engine(), shop()
    till = Till(catalog, folder, await policy_for({}), watching)
    await till.vector.prepare(catalog)
    return till, watching


async def test_no_row_outside_the_callers_members_is_in_a_figure(tmp_path: Path) -> None:
    till, watching = await opened(tmp_path)
    outcomes = await counted(till, watching, 1, 60)
    assert min(outcomes["figures"], outcomes["denied"]) >= 20, outcomes
    assert outcomes["figures"] + outcomes["denied"] >= 100, outcomes
    await till.close()


@pytest.mark.long
@pytest.mark.timeout(1200)
async def test_no_row_outside_the_callers_members_is_in_any_of_ten_thousand_executions(tmp_path: Path) -> None:
    till, watching = await opened(tmp_path)
    outcomes: Counter[str] = Counter()
    for seed in range(2, 200):
        outcomes += await counted(till, watching, seed, 250)
        if outcomes["figures"] + outcomes["denied"] >= 10_000:
            break
    assert outcomes["figures"] + outcomes["denied"] >= 10_000, outcomes
    assert outcomes["figures"] >= 3_000, outcomes
    await till.close()
