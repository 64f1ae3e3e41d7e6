"""Which calendar is in force and which days are meant (catalog.md, Calendar and Metric, default_period)."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from ecp_server.domain.catalog import Calendar, CalendarType, Catalog, Context, IssueScope, Manifest
from ecp_server.domain.errors import InvalidChoice
from ecp_server.domain.identity import Principal
from tests.resolution.conftest import Desks
from tests.resolution.desk import Desk
from tests.resolution.reading import assumptions, concepts, days, options, periods, query_of, refused, step, warned
from tests.resolution.samples import catalog, dimension, issue, member, metric


def fiscal(calendar_id: str, start_month: int, **more: Any) -> Calendar:
    return Calendar(calendar_id, CalendarType.FISCAL_MONTHS, name=calendar_id.title(), start_month=start_month, **more)


JUNE = IssueScope(start=date(2023, 6, 1), end=date(2023, 7, 1))
RETAIL = Principal(subject="rita", department="retail", roles=("explorer",))


@pytest.fixture(name="catalog")
def shop() -> Catalog:
    return catalog(
        Context("retail", "Retail"),
        fiscal("house", 4, default=True),
        fiscal("shops", 2, departments=("retail",)),
        fiscal("academic", 9),
        fiscal("stars", 7),
        Calendar("civil"),
        metric("sales", dimensions=("company",)),
        metric("fees", calendar="academic", dimensions=("company",)),
        metric("visits", calendar="civil"),
        dimension("company"),
        member("company.acme", "AC", calendar="stars"),
        member("company.plain", "PL"),
        member("company.civic", "CI", calendar="civil"),
    )


LAST_YEAR = {
    "gregorian": "2024-01-01/2025-01-01",
    "house": "2023-04-01/2024-04-01",
    "shops": "2023-02-01/2024-02-01",
    "academic": "2023-09-01/2024-09-01",
    "stars": "2023-07-01/2024-07-01",
}


@pytest.mark.parametrize(
    ("question", "department", "expected"),
    [
        ("sales last year", "", "house"),
        ("sales last year", "retail", "shops"),
        ("fees last year", "retail", "academic"),
        ("fees of acme last year", "retail", "stars"),
        ("fees of plain last year", "retail", "academic"),
        ("fees of acme last calendar year", "retail", "gregorian"),
        ("sales last fiscal year", "", "house"),
        ("sales last fiscal year", "retail", "shops"),
        ("fees last fiscal year", "retail", "academic"),
        ("fees of acme last fiscal year", "retail", "stars"),
        ("visits last year", "retail", "gregorian"),
        ("visits last fiscal year", "retail", "gregorian"),
        ("fees of civic last fiscal year", "", "gregorian"),
    ],
)
async def test_words_before_members_before_metric_before_department_before_default(
    desk: Desk, question: str, department: str, expected: str
) -> None:
    """A calendar that the member or metric names counts as its fiscal one whatever its type (design, Time readings)."""
    user = Principal(subject="ann", department=department, roles=("explorer",))

    assert days((await desk.ask(question, principal=user)).time_range) == LAST_YEAR[expected]


async def test_without_any_other_the_calendar_is_gregorian_and_nothing_is_assumed(desks: Desks) -> None:
    found = await (await desks(catalog(metric("sales")))).ask("sales last year")

    assert (days(found.time_range), assumptions(found)) == (LAST_YEAR["gregorian"], {})
    assert found.time_range is not None
    assert found.time_range.calendar == "gregorian"


async def test_the_calendar_is_assumed_with_the_weaker_ones_that_read_the_words_otherwise(desk: Desk) -> None:
    found = await desk.ask("fees last year", principal=RETAIL)

    (assumption,) = found.assumptions
    assert (assumption.id, assumption.taken.id) == ("calendar", "academic")
    assert [option.id for option in assumption.alternatives] == ["shops", "house", "gregorian"]
    assert assumptions(await desk.ask("fees last month", principal=RETAIL)) == {}


async def test_another_calendar_can_be_chosen_among_those_offered(desk: Desk) -> None:
    chosen = await desk.ask("fees last year", ("calendar", "house"), principal=RETAIL)

    assert (days(chosen.time_range), "calendar" in assumptions(chosen)) == (LAST_YEAR["house"], False)
    for question in ("fees last year", "fees last calendar year"):
        with pytest.raises(InvalidChoice):
            await desk.ask(question, ("calendar", "stars"), principal=RETAIL)


async def test_words_that_name_the_calendar_leave_nothing_to_assume(desk: Desk) -> None:
    assert assumptions(await desk.ask("fees in fiscal 2023", principal=RETAIL)) == {}


async def test_an_issue_that_the_other_calendar_would_meet_is_said(desks: Desks) -> None:
    """Design, section 6: where the other reading would meet an issue, that is said."""
    about = catalog(
        fiscal("house", 4, default=True),
        metric("sales"),
        issue("early", scope=JUNE, description="June is late."),
    )
    found = await (await desks(about)).ask("sales in 2023")

    (assumption,) = found.assumptions
    assert warned(found) == []
    assert "June is late" in assumption.reason


@pytest.mark.parametrize(
    ("default", "expected", "taken"),
    [
        ("last complete quarter", "2024-10-01/2025-01-01", "last_quarter"),
        ("as_of", "2025-01-15/2025-01-16", "as_of"),
        ("this year", "2025-01-01/2026-01-01", "this_year"),
    ],
)
async def test_a_metrics_default_period_is_taken_and_told(
    desks: Desks, default: str, expected: str, taken: str
) -> None:
    found = await (await desks(catalog(metric("sales", default_period=default)))).ask("our sales")

    assert periods(found) == {"actual": expected}
    assert assumptions(found) == {"period": taken}
    (assumption,) = found.assumptions
    assert taken not in {option.id for option in assumption.alternatives}


async def test_no_default_period_means_all_time_told_as_an_assumption(desks: Desks) -> None:
    desk = await desks(catalog(metric("sales")))
    found = await desk.ask("our sales")

    assert (query_of(found).time_range, query_of(found).time_ref) == (None, "")
    assert assumptions(found) == {"period": "all_time"}
    (assumption,) = found.assumptions
    assert [o.id for o in assumption.alternatives] == [
        "last_month",
        "last_quarter",
        "last_year",
        "year_to_date",
        "this_year",
    ]
    assert periods(await desk.ask("our sales", ("period", "last_month"))) == {"actual": "2024-12-01/2025-01-01"}
    assert assumptions(await desk.ask("our sales", ("period", "all_time"))) == {}


async def test_a_metric_may_have_its_period_asked_for(desks: Desks) -> None:
    desk = await desks(catalog(metric("sales", default_period="ask")))

    assert list(options(await desk.ask("our sales"))) == ["period"]
    assert periods(await desk.ask("our sales", ("period", "last_year"))) == {"actual": "2024-01-01/2025-01-01"}
    with pytest.raises(InvalidChoice):
        await desk.ask("our sales", ("period", "all_time"))


async def test_a_period_that_has_not_ended_is_told_and_can_be_cut_to_date(desks: Desks) -> None:
    desk = await desks(catalog(metric("sales")))
    found = await desk.ask("sales this month")

    assert assumptions(found)["partial_period"] == "this_month"
    assert warned(found) == [("partial_period", "partial_period")]
    cut = await desk.ask("sales this month", ("partial_period", "to_date"))
    assert periods(cut) == {"actual": "2025-01-01/2025-01-16"}
    assert warned(cut) == []
    assert warned(await desk.ask("sales month to date")) == []


async def test_a_period_that_has_ended_cannot_be_cut_to_date(desks: Desks) -> None:
    with pytest.raises(InvalidChoice):
        await (await desks(catalog(metric("sales")))).ask("sales last year", ("partial_period", "to_date"))


async def test_a_period_compared_with_that_has_not_ended_is_told(desks: Desks) -> None:
    """A year held against a fortnight of the next would look like a collapse."""
    found = await (await desks(catalog(metric("sales")))).ask("sales last year vs this year")

    (warning,) = found.warnings
    assert (warning.type, warning.message) == ("partial_period", "2025 has not ended")


@pytest.mark.parametrize(("zone", "today"), [("", "2025-01-15"), ("Asia/Tokyo", "2025-01-16"), ("UTC", "2025-01-15")])
async def test_the_requests_zone_decides_which_day_today_is(desks: Desks, zone: str, today: str) -> None:
    """catalog.md, Metric: day boundaries of the data are the metric's, else the manifest's."""
    late = datetime(2025, 1, 15, 20, tzinfo=UTC)
    about = catalog(metric("sales", time_zone="Europe/Paris"))
    found = await (await desks(about)).ask("sales today", time_zone=zone, as_of=late)

    assert found.time_range is not None
    assert (str(found.time_range.start), found.time_range.time_zone) == (today, "Europe/Paris")
    assert ("time_zone" in assumptions(found)) == (zone == "")


async def test_without_a_zone_the_catalogs_default_is_assumed_where_a_day_would_matter(desks: Desks) -> None:
    desk = await desks(catalog(Manifest(default_time_zone="America/New_York"), metric("sales")))

    assert assumptions(await desk.ask("sales yesterday")) == {"time_zone": "America/New_York"}
    assert assumptions(await desk.ask("sales last year")) == {}
    assert assumptions(await desk.ask("sales in december 2024")) == {}


async def test_a_period_without_days_is_incompatible(desk: Desk) -> None:
    assert "has no days" in refused(await desk.ask("sales in week 53 of calendar year 2023")).message


async def test_the_period_is_a_concept_with_its_reading(desk: Desk) -> None:
    found = await desk.ask("fees last year")

    assert concepts(found) == ["fees", "last_year"]
    assert found.concepts[1].time_range == found.time_range
    assert "academic" in found.concepts[1].reason
    assert "period" not in step(found, "select").output["ambiguities"]  # type: ignore[operator]


async def test_all_that_a_period_takes_for_granted_is_one_assumption_with_every_other_reading(desk: Desk) -> None:
    now = datetime(2024, 11, 20, tzinfo=UTC)
    (told,) = [one for one in (await desk.ask("sales on 7.6", as_of=now)).assumptions if one.id == "period"]
    assert ("2024-07-06", ["2025-07-06", "2024-06-07"]) == (told.taken.id, [option.id for option in told.alternatives])
    assert "year is left out" in told.reason
    assert "month is taken to come first" in told.reason
    chosen = await desk.ask("sales on 7.6", ("period", "2024-06-07"), as_of=now)
    assert "2024-06-07/2024-06-08" == days(chosen.time_range)
