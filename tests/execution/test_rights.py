"""Whose resolution may be run, and what policy demands of it today (design, sections 6 to 8)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from ecp_server.domain.catalog import Catalog, Classification
from ecp_server.domain.errors import (
    AmbiguousConcept,
    EcpError,
    IncompatibleConcepts,
    PolicyDenied,
    ResolutionExpired,
    ResolutionNotFound,
)
from ecp_server.domain.frozen import replace
from tests.conformance.semantics import shop_catalog
from tests.execution.regional import ASIA, HIDING, audited, modelled, rows, shop, the_shop
from tests.execution.rows import Rows
from tests.execution.till import Till, table
from tests.resolution.desk import policy_for
from tests.resolution.samples import catalog as catalog_of
from tests.resolution.samples import metric

__all__ = ["rows", "the_shop"]


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


async def test_a_resolution_whose_figures_are_made_otherwise_now_is_to_be_made_again(till: Till) -> None:
    till.held.add(modelled("v2", "amount"))
    found = await till.ask("sales last month")
    till.held.add(modelled("v3", "amount"))  # another cube is another one
    assert {"actual": ["310"]} == table(await till.run(found.id))
    till.held.add(modelled("v4", "net"))
    with pytest.raises(ResolutionExpired):
        await till.run(found.id)


async def test_figures_of_a_model_that_comes_into_force_while_they_are_made_are_not_given_out(till: Till) -> None:
    till.held.add(modelled("v2", "amount"))
    found = await till.ask("sales last month")
    till.engine.delay_seconds = 0.05
    running = asyncio.create_task(till.run(found.id))
    await till.engine.begun.wait()
    till.held.add(modelled("v3", "net"))
    with pytest.raises(ResolutionExpired):
        await running
    assert 0 == till.kept.size


def joined(version: str, code: str) -> Catalog:
    model = f"""
cubes:
  - name: Sales
    sql: SELECT * FROM sales
    joins: [{{name: Places, relationship: many_to_one, sql: "{{CUBE}}.place = {{Places}}.id"}}]
    dimensions:
      - {{name: id, sql: "{{CUBE}}.id", type: number, primary_key: true}}
      - {{name: region, sql: "{{Places.code}}", type: string}}
    measures: [{{name: sales, sql: "{{CUBE}}.amount", type: sum}}]
  - name: Places
    sql: SELECT * FROM places
    dimensions:
      - {{name: id, sql: "{{CUBE}}.id", type: number, primary_key: true}}
      - {{name: code, sql: "{{CUBE}}.{code}", type: string}}
"""  # noqa: S608 - a model, not a statement
    return replace(shop(version), model=shop_catalog(model).model)


@pytest.mark.parametrize("question", ["sales last month in Japan", "sales last month by area"])
async def test_what_its_figures_are_joined_with_is_part_of_how_they_are_made(till: Till, question: str) -> None:
    till.held.add(joined("v2", "iso"))
    by_place, total = await till.ask(question), await till.ask("sales last month")
    till.held.add(joined("v3", "market"))
    with pytest.raises(ResolutionExpired):
        await till.run(by_place.id)
    assert {"actual": ["310"]} == table(await till.run(total.id))


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
