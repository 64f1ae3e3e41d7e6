"""Known issues fire only where catalog.md says (Known issue), each clause by itself; other warnings of the slice."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from ecp_server.domain.catalog import (
    Catalog,
    Context,
    DefinitionChange,
    Derived,
    DerivedInput,
    IssueScope,
    LineageLink,
    MemberVariation,
    Severity,
    Target,
)
from ecp_server.domain.identity import Principal
from ecp_server.domain.provenance import StepStatus
from ecp_server.domain.resolution import Resolution
from tests.resolution.conftest import Desks
from tests.resolution.desk import Desk
from tests.resolution.reading import assumptions, step, warned
from tests.resolution.samples import catalog, dimension, issue, member, metric

FINANCE = Principal(subject="fay", department="fin", roles=("explorer",))
SALES = Principal(subject="sam", department="sal", roles=("explorer",))
BOTH: Any = {"dimensions": ("region", "product")}


def scope(**more: Any) -> IssueScope:
    for key in ("metrics", "tables"):
        if key in more:
            more[key] = frozenset(more[key])
    return IssueScope(**more)


def shop(*issues: IssueScope, active: bool = True) -> Catalog:
    """A catalog with issues called i0, i1 and so on."""
    return catalog(
        Context("fin"[:3], "Finance"),
        Context("sal", "Sales"),
        metric("sales", computed_from=("mart.sales.amount",), targets=(Target("budget", "planned"),), **BOTH),
        metric("orders", computed_from=("mart.orders.id",), unit="count", **BOTH),
        metric("planned", **BOTH),
        metric(
            "per_order", derived=Derived("s / o", (DerivedInput("sales", "s"), DerivedInput("orders", "o"))), **BOTH
        ),
        metric("double", derived=Derived("p * 2", (DerivedInput("per_order", "p"),)), **BOTH),
        LineageLink("raw.erp.amount", "mart.sales.amount"),
        dimension("region", row_level=True),
        member("region.apac", variations=(MemberVariation("fin", ("JP", "AU")), MemberVariation("sal", ("JP",)))),
        member("region.japan", "JP"),
        member("region.australia", "AU"),
        member("region.emea", "DE", "FR"),
        dimension("product"),
        member("product.feed", "feed"),
        member("product.box", "box"),
        *(issue(f"i{i}", scope=each, active=active) for i, each in enumerate(issues)),
    )


def fired(found: Resolution) -> list[str]:
    assert found.problem is None, found.problem
    assert found.ambiguities == ()
    return [warning.id for warning in found.warnings if warning.type == "known_issue"]


@pytest.mark.parametrize(
    ("scoped", "question", "expected"),
    [
        # its metric
        (scope(metrics=["sales"]), "sales last month", True),
        (scope(metrics=["sales"]), "orders last month", False),
        # one that it is derived from
        (scope(metrics=["sales"]), "per order last month", True),
        (scope(metrics=["sales"]), "double last month", True),
        (scope(metrics=["per_order"]), "double last month", True),
        (scope(metrics=["per_order"]), "per order last month", True),
        (scope(metrics=["per_order"]), "sales last month", False),
        # a source table, however far upstream
        (scope(tables=["mart.sales"]), "sales last month", True),
        (scope(tables=["raw.erp"]), "sales last month", True),
        (scope(tables=["raw.erp"]), "per order last month", True),
        (scope(tables=["raw.erp"]), "orders last month", False),
        # either of both; an absent key means any
        (scope(metrics=["orders"], tables=["raw.erp"]), "sales last month", True),
        (scope(), "orders last month", True),
        (scope(metrics=[]), "sales last month", False),
        # targets, comparison periods
        (scope(metrics=["planned"]), "sales last month vs budget", True),
        (scope(metrics=["planned"]), "sales last month", False),
        (scope(start=date(2023, 12, 1), end=date(2024, 1, 1)), "sales last month vs same month last year", True),
        (scope(start=date(2023, 12, 1), end=date(2024, 1, 1)), "sales last month", False),
        # [from, to), no bound meets all
        (scope(start=date(2024, 12, 31)), "sales last month", True),
        (scope(start=date(2025, 1, 1)), "sales last month", False),
        (scope(end=date(2024, 12, 2)), "sales last month", True),
        (scope(end=date(2024, 12, 1)), "sales last month", False),
        (scope(start=date(2020, 1, 1), end=date(2020, 1, 2)), "our sales", True),
        (scope(end=date(2020, 1, 2)), "sales since 2020", True),
        (scope(end=date(2020, 1, 1)), "sales since 2020", False),
        # members: no filter meets all; a part of it, or the whole that it is part of
        (scope(members=("region.japan",)), "sales last month", True),
        (scope(members=("region.japan",)), "sales by region last month", True),
        (scope(members=("region.japan",)), "sales in apac last month", True),
        (scope(members=("region.apac",)), "sales in japan last month", True),
        (scope(members=("region.japan",)), "sales in emea last month", False),
        # what is left out is not asked for
        (scope(members=("region.japan",)), "sales excluding japan last month", False),
        (scope(members=("region.apac",)), "sales excluding japan last month", True),
        (scope(members=("region.japan",)), "sales in apac excluding japan last month", False),
        # members of one dimension are alternatives, of two both are needed
        (scope(members=("region.japan", "region.emea")), "sales in emea last month", True),
        (scope(members=("region.japan", "product.feed")), "sales in japan of feed last month", True),
        (scope(members=("region.japan", "product.feed")), "sales in japan last month", True),
        (scope(members=("region.japan", "product.feed")), "sales in japan of box last month", False),
        (scope(members=("region.japan", "product.feed")), "sales in emea of feed last month", False),
        (scope(members=("region.japan",)), "japan vs emea sales last month", True),
    ],
)
async def test_an_issue_fires_iff_metric_members_and_period_meet(
    desks: Desks, scoped: IssueScope, question: str, *, expected: bool
) -> None:
    found = await (await desks(shop(scoped))).ask(question, principal=FINANCE)

    assert fired(found) == (["i0"] if expected else [])


@pytest.mark.parametrize(("user", "expected"), [(FINANCE, ["i0"]), (SALES, [])])
async def test_members_are_compared_after_variation(desks: Desks, user: Principal, expected: list[str]) -> None:
    """Australia is in finance's APAC and not in that of sales."""
    desk = await desks(shop(scope(members=("region.apac",))))

    assert fired(await desk.ask("sales in australia last month", principal=user)) == expected


async def test_where_no_context_decides_all_readings_of_a_scope_count(desks: Desks) -> None:
    desk = await desks(shop(scope(members=("region.apac",))))

    assert fired(await desk.ask("sales in australia last month")) == ["i0"]


async def test_members_are_read_as_on_the_last_day_of_the_query(desks: Desks) -> None:
    """catalog.md, Effective dates."""
    changed = date(2024, 7, 1)
    readings = (
        MemberVariation("fin", ("JP",), valid_to=changed),
        MemberVariation("fin", ("JP", "CN"), valid_from=changed),
    )
    about = catalog(
        Context("fin", "Finance"),
        metric("sales", **BOTH),
        dimension("region"),
        member("region.apac", variations=readings),
        member("region.china", "CN"),
        issue("late", scope=scope(members=("region.apac",))),
    )
    desk = await desks(about)

    assert fired(await desk.ask("sales in china in june 2024", principal=FINANCE)) == []
    assert fired(await desk.ask("sales in china in july 2024", principal=FINANCE)) == ["late"]


async def test_an_inactive_issue_is_no_issue(desks: Desks) -> None:
    assert fired(await (await desks(shop(scope(), active=False))).ask("sales last month")) == []


async def test_an_issue_of_rows_that_the_user_may_not_see_is_none_of_theirs(desks: Desks) -> None:
    """Design, section 6: rights come first."""
    desk = await desks(shop(scope(members=("region.japan",)), scope(members=("region.emea",))))
    emea = Principal(subject="eva", roles=("explorer",), allowed_members=(("region", ("region.emea",)),))

    seen = await desk.ask("sales last month", principal=emea)
    assert fired(seen) == ["i1"]
    assert step(seen, "know").output == {
        "considered": [
            {
                "issue": "i1",
                "query": "actual",
                "fires": True,
                "reason": "its metric, members and period meet the question's",
            }
        ]
    }
    assert step(seen, "know").reasoning == "1 of 1 known issues concern this slice"
    assert fired(await desk.ask("sales last month")) == ["i0", "i1"]


async def test_what_was_considered_and_did_not_fire_stands_in_the_steps_output_with_the_reason(desks: Desks) -> None:
    about = shop(
        scope(metrics=["orders"]),
        scope(metrics=["sales"], end=date(2020, 1, 1)),
        scope(metrics=["sales"], members=("region.emea",)),
        scope(metrics=["sales"]),
    )
    found = await (await desks(about)).ask("sales in japan last month")

    assert step(found, "know").output == {
        "considered": [
            {"issue": "i1", "query": "actual", "fires": False, "reason": "its period does not meet December 2024"},
            {"issue": "i2", "query": "actual", "fires": False, "reason": "its members of region are not asked for"},
            {
                "issue": "i3",
                "query": "actual",
                "fires": True,
                "reason": "its metric, members and period meet the question's",
            },
        ]
    }
    assert step(found, "know").reasoning == "1 of 3 known issues concern this slice"


async def test_the_gravest_comes_first_and_each_once_with_all_that_is_known(desks: Desks) -> None:
    about = catalog(
        metric("sales"),
        issue("a", severity=Severity.LOW),
        issue("b", severity=Severity.CRITICAL, impact="Too low.", workaround="Wait."),
        issue("c", severity=Severity.MEDIUM),
        issue("d", severity=Severity.CRITICAL),
    )
    found = await (await desks(about)).ask("sales last month vs the previous month")

    assert fired(found) == ["b", "d", "c", "a"]
    first = found.warnings[0]
    assert (first.severity, first.message, first.impact, first.workaround) == (
        Severity.CRITICAL,
        "About b.",
        "Too low.",
        "Wait.",
    )


async def test_where_nothing_is_read_nothing_can_be_wrong(desks: Desks) -> None:
    desk = await desks(shop(scope()))

    for question in ("what is sales?", "japan"):
        assert step(await desk.ask(question), "know").status is StepStatus.SKIPPED


@pytest.fixture(name="catalog")
def changing() -> Catalog:
    """Definitions, readings and targets that change on 1 July 2024; an exploratory metric."""
    on = date(2024, 7, 1)
    readings = (MemberVariation("fin", ("A",), valid_to=on), MemberVariation("fin", ("B", "C"), valid_from=on))
    return catalog(
        Context("fin", "Finance"),
        metric(
            "sales",
            dimensions=("region",),
            definition_changes=(DefinitionChange(on, "Refunds count."),),
            targets=(Target("budget", "planned", valid_from=on),),
        ),
        metric("planned", dimensions=("region",)),
        metric("plain", dimensions=("region",), targets=(Target("goal", "planned", valid_from=on),)),
        metric("rough", certification_tier=4, owner="data_team"),
        dimension("region"),
        member("region.apac", variations=readings),
        member("region.japan", "JP"),
    )


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("sales in june 2024", []),
        ("sales in july 2024", []),
        ("sales from june to july 2024", ["sales"]),
        ("our sales", ["sales"]),
        ("plain in apac in july 2024", []),
        ("plain in apac from june to july 2024", ["region.apac"]),
        ("plain by region from june to july 2024", ["region.apac"]),
        ("plain in japan from june to july 2024", []),
        ("plain from june to july 2024 vs goal", ["planned"]),
        ("plain in july 2024 vs goal", []),
        ("plain in july 2024 vs the previous month", []),
    ],
)
async def test_a_change_inside_a_period_is_told(desk: Desk, question: str, expected: list[str]) -> None:
    found = await desk.ask(question, principal=FINANCE)

    assert [w for w in warned(found) if w[0] == "definition_changed"] == [("definition_changed", i) for i in expected]


async def test_an_exploratory_metric_is_told_with_whom_to_ask(desk: Desk) -> None:
    found = await desk.ask("rough last month")

    (warning,) = found.warnings
    assert (warning.type, warning.id, warning.severity) == ("low_certification", "rough", Severity.LOW)
    assert "data_team" in warning.workaround
    assert assumptions(found) == {}
