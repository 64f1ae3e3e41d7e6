"""What documents say comes out as the domain's assets; what they leave out, as the format's defaults."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from ecp_server.domain.catalog import (
    GREGORIAN,
    Binding,
    Calendar,
    CalendarType,
    Classification,
    Context,
    Contract,
    Cumulative,
    DefinitionChange,
    Derived,
    DerivedInput,
    Dimension,
    Entity,
    KnownIssue,
    Level,
    LineageLink,
    Manifest,
    Member,
    Metric,
    QualityRule,
    Rule,
    ServiceLevel,
    Severity,
    Span,
    Target,
    Term,
    TermVariation,
    TimeAggregation,
    Weekday,
    YearEnd,
)
from ecp_server.domain.period import Grain
from tests.catalog.conftest import Load
from tests.catalog.samples import DIMENSION, METRIC, joined


def test_a_metric_that_says_everything(load: Load) -> None:
    text = """\
kind: metric
id: full
name: Full
definition: D
synonyms: [007, "yes"]
acronyms: [F]
domain: finance
certification_tier: 2
classification: restricted
owner: me
unit: percent
scale: "0.01"
decimals: 1
semantic_ref: C.full
time_dimension: C.day
dimensions: [d]
calendar: gregorian
time_grain: week
time_aggregation: none
time_zone: Europe/Berlin
default_period: last complete quarter
not_available_for: [d.a]
computed_from: [a.b.c]
targets: {plan: m, budget: {metric: m, synonyms: [b], valid_from: 2024-01-01, valid_to: 2025-01-01}}
pii_columns: [email]
definition_changes: [{on: 2024-02-29, note: N}]
meta: {anything: [goes]}
"""
    assert load(joined(METRIC, DIMENSION, text)).metrics["full"] == Metric(
        id="full",
        name="Full",
        definition="D",
        synonyms=("007", "yes"),
        acronyms=("F",),
        domain="finance",
        certification_tier=2,
        classification=Classification.RESTRICTED,
        owner="me",
        unit="percent",
        scale=Decimal("0.01"),
        decimals=1,
        semantic_ref="C.full",
        time_dimension="C.day",
        dimensions=("d",),
        calendar="gregorian",
        time_grain=Grain.WEEK,
        time_aggregation=TimeAggregation.NONE,
        time_zone="Europe/Berlin",
        default_period="last complete quarter",
        not_available_for=("d.a",),
        computed_from=("a.b.c",),
        targets=(Target("budget", "m", ("b",), date(2024, 1, 1), date(2025, 1, 1)), Target("plan", "m")),
        pii_columns=("email",),
        definition_changes=(DefinitionChange(date(2024, 2, 29), "N"),),
    )


def test_a_metric_that_says_the_least(load: Load) -> None:
    metric = load(METRIC).metrics["m"]
    assert Metric(id="m", name="M", definition="D", semantic_ref="C.m") == metric
    assert (4, Classification.INTERNAL, Decimal(1), Grain.DAY, TimeAggregation.SUM) == (
        metric.certification_tier,
        metric.classification,
        metric.scale,
        metric.time_grain,
        metric.time_aggregation,
    )


def test_a_derived_metric(load: Load) -> None:
    text = (
        "kind: metric\nid: g\nname: G\ndefinition: D\nderived:\n  expression: (m - prev) / prev * 100\n"
        "  inputs: [{metric: m}, {metric: m, alias: prev, offset: 1 month}]\n"
    )
    assert load(joined(METRIC, text)).metrics["g"].derived == Derived(
        "(m - prev) / prev * 100", (DerivedInput("m", "m"), DerivedInput("m", "prev", Span(1, Grain.MONTH)))
    )


@pytest.mark.parametrize(
    ("said", "cumulative"),
    [
        ("{metric: m}", Cumulative("m")),
        ("{metric: m, window: all}", Cumulative("m")),
        ("{metric: m, window: 7 days}", Cumulative("m", Span(7, Grain.DAY))),
        ("{metric: m, window: 1 year}", Cumulative("m", Span(1, Grain.YEAR))),
        ("{metric: m, grain_to_date: month}", Cumulative("m", None, Grain.MONTH)),
        ("{metric: m, window: all, grain_to_date: quarter}", Cumulative("m", None, Grain.QUARTER)),
    ],
)
def test_a_running_total(load: Load, said: str, cumulative: Cumulative) -> None:
    text = f"kind: metric\nid: c\nname: C\ndefinition: D\ncumulative: {said}\n"
    assert cumulative == load(joined(METRIC, text)).metrics["c"].cumulative


def test_a_term(load: Load) -> None:
    text = (
        "kind: term\nid: t\nname: T\nsynonyms: [s]\nacronyms: [TT]\ndomain: d\nowner: o\nmetric: m\ndefault: m\n"
        "variations: [{context: finance, definition: F, valid_from: 2024-01-01}]\n---\n"
        "kind: term\nid: u\nname: U\ndefinition: D\nparent: t\n"
    )
    terms = load(joined(METRIC, text)).terms
    variation = TermVariation("finance", definition="F", valid_from=date(2024, 1, 1))
    assert terms["t"] == Term("t", "T", "", ("s",), ("TT",), "d", "o", None, "m", "m", (variation,))
    assert Term("u", "U", "D", parent="t") == terms["u"]


def test_names_default_to_ids(load: Load) -> None:
    catalog = load(
        "{kind: context, id: finance}\n---\n{kind: calendar, id: c, type: gregorian}\n---\n"
        "{kind: dimension, id: d, name: D, semantic_ref: C.d, levels: [{id: area}]}\n"
    )
    assert Context("finance", "finance") == catalog.contexts["finance"]
    assert Calendar("c", name="c") == catalog.calendars["c"]
    assert Dimension("d", "D", "C.d", levels=(Level("area", "area"),)) == catalog.dimensions["d"]


def test_values_of_a_binding_by_context_or_for_any(load: Load) -> None:
    text = (
        "kind: dimension\nid: d\nname: D\nbindings: [{cube: B, ref: B.d, values: {d.b: {sales: [2], finance: [1]},"
        " d.a: [0]}}]\nmembers: [{id: d.a, name: A, values: [a]}, {id: d.b, name: B, values: [b], level: l,"
        " calendar: gregorian, synonyms: [s], valid_from: 2024-01-01}]\nlevels: [{id: l, name: L, ref: B.l}]\n"
    )
    catalog = load(text)
    (binding,) = catalog.dimensions["d"].bindings
    assert Binding("B", "B.d", {"d.a": {"": ("0",)}, "d.b": {"finance": ("1",), "sales": ("2",)}}) == binding
    assert ["finance", "sales"] == list(binding.values["d.b"])
    assert catalog.members["d.b"] == Member(
        id="d.b",
        dimension="d",
        name="B",
        synonyms=("s",),
        values=("b",),
        level="l",
        calendar="gregorian",
        valid_from=date(2024, 1, 1),
    )


def test_a_calendar_of_weeks_starts_its_weeks_after_its_last_day(load: Load) -> None:
    text = "kind: calendar\nid: c\ntype: fiscal_weeks\nyear_end: {weekday: sunday, rule: last, month: 12}\n"
    assert load(text).calendars["c"] == Calendar(
        id="c",
        type=CalendarType.FISCAL_WEEKS,
        name="c",
        week_start=Weekday.MONDAY,
        pattern=(4, 4, 5),
        year_end=YearEnd(Weekday.SUNDAY, "last", 12),
        leap_week_quarter=4,
    )


def test_a_gregorian_calendar_may_start_its_weeks_on_any_day(load: Load) -> None:
    catalog = load("kind: calendar\nid: c\ntype: gregorian\nweek_start: sunday\ndefault: true\n")
    assert Weekday.SUNDAY == catalog.default_calendar.week_start
    assert GREGORIAN == load({"a.yaml": METRIC}).default_calendar


def test_an_issue_without_a_scope_concerns_everything(load: Load) -> None:
    text = "kind: known_issue\nid: i\ndescription: D\nseverity: low\nactive: no\n"
    assert KnownIssue("i", "D", Severity.LOW, active=False) == load(text).known_issues["i"]


def test_a_contract(load: Load) -> None:
    text = (
        "kind: contract\nid: k\ntables: [a.b]\nowner: o\nsla: {freshness_hours: 6, completeness_pct: 99.9}\n"
        "quality_rules: [{rule: no nulls, severity: high}]\n"
    )
    assert load(text).contracts["k"] == Contract(
        "k", ("a.b",), ServiceLevel(6.0, None, 99.9), (QualityRule("no nulls", Severity.HIGH),), "o"
    )


def test_a_rule(load: Load) -> None:
    text = "kind: rule\nid: r\nexpression: rows > 0\nseverity: low\non: rows\nexpect_members: [d.a]\n"
    assert load(joined(DIMENSION, text)).rules["r"] == Rule(
        "r", "rows > 0", Severity.LOW, on="rows", expect_members=("d.a",)
    )


def test_ends_of_lineage_are_names_with_types(load: Load) -> None:
    text = (
        "kind: lineage\nid: l\nedges:\n  - {from: system:SAP ERP, to: table:raw.gl}\n"
        "  - {from: raw.gl, to: m, from_type: table, to_type: metric, transformation: T, from_system: SAP ERP}\n"
        "  - {from: table:raw.gl, from_type: table, to: a.b.c}\n"
    )
    assert load(joined(METRIC, text)).lineage == (  # by their ends: however they are written, the catalog is the same
        LineageLink("SAP ERP", "raw.gl", "", "system", "table"),
        LineageLink("raw.gl", "a.b.c", "", "table", "column"),
        LineageLink("raw.gl", "m", "T", "table", "metric", "SAP ERP"),
    )


def test_relations_join_entities_members_and_metrics(load: Load) -> None:
    text = "kind: entity\nid: e\nname: E\ntype: team\nsynonyms: [x]\ndomain: d\n"
    relations = "".join(
        f"---\n{{kind: relation, id: r{end}, from: e, to: {end}, verb: owns}}\n" for end in ("m", "d.a")
    )
    catalog = load(joined(METRIC, DIMENSION, text) + relations)
    assert Entity("e", "E", "team", ("x",), "d") == catalog.entities["e"]
    assert ["d.a", "m"] == [relation.end for relation in catalog.relations.values()]


def test_without_a_manifest_its_defaults_hold(load: Load) -> None:
    assert Manifest("", "UTC", "") == load(METRIC).manifest
