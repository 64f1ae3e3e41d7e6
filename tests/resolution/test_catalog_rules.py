"""Keys and rules of catalog.md at work in a whole question, those that no other module here is about."""

from __future__ import annotations

from typing import Any

import pytest

from ecp_server.domain.catalog import (
    Binding,
    Calendar,
    CalendarType,
    Catalog,
    Context,
    Contract,
    Entity,
    IssueScope,
    Level,
    LineageLink,
    Manifest,
    QualityRule,
    Relation,
    ServiceLevel,
    Severity,
    Target,
    Weekday,
)
from ecp_server.domain.concepts import ConceptKind
from ecp_server.domain.identity import Principal
from ecp_server.domain.lineage import Lineage
from ecp_server.domain.period import Grain
from ecp_server.domain.resolution import Confidence
from tests.resolution.conftest import Desks
from tests.resolution.desk import Desk
from tests.resolution.reading import (
    assumptions,
    concepts,
    filters,
    not_found,
    periods,
    plan_of,
    queries,
    query_of,
    warned,
)
from tests.resolution.samples import catalog, dimension, issue, member, metric, term

FINANCE = Principal(subject="fay", department="fin", roles=("explorer",))
REGION: Any = {"dimensions": ("region",)}


@pytest.fixture(name="catalog")
def shop() -> Catalog:
    bindings = (
        Binding("Plan", "Plan.area", {"region.apac": {"fin": ("APAC_FIN",), "sal": ("APAC_SAL",)}}),
        Binding("Staff", "Staff.place", {"region.apac": {"fin": ("ASIA",), "sal": ("ASIA",)}}),
    )
    return catalog(
        metric(
            "sales", synonyms=("takings",), acronyms=("SLS",), targets=(Target("budget", "plan", ("goal",)),), **REGION
        ),
        metric("plan", semantic_ref="Plan.amount", time_dimension="Plan.day", **REGION),
        metric("headcount", semantic_ref="Staff.heads", unit="count", **REGION),
        term("revenue", metric="sales", acronyms=("RVN",)),
        dimension("region", synonyms=("market",), bindings=bindings, levels=(Level("area", "Sales area"),)),
        member("region.apac", "JP", "AU", level="area", synonyms=("asia pacific",)),
        member("region.emea", "DE", level="area"),
    )


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        pytest.param("takings", "sales", id="metric, synonyms"),
        pytest.param("SLS", "sales", id="metric, acronyms"),
        pytest.param("revenue", "sales", id="term, metric"),
        pytest.param("RVN", "sales", id="term, acronyms"),
        pytest.param("sales by market", "region", id="dimension, synonyms"),
        pytest.param("sales by sales area", "region", id="dimension, levels"),
        pytest.param("sales in Asia Pacific", "region.apac", id="member, synonyms"),
        pytest.param("sales in asia-pacific", "region.apac", id="names, hyphens folded"),
        pytest.param("sales in ASIA_PACIFIC", "region.apac", id="names, case and underscores folded"),
        pytest.param("sales vs goal", "target.budget", id="targets, synonyms"),
    ],
)
async def test_each_kind_of_name_means_its_asset(desk: Desk, words: str, expected: str) -> None:
    assert expected in concepts(await desk.ask(f"{words} last month"))


async def test_dimension_bindings_give_a_cube_its_own_address_and_names_of_members(desk: Desk) -> None:
    found = await desk.ask("plan in apac last month", principal=FINANCE)

    (condition,) = query_of(found).filters
    assert (condition.ref, condition.values) == ("Plan.area", ("APAC_FIN",))


async def test_dimension_bindings_hold_for_each_query_of_its_cube(desk: Desk) -> None:
    found = await desk.ask("sales in apac last month vs budget", principal=FINANCE)

    assert [filters(found, query)["region"] for query in queries(found)] == [["JP", "AU"], ["APAC_FIN"]]
    assert [query.filters[0].ref for query in plan_of(found).queries] == ["Sales.region", "Plan.area"]


async def test_dimension_bindings_with_equal_values_of_all_contexts_need_no_question(desk: Desk) -> None:
    assert filters(await desk.ask("headcount in apac last month")) == {"region": ["ASIA"]}


async def test_dimension_bindings_that_differ_by_context_are_asked_about_and_chosen(desk: Desk) -> None:
    for words in ("plan in apac last month", "plan by region last month"):
        (asked,) = (await desk.ask(words)).ambiguities
        contexts = [option.id.partition("@")[2] for option in asked.options]
        found = await desk.ask(words, (asked.id, asked.options[1].id))

        assert contexts == ["fin", "sal"]
        assert "APAC_SAL" in str(plan_of(found).queries[0])


async def test_dimension_overlapping_siblings_and_values_in_no_bucket_are_told_as_assumptions(desks: Desks) -> None:
    levels = (Level("area", "Area"), Level("country", "Country"))
    left, right = member("region.left", "A", "B", level="area"), member("region.right", "B", "C", level="area")
    other = member("region.other", "D", "E", level="area")
    about = (metric("sales", **REGION), dimension("region", levels=levels), left)

    async def told(*members: Any) -> str:
        found = await (await desks(catalog(*about, *members))).ask("sales by region last month")
        assert set(assumptions(found)) <= {"buckets.region"}
        return "; ".join(assumption.reason for assumption in found.assumptions)

    assert await told(other) == ""
    shared = await told(right)
    assert all(name in shared for name in ("Left", "Right", "B"))
    assert "Z" in await told(other, member("region.lost", "Z", level="country"))


async def test_dimension_the_default_level_is_the_outermost_that_members_have_even_where_a_finer_one_has_a_ref(
    desks: Desks,
) -> None:
    levels = (Level("area", "Area", "Sales.area"), Level("country", "Country", "Sales.country"))
    about = catalog(
        metric("sales", **REGION), dimension("region", levels=levels), member("region.a", "A", level="area")
    )
    (group,) = query_of(await (await desks(about)).ask("sales by region last month")).group_by

    assert (group.ref, group.level, group.buckets) == ("Sales.area", "area", ())


@pytest.mark.parametrize(
    ("words", "computed"),
    [
        *(("last month", True), ("last quarter", True), ("by month last quarter", True)),
        *(("last week", False), ("yesterday", False), ("by week last month", False), ("month to date", False)),
    ],
)
async def test_metric_time_grain_a_period_that_it_cannot_tile_is_not_computed_and_told(
    desks: Desks, words: str, *, computed: bool
) -> None:
    found = await (await desks(catalog(metric("sales", time_grain=Grain.MONTH)))).ask(f"sales {words}")

    assert (found.plan is not None) == computed
    assert [w for w in warned(found) if w[0] == "time_grain"] == ([] if computed else [("time_grain", "sales")])


async def test_metric_time_zone_bounds_its_days_else_the_manifests_does(desks: Desks) -> None:
    about = catalog(
        Manifest(default_time_zone="America/New_York"),
        metric("sales"),
        metric("visits", semantic_ref="Web.visits", time_zone="Asia/Tokyo", unit="count"),
    )
    found = await (await desks(about)).ask("sales and visits last month", time_zone="UTC")

    zones = {m.metric_id: q.time_range.time_zone for q in plan_of(found).queries for m in q.measures if q.time_range}
    assert zones == {"sales": "America/New_York", "visits": "Asia/Tokyo"}


async def test_metric_unit_is_that_of_its_figure(desk: Desk) -> None:
    units = {m.name: m.unit for q in plan_of(await desk.ask("headcount last month")).queries for m in q.measures}

    assert units == {"actual": "count"}


@pytest.mark.parametrize("department", ["fin", "Finance", "FINANCE", "the money people"])
async def test_calendar_departments_are_contexts_by_id_name_or_synonym(desks: Desks, department: str) -> None:
    about = catalog(
        Context("fin", "Finance", ("the money people",)),
        Calendar("fy", CalendarType.FISCAL_MONTHS, start_month=4, departments=("fin",)),
        metric("sales"),
    )
    who = Principal(subject="fay", department=department, roles=("explorer",))

    assert periods(await (await desks(about)).ask("sales last year", principal=who)) == {
        "actual": "2023-04-01/2024-04-01"
    }


@pytest.mark.parametrize(
    ("week_start", "expected"),
    [(Weekday.MONDAY, "2025-01-06/2025-01-13"), (Weekday.SUNDAY, "2025-01-05/2025-01-12")],
)
async def test_calendar_week_start(desks: Desks, week_start: Weekday, expected: str) -> None:
    about = catalog(Calendar("house", default=True, week_start=week_start), metric("sales"))

    assert periods(await (await desks(about)).ask("sales last week")) == {"actual": expected}


@pytest.mark.parametrize("verified", [True, False])
async def test_known_issue_fires_whether_verified_or_not(desks: Desks, *, verified: bool) -> None:
    told = issue("late", verified=verified, discovered_by="ann", scope=IssueScope(metrics=frozenset({"sales"})))

    assert warned(await (await desks(catalog(metric("sales"), told))).ask("sales last month")) == [
        ("known_issue", "late")
    ]


async def weighed(desks: Desks, *contracts: Contract, **more: Any) -> Confidence:
    about = catalog(metric("sales", computed_from=("mart.sales.amount",), **more), *contracts)
    found = await (await desks(about)).ask("sales last month")
    assert found.confidence is not None
    return found.confidence


def promised(contract_id: str = "c", table: str = "mart.sales", **sla: Any) -> Contract:
    return Contract(contract_id, (table,), ServiceLevel(**sla), (QualityRule("not null", Severity.HIGH),))


async def test_contract_without_one_nothing_is_said_of_the_data(desks: Desks) -> None:
    for each in (await weighed(desks), await weighed(desks, promised(table="mart.other", completeness_pct=50))):
        assert (each.data_quality, each.freshness, each.completeness) == (None, None, None)


@pytest.mark.parametrize(
    ("key", "strict", "loose", "field"),
    [
        ("freshness_hours", 1, 48, "freshness"),
        ("availability_pct", 99.9, 80, "data_quality"),
        ("completeness_pct", 99, 70, "completeness"),
    ],
)
async def test_contract_sla_a_weaker_promise_lowers_confidence(
    desks: Desks, key: str, strict: Any, loose: Any, field: str
) -> None:
    better, worse = await weighed(desks, promised(**{key: strict})), await weighed(desks, promised(**{key: loose}))

    assert getattr(better, field) > getattr(worse, field)
    assert better.overall > worse.overall
    assert await weighed(desks, promised("a", **{key: strict}), promised("b", **{key: loose})) == worse


async def test_contract_quality_rules_raise_data_quality(desks: Desks) -> None:
    guarded, bare = await weighed(desks, promised()), await weighed(desks, Contract("c", ("mart.sales",)))

    assert (guarded.data_quality or 0) > (bare.data_quality or 0)


@pytest.fixture
def ontology() -> Catalog:
    return catalog(
        metric("sales", dimensions=("product",)),
        dimension("product"),
        member("product.checkout", "CO"),
        member("product.search", "SE"),
        member("product.ads", "AD"),
        Entity("person.ann", "Ann Chen", type="person", synonyms=("the boss",)),
        Entity("team.payments", "Payments", type="team"),
        Entity("team.growth", "Growth", type="team"),
        Relation("r1", "team.payments", "product.checkout", "owns", ("owned by",)),
        Relation("r2", "team.growth", "product.ads", "owns", ("owned by",)),
        Relation("r3", "team.payments", "person.ann", "reports_to", ("reporting to",)),
    )


async def test_relation_synonyms_lead_from_an_entity_over_relations_to_members(desks: Desks, ontology: Catalog) -> None:
    desk = await desks(ontology)

    assert filters(await desk.ask("sales of products owned by payments last month")) == {"product": ["CO"]}
    found = await desk.ask("sales of products owned by teams reporting to the boss last month")
    assert filters(found) == {"product": ["CO"]}
    (reached,) = (concept for concept in found.concepts if concept.id == "product.checkout")
    assert [(hop.start, hop.end) for hop in reached.path] == [
        ("person.ann", "team.payments"),
        ("team.payments", "product.checkout"),
    ]


async def test_relation_that_leads_nowhere_is_not_found(desks: Desks, ontology: Catalog) -> None:
    not_found(await (await desks(ontology)).ask("sales of products reporting to ann chen last month"))


async def test_entity_is_a_concept_by_its_name_or_synonym(desks: Desks, ontology: Catalog) -> None:
    found = await (await desks(ontology)).ask("teams reporting to the boss")

    assert {c.id for c in found.concepts if c.kind is ConceptKind.ENTITY} == {"person.ann", "team.payments"}


async def test_lineage_an_answer_walks_three_hops_upstream_over_columns_tables_and_systems(desks: Desks) -> None:
    about = catalog(
        metric("sales", computed_from=("mart.sales.amount",)),
        LineageLink("stage.sales.amount", "mart.sales.amount", "Summed"),
        LineageLink("raw.tills.amount", "stage.sales.amount", from_system="Tills"),
        LineageLink("dump.tills.amount", "raw.tills.amount"),
    )
    answer = (await (await desks(about)).ask("where does sales come from?")).answer

    assert isinstance(answer, Lineage)
    depths = {node.id: node.depth for node in answer.nodes}
    assert (depths["sales"], depths["mart.sales.amount"], depths["raw.tills.amount"]) == (0, 1, 3)
    assert "dump.tills.amount" not in depths
    assert answer.truncated
