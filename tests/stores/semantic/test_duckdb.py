"""What DuckDB does beside the suite of the port: stopping, limits, and nothing but the data folder's files."""

from __future__ import annotations

import asyncio
import threading
import time
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from ecp_server.domain.catalog import Catalog
from ecp_server.domain.errors import IncompatibleConcepts, StoreQueryFailed, StoreUnavailable, TooLarge
from ecp_server.domain.figures import FigureQuery
from ecp_server.domain.period import Grain
from ecp_server.stores.semantic import duckdb as adapter
from ecp_server.stores.semantic.data import open_database
from ecp_server.stores.semantic.duckdb import DuckDbSemantic
from tests.conformance.semantics import shop_catalog
from tests.held import Held
from tests.logs import logged

SLOW = """
cubes:
  - name: Slow
    sql: SELECT a.range AS x FROM range(100000) AS a, range(100000) AS b, range(1000) AS c
    measures: [{name: total, sql: "hash({CUBE}.x) % 7", type: sum}]
"""
COUNT = """
cubes:
  - name: Lines
    sql: SELECT * FROM {table}
    dimensions: [{{name: key, sql: "{{CUBE}}.key", type: {type}}}]
    measures: [{{name: count, type: count}}, {{name: total, sql: amount, type: sum}}]
"""


def lines(table: str = "lines", kind: str = "string") -> Catalog:
    return shop_catalog(COUNT.format(table=table, type=kind))


def write(folder: Path, text: str, name: str = "lines.csv") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(text, encoding="utf-8")
    return folder


async def figure(catalog: Catalog, folder: Path, query: FigureQuery, memory_mib: int = 128) -> object:
    store = DuckDbSemantic(Held(catalog), folder, memory_mib=memory_mib)
    try:
        (answer,) = await store.run([query])
        return answer.rows
    finally:
        await store.close()


async def test_a_caller_who_goes_away_interrupts_what_runs_within_200_ms(tmp_path: Path) -> None:
    store = DuckDbSemantic(Held(shop_catalog(SLOW)), tmp_path, memory_mib=128)
    await store.probe()
    task = asyncio.create_task(store.run([FigureQuery(("Slow.total",))] * adapter.MAX_PARALLEL))
    await asyncio.sleep(0.5)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    began = time.monotonic()
    # Every thread is free again: each answers a probe of its own.
    await asyncio.gather(*(store.probe() for _ in range(adapter.MAX_PARALLEL)))
    assert time.monotonic() - began < 0.2 * (1 + load())
    await store.close()


def load() -> float:
    """Return how many more than its cores' share this machine has to do: others may be at work on it."""
    import os  # noqa: PLC0415

    return max(0.0, os.getloadavg()[0] / (os.cpu_count() or 1) - 1)


async def test_a_caller_who_waits_for_a_thread_takes_none(tmp_path: Path) -> None:
    store = DuckDbSemantic(Held(shop_catalog(SLOW)), tmp_path, memory_mib=128)
    busy = asyncio.create_task(store.run([FigureQuery(("Slow.total",))] * adapter.MAX_PARALLEL))
    await asyncio.sleep(0.2)
    waiting = asyncio.create_task(store.run([FigureQuery(("Slow.total",))]))
    await asyncio.sleep(0.05)
    waiting.cancel()
    busy.cancel()
    await asyncio.wait([busy, waiting])
    await store.probe()
    await store.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("ecp-duckdb")]


async def test_one_query_that_fails_takes_the_others_along(tmp_path: Path) -> None:
    store = DuckDbSemantic(Held(shop_catalog(SLOW)), tmp_path, memory_mib=128)
    with pytest.raises(StoreQueryFailed):
        await store.run([FigureQuery(("Slow.total",)), FigureQuery(("Slow.nothing",))])
    await store.probe()
    await store.close()


async def test_what_takes_too_much_memory_fails_and_leaves_the_rest_alone(tmp_path: Path) -> None:
    model = SLOW.replace("range(100000) AS b, range(1000) AS c", "range(400) AS b").replace(
        "measures:", 'dimensions: [{name: key, sql: "md5(concat({CUBE}.x, random()))", type: string}]\n    measures:'
    )
    store = DuckDbSemantic(Held(shop_catalog(model)), tmp_path, memory_mib=64)
    with pytest.raises(TooLarge):
        await store.run([FigureQuery(("Slow.total",), ("Slow.key",))])
    await store.probe()
    await store.close()


async def test_more_rows_than_may_be_returned_fail(tmp_path: Path) -> None:
    model = SLOW.replace("range(100000) AS b, range(1000) AS c", "range(1) AS b").replace(
        "measures:", 'dimensions: [{name: key, sql: "{CUBE}.x", type: number}]\n    measures:'
    )
    with pytest.raises(TooLarge, match="more than 49,999 rows; ask for"):
        await figure(shop_catalog(model), tmp_path, FigureQuery(("Slow.total",), ("Slow.key",)))


@pytest.mark.parametrize(
    "source",
    [
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM read_text('../secret.txt')",
        "SELECT * FROM read_csv('https://127.0.0.1/x.csv')",
    ],
)
async def test_no_file_beyond_the_data_folder_is_read(tmp_path: Path, source: str) -> None:
    write(tmp_path, "hidden", "secret.txt")
    folder = write(tmp_path / "data", "key,amount\na,1\n")
    model = f"cubes:\n  - name: Lines\n    sql: {source}\n    measures: [{{name: count, type: count}}]\n"
    with pytest.raises((StoreQueryFailed, StoreUnavailable)):
        await figure(shop_catalog(model), folder, FigureQuery(("Lines.count",)))


def test_nothing_opens_what_was_closed(tmp_path: Path) -> None:
    connection = open_database(write(tmp_path, "key,amount\na,1\n"), memory_mib=64, threads=1)
    for statement in (
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "INSTALL httpfs",
        "LOAD httpfs",
        "ATTACH '/tmp/other.duckdb'",
    ):
        with pytest.raises(duckdb.Error):
            connection.execute(statement)
    connection.close()


async def test_csv_columns_have_the_types_of_all_their_values(tmp_path: Path) -> None:
    text = "key,amount,code,at,day,flag,big\n"
    text += "a,0.1,007,2024-01-31 10:00:00,2024-01-31,true,12345678901234567890\n"
    text += "b,0.2,12,2024-02-01T00:00:00Z,2024-02-30,FALSE,1e3\n,,,,,,\n"
    connection = open_database(write(tmp_path, text), memory_mib=64, threads=1)
    types = {name: kind for name, kind, *_ in connection.execute("DESCRIBE lines").fetchall()}
    assert types == {
        "key": "VARCHAR",
        "amount": "DECIMAL(38,1)",
        "code": "VARCHAR",
        "at": "VARCHAR",  # one has a zone, the other has none
        "day": "VARCHAR",  # there is no such day
        "flag": "BOOLEAN",
        "big": "DOUBLE",
    }
    assert connection.execute("SELECT sum(amount) FROM lines").fetchone() == (Decimal("0.3"),)
    connection.close()


async def test_doubles_come_by_their_shortest_text(tmp_path: Path) -> None:
    folder = write(tmp_path, "key,amount\na,1e-1\nb,2e0\n")
    assert await figure(lines(), folder, FigureQuery(("Lines.total",), ("Lines.key",))) == (
        ("a", Decimal("0.1")),
        ("b", Decimal(2)),
    )


async def test_parquet_and_duckdb_files_are_read_where_they_lie(tmp_path: Path) -> None:
    connection = duckdb.connect(str(tmp_path / "own.duckdb"))
    connection.execute("CREATE SCHEMA inner_tables")
    connection.execute("CREATE TABLE inner_tables.lines AS SELECT 'x' AS key, 1.50 AS amount")
    (tmp_path / "shop").mkdir()
    connection.execute(f"COPY (SELECT 'y' AS key, 2.50 AS amount) TO '{tmp_path}/shop/lines.parquet'")
    connection.close()
    query = FigureQuery(("Lines.total",), ("Lines.key",))
    assert await figure(lines("inner_tables.lines"), tmp_path, query) == (("x", Decimal("1.5")),)
    assert await figure(lines("shop.lines"), tmp_path, query) == (("y", Decimal("2.5")),)


async def test_changed_files_are_read_anew_and_tell_when_they_were_written(tmp_path: Path) -> None:
    store = DuckDbSemantic(Held(lines()), write(tmp_path, "key,amount\na,1\n"), memory_mib=64)
    (before,) = await store.run([FigureQuery(("Lines.total",))])
    write(tmp_path, "key,amount\na,1\nb,2\n")
    (after,) = await store.run([FigureQuery(("Lines.total",))])
    assert (before.rows, after.rows) == (((Decimal(1),),), ((Decimal(3),),))
    assert after.refresh_time is not None
    assert timedelta(0) <= datetime.now(UTC) - after.refresh_time < timedelta(minutes=5)
    await store.close()


async def test_without_its_files_it_does_not_answer_and_comes_back_with_them(tmp_path: Path) -> None:
    store = DuckDbSemantic(Held(lines()), tmp_path / "data", memory_mib=64)
    with pytest.raises(StoreUnavailable):
        await store.probe()
    with pytest.raises(StoreUnavailable):
        await store.run([FigureQuery(("Lines.total",))])
    write(tmp_path / "data", "key,amount\na,1\n")
    await store.probe()
    assert (await store.run([FigureQuery(("Lines.total",))]))[0].rows == ((Decimal(1),),)
    await store.close()


async def test_without_a_model_it_has_no_figures_and_is_not_ill(tmp_path: Path) -> None:
    store = DuckDbSemantic(Held(Catalog(version="v1")), tmp_path / "nowhere", memory_mib=64)
    await store.probe()
    with pytest.raises(IncompatibleConcepts):
        await store.run([FigureQuery(("Lines.total",))])
    await store.close()


async def test_after_its_end_it_does_not_answer(tmp_path: Path) -> None:
    store = DuckDbSemantic(Held(lines()), write(tmp_path, "key,amount\na,1\n"), memory_mib=64)
    await store.close()
    with pytest.raises(StoreUnavailable):
        await store.run([FigureQuery(("Lines.total",))])


async def test_the_model_is_that_of_the_catalog_in_force(tmp_path: Path) -> None:
    text = COUNT.format(table="lines", type="string").replace("sum}", "max}")
    catalogs = Held(lines())
    store = DuckDbSemantic(catalogs, write(tmp_path, "key,amount\na,1\nb,2\n"), memory_mib=64)
    assert (await store.run([FigureQuery(("Lines.total",))]))[0].rows == ((Decimal(3),),)
    changed = shop_catalog(text)
    catalogs.add(Catalog(version="v2", semantic=changed.semantic, model=changed.model))
    assert (await store.run([FigureQuery(("Lines.total",))]))[0].rows == ((Decimal(2),),)
    await store.close()


@pytest.mark.parametrize(
    "values", ["2024-01-31", "2024-01-31 23:30:00", "2024-01-31T23:30:00Z", "2024-02-01T05:30:00+06:00"]
)
async def test_a_time_of_any_type_is_a_day_of_the_zone(tmp_path: Path, values: str) -> None:
    folder = write(tmp_path, f"key,amount\n{values},1\n")
    query = FigureQuery(("Lines.count",), (), (), "Lines.key", time_zone="Asia/Tokyo", granularity=Grain.DAY)
    day = date(2024, 1, 31) if len(values) == len("2024-01-31") else date(2024, 2, 1)
    assert await figure(lines(kind="time"), folder, query) == ((day, Decimal(1)),)


async def test_a_folder_that_is_not_there_is_named_in_the_log_once(tmp_path: Path) -> None:
    store = DuckDbSemantic(Held(lines()), tmp_path / "nowhere", memory_mib=64)
    with logged() as log:
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                await store.probe()
        write(tmp_path / "nowhere", "key,amount\na,1\n")
        await store.probe()
    (line,) = log("semantic_data_unreadable")
    assert (str(tmp_path / "nowhere"), "FileNotFoundError") == (line["folder"], line["cause"])
    await store.close()
