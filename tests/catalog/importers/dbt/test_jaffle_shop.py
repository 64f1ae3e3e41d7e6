"""dbt's example project, from its own files to figures: each is held against SQL over the raw data, which knows no marts."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner

from ecp_server.__main__ import catalog as commands
from ecp_server.catalog.load import load_catalog
from tests.answering import answering, close_to
from tests.warehouse import cube_over

AS_OF = "2019-12-15T12:00:00Z"
ANALYST = {"roles": ["analyst"]}


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The raw data, made by jafgen."""
    folder = tmp_path_factory.mktemp("jaffle")
    script = Path(__file__).with_name("jaffle_data.py")
    subprocess.run([sys.executable, script, folder], check=True, capture_output=True)
    return folder / "jaffle-data"


@pytest.fixture(scope="module")
def shop(raw: Path, evaluation_data: Path, project_root: Path) -> Path:
    """The catalog, imported with the command from the project as it stands, over its marts."""
    data, output = raw.parent / "marts", raw.parent / "shop"
    runpy.run_path(str(project_root / "scripts/build_jaffle_shop.py"))["build"](raw, data)
    arguments = ["import", "dbt", evaluation_data / "jaffle_shop", "--output", output, "--data", data, "--tier", "3"]
    result = CliRunner().invoke(commands, [str(argument) for argument in arguments])
    assert 0 == result.exit_code, result.output
    return output


@pytest.fixture(scope="module")
def truth(raw: Path) -> duckdb.DuckDBPyConnection:
    """The raw tables, amounts in cents as they are there."""
    connection = duckdb.connect(":memory:")
    for name in ("items", "orders", "products", "stores", "supplies"):
        connection.execute(f"CREATE TABLE {name} AS SELECT * FROM read_csv('{raw}/raw_{name}.csv', header = true)")
    return connection


@pytest.fixture
async def ask(shop: Path) -> AsyncIterator[Any]:
    """What resolves a question and executes its plan."""
    async with answering(shop) as asked:
        yield lambda question: asked({"concept": question, "as_of": AS_OF, "user_context": ANALYST})


def concepts(answer: Mapping[str, Any], kind: str) -> list[str]:
    return [c["id"] for c in answer["concepts"] if c["kind"] == f"CONCEPT_KIND_{kind}"]


def questions(folder: Path) -> dict[str, Mapping[str, Any]]:
    lines = (folder / "jaffle_shop/questions.jsonl").read_text(encoding="utf-8").splitlines()
    return {row["id"]: row for row in map(json.loads, lines)}


def one(connection: duckdb.DuckDBPyConnection, query: str) -> Decimal:
    found = connection.execute(query).fetchone()
    assert found is not None
    return Decimal(str(found[0]))


def test_every_metric_and_what_is_not_carried(shop: Path) -> None:
    report = (shop / "import-report.txt").read_text(encoding="utf-8")
    assert ": metric " not in report  # all nineteen are carried, the median too
    assert 3 == report.count(": saved query ")
    assert "last_ordered_at of customers: no metric is read by this time" in report


async def test_the_questions_of_the_projects_makers_mean_what_they_expect(ask: Any, evaluation_data: Path) -> None:
    for row in questions(evaluation_data).values():
        answer, _ = await ask(row["question"])
        expected = row["expected"]
        assert set(expected["metrics"]) == set(concepts(answer, "METRIC")), row["question"]
        dimensions = [name for name in expected["dimensions"] if name != "metric_time"]
        assert dimensions == concepts(answer, "DIMENSION"), row["question"]
        grain = (expected["grain"] or "unspecified").upper()
        assert f"GRAIN_{grain}" == answer["time_range"].get("grain", "GRAIN_UNSPECIFIED"), row["question"]
        assert not any("filters" in query for query in answer["plan"]["queries"]), row["question"]


async def test_orders_of_this_month_last_year(ask: Any, evaluation_data: Path, truth: Any) -> None:
    answer, table = await ask(questions(evaluation_data)["m162"]["question"])
    assert ("2018-12-01", "2019-01-01") == (answer["time_range"]["start_date"], answer["time_range"]["end_date"])
    expected = one(truth, "SELECT count(*) FROM orders WHERE strftime(ordered_at, '%Y-%m') = '2018-12'")
    assert expected > 0
    assert [{"actual": str(expected)}] == table


async def test_food_revenue_by_location_and_month(ask: Any, evaluation_data: Path, truth: Any) -> None:
    answer, table = await ask(questions(evaluation_data)["m163"]["question"])
    expected = truth.execute(
        """
        SELECT s.name, strftime(o.ordered_at, '%Y-%m-01'), sum(CASE p.type WHEN 'jaffle' THEN p.price ELSE 0 END)
        FROM items AS i, orders AS o, products AS p, stores AS s
        WHERE o.id = i.order_id AND p.sku = i.sku AND s.id = o.store_id AND o.ordered_at < '2019-12-16'
        GROUP BY ALL"""
    ).fetchall()
    months = [bucket["start_date"] for bucket in answer["time_range"]["buckets"]]
    assert 16 == len(months)
    key = "order_id__location__location_name"
    found = {
        (row[key].rpartition(".")[2].capitalize(), row["period"]): Decimal(row["actual"])
        for row in table
        if row["actual"] is not None and row[key] is not None
    }
    assert {(name, month): Decimal(cents) / 100 for name, month, cents in expected} == found
    assert {"Philadelphia", "Brooklyn"} == {name for name, _ in found}


async def test_the_percentage_of_orders_that_were_large(ask: Any, evaluation_data: Path, truth: Any) -> None:
    _, table = await ask(questions(evaluation_data)["m164"]["question"])
    in_2019 = "FROM orders WHERE year(ordered_at) = 2019"
    orders = one(truth, f"SELECT count(*) {in_2019}")
    large = one(truth, f"SELECT count(*) {in_2019} AND order_total >= 2000")
    (row,) = table
    assert (str(orders), str(large)) == (row["orders"], row["large_orders"])
    assert 0 < large < orders
    assert close_to(row["ratio_pct"], large / orders * 100)


def items(start: str, end: str) -> str:
    """Return the items that were sold on the days, with their orders and products, as the end of a query."""
    days = f"o.ordered_at >= '{start}' AND o.ordered_at < '{end}'"
    return f"FROM items AS i, orders AS o, products AS p WHERE o.id = i.order_id AND p.sku = i.sku AND {days}"


BROOKLYN = "(SELECT id FROM stores WHERE name = 'Brooklyn')"
JUNE = "o.ordered_at >= '2019-06-01' AND o.ordered_at < '2019-07-01'"
ITEMS = items("2019-06-01", "2019-07-01")
EARLIER = "SELECT 1 FROM orders AS b WHERE b.customer = o.customer AND (b.ordered_at, b.id) < (o.ordered_at, o.id)"
FIRST_IN_2018 = "SELECT customer FROM orders GROUP BY 1 HAVING min(ordered_at) < '2019-01-01'"
COST = "(SELECT sum(cost) FROM supplies AS s WHERE s.sku = i.sku)"
SOLD = "SELECT sum(p.price) AS v"

FIGURES: Mapping[str, tuple[str, str]] = {
    "a member of the data": (
        "orders in Brooklyn in June 2019",
        f"SELECT count(*) FROM orders AS o WHERE store_id = {BROOKLYN} AND {JUNE}",
    ),
    "over two joins": (
        "revenue in Brooklyn in June 2019",
        f"SELECT sum(p.price) / 100.0 {ITEMS} AND o.store_id = {BROOKLYN}",
    ),
    "a filter": (
        "new customers in June 2019",
        f"SELECT count(*) FROM orders AS o WHERE {JUNE} AND NOT EXISTS ({EARLIER})",
    ),
    "a ratio": (
        "food revenue % in June 2019",
        f"SELECT sum(p.price) FILTER (WHERE p.type = 'jaffle') / sum(p.price) {ITEMS}",
    ),
    "from two models": ("order gross profit in June 2019", f"SELECT sum(p.price - {COST}) / 100.0 {ITEMS}"),
    "a median": ("median revenue in June 2019", f"SELECT median(p.price) / 100.0 {ITEMS}"),
    "an offset": (
        "revenue growth % M/M in June 2019",
        f"SELECT (x.v - y.v) * 100 / y.v FROM ({SOLD} {ITEMS}) AS x, ({SOLD} {items('2019-05-01', '2019-06-01')}) AS y",
    ),
    "a running total": (
        "cumulative revenue at the end of June 2019",
        f"SELECT sum(p.price) / 100.0 {items('2018-01-01', '2019-07-01')}",
    ),
    "dated by customers' first orders": (
        "average order value in 2018",
        f"SELECT sum(subtotal) / count(*) / 100.0 FROM orders WHERE customer IN ({FIRST_IN_2018})",
    ),
}


@pytest.mark.parametrize(("question", "query"), FIGURES.values(), ids=FIGURES)
async def test_figures(question: str, query: str, ask: Any, truth: duckdb.DuckDBPyConnection) -> None:
    _, table = await ask(question)
    (row,) = table
    expected = one(truth, query)
    assert expected != 0
    assert close_to(row["actual"], expected)


async def test_a_measure_is_not_multiplied_by_its_joins(ask: Any, truth: duckdb.DuckDBPyConnection) -> None:
    _, table = await ask("orders by location in 2019")
    expected: Sequence[tuple[str, int]] = truth.execute(
        "SELECT s.name, count(*) FROM orders AS o, stores AS s WHERE s.id = o.store_id AND year(ordered_at) = 2019 GROUP BY 1"
    ).fetchall()
    found = {str(row["location__location_name"]).rpartition(".")[2].capitalize(): row["actual"] for row in table}
    assert {name: str(count) for name, count in expected} == found


async def test_cube_gives_the_same_figures(shop: Path, raw: Path, evaluation_data: Path) -> None:
    asked = [row["question"] for row in questions(evaluation_data).values()]
    asked += [question for question, _ in FIGURES.values()]
    asked += ["orders by location in 2019", "order gross profit by location in 2019", "revenue by product in 2019"]
    requests = [{"concept": question, "as_of": AS_OF, "user_context": ANALYST} for question in asked]
    with cube_over(load_catalog(shop).semantic, raw.parent / "marts") as cube:
        async with (
            answering(shop) as here,
            answering(shop, semantic_url=cube.url, semantic_timeout_seconds="60") as there,
        ):
            different = {}
            for request in requests:
                (_, ours), (_, cubes) = await here(request), await there(request)
                assert ours, request
                if ours != cubes:
                    different[request["concept"]] = ours, cubes
    assert {} == different
