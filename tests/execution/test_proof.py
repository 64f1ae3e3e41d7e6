"""What ran is held against what was decided, and recorded before it is given."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from typing_extensions import override

from ecp_server.domain.errors import (
    StoreQueryFailed,
)
from ecp_server.domain.figures import FigureQuery
from ecp_server.domain.frozen import replace
from ecp_server.domain.provenance import StepStatus, StoreKind
from tests.execution.regional import ASIA, MEASURES, audited, narrowed, records, rows, the_shop
from tests.execution.rows import Lossy, Rows
from tests.execution.till import Till, table

__all__ = ["rows", "the_shop"]


# --- attestation ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", ["allowed_members", "request", "question"])
async def test_an_engine_that_loses_a_condition_is_caught_before_rows_leave(
    till: Till, tmp_path: Path, lost: str
) -> None:
    mutant = Lossy(records(), MEASURES)
    mutant.lost = lost
    till.engine = mutant
    found = await till.ask("tea sales last month", principal=ASIA)
    with pytest.raises(StoreQueryFailed):
        await till.run(found.id, **narrowed("region.japan"))
    assert ["INTERNAL"] == audited(tmp_path)
    mutant.lost = ""
    assert {"actual": ["10"]} == table(await till.run(found.id, **narrowed("region.japan")))


async def test_an_engine_that_widens_the_period_is_caught(till: Till) -> None:
    class Widening(Rows):
        @override
        def executed(self, query: FigureQuery) -> FigureQuery:
            return replace(query, start=None)

    till.engine = Widening(records(), MEASURES)
    with pytest.raises(StoreQueryFailed):
        await till.figures("sales last month")


async def test_the_attestation_names_plan_statement_and_decision(till: Till) -> None:
    found = await till.ask("sales last month", principal=ASIA)
    one, same = await till.run(found.id), await till.run(found.id)
    other = await till.run(found.id, **narrowed("region.japan"))
    assert found.plan is not None
    assert found.plan.digest == one.attestation.plan_digest
    assert one.attestation == same.attestation
    assert one.attestation.decision_id == other.attestation.decision_id
    assert one.attestation.executed_digest != other.attestation.executed_digest
    assert one.table.digest() == same.table.digest() != other.table.digest()


# --- what is recorded -------------------------------------------------------------------------------------------------


async def test_an_execution_is_recorded_with_its_audit_before_it_is_given(till: Till, tmp_path: Path) -> None:
    found = await till.ask("sales last month")
    execution = await till.run(found.id)
    (record,) = await till.state.executions(found.id, limit=20, tables=True)
    assert (execution.id, execution.table.digest()) == (record.id, record.table_digest)
    assert ["EXECUTED"] == audited(tmp_path)


async def test_the_steps_say_what_was_done(till: Till) -> None:
    steps = {step.id: step for step in (await till.figures("sales last month", principal=ASIA)).provenance.steps}
    assert ["reauthorize", "narrow", "run", "compute", "validate"] == list(steps)
    assert StepStatus.SKIPPED is steps["narrow"].status
    assert [(StoreKind.SEMANTIC, "run", "ok")] == [(c.store, c.operation, c.outcome) for c in steps["run"].store_calls]
    assert [(StoreKind.POLICY, "decide", "ok")] == [
        (c.store, c.operation, c.outcome) for c in steps["reauthorize"].store_calls
    ]


async def test_a_caller_who_goes_away_is_audited(till: Till, tmp_path: Path) -> None:
    found = await till.ask("sales last month")
    till.engine.delay_seconds = 30
    running = asyncio.create_task(till.run(found.id))
    await till.engine.begun.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await till.executor.close()
    assert ["CANCELLED"] == audited(tmp_path)


async def test_a_defect_is_audited(till: Till, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def defective(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("ecp_server.execution.run.rows_of", defective)
    found = await till.ask("sales last month")
    with pytest.raises(ZeroDivisionError):
        await till.run(found.id)
    assert ["INTERNAL"] == audited(tmp_path)
