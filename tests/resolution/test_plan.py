"""Semantic queries as the plan writes them (plan.proto, catalog.md)."""

from __future__ import annotations

from typing import Any

import pytest

from ecp_server.domain.catalog import Binding, Catalog, Context, Level, MemberVariation, Target
from ecp_server.domain.identity import Principal
from ecp_server.domain.plan import Measure
from ecp_server.resolution.plan import MAX_VALUES
from tests.resolution.conftest import Desks
from tests.resolution.desk import Desk
from tests.resolution.reading import assumptions, buckets, filters, plan_of, queries, query_of, refused, step
from tests.resolution.samples import catalog, dimension, member, metric

FINANCE = Principal(subject="fay", department="fin", roles=("explorer",))
PEOPLE = Principal(subject="pat", department="people", roles=("explorer",))
PLAN: Any = {"semantic_ref": "Plan.sales", "time_dimension": "Plan.month", "dimensions": ("region",)}
NAMES = {
    "region.apac": {"fin": ("APAC_FIN",), "sal": ("APAC_SAL",)},
    "region.emea": {"fin": ("EMEA",), "sal": ("EMEA",)},
}


@pytest.fixture(name="catalog")
def shop() -> Catalog:
    return catalog(
        *(Context(department, department.title()) for department in ("fin", "sal", "people")),
        metric("sales", dimensions=("region",), targets=(Target("budget", "planned"),)),
        metric("planned", unit="EUR", **PLAN),
        dimension(
            "region",
            levels=(Level("area", "Area"), Level("country", "Country", "Sales.country")),
            default_level="area",
            bindings=(Binding("Plan", "Plan.area", NAMES),),
        ),
        member(
            "region.apac",
            "JP",
            level="area",
            variations=(MemberVariation("fin", ("JP", "AU")), MemberVariation("sal", ("JP", "KR"))),
        ),
        member("region.emea", "DE", level="area"),
        member("region.japan", "JP", level="country"),
        member("region.all_of_it", *(f"v{i}" for i in range(MAX_VALUES + 1)), level="country"),
    )


async def test_a_query_says_what_is_measured_where_and_when(desk: Desk) -> None:
    query = query_of(await desk.ask("sales in japan last month"))

    assert query.measures == (Measure("actual", "Sales.sales", "sales", "USD"),)
    assert (query.time_ref, query.label) == ("Sales.day", "Sales")
    assert [(f.ref, f.source, f.dimension) for f in query.filters] == [("Sales.region", "question", "region")]


async def test_without_a_period_there_is_no_address_of_one(desk: Desk) -> None:
    query = query_of(await desk.ask("our sales"))

    assert (query.time_ref, query.time_range) == ("", None)


async def test_a_cube_with_an_address_and_names_of_its_own_is_asked_by_them(desk: Desk) -> None:
    found = await desk.ask("sales in apac last month vs budget", principal=FINANCE)

    assert (filters(found), filters(found, "budget")) == ({"region": ["JP", "AU"]}, {"region": ["APAC_FIN"]})
    assert query_of(found, "budget").filters[0].ref == "Plan.area"


async def test_buckets_are_made_of_a_cubes_own_names_where_it_lacks_the_level(desk: Desk) -> None:
    found = await desk.ask("sales by region last month vs budget", principal=FINANCE)

    assert buckets(found) == {"region.apac": ("JP", "AU"), "region.emea": ("DE",)}
    assert buckets(found, "budget") == {"region.apac": ("APAC_FIN",), "region.emea": ("EMEA",)}
    assert plan_of(found).alignment.keys == ("region",)


async def test_where_a_cube_knows_several_readings_and_no_context_decides_a_department_is_needed(desk: Desk) -> None:
    asked = await desk.ask("sales in apac last month vs budget", principal=PEOPLE)

    assert "several readings of Apac" in refused(asked).message
    assert queries(await desk.ask("sales in emea last month vs budget", principal=PEOPLE)) == ["actual", "budget"]


async def test_what_a_cube_has_no_name_for_cannot_be_left_out_of_what_it_has(desk: Desk) -> None:
    """Its APAC is one value: without Japan it cannot be had, and with Japan it would be wrong."""
    question = "sales in apac excluding japan last month vs budget"

    assert "cannot leave out" in refused(await desk.ask(question, principal=FINANCE)).message


async def test_a_filter_has_at_most_a_thousand_values(desk: Desk) -> None:
    assert str(MAX_VALUES) in refused(await desk.ask("sales in all of it last month")).message


async def test_values_come_once_in_the_catalogs_order(desk: Desk) -> None:
    found = await desk.ask("sales in japan, emea and apac last month", principal=FINANCE)

    assert filters(found) == {"region": ["JP", "DE", "AU"]}


async def test_rows_are_matched_by_period_first_then_by_dimensions(desk: Desk) -> None:
    found = await desk.ask("sales by region and month last quarter", principal=FINANCE)

    assert plan_of(found).alignment.keys == ("period", "region")


async def test_a_question_that_needs_no_figures_has_no_plan(desk: Desk) -> None:
    assert (await desk.ask("what is sales?")).plan is None
    assert (await desk.ask("japan")).plan is None


async def test_the_plan_is_told_as_a_step_and_has_its_digest_once_it_may_run(desk: Desk) -> None:
    found = await desk.ask("sales last month vs budget")

    assert step(found, "plan").reasoning == "2 queries for the semantic layer"
    assert step(found, "plan").output["queries"] == ["actual", "budget"]
    assert len(plan_of(found).digest) == 64


async def test_buckets_that_overlap_or_leave_values_out_are_told(desks: Desks) -> None:
    """catalog.md, Dimension."""
    about = catalog(
        metric("sales", dimensions=("region",)),
        dimension("region", levels=(Level("area", "Area"), Level("country", "Country"))),
        member("region.apac", "JP", "AU", level="area"),
        member("region.asia", "JP", "IN", level="area"),
        member("region.japan", "JP", level="country"),
        member("region.peru", "PE", level="country"),
    )
    desk = await desks(about)
    found = await desk.ask("sales by area last month")

    assert assumptions(found) == {"buckets.region": "as_defined"}
    (assumption,) = found.assumptions
    assert assumption.reason == "Apac and Asia both count JP; no part counts PE"
    assert assumptions(await desk.ask("sales in peru last month")) == {}
