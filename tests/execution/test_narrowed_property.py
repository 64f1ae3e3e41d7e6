"""Whatever is asked by whomever, no row outside the caller's members is in a figure (trust.md, wrong allow).

Over rows in memory each row that is read is looked at. DuckDB gives, over data that has forbidden rows too, the same
table as over data that has none of them: whatever a figure is made of, it is none of these.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import duckdb
import pytest
from typing_extensions import override

from ecp_server.domain.errors import InvalidQuery, PolicyDenied
from ecp_server.domain.figures import FigureQuery, Figures
from ecp_server.domain.frozen import replace
from ecp_server.domain.identity import Principal
from ecp_server.domain.resolution import ResolutionStatus
from ecp_server.stores.semantic.duckdb import DuckDbSemantic
from tests.conformance.semantics import shop_catalog
from tests.execution.narrowed import cases, shop, sold, values_of
from tests.execution.rows import Measured, Record, Rows
from tests.execution.till import Engine, Till, table
from tests.held import Held
from tests.resolution.desk import policy_for

E = TypeVar("E", bound=Engine)


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
    planned = [{key: row[key] for key in ("day", "region", "amount")} for row in sold()]
    measures = {
        "Sales.sales": Measured("sum", "amount"),
        "Sales.orders": Measured("count"),
        "Sales.buyers": Measured("count_distinct", "buyer"),
        "Sales.stock": Measured("sum", "stock"),
        "Plan.amount": Measured("sum", "amount"),
    }
    return Watching({"Sales": sold(), "Plan": planned}, measures)


Check = Callable[[str, Principal, tuple[str, ...]], Awaitable[str]]
"""Runs a resolution for somebody, narrowed to members, holds it to the rule, and says how it ended."""


async def counted(till: Till[Any], check: Check, seed: int, count: int) -> Counter[str]:
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
                outcomes[await check(found.id, who, members)] += 1
    return outcomes


def seen_by(who: Principal, members: tuple[str, ...]) -> frozenset[str]:
    """The regions that may be in a figure."""
    may_see = values_of(who.allowed_members[0][1])
    return may_see & values_of(members) if members else may_see


def narrowing(members: tuple[str, ...]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return (("region", members),) if members else ()


async def opened(folder: Path, engine: E) -> Till[E]:
    catalog = shop()
    till = Till(catalog, folder, await policy_for({}), engine)
    await till.vector.prepare(catalog)
    return till


# --- rows in memory ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EachRow:
    """Looks at every row that is read, and every member that is shown."""

    till: Till[Watching]

    async def __call__(self, resolution_id: str, who: Principal, members: tuple[str, ...]) -> str:
        watched = self.till.engine.watched
        watched.read.clear()
        may_see = seen_by(who, members)
        try:
            execution = await self.till.run(resolution_id, narrowing=narrowing(members))
        except PolicyDenied:
            return "denied"
        except InvalidQuery:
            return "refused"
        finally:
            assert watched.read <= may_see, (resolution_id, who, members)
        shown = [str(cell) for c in execution.table.columns if c.name == "region" for cell in c.cells]
        assert all(values_of((name,)) & may_see for name in shown), (resolution_id, who, members, shown)
        return "figures"


async def test_no_row_outside_the_callers_members_is_read(tmp_path: Path) -> None:
    till = await opened(tmp_path, engine())
    outcomes = await counted(till, EachRow(till), 1, 60)
    assert min(outcomes["figures"], outcomes["denied"]) >= 20, outcomes
    assert outcomes["figures"] + outcomes["denied"] >= 100, outcomes
    await till.close()


# --- DuckDB -----------------------------------------------------------------------------------------------------------

MODEL: Final = """
cubes:
  - name: Sales
    sql: SELECT * FROM sales
    dimensions:
      - {name: day, sql: "{CUBE}.day", type: time, meta: {days_only: true}}
      - {name: region, sql: "{CUBE}.region", type: string}
      - {name: kind, sql: "{CUBE}.kind", type: string}
    measures:
      - {name: sales, sql: "{CUBE}.amount", type: sum}
      - {name: orders, type: count}
      - {name: buyers, sql: "{CUBE}.buyer", type: count_distinct}
      - {name: stock, sql: "{CUBE}.stock", type: sum}
  - name: Plan
    sql: SELECT * FROM sales
    dimensions:
      - {name: day, sql: "{CUBE}.day", type: time, meta: {days_only: true}}
      - {name: region, sql: "{CUBE}.region", type: string}
    measures:
      - {name: amount, sql: "{CUBE}.amount", type: sum}
"""
TABLE: Final = (
    "CREATE TABLE sales (day DATE, region VARCHAR, kind VARCHAR, amount DECIMAL(9, 2), buyer VARCHAR, stock INTEGER)"
)


class Ducks:
    """The Semantic port over DuckDB: over all rows, or over those of some regions, which ``regions`` says."""

    adapter = "duckdb"

    def __init__(self, folder: Path, kind: type[DuckDbSemantic] = DuckDbSemantic) -> None:
        self._folder = folder
        self._catalog = shop_catalog(MODEL)
        self._kind = kind
        self._stores: dict[frozenset[str] | None, DuckDbSemantic] = {}
        self.regions: frozenset[str] | None = None
        self._rows = duckdb.connect()
        self._rows.execute(TABLE)
        self._rows.executemany("INSERT INTO sales VALUES (?, ?, ?, ?, ?, ?)", [[*row.values()] for row in sold()])

    async def run(self, queries: Sequence[FigureQuery], *, principal: Principal | None = None) -> Sequence[Figures]:
        if self.regions not in self._stores:
            folder = self._folder / "-".join(sorted(self.regions) if self.regions is not None else ["all"])
            folder.mkdir()
            regions = sorted(self.regions or ())
            chosen = "TRUE" if self.regions is None else f"region IN ({', '.join(f'{r!r}' for r in ['', *regions])})"
            rows = f"SELECT * FROM sales WHERE {chosen}"  # noqa: S608 - of this test
            self._rows.execute(f"COPY ({rows}) TO '{folder / 'sales.parquet'}' (FORMAT parquet)")
            kind = self._kind if self.regions is None else DuckDbSemantic
            self._stores[self.regions] = kind(Held(self._catalog), folder, memory_mib=64, threads=1)
        return await self._stores[self.regions].run(queries, principal=principal)

    def kind_of(self, ref: str, /) -> str:
        measure = self._catalog.model.measure(ref)
        assert measure is not None
        return measure.type.value

    async def probe(self) -> None:
        """It is there."""

    async def close(self) -> None:
        for store in self._stores.values():
            await store.close()
        self._rows.close()


@dataclass(frozen=True, slots=True)
class SameWithoutTheRest:
    """Holds each table against that of the same plan over data without forbidden rows."""

    till: Till[Ducks]

    async def __call__(self, resolution_id: str, who: Principal, members: tuple[str, ...]) -> str:
        self.till.engine.regions = None
        try:
            execution = await self.till.run(resolution_id, narrowing=narrowing(members))
        except PolicyDenied:
            return "denied"
        except InvalidQuery:
            return "refused"
        self.till.engine.regions = seen_by(who, members)
        without = await self.till.run(resolution_id, narrowing=narrowing(members))
        assert table(without) == table(execution), (resolution_id, who, members)
        return "figures"


async def test_figures_of_duckdb_are_those_of_the_callers_rows_alone(tmp_path: Path) -> None:
    """A hundredth of the ten thousand of the long form."""
    till = await opened(tmp_path, Ducks(tmp_path))
    outcomes = await counted(till, SameWithoutTheRest(till), 1, 60)
    assert min(outcomes["figures"], outcomes["denied"]) >= 20, outcomes
    assert outcomes["figures"] + outcomes["denied"] >= 100, outcomes
    await till.engine.close()
    await till.close()


@pytest.mark.long
@pytest.mark.timeout(3600)
async def test_figures_of_ten_thousand_executions_are_those_of_the_callers_rows_alone(tmp_path: Path) -> None:
    till = await opened(tmp_path, Ducks(tmp_path))
    outcomes: Counter[str] = Counter()
    for seed in range(2, 200):
        outcomes += await counted(till, SameWithoutTheRest(till), seed, 250)
        if outcomes["figures"] + outcomes["denied"] >= 10_000:
            break
    assert outcomes["figures"] + outcomes["denied"] >= 10_000, outcomes
    assert outcomes["figures"] >= 3_000, outcomes
    await till.engine.close()
    await till.close()


class Leaking(DuckDbSemantic):
    """The mutant: it loses the caller's members on the way, and says that it did not."""

    @override
    async def run(self, queries: Sequence[FigureQuery], *, principal: Principal | None = None) -> Sequence[Figures]:
        wide = [replace(q, filters=tuple(f for f in q.filters if f.source != "allowed_members")) for q in queries]
        answers = await super().run(wide, principal=principal)
        return [replace(answer, executed=query) for query, answer in zip(queries, answers, strict=True)]


async def test_an_engine_that_leaks_and_lies_is_found(tmp_path: Path) -> None:
    till = await opened(tmp_path, Ducks(tmp_path, Leaking))
    with pytest.raises(AssertionError):
        await counted(till, SameWithoutTheRest(till), 1, 60)
    await till.engine.close()
    await till.close()
