"""Execute while stores are down: no made-up or silently old figure, and none without a decision or a record."""

from __future__ import annotations

import asyncio
import os
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration

from ecp.v1 import provenance_pb2, resolve_pb2, types_pb2
from ecp_server.stores.semantic.duckdb import MAX_PARALLEL
from tests.rpc.refusals import refused
from tests.running import Running, running, user
from tests.serving import Outcome

FINANCE = user("fay", "finance_analyst", department="finance")
AS_OF = {"seconds": 1_736_942_400}
QUESTION = "APAC revenue last quarter vs budget"
FULL = provenance_pb2.PROVENANCE_VIEW_FULL


@pytest.fixture
async def server(project_root: Path, tmp_path: Path) -> AsyncIterator[Running]:
    """A server of the test's own."""
    async with running(project_root / "catalogs" / "meridian", tmp_path) as server:
        yield server


async def executed(server: Running, resolution_id: str, **fields: Any) -> Outcome:
    request = resolve_pb2.ExecuteRequest(resolution_id=resolution_id, **fields)
    return await server.ask(server.resolving.Execute, request)


async def asked(server: Running, question: str = QUESTION) -> str:
    found = (await server.resolve(question, user_context=FINANCE, as_of=AS_OF)).response
    resolution_id: str = found.resolution_id
    return resolution_id


def audited(folder: Path) -> list[str]:
    with closing(sqlite3.connect(folder / "state.db")) as database:
        rows = database.execute("SELECT outcome FROM audit WHERE method = 'Execute' ORDER BY sequence")
        return [outcome for (outcome,) in rows]


async def test_a_semantic_layer_that_is_down_is_unavailable_with_a_time_to_come_back(
    server: Running, tmp_path: Path
) -> None:
    resolution_id = await asked(server)
    await server.application._semantic.close()
    outcomes = [await executed(server, resolution_id) for _ in range(8)]
    assert {"UNAVAILABLE"} == {outcome.code for outcome in outcomes}
    assert all(outcome.details["RetryInfo"].retry_delay.ToNanoseconds() > 0 for outcome in outcomes)
    refused(outcomes[0], "UNAVAILABLE", "STORE_UNAVAILABLE")
    refused(outcomes[-1], "UNAVAILABLE", "CIRCUIT_OPEN")
    assert 8 == len(audited(tmp_path))
    assert "OK" == (await server.resolve(QUESTION, user_context=FINANCE)).code


async def test_the_last_good_figure_stands_in_where_that_is_allowed_and_says_how_old_it_is(server: Running) -> None:
    resolution_id = await asked(server)
    fresh = (await executed(server, resolution_id)).response
    await server.application._semantic.close()
    refused(await executed(server, resolution_id), "UNAVAILABLE", "STORE_UNAVAILABLE")
    for _ in range(8):  # whether its breaker is open or not
        kept = (await executed(server, resolution_id, max_staleness=timedelta(hours=1), provenance_view=FULL)).response
        assert fresh.table.columns == kept.table.columns
        assert all(source.HasField("fresh_time") for source in kept.table.sources)
        assert [(types_pb2.STORE_SEMANTIC, "kept_result")] == [(d.store, d.fallback) for d in kept.degradations]
        assert "stale_data" in [warning.type for warning in kept.warnings]
        (run,) = [step for step in kept.provenance.steps if step.id == "run"]
        assert provenance_pb2.STEP_STATUS_DEGRADED == run.status
    never_run = await asked(server, "net revenue last quarter")
    outcome = await executed(server, never_run, max_staleness=timedelta(hours=1))
    assert "UNAVAILABLE" == outcome.code


async def test_without_a_decision_nothing_is_run_or_given(server: Running, tmp_path: Path) -> None:
    resolution_id = await asked(server)
    await executed(server, resolution_id)
    await server.application._policy.close()
    outcome = await executed(server, resolution_id, max_staleness=timedelta(hours=1))
    refused(outcome, "UNAVAILABLE", "POLICY_UNAVAILABLE")
    assert ["EXECUTED", "POLICY_UNAVAILABLE"] == audited(tmp_path)


async def test_no_figure_leaves_without_its_record(server: Running, tmp_path: Path) -> None:
    resolution_id = await asked(server)
    with closing(sqlite3.connect(tmp_path / "state.db", isolation_level=None)) as blocker:
        blocker.execute("BEGIN IMMEDIATE")
        outcome = await executed(server, resolution_id)
        blocker.execute("ROLLBACK")
    assert "UNAVAILABLE" == outcome.code
    assert outcome.details["ErrorInfo"].metadata["store"] == "state"
    assert [] == audited(tmp_path)
    kept = (await server.recorded(resolution_id)).response
    assert [] == list(kept.executions)


async def test_a_caller_who_goes_away_stops_the_engine_and_is_audited(
    server: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolution_id = await asked(server)
    begun, stopped = asyncio.Event(), asyncio.Event()

    async def run(*_asked: object, **_more: object) -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            stopped.set()

    monkeypatch.setattr(server.application._semantic, "run", run)
    call = server.resolving.Execute(resolve_pb2.ExecuteRequest(resolution_id=resolution_id))
    async with asyncio.timeout(10):
        await begun.wait()
        call.cancel()
        await stopped.wait()
    await server.settled()
    await server.application._executor.close()
    assert ["CANCELLED"] == audited(tmp_path)


@asynccontextmanager
async def over_other_revenue(project_root: Path, folder: Path, source: str) -> AsyncIterator[Running]:
    """Serve meridian, whose revenue is what a query gives; the records are in the folder."""
    catalog = folder / "catalog"
    shutil.copytree(project_root / "catalogs" / "meridian", catalog)
    model = catalog / "semantic" / "finance.yml"
    own = "SELECT * FROM finance.fact_revenue_daily WHERE"
    assert own in model.read_text(encoding="utf-8")
    model.write_text(model.read_text(encoding="utf-8").replace(own, f"{source} WHERE"), encoding="utf-8")
    async with running(catalog, folder) as server:
        yield server


async def test_a_caller_who_goes_away_interrupts_duckdb_within_200_ms(project_root: Path, tmp_path: Path) -> None:
    endless = "SELECT * FROM finance.fact_revenue_daily, range(10000000) AS long (a), range(10000) AS endless (b)"
    async with over_other_revenue(project_root, tmp_path, endless) as server:
        duckdb = server.application._semantic
        await duckdb.probe()
        resolution_id = await asked(server)
        call = server.resolving.Execute(resolve_pb2.ExecuteRequest(resolution_id=resolution_id))
        await asyncio.sleep(0.5)
        assert not call.done()
        call.cancel()
        gone = time.monotonic()
        # Every thread is free again: each answers a probe of its own.
        await asyncio.gather(*(duckdb.probe() for _ in range(MAX_PARALLEL)))
        busy = max(0.0, os.getloadavg()[0] / (os.cpu_count() or 1) - 1)  # others may be at work on this machine
        assert time.monotonic() - gone < 0.2 * (1 + busy)
        await server.settled()
        await server.application._executor.close()
    assert ["CANCELLED"] == audited(tmp_path)


def countries(number: int) -> str:
    """Revenue of one dollar in each of so many countries."""
    columns = "DATE '2024-11-01' AS day, 'C' || range AS country, '' AS segment, '' AS product, '' AS channel"
    amounts = "1.00 AS net_amount, 1.00 AS gross_amount, 0.00 AS refund_amount"
    return f"SELECT * FROM (SELECT {columns}, {amounts} FROM range({number}))"  # noqa: S608 - a test's own


async def test_many_rows_hold_up_nobody_else(project_root: Path, tmp_path: Path) -> None:
    async with over_other_revenue(project_root, tmp_path, countries(30_000)) as server:
        resolution_id = await asked(server, "top 10 countries by net revenue last quarter vs same period last year")
        longest = 0.0

        async def watch() -> None:
            nonlocal longest
            while True:
                began = time.monotonic()
                await asyncio.sleep(0.001)
                longest = max(longest, time.monotonic() - began)

        watching = asyncio.create_task(watch())
        began = time.monotonic()
        outcome = await executed(server, resolution_id)
        whole = time.monotonic() - began
        watching.cancel()
        assert 10 == outcome.response.table.row_count
        assert longest < whole / 3  # in the loop, the arithmetic alone takes more


async def test_more_rows_than_can_be_brought_together_are_refused_with_what_to_narrow(
    project_root: Path, tmp_path: Path
) -> None:
    async with over_other_revenue(project_root, tmp_path, countries(60_000)) as server:
        whole = await executed(server, await asked(server, "net revenue last quarter"))
        assert ["60000.00"] == list(whole.response.table.columns[0].values)
        by_country = await asked(server, "net revenue by country last quarter")
        outcome = await executed(server, by_country)
        refused(outcome, "FAILED_PRECONDITION", "INCOMPATIBLE_CONCEPTS")
        assert "the answer has more than 49,999 rows; ask for a shorter period" in outcome.message
        one = await executed(server, by_country, filters={"region": types_pb2.ValueList(values=["region.japan"])})
        assert "OK" == one.code
    assert ["EXECUTED", "INCOMPATIBLE_CONCEPTS", "EXECUTED"] == audited(tmp_path)


async def test_a_semantic_layer_that_hangs_takes_no_more_than_the_callers_time(
    server: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of which a part is kept for what stands in, and for its record."""
    resolution_id = await asked(server)
    hangs = False
    engine = server.application._semantic.run

    async def run(*asked_for: Any, **more: Any) -> Any:
        return await (asyncio.sleep(60) if hangs else engine(*asked_for, **more))

    monkeypatch.setattr(server.application._semantic, "run", run)
    fresh = (await executed(server, resolution_id)).response
    hangs = True
    request = resolve_pb2.ExecuteRequest(resolution_id=resolution_id, max_staleness=Duration(seconds=3600))
    kept = await server.ask(server.resolving.Execute, request, timeout=1.5)
    assert fresh.table.columns == kept.response.table.columns
    request.ClearField("max_staleness")
    outcome = await server.ask(server.resolving.Execute, request, timeout=1.5)
    assert outcome.code in {"UNAVAILABLE", "DEADLINE_EXCEEDED"}
    await server.settled()
    await server.application._executor.close()
    *before, last = audited(tmp_path)
    assert ["EXECUTED", "EXECUTED"] == before
    assert last in {"STORE_UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED"}
