"""What every Semantic must answer (ports.Semantic; plan.proto, FilterOperator), over the shop of `shop.py`."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from ecp_server.domain.errors import StoreQueryFailed
from ecp_server.domain.figures import FigureQuery, Figures, Value
from ecp_server.domain.period import Grain
from ecp_server.domain.plan import Filter, FilterOperator
from ecp_server.stores.ports import Semantic
from tests.conformance.semantics import semantic, shop_cube, shop_folder

__all__ = ["semantic", "shop_cube", "shop_folder"]

D = Decimal
TOTAL = D("42.86")
JAN, FEB, MAR = date(2024, 1, 1), date(2024, 2, 1), date(2024, 3, 1)


def where(ref: str, operator: FilterOperator, *values: str) -> Filter:
    return Filter(ref, operator, values, "question")


async def rows(semantic: Semantic, query: FigureQuery) -> tuple[tuple[Value, ...], ...]:
    (figures,) = await semantic.run([query])
    return figures.rows


async def ids(semantic: Semantic, *filters: Filter) -> list[Value]:
    return [row[0] for row in await rows(semantic, FigureQuery((), ("Orders.id",), filters))]


async def test_each_kind_of_measure(semantic: Semantic) -> None:
    measures = {
        "Orders.total": TOTAL,
        "Orders.count": D(5),
        "Orders.noted": D(4),
        "Orders.customers": D(3),
        "Orders.mean": D("8.572"),
        "Orders.least": D("0.01"),
        "Orders.most": D("20.25"),
        "Orders.paidTotal": D("15.1"),
        "Orders.paidCount": D(1),
        "Orders.paidShare": D("35.2309846010265982"),
        "Orders.median": D("7.5"),
    }
    (figures,) = await semantic.run([FigureQuery(tuple(measures))])
    assert figures.columns == tuple(measures)
    assert figures.rows == (tuple(measures.values()),)


async def test_without_rows_a_count_is_0_and_every_other_measure_null(semantic: Semantic) -> None:
    measures = ("Orders.total", "Orders.count", "Orders.customers", "Orders.mean", "Orders.most", "Orders.paidShare")
    none = where("Orders.id", FilterOperator.GT, "1000")
    assert await rows(semantic, FigureQuery(measures, (), (none,))) == ((None, D(0), D(0), None, None, None),)
    assert await rows(semantic, FigureQuery(measures, ("Orders.note",), (none,))) == ()


async def test_keys_are_ordered_by_code_points_and_null_is_last(semantic: Semantic) -> None:
    assert await rows(semantic, FigureQuery(("Orders.total",), ("Customers.name",))) == (
        ("Ann", D("30.35")),
        ("Bob", D(5)),
        ("Zoë", D("0.01")),
        (None, D("7.5")),
    )
    found = await rows(semantic, FigureQuery(("Orders.count",), ("Orders.weight", "Orders.paid")))
    assert found == (
        (D("0.25"), False, D(1)),
        (D("1.5"), False, D(1)),
        (D("1.5"), True, D(1)),
        (D(2), True, D(1)),
        (None, None, D(1)),
    )


async def test_a_case_names_its_branches(semantic: Semantic) -> None:
    assert await rows(semantic, FigureQuery(("Orders.count",), ("Orders.size",))) == (
        ("big", D(1)),
        ("medium", D(2)),
        ("small", D(2)),
    )


async def test_codes_stay_text(semantic: Semantic) -> None:
    found = await rows(semantic, FigureQuery(("Items.quantity",), ("Items.sku",)))
    assert found == (("007", D(3)), ("008", D(7)), ("009", D(5)))


async def test_a_measure_joined_one_to_many_is_not_multiplied(semantic: Semantic) -> None:
    """Order 1 has three items: its amount counts once for each sku, and once in all."""
    by_sku = await rows(semantic, FigureQuery(("Orders.total", "Orders.count", "Orders.mean"), ("Items.sku",)))
    assert by_sku == (
        ("007", D("10.1"), D(1), D("10.1")),
        ("008", D("30.35"), D(2), D("15.175")),
        (None, D("12.51"), D(3), D("4.17")),
    )
    both = await rows(semantic, FigureQuery(("Orders.total", "Items.quantity", "Orders.perItem")))
    assert both == ((TOTAL, D(10), D("4.286")),)


async def test_a_dimension_of_another_cube_does_not_multiply_either(semantic: Semantic) -> None:
    found = await rows(semantic, FigureQuery(("Orders.total",), ("Orders.sku",)))
    assert found == (("007", D("10.1")), ("008", D("30.35")), (None, D("12.51")))
    one = (where("Orders.sku", FilterOperator.EQUALS, "007", "008"),)
    assert await rows(semantic, FigureQuery(("Orders.total",), (), one)) == ((D("30.35"),),)


async def test_what_is_on_the_one_side_of_many_to_one_is_counted_once(semantic: Semantic) -> None:
    query = FigureQuery(("Customers.count", "Orders.count"), (), time_ref="Orders.day", granularity=Grain.MONTH)
    assert await rows(semantic, query) == (
        (JAN, D(1), D(1)),
        (FEB, D(2), D(2)),
        (MAR, D(0), D(1)),
        (date(2024, 12, 1), D(1), D(1)),
    )
    assert await rows(semantic, FigureQuery(("Customers.count",))) == ((D(4),),)


@pytest.mark.parametrize(
    ("grain", "first"),
    [
        (Grain.DAY, [date(2024, 1, 31), date(2024, 2, 1), date(2024, 2, 10), date(2024, 3, 1), date(2024, 12, 31)]),
        (Grain.WEEK, [date(2024, 1, 29), date(2024, 2, 5), date(2024, 2, 26), date(2024, 12, 30)]),
        (Grain.MONTH, [JAN, FEB, MAR, date(2024, 12, 1)]),
        (Grain.QUARTER, [JAN, date(2024, 10, 1)]),
        (Grain.YEAR, [JAN]),
    ],
)
async def test_parts_of_a_period_are_gregorian(semantic: Semantic, grain: Grain, first: list[date]) -> None:
    (figures,) = await semantic.run([FigureQuery(("Orders.total",), (), (), "Orders.day", granularity=grain)])
    assert figures.columns == ("Orders.day", "Orders.total")
    assert [row[0] for row in figures.rows] == first
    assert sum(row[1] for row in figures.rows if isinstance(row[1], Decimal)) == TOTAL


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Tokyo"])
async def test_periods_are_whole_days_and_no_zone_moves_a_day(semantic: Semantic, zone: str) -> None:
    february = FigureQuery(("Orders.count",), (), (), "Orders.day", FEB, MAR, zone)
    assert await rows(semantic, february) == ((D(2),),)
    assert await rows(semantic, replace(february, start=None)) == ((D(3),),)
    assert await rows(semantic, replace(february, end=None)) == ((D(4),),)
    assert await rows(semantic, replace(february, granularity=Grain.DAY)) == (
        (date(2024, 2, 1), D(1)),
        (date(2024, 2, 10), D(1)),
    )


@pytest.mark.parametrize(
    ("zone", "days"),
    [
        ("UTC", [date(2024, 2, 1), date(2024, 2, 10), date(2024, 12, 31)]),
        ("America/New_York", [date(2024, 1, 31), date(2024, 2, 1), date(2024, 2, 9), date(2024, 12, 31)]),
        ("Asia/Tokyo", [date(2024, 2, 1), date(2024, 2, 10), date(2025, 1, 1)]),
    ],
)
async def test_an_instant_has_its_day_in_the_zone(semantic: Semantic, zone: str, days: list[date]) -> None:
    query = FigureQuery(("Orders.count",), (), (), "Orders.placedAt", time_zone=zone, granularity=Grain.DAY)
    found = await rows(semantic, query)
    assert [row[0] for row in found] == [*days, None]
    within = replace(query, start=days[1], end=days[2])
    assert [row[0] for row in await rows(semantic, within)] == [days[1]]


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (where("Orders.id", FilterOperator.EQUALS, "2"), [2]),
        (where("Orders.id", FilterOperator.EQUALS, "2", "5", "99"), [2, 5]),
        (where("Orders.id", FilterOperator.NOT_EQUALS, "2", "5"), [1, 3, 4]),
        (where("Orders.weight", FilterOperator.EQUALS, "1.50"), [1, 5]),
        (where("Orders.weight", FilterOperator.NOT_EQUALS, "1.5"), [2, 3, 4]),
        (where("Orders.weight", FilterOperator.GT, "1.5"), [3]),
        (where("Orders.weight", FilterOperator.GTE, "1.5"), [1, 3, 5]),
        (where("Orders.weight", FilterOperator.LT, "1.5"), [2]),
        (where("Orders.weight", FilterOperator.LTE, "1.5"), [1, 2, 5]),
        (where("Orders.weight", FilterOperator.LT, "0.3", "1.6"), [1, 2, 5]),
        (where("Orders.weight", FilterOperator.SET), [1, 2, 3, 5]),
        (where("Orders.weight", FilterOperator.NOT_SET), [4]),
        (where("Customers.name", FilterOperator.EQUALS, "Zoë"), [5]),
        (where("Customers.name", FilterOperator.EQUALS, "zoë"), []),
        (where("Customers.name", FilterOperator.NOT_EQUALS, "Ann"), [3, 4, 5]),
        (where("Customers.name", FilterOperator.NOT_SET), [4]),
        (where("Orders.note", FilterOperator.CONTAINS, "WOOL"), [1, 2]),
        (where("Orders.note", FilterOperator.CONTAINS, "0%"), [1]),
        (where("Orders.note", FilterOperator.CONTAINS, "r_s", "quoted"), [3, 5]),
        (where("Orders.note", FilterOperator.CONTAINS, "100_"), []),
        (where("Orders.note", FilterOperator.CONTAINS, "\\"), [5]),
        (where("Orders.note", FilterOperator.EQUALS, 'a "quoted", it\'s \\ back'), [5]),
        (where("Orders.note", FilterOperator.EQUALS, "') OR 1=1 --"), []),
        (where("Orders.note", FilterOperator.EQUALS, ""), []),
        (where("Orders.paid", FilterOperator.EQUALS, "true"), [1, 3]),
        (where("Orders.paid", FilterOperator.NOT_EQUALS, "true"), [2, 4, 5]),
        (where("Orders.paid", FilterOperator.EQUALS, "true", "false"), [1, 2, 3, 5]),
        (where("Orders.paid", FilterOperator.NOT_SET), [4]),
        (where("Orders.day", FilterOperator.EQUALS, "2024-02-01"), [2]),
        (where("Orders.day", FilterOperator.EQUALS, "2024-02-01", "2024-03-01"), [2, 4]),
        (where("Orders.day", FilterOperator.NOT_EQUALS, "2024-02-01"), [1, 3, 4, 5]),
        (where("Orders.day", FilterOperator.GT, "2024-02-10"), [4, 5]),
        (where("Orders.day", FilterOperator.GTE, "2024-02-10"), [3, 4, 5]),
        (where("Orders.day", FilterOperator.LT, "2024-02-10"), [1, 2]),
        (where("Orders.day", FilterOperator.LTE, "2024-02-10"), [1, 2, 3]),
        (where("Orders.placedAt", FilterOperator.EQUALS, "2024-02-01"), [1, 2]),
        (where("Orders.placedAt", FilterOperator.NOT_EQUALS, "2024-02-01"), [3, 4, 5]),
        (where("Orders.placedAt", FilterOperator.GT, "2024-02-01"), [3, 5]),
        (where("Orders.placedAt", FilterOperator.LTE, "2024-02-10"), [1, 2, 3]),
        (where("Orders.placedAt", FilterOperator.NOT_SET), [4]),
        (where("Orders.size", FilterOperator.EQUALS, "big", "small"), [2, 3, 5]),
    ],
    ids=lambda value: f"{value.ref} {value.operator.name} {value.values}" if isinstance(value, Filter) else "",
)
async def test_operators(semantic: Semantic, condition: Filter, expected: list[int]) -> None:
    assert await ids(semantic, condition) == [D(n) for n in expected]


async def test_all_conditions_hold_and_the_period_with_them(semantic: Semantic) -> None:
    filters = (
        where("Orders.day", FilterOperator.GTE, "2024-01-15"),
        where("Orders.day", FilterOperator.LT, "2024-06-01"),
        where("Customers.name", FilterOperator.SET),
    )
    query = FigureQuery(("Orders.count",), ("Customers.vip",), filters, "Orders.day", FEB, date(2025, 1, 1))
    assert await rows(semantic, query) == ((False, D(1)), (True, D(1)))


async def test_a_time_as_a_dimension_is_its_day(semantic: Semantic) -> None:
    found = await rows(semantic, FigureQuery(("Orders.count",), ("Orders.placedAt",)))
    assert found == ((date(2024, 2, 1), D(2)), (date(2024, 2, 10), D(1)), (date(2024, 12, 31), D(1)), (None, D(1)))


async def test_a_limit_keeps_the_first_keys(semantic: Semantic) -> None:
    found = await rows(semantic, FigureQuery(("Orders.count",), ("Customers.name",), limit=2))
    assert found == (("Ann", D(2)), ("Bob", D(1)))


async def test_dimensions_alone_give_their_values(semantic: Semantic) -> None:
    assert await rows(semantic, FigureQuery((), ("Customers.vip",))) == ((False,), (True,), (None,))


async def test_answers_come_in_the_order_of_the_queries(semantic: Semantic) -> None:
    queries = [FigureQuery((m,)) for m in ("Orders.count", "Items.quantity", "Customers.count", "Orders.most")]
    answers = await semantic.run(queries)
    assert [a.columns for a in answers] == [q.measures for q in queries]
    assert [a.rows for a in answers] == [((D(5),),), ((D(15),),), ((D(4),),), ((D("20.25"),),)]
    assert await semantic.run([]) == []


def asked(figures: Figures, query: FigureQuery) -> bool:
    """Tell whether what was executed is what was asked, but for who asked it."""
    return figures.executed == replace(query, filters=tuple(replace(f, source="") for f in query.filters))


async def test_what_was_executed_is_what_was_asked(semantic: Semantic) -> None:
    queries = [
        FigureQuery(("Orders.total", "Orders.paidShare"), ("Customers.name", "Items.sku")),
        FigureQuery(("Orders.total", "Items.quantity"), ("Items.sku",), (where("Orders.paid", FilterOperator.SET),)),
        FigureQuery(("Orders.mean",), (), (), "Orders.placedAt", FEB, MAR, "Asia/Tokyo", Grain.WEEK, limit=3),
        FigureQuery(
            ("Orders.count",),
            ("Orders.size",),
            (
                where("Orders.note", FilterOperator.CONTAINS, "%", "_"),
                where("Orders.note", FilterOperator.NOT_EQUALS, "x", "y"),
                where("Orders.note", FilterOperator.NOT_EQUALS, "z"),
                where("Orders.note", FilterOperator.EQUALS, "1"),
                where("Orders.id", FilterOperator.LTE, "3", "4"),
                where("Orders.id", FilterOperator.GT, "-3"),
                where("Orders.paid", FilterOperator.EQUALS, "true", "false"),
                where("Orders.day", FilterOperator.GTE, "2024-01-01"),
                where("Orders.day", FilterOperator.EQUALS, "2024-01-01", "2024-01-02"),
                where("Customers.name", FilterOperator.NOT_SET),
            ),
            "Orders.day",
            FEB,
            MAR,
        ),
        FigureQuery(("Orders.total",), (), (where("Orders.sku", FilterOperator.EQUALS, "007"),), "Orders.day", end=MAR),
    ]
    for figures, query in zip(await semantic.run(queries), queries, strict=True):
        assert asked(figures, query), figures.executed


@pytest.mark.parametrize(
    "query",
    [
        FigureQuery(()),
        FigureQuery(("Orders.nothing",)),
        FigureQuery(("Nothing.total",)),
        FigureQuery(("Orders.id",)),
        FigureQuery(("Orders.total",), ("Orders.nothing",)),
        FigureQuery(("Orders.total",), ("Orders.total",)),
        FigureQuery(("Items.quantity",), ("Customers.name",), (where("Items.nothing", FilterOperator.SET),)),
        FigureQuery(("Orders.total",), (), (where("Orders.id", FilterOperator.EQUALS, "two"),)),
        FigureQuery(("Orders.total",), (), (where("Orders.id", FilterOperator.EQUALS),)),
        FigureQuery(("Orders.total",), (), (where("Orders.paid", FilterOperator.EQUALS, "maybe"),)),
        FigureQuery(("Orders.total",), (), (where("Orders.day", FilterOperator.GT, "today"),)),
        FigureQuery(("Orders.total",), (), (where("Orders.id", FilterOperator.CONTAINS, "1"),)),
        FigureQuery(("Orders.total",), (), (), "Orders.note", FEB),
    ],
    ids=range(13),
)
async def test_what_the_model_cannot_answer_fails(semantic: Semantic, query: FigureQuery) -> None:
    good = FigureQuery(("Orders.total",))
    with pytest.raises(StoreQueryFailed):
        await semantic.run([good, query])


async def test_it_answers_a_probe(semantic: Semantic) -> None:
    await semantic.probe()
    assert semantic.adapter in {"duckdb", "cube"}


async def test_closing_twice_does_nothing_more(semantic: Semantic) -> None:
    await semantic.close()
    await semantic.close()
