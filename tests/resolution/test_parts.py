"""Members with calendars of their own are a part each; periods broken into buckets (catalog.md, Calendar)."""

from __future__ import annotations

import pytest

from ecp_server.domain.catalog import Calendar, CalendarType, Catalog
from ecp_server.domain.concepts import Intent
from ecp_server.domain.errors import InvalidChoice
from ecp_server.domain.period import Grain
from tests.resolution.conftest import Desks
from tests.resolution.desk import Desk
from tests.resolution.reading import (
    assumptions,
    computations,
    concepts,
    days,
    filters,
    measures,
    options,
    periods,
    plan_of,
    query_of,
    refused,
)
from tests.resolution.samples import catalog, dimension, member, metric


@pytest.fixture(name="catalog")
def shop() -> Catalog:
    return catalog(
        Calendar("april", CalendarType.FISCAL_MONTHS, start_month=4),
        Calendar("july", CalendarType.FISCAL_MONTHS, start_month=7),
        metric("sales", dimensions=("company", "product")),
        metric("orders", unit="count", dimensions=("company", "product")),
        metric("coarse", time_grain=Grain.MONTH, dimensions=("company",)),
        dimension("company"),
        member("company.acme", "AC", calendar="april"),
        member("company.apex", "AP", calendar="april"),
        member("company.beta", "BE", calendar="july"),
        member("company.plain", "PL"),
        dimension("product"),
        member("product.feed", "feed"),
    )


async def test_members_of_one_calendar_are_one_query(desk: Desk) -> None:
    found = await desk.ask("sales of acme and apex last year")

    assert periods(found) == {"actual": "2023-04-01/2024-04-01"}
    assert filters(found) == {"company": ["AC", "AP"]}


async def test_members_of_different_calendars_are_a_query_each_with_their_own_days(desk: Desk) -> None:
    found = await desk.ask("sales of acme and beta of feed last year")

    assert periods(found) == {"company.acme": "2023-04-01/2024-04-01", "company.beta": "2023-07-01/2024-07-01"}
    assert filters(found, "company.acme") == {"company": ["AC"], "product": ["feed"]}
    assert filters(found, "company.beta") == {"company": ["BE"], "product": ["feed"]}
    assert (found.time_range, computations(found)) == (None, {})
    assert concepts(found).count("last_year") == 2


async def test_held_against_each_other_the_first_is_the_main_one(desk: Desk) -> None:
    found = await desk.ask("acme vs beta sales last year")

    assert periods(found) == {"actual": "2023-04-01/2024-04-01", "company.beta": "2023-07-01/2024-07-01"}
    assert computations(found)["variance"] == "actual - company.beta"


async def test_each_part_grows_from_its_own_days(desk: Desk) -> None:
    found = await desk.ask("acme vs beta sales last year vs the prior year")

    assert periods(found) == {
        "actual": "2023-04-01/2024-04-01",
        "previous": "2022-04-01/2023-04-01",
        "company.beta": "2023-07-01/2024-07-01",
        "company.beta.previous": "2022-07-01/2023-07-01",
    }
    assert {"variance_previous", "variance_company.beta", "variance_company.beta.previous"} <= set(computations(found))


async def test_parts_of_several_metrics_go_by_both_ids(desk: Desk) -> None:
    found = await desk.ask("sales and orders of acme and beta last year")

    assert measures(found) == {
        "sales.company.acme": "sales",
        "orders.company.acme": "orders",
        "sales.company.beta": "sales",
        "orders.company.beta": "orders",
    }


async def test_what_both_readings_assume_is_told_once(desk: Desk) -> None:
    found = await desk.ask("sales of acme and beta last year")

    (assumption,) = found.assumptions
    assert assumption.id == "calendar"
    assert {"april", "july", "gregorian"} == {assumption.taken.id, *(o.id for o in assumption.alternatives)}


async def test_words_that_name_the_calendar_make_one_part_of_them_where_days_agree(desk: Desk) -> None:
    found = await desk.ask("sales of acme and beta in calendar year 2023")

    assert set(periods(found).values()) == {"2023-01-01/2024-01-01"}
    assert days(found.time_range) == "2023-01-01/2024-01-01"


@pytest.mark.parametrize(
    ("question", "grain", "count"),
    [
        ("sales by month in 2024", Grain.MONTH, 12),
        ("weekly sales in december 2024", Grain.WEEK, 6),
        ("sales by day in december 2024", Grain.DAY, 31),
        ("quarterly sales of acme in fiscal 2024", Grain.QUARTER, 4),
        ("sales trend in december 2024", Grain.DAY, 31),
        ("sales trend in 2024", Grain.MONTH, 12),
        ("sales over time from 2019 to 2024", Grain.YEAR, 6),
        ("monthly sales trend in december 2024", Grain.MONTH, 1),
    ],
)
async def test_a_period_is_broken_into_the_grain_said_or_one_that_suits_its_length(
    desk: Desk, question: str, grain: Grain, count: int
) -> None:
    found = await desk.ask(question)

    assert found.intent is Intent.TREND
    period = query_of(found).time_range
    assert period is not None
    assert (period.grain, len(period.buckets)) == (grain, count)
    assert plan_of(found).alignment.keys == ("period",)
    assert ("grain" in assumptions(found)) == question.startswith(("sales trend", "sales over time"))


async def test_a_trend_is_never_finer_than_the_data_and_another_grain_can_be_chosen(desk: Desk) -> None:
    assert assumptions(await desk.ask("monthly trend of sales in december 2024")) == {}
    assert assumptions(await desk.ask("trend of coarse in december 2024"))["grain"] == "month"
    chosen = await desk.ask("sales trend in 2024", ("grain", "quarter"))
    assert query_of(chosen).time_range is not None
    assert len(query_of(chosen).time_range.buckets) == 4  # type: ignore[union-attr]
    with pytest.raises(InvalidChoice):
        await desk.ask("sales trend in 2024", ("grain", "none"))


async def test_a_trend_without_a_period_asks_for_one(desk: Desk) -> None:
    assert list(options(await desk.ask("sales trend"))) == ["period"]
    assert len(plan_of(await desk.ask("sales by month", ("period", "last_quarter"))).queries) == 1


async def test_a_period_that_was_said_and_has_no_start_cannot_be_broken(desk: Desk) -> None:
    assert "a start is needed" in refused(await desk.ask("sales until december 2024 by month")).message


async def test_a_period_of_too_many_buckets_is_refused(desk: Desk) -> None:
    assert "too many" in refused(await desk.ask("daily sales from 1950 to 2024")).message


async def test_two_periods_that_have_nothing_to_do_with_each_other_are_refused(desk: Desk) -> None:
    assert "second period" in refused(await desk.ask("sales in 2024 for feed 2022")).message


@pytest.mark.parametrize(
    "question",
    ["sales excluding december", "sales apart from last month", "sales in 2024 except in Q4", "sales not last quarter"],
)
async def test_a_period_that_is_left_out_is_refused(desk: Desk, question: str) -> None:
    """What was to be left out was all that was answered."""
    assert "left out" in refused(await desk.ask(question)).message


async def test_a_member_that_is_left_out_leaves_the_period_in(desk: Desk) -> None:
    assert periods(await desk.ask("sales without feed in december")) == {"actual": "2024-12-01/2025-01-01"}


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("sales vs last month", {"actual": "2025-01-01/2025-02-01", "previous": "2024-12-01/2025-01-01"}),
        (
            "sales compared to the last quarter",
            {"actual": "2025-01-01/2025-04-01", "previous": "2024-10-01/2025-01-01"},
        ),
        ("sales in 2024 now", {"actual": "2024-01-01/2025-01-01"}),
        ("sales now", {"actual": "2025-01-15/2025-01-16"}),
    ],
)
async def test_the_only_period_may_be_what_is_compared_with(
    desk: Desk, question: str, expected: dict[str, str]
) -> None:
    """What follows the period named is taken, and told; a "now" beside another period is but a manner of speaking."""
    found = await desk.ask(question)

    assert periods(found) == expected
    if "previous" in expected:
        assert assumptions(found)["period"].startswith("this_")


async def test_a_lone_period_that_nothing_follows_cannot_be_compared_with(desks: Desks) -> None:
    desk = await desks(catalog(metric("sales"), metric("asked", default_period="ask")))

    assert "needs a period" in refused(await desk.ask("sales vs 2020")).message
    assert list(options(await desk.ask("asked vs 2020"))) == ["period"]
    chosen = await desk.ask("asked vs 2020", ("period", "last_year"))
    assert periods(chosen) == {"actual": "2024-01-01/2025-01-01", "other_period": "2020-01-01/2021-01-01"}
