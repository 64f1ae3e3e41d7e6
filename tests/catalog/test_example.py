"""The example of the catalog format loads as it stands."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from ecp_server.catalog.load import load_catalog
from ecp_server.domain.catalog import (
    Binding,
    Calendar,
    CalendarType,
    Catalog,
    Derived,
    DerivedInput,
    IssueScope,
    Level,
    LineageLink,
    Manifest,
    Phrase,
    PhraseMeaning,
    Relation,
    Target,
    TermVariation,
    TimeAggregation,
    Weekday,
    YearEnd,
    YearName,
)
from ecp_server.domain.period import Grain


@pytest.fixture(scope="module")
def example(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Catalog:
    directory = tmp_path_factory.mktemp("example")
    shutil.copy(project_root / "docs/catalog.example.yaml", directory)
    return load_catalog(directory)


def test_every_asset_is_there_by_id(example: Catalog) -> None:
    assert ["finance"] == list(example.contexts)
    assert [
        *("budget_net_revenue", "gross_revenue", "headcount", "net_revenue", "net_revenue_per_employee"),
    ] == list(example.metrics)
    assert ["revenue"] == list(example.terms)
    assert ["product", "region"] == list(example.dimensions)
    assert [
        *("product.terminal", "product.feed", "region.apac", "region.emea", "region.japan", "region.china"),
    ] == list(example.members)
    assert ["fiscal", "retail"] == list(example.calendars)
    assert ["apac_q4_2019"] == list(example.known_issues)
    assert ["fact_revenue_daily"] == list(example.contracts)
    assert ["revenue_non_negative", "variance_within_bounds"] == list(example.rules)
    assert ["person.sarah_chen", "team.markets"] == list(example.entities)
    assert ["markets_owns_terminal", "markets_reports_to_sarah"] == list(example.relations)
    assert (Phrase("net revenue retention", PhraseMeaning.NOT_COVERED),) == example.phrases


def test_the_manifest(example: Catalog) -> None:
    assert Manifest("Example", "UTC", "USD") == example.manifest


def test_calendars(example: Catalog) -> None:
    assert example.default_calendar == Calendar(
        id="fiscal",
        type=CalendarType.FISCAL_MONTHS,
        name="Fiscal year from April",
        default=True,
        start_month=4,
        year_named_by=YearName.START,
    )
    assert example.calendars["retail"] == Calendar(
        id="retail",
        type=CalendarType.FISCAL_WEEKS,
        name="NRF 4-5-4",
        departments=("merchandising",),
        week_start=Weekday.SUNDAY,
        year_named_by=YearName.START,
        pattern=(4, 5, 4),
        year_end=YearEnd(Weekday.SATURDAY, "nearest", 1),
    )


def test_metrics(example: Catalog) -> None:
    net_revenue = example.metrics["net_revenue"]
    assert (1, "USD", 2, "Revenue.netRevenue") == (
        net_revenue.certification_tier,
        net_revenue.unit,
        net_revenue.decimals,
        net_revenue.semantic_ref,
    )
    assert (Target("budget", "budget_net_revenue", ("plan",)),) == net_revenue.targets
    assert Grain.MONTH == example.metrics["budget_net_revenue"].time_grain
    assert TimeAggregation.LAST == example.metrics["headcount"].time_aggregation
    assert example.metrics["net_revenue_per_employee"].derived == Derived(
        "revenue / heads", (DerivedInput("net_revenue", "revenue"), DerivedInput("headcount", "heads"))
    )


def test_terms(example: Catalog) -> None:
    assert example.terms["revenue"].variations == (
        TermVariation("finance", "Net revenue", "Recognized revenue under ASC 606 minus refunds.", "net_revenue"),
        TermVariation("sales", "Gross revenue", "Invoiced revenue before adjustments.", "gross_revenue"),
    )


def test_dimensions(example: Catalog) -> None:
    region = example.dimensions["region"]
    assert (Level("area", "Area"), Level("country", "Country", "Revenue.countryCode")) == region.levels
    assert region.row_level
    assert region.bindings[0] == Binding(
        "Budget",
        "Budget.regionGroup",
        {
            "region.apac": {"finance": ("APAC_FINANCE",), "sales": ("APAC_SALES",)},
            "region.emea": {"finance": ("EMEA",), "sales": ("EMEA",)},
        },
    )


def test_members_know_their_family_and_keep_norway(example: Catalog) -> None:
    apac = example.members["region.apac"]
    assert ("region.japan", "region.china") == apac.children
    assert apac.values is None
    assert ["finance", "sales"] == [variation.context for variation in apac.variations]
    assert example.members["region.emea"].values == ("GB", "DE", "FR", "IT", "ES", "NL", "CH", "SE", "NO")


def test_the_issue_ends_exclusively(example: Catalog) -> None:
    assert example.known_issues["apac_q4_2019"].scope == IssueScope(
        metrics=frozenset({"net_revenue", "gross_revenue"}),
        members=("region.apac",),
        start=date(2020, 1, 1),
        end=date(2020, 4, 1),
    )


def test_lineage_and_relations(example: Catalog) -> None:
    assert example.lineage == (
        LineageLink(
            "raw.erp.gl.amount",
            "analytics.finance.fact_revenue_daily.amount",
            "Currency conversion",
            from_system="SAP ERP",
        ),
    )
    assert example.relations["markets_owns_terminal"] == Relation(
        "markets_owns_terminal", "team.markets", "product.terminal", "owns", ("owned by",)
    )
