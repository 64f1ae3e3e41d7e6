"""The figures of meridian that its documents and golden questions name, over the data that ships with it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from ecp_server.catalog.load import load_catalog
from ecp_server.domain.catalog import Catalog
from ecp_server.domain.figures import FigureQuery, Value
from ecp_server.domain.period import Grain
from ecp_server.domain.plan import Filter, FilterOperator
from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.ports import Semantic
from ecp_server.stores.semantic.cube import CubeSemantic
from ecp_server.stores.semantic.duckdb import DuckDbSemantic
from tests.conftest import ROOT
from tests.held import Held
from tests.warehouse import cube_over

MERIDIAN = ROOT / "catalogs" / "meridian"
Q3_FY2024 = (date(2024, 10, 1), date(2025, 1, 1))


@pytest.fixture(scope="module")
def meridian() -> Catalog:
    return load_catalog(MERIDIAN)


@pytest.fixture(scope="module")
def meridian_cube(meridian: Catalog) -> Iterator[Endpoint]:
    """A real Cube over meridian's data in PostgreSQL."""
    with cube_over(meridian.semantic, MERIDIAN / "data") as endpoint:
        yield endpoint


@pytest.fixture(params=["duckdb", "cube"])
async def semantic(request: pytest.FixtureRequest, meridian: Catalog) -> AsyncIterator[Semantic]:
    embedded = request.param == "duckdb"
    store: Semantic = over_files(meridian) if embedded else CubeSemantic(request.getfixturevalue("meridian_cube"))
    yield store
    await store.close()


def over_files(meridian: Catalog) -> DuckDbSemantic:
    return DuckDbSemantic(Held(meridian), MERIDIAN / "data", memory_mib=512)


def apac(catalog: Catalog, context: str) -> tuple[str, ...]:
    variations = catalog.members["region.apac"].variations
    return next(v.values for v in variations if v.context == context)


async def figure(semantic: Semantic, measure: str, ref: str, values: tuple[str, ...], time: str) -> Value:
    wanted = Filter(ref, FilterOperator.EQUALS, values, "question")
    (figures,) = await semantic.run([FigureQuery((measure,), (), (wanted,), time, *Q3_FY2024)])
    return figures.rows[0][0]


async def test_finance_reads_apac_of_the_third_quarter(semantic: Semantic, meridian: Catalog) -> None:
    values = apac(meridian, "finance")
    net = await figure(semantic, "Revenue.netRevenue", "Revenue.countryCode", values, "Revenue.transactionDate")
    budget = await figure(semantic, "Budget.netRevenue", "Budget.regionGroup", ("APAC_FINANCE",), "Budget.month")
    assert (net, budget) == (Decimal("142300000.00"), Decimal("135000000.00"))
    assert isinstance(net, Decimal)
    assert isinstance(budget, Decimal)
    assert net - budget == Decimal("7300000.00")
    assert ((net - budget) / budget * 100).quantize(Decimal("0.01")) == Decimal("5.41")


async def test_sales_reads_another_apac_and_another_revenue(semantic: Semantic, meridian: Catalog) -> None:
    values = apac(meridian, "sales")
    gross = await figure(semantic, "Revenue.grossRevenue", "Revenue.countryCode", values, "Revenue.transactionDate")
    assert gross == Decimal("131850000.00")


async def test_territories_count_once_whatever_groups_they_lie_in(semantic: Semantic) -> None:
    period = {"time_ref": "Budget.month", "start": Q3_FY2024[0], "end": Q3_FY2024[1]}
    whole = FigureQuery(("Budget.netRevenue",), **period)  # type: ignore[arg-type]
    parts = FigureQuery(("Budget.netRevenue",), ("Budget.territory",), **period)  # type: ignore[arg-type]
    groups = FigureQuery(("Budget.netRevenue",), ("Budget.regionGroup",), **period)  # type: ignore[arg-type]
    total, territories, codes = [answer.rows for answer in await semantic.run([whole, parts, groups])]
    amounts = {key: amount for key, amount in codes if isinstance(amount, Decimal)}
    assert sum(amount for _, amount in territories if isinstance(amount, Decimal)) == total[0][0]
    assert sum(amounts[code] for code in ("APAC_FINANCE", "EMEA_FINANCE", "AMERICAS")) == total[0][0]
    assert set(amounts) == {"APAC_FINANCE", "APAC_SALES", "EMEA_FINANCE", "EMEA_SALES", "AMERICAS"}


async def test_every_measure_and_dimension_of_the_catalog_has_figures(semantic: Semantic, meridian: Catalog) -> None:
    """By each dimension that a metric names, in two fiscal years; the dimensions hold the members' values alone."""
    asked = list(slices(meridian))
    answers = await semantic.run([query for query, _ in asked])
    for answer, (_, values) in zip(answers, asked, strict=True):
        assert {row[1] for row in answer.rows} == {date(2024, 1, 1), date(2025, 1, 1)}, answer.executed
        assert {str(row[0]) for row in answer.rows if row[0] is not None} <= values, answer.executed
        assert any(row[2] for row in answer.rows), answer.executed


async def test_both_engines_give_the_same_rows(meridian: Catalog, meridian_cube: Endpoint) -> None:
    queries = [query for query, _ in slices(meridian)]
    engines = over_files(meridian), CubeSemantic(meridian_cube)
    embedded, cube = [await engine.run(queries) for engine in engines]
    for here, there in zip(embedded, cube, strict=True):
        assert (here.columns, here.rows) == (there.columns, there.rows)
        assert [str(value) for row in here.rows for value in row] == [str(value) for row in there.rows for value in row]
    for engine in engines:
        await engine.close()


def slices(catalog: Catalog) -> Iterator[tuple[FigureQuery, set[str]]]:
    """Each metric that the semantic layer measures, by each of its dimensions, and what that may hold."""
    for metric in catalog.metrics.values():
        for dimension in (catalog.dimensions[d] for d in metric.dimensions if metric.semantic_ref):
            ref = dimension.ref_for((metric.semantic_ref or "").partition(".")[0]) or ""
            days = (date(2024, 10, 1), date(2025, 10, 1))
            time = metric.time_dimension or ""
            query = FigureQuery((metric.semantic_ref or "",), (ref,), (), time, *days, granularity=Grain.YEAR)
            yield query, known_values(catalog, dimension.id, ref)


def known_values(catalog: Catalog, dimension_id: str, ref: str) -> set[str]:
    members = [m for m in catalog.members.values() if m.dimension == dimension_id]
    values = {v for m in members for v in m.values or ()}
    values |= {v for m in members for variation in m.variations for v in variation.values}
    bound = [b for b in catalog.dimensions[dimension_id].bindings if b.ref == ref]
    return values | {v for b in bound for contexts in b.values.values() for vs in contexts.values() for v in vs}


async def test_days_to_come_are_not_there_yet(semantic: Semantic) -> None:
    query = FigureQuery(("Revenue.netRevenue",), (), (), "Revenue.transactionDate", granularity=Grain.DAY)
    (figures,) = await semantic.run([query])
    days = [row[0] for row in figures.rows]
    assert days[0] == date(2018, 4, 1)
    assert isinstance(days[-1], date)
    assert days[-1] <= date.today()  # noqa: DTZ011 - CURRENT_DATE of the engine, in UTC like the machines that test


def test_the_script_writes_the_data_that_ships(tmp_path: Path) -> None:
    script = ROOT / "scripts" / "generate_data.py"
    subprocess.run([sys.executable, script, tmp_path], check=True, capture_output=True)
    written = {path.relative_to(tmp_path) for path in tmp_path.rglob("*.parquet")}
    shipped = {path.relative_to(MERIDIAN / "data") for path in (MERIDIAN / "data").rglob("*.parquet")}
    assert written == shipped
    connection = duckdb.connect()
    for name in sorted(written):
        files = [f"read_parquet('{folder / name}')" for folder in (tmp_path, MERIDIAN / "data")]
        for one, other in (files, files[::-1]):
            sql = f"SELECT count(*) FROM (SELECT * FROM {one} EXCEPT ALL SELECT * FROM {other})"  # noqa: S608 - ours
            assert connection.execute(sql).fetchone() == (0,), name
