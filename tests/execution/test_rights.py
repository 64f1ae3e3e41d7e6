"""Whose resolution may be run, what policy demands of it today, what the request narrows (design, sections 6 to 8)."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from typing_extensions import override

from ecp_server.domain.catalog import Binding, Catalog, Classification, Level, Target, TermVariation
from ecp_server.domain.errors import (
    AmbiguousConcept,
    EcpError,
    IncompatibleConcepts,
    InvalidQuery,
    PolicyDenied,
    ResolutionExpired,
    ResolutionNotFound,
    StoreQueryFailed,
    StoreTimeout,
    StoreUnavailable,
)
from ecp_server.domain.figures import FigureQuery
from ecp_server.domain.frozen import replace
from ecp_server.domain.identity import Principal
from ecp_server.domain.provenance import StepStatus, StoreKind
from tests.execution.rows import Lossy, Measured, Rows
from tests.execution.till import Till, table
from tests.resolution.desk import policy_for
from tests.resolution.samples import catalog as catalog_of
from tests.resolution.samples import dimension, member, metric, term

ASIA = Principal(subject="ann", roles=("explorer",), allowed_members=(("region", ("region.asia",)),))
HIDING = """
package ecp.policy
decisions[product.id] := {"allow": true, "policy": "open", "masks": [{"column": "Sales.cost", "method": "null"}]} if {
    some product in input.products
}
"""


def shop(version: str = "v1", *, policies: dict[str, str] | None = None, **sales: Any) -> Catalog:
    return catalog_of(
        metric("sales", dimensions=("region", "product"), targets=(Target("budget", "planned"),), **sales),
        metric("planned", dimensions=("region",), semantic_ref="Plan.amount", time_dimension="Plan.day"),
        metric("cost", dimensions=("region",)),
        term("income", TermVariation("a", metric="sales"), TermVariation("b", metric="planned")),
        dimension(
            "region",
            row_level=True,
            levels=(Level("area", "Area"), Level("country", "Country")),
            default_level="country",
            bindings=(Binding("Plan", "Plan.region"),),
        ),
        member("region.asia", "JP", "KR", level="area", name="Asia"),
        member("region.japan", "JP", level="country", name="Japan"),
        member("region.korea", "KR", level="country", name="Korea"),
        member("region.chile", "CL", level="country", name="Chile"),
        dimension("product"),
        member("product.tea", "tea"),
        version=version,
        policies=policies,
    )


@pytest.fixture(name="catalog")
def the_shop() -> Catalog:
    return shop()


def records() -> dict[str, Any]:
    sold = [("JP", "tea", 10), ("KR", "tea", 20), ("CL", "tea", 40), ("JP", "ore", 80), ("CL", "ore", 160)]
    day = date(2024, 12, 1)
    return {
        "Sales": [
            {"day": day, "region": region, "product": product, "amount": Decimal(amount)}
            for region, product, amount in sold
        ],
        "Plan": [{"day": day, "region": region, "amount": Decimal(5)} for region in ("JP", "KR", "CL")],
    }


MEASURES = {
    "Sales.sales": Measured("sum", "amount"),
    "Sales.cost": Measured("sum", "amount"),
    "Plan.amount": Measured("sum", "amount"),
}


@pytest.fixture(name="engine")
def rows() -> Rows:
    return Rows(records(), MEASURES)


def audited(folder: Path) -> list[str]:
    """The outcomes of executions that the audit holds, oldest first."""
    with sqlite3.connect(folder / "state.db") as database:
        rows = database.execute("SELECT outcome FROM audit WHERE method = 'Execute' ORDER BY sequence")
        return [outcome for (outcome,) in rows]


# --- whose it is, and whether it can be run ---------------------------------------------------------------------------


async def test_an_unknown_resolution_and_anothers_look_the_same(till: Till, tmp_path: Path) -> None:
    found = await till.ask("sales last month")
    with pytest.raises(ResolutionNotFound) as unknown:
        await till.run("nothing")
    with pytest.raises(ResolutionNotFound) as anothers:
        await till.run(found.id, callers=("mallory",))
    assert unknown.value.message == anothers.value.message
    assert [] == audited(tmp_path)
    assert {"actual": ["310"]} == table(await till.run(found.id, callers=("ann",)))


async def test_the_owners_expired_one_says_so_and_anothers_does_not(till: Till, tmp_path: Path) -> None:
    till.expire_after = timedelta(seconds=-1)
    found = await till.ask("sales last month")
    with pytest.raises(ResolutionExpired):
        await till.run(found.id, callers=("ann",))
    with pytest.raises(ResolutionNotFound):
        await till.run(found.id, callers=("mallory",))
    assert ["RESOLUTION_EXPIRED"] == audited(tmp_path)


@pytest.mark.parametrize(
    ("question", "error"),
    [
        ("income last month", AmbiguousConcept),
        ("bitcoin last month", AmbiguousConcept),
        ("what is sales?", IncompatibleConcepts),
    ],
)
async def test_what_is_not_settled_or_needs_no_figures_is_not_run(
    till: Till, tmp_path: Path, question: str, error: type[EcpError]
) -> None:
    found = await till.ask(question)
    with pytest.raises(error):
        await till.run(found.id)
    assert [] == till.engine.asked
    assert [error.reason.value] == audited(tmp_path)


async def test_a_resolution_is_run_by_the_catalog_that_it_was_resolved_by(till: Till) -> None:
    """While that is held; without it nobody knows what its metrics meant."""
    found = await till.ask("sales last month")
    till.held.add(shop("v2", scale=Decimal(1000)))
    assert {"actual": ["310"]} == table(await till.run(found.id))
    till.held.drop("v1")
    with pytest.raises(ResolutionExpired):
        await till.run(found.id)


# --- policy, asked anew -----------------------------------------------------------------------------------------------


async def test_what_policy_denies_today_is_not_run(till: Till, tmp_path: Path) -> None:
    found = await till.ask("sales last month")
    till.held.add(shop("v2", classification=Classification.RESTRICTED))
    with pytest.raises(PolicyDenied):
        await till.run(found.id)
    assert [] == till.engine.asked
    assert ["POLICY_DENIED"] == audited(tmp_path)


async def test_a_metric_that_is_gone_is_not_run(till: Till) -> None:
    found = await till.ask("sales last month")
    till.held.add(catalog_of(metric("other"), version="v2"))
    with pytest.raises(PolicyDenied):
        await till.run(found.id)


async def test_a_comparison_that_policy_denies_today_is_left_out_and_told(till: Till) -> None:
    found = await till.ask("sales last month vs budget")
    held = shop("v2")
    planned = replace(held.metrics["planned"], classification=Classification.RESTRICTED)
    till.held.add(replace(held, metrics={**held.metrics, "planned": planned}))
    execution = await till.run(found.id)
    assert {"actual": ["310"]} == table(execution)
    assert [("restricted", "planned")] == [(warning.type, warning.id) for warning in execution.warnings]


async def test_rows_outside_the_users_members_are_not_in_the_figure(till: Till) -> None:
    execution = await till.figures("sales last month", principal=ASIA)
    assert {"actual": ["110"]} == table(execution)
    assert 1 == execution.attestation.obligations_checked


async def test_what_policy_demands_only_since_is_added(till: Till) -> None:
    """The dimension was open to all when the question was resolved."""
    opened = shop("v0")
    region = replace(opened.dimensions["region"], row_level=False)
    till.held.add(replace(opened, dimensions={**opened.dimensions, "region": region}))
    found = await till.ask("sales last month by country", principal=ASIA)
    assert found.plan is not None
    assert () == found.plan.obligations
    till.held.add(shop("v2"))
    execution = await till.run(found.id)
    assert {"region": ["region.japan", "region.korea"], "actual": ["90", "20"]} == table(execution)
    assert 1 == execution.attestation.obligations_checked


async def test_hidden_values_are_not_read_and_say_that_they_are_hidden(tmp_path: Path, engine: Rows) -> None:
    hiding = shop(policies={"hiding.rego": HIDING})
    till = Till(hiding, tmp_path, await policy_for(hiding.policies), engine)
    await till.vector.prepare(hiding)
    execution = await till.figures("cost and sales last month by country")
    assert ["MASKED"] * 3 == table(execution)["cost"]
    assert ["90", "20", "200"] == table(execution)["sales"]
    assert [True] == [column.masked for column in execution.table.columns if column.name == "cost"]
    assert all("Sales.cost" not in query.measures for query in till.engine.asked)
    await till.close()


# --- narrowing --------------------------------------------------------------------------------------------------------


def narrowed(*members: str, dimension: str = "region") -> dict[str, Any]:
    return {"narrowing": ((dimension, members),)}


async def test_the_request_narrows_every_query(till: Till) -> None:
    execution = await till.figures("sales last month vs budget", request=narrowed("region.japan", "region.korea"))
    assert {"actual": ["110"], "budget": ["10"], "variance": ["100"], "variance_pct": ["1000"]} == table(execution)
    assert {("Sales.region", ("JP", "KR"), "request"), ("Plan.region", ("JP", "KR"), "request")} == {
        (f.ref, f.values, f.source) for query in till.engine.asked for f in query.filters
    }


async def test_a_narrowed_grouping_has_no_other_rows(till: Till) -> None:
    execution = await till.figures("sales last month by country", request=narrowed("region.japan"))
    assert {"region": ["region.japan"], "actual": ["90"]} == table(execution)


async def test_narrowing_never_widens(till: Till) -> None:
    found = await till.ask("sales last month in Japan")
    assert {"actual": ["90"]} == table(await till.run(found.id, **narrowed("region.asia")))
    with pytest.raises(InvalidQuery) as refused:
        await till.run(found.id, **narrowed("region.chile"))
    assert ["filters[region]"] == [violation.field for violation in refused.value.violations]


@pytest.mark.parametrize(
    ("dimension_id", "member_id"),
    [("planet", "planet.mars"), ("region", "region.atlantis"), ("region", "product.tea"), ("product", "product.tea")],
)
async def test_a_dimension_that_a_query_lacks_or_a_member_that_is_unknown_is_named(
    till: Till, dimension_id: str, member_id: str
) -> None:
    """The budget has no product."""
    found = await till.ask("sales last month vs budget")
    with pytest.raises(InvalidQuery) as refused:
        await till.run(found.id, **narrowed(member_id, dimension=dimension_id))
    assert [f"filters[{dimension_id}]"] == [violation.field for violation in refused.value.violations]
    assert [] == till.engine.asked


async def test_members_that_the_user_may_not_see_are_denied(till: Till) -> None:
    found = await till.ask("sales last month", principal=ASIA)
    with pytest.raises(PolicyDenied):
        await till.run(found.id, **narrowed("region.japan", "region.chile"))
    assert {"actual": ["90"]} == table(await till.run(found.id, **narrowed("region.japan")))


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


# --- while the semantic layer is down ---------------------------------------------------------------------------------

DAY = timedelta(days=1)


@pytest.mark.parametrize("failure", [StoreUnavailable(StoreKind.SEMANTIC), StoreTimeout(StoreKind.SEMANTIC)], ids=repr)
async def test_the_last_good_figure_stands_in_where_the_caller_allows_it(till: Till, failure: EcpError) -> None:
    found = await till.ask("sales last month")
    before = datetime.now(UTC)
    fresh = await till.run(found.id)
    till.engine.failure = failure
    kept = await till.run(found.id, max_staleness=DAY)
    assert table(fresh) == table(kept)
    (source,) = kept.table.sources
    assert source.fresh_time is not None
    assert before <= source.fresh_time <= fresh.create_time
    assert [(StoreKind.SEMANTIC, "kept_result")] == [(d.store, d.fallback) for d in kept.degradations]
    assert ["stale_data"] == [warning.type for warning in kept.warnings]
    assert kept.confidence.overall < fresh.confidence.overall
    assert fresh.table.digest() == kept.table.digest()


async def test_nothing_old_without_leave_and_nothing_older_than_allowed(till: Till) -> None:
    found = await till.ask("sales last month")
    await till.run(found.id)
    till.engine.failure = StoreUnavailable(StoreKind.SEMANTIC)
    for leave in ({}, {"max_staleness": timedelta(0)}):
        with pytest.raises(StoreUnavailable) as refused:
            await till.run(found.id, **leave)
        assert refused.value.retry_after_seconds


async def test_a_kept_figure_is_never_given_while_the_layer_answers(till: Till) -> None:
    found = await till.ask("sales last month")
    await till.run(found.id)
    till.engine.cubes = {**till.engine.cubes, "Sales": []}
    assert {"actual": ["SOURCE_NULL"]} == table(await till.run(found.id, max_staleness=DAY))
    till.engine.failure = StoreQueryFailed(StoreKind.SEMANTIC)
    with pytest.raises(StoreQueryFailed):
        await till.run(found.id, max_staleness=DAY)


async def test_a_kept_figure_is_for_the_same_user_decision_and_narrowing_alone(till: Till) -> None:
    found = await till.ask("sales last month", principal=ASIA)
    await till.run(found.id)
    others = await till.ask("sales last month", principal=replace(ASIA, subject="bob"))
    till.engine.failure = StoreUnavailable(StoreKind.SEMANTIC)
    assert {"actual": ["110"]} == table(await till.run(found.id, max_staleness=DAY))
    for resolution, narrowing in ((others.id, {}), (found.id, narrowed("region.japan"))):
        with pytest.raises(StoreUnavailable):
            await till.run(resolution, max_staleness=DAY, **narrowing)


async def test_a_kept_figure_is_not_given_to_whom_policy_denies_it_now(till: Till) -> None:
    found = await till.ask("sales last month")
    await till.run(found.id)
    till.engine.failure = StoreUnavailable(StoreKind.SEMANTIC)
    till.held.add(shop("v2", classification=Classification.RESTRICTED))
    with pytest.raises(PolicyDenied):
        await till.run(found.id, max_staleness=DAY)
