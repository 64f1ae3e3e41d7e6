"""Questions become figures: exact, aligned by key, complete, computed and cut (plan.proto; design, section 6)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from typing_extensions import override

from ecp.v1 import resolve_pb2
from ecp_server.domain.catalog import Binding, Catalog, Derived, DerivedInput, Level, Target, TimeAggregation
from ecp_server.domain.execution import ColumnType, ExecutionRequest
from ecp_server.domain.frozen import replace
from ecp_server.domain.plan import Computation
from ecp_server.domain.records import ResolutionRecord
from ecp_server.execution.draft import Recorded
from ecp_server.rpc.convert.executions import ExecuteEncoding
from ecp_server.rpc.convert.recorded import RecordedAnswer
from tests.execution.rows import Measured, Record, Rows
from tests.execution.till import Till, table
from tests.resolution.reading import refused
from tests.resolution.samples import catalog as catalog_of
from tests.resolution.samples import dimension, member, metric

REGION = ("region",)


@pytest.fixture(name="catalog")
def shop() -> Catalog:
    return catalog_of(
        metric("sales", dimensions=REGION, targets=(Target("budget", "planned"),), decimals=2),
        metric("planned", dimensions=REGION, semantic_ref="Plan.amount", time_dimension="Plan.day", decimals=2),
        metric("orders", dimensions=REGION, unit="count"),
        metric("buyers", dimensions=REGION, unit="count"),
        metric("stock", dimensions=REGION, unit="count", time_aggregation=TimeAggregation.LAST),
        metric("usual", dimensions=REGION, unit="count", time_aggregation=TimeAggregation.AVERAGE),
        metric("heads", dimensions=REGION, unit="count", time_aggregation=TimeAggregation.LAST),
        metric("thousands", dimensions=REGION, scale=Decimal("0.001")),
        metric(
            "basket",
            dimensions=REGION,
            derived=Derived("sales / orders", (DerivedInput("sales", "sales"), DerivedInput("orders", "orders"))),
        ),
        dimension(
            "region",
            levels=(Level("area", "Area"), Level("country", "Country")),
            default_level="country",
            bindings=(Binding("Plan", "Plan.region"),),
        ),
        member("region.asia", "JP", "KR", level="area", name="Asia"),
        member("region.japan", "JP", level="country", name="Japan"),
        member("region.korea", "KR", level="country", name="Korea"),
        member("region.chile", "CL", level="country", name="Chile"),
    )


def sold(day: str, region: str, amount: str, buyer: str, stock: str = "0") -> Record:
    return {
        "day": date.fromisoformat(day),
        "region": region,
        "amount": Decimal(amount),
        "buyer": buyer,
        "stock": Decimal(stock),
    }


@pytest.fixture(name="engine")
def rows() -> Rows:
    return Rows(
        cubes={
            "Sales": [
                sold("2024-10-05", "JP", "100.10", "a", "5"),
                sold("2024-10-31", "JP", "0.20", "b", "7"),
                sold("2024-11-01", "KR", "50", "a", "3"),
                sold("2024-12-31", "JP", "9.70", "c", "8"),
                sold("2025-01-01", "JP", "1000", "a", "9"),
                sold("2023-12-01", "KR", "40", "a", "1"),
            ],
            "Plan": [
                {"day": date(2024, 10, 1), "region": "JP", "amount": Decimal(80)},
                {"day": date(2024, 12, 1), "region": "CL", "amount": Decimal(20)},
            ],
        },
        measures={
            "Sales.sales": Measured("sum", "amount"),
            "Sales.thousands": Measured("sum", "amount"),
            "Sales.orders": Measured("count"),
            "Sales.buyers": Measured("count_distinct", "buyer"),
            "Sales.stock": Measured("sum", "stock"),
            "Sales.usual": Measured("sum", "stock"),
            "Sales.heads": Measured("count_distinct", "buyer"),
            "Plan.amount": Measured("sum", "amount"),
        },
    )


async def test_one_figure_is_one_row(till: Till) -> None:
    execution = await till.figures("sales last quarter")
    assert {"actual": ["160.00"]} == table(execution)
    (column,) = execution.table.columns
    assert ("Sales", ColumnType.NUMBER, "USD") == (column.label, column.type, column.unit)


async def test_a_figure_without_rows_is_null_and_a_count_zero(till: Till) -> None:
    assert {"actual": ["SOURCE_NULL"]} == table(await till.figures("sales in 2020"))
    assert {"actual": ["0"]} == table(await till.figures("orders in 2020"))


async def test_scale_multiplies_what_the_semantic_layer_returns(till: Till) -> None:
    assert {"actual": ["0.16"]} == table(await till.figures("thousands last quarter"))


async def test_against_a_target(till: Till) -> None:
    assert {
        "actual": ["160.00"],
        "budget": ["100.00"],
        "variance": ["60.00"],
        "variance_pct": ["60"],
    } == table(await till.figures("sales last quarter vs budget"))


async def test_rows_of_cubes_are_aligned_by_member(till: Till) -> None:
    """Each has a row that the other lacks."""
    execution = await till.figures("sales vs budget last quarter by country")
    assert {
        "region": ["region.japan", "region.korea", "region.chile"],
        "actual": ["110.00", "50.00", "NO_PARTNER"],
        "budget": ["80.00", "NO_PARTNER", "20.00"],
        "variance": ["30.00", "NO_PARTNER", "NO_PARTNER"],
        "variance_pct": ["37.5", "NO_PARTNER", "NO_PARTNER"],
    } == table(execution)


async def test_every_part_of_the_period_has_a_row(till: Till) -> None:
    execution = await till.figures("sales by month in 2024 H2")
    assert {
        "period": [f"2024-{month:02}-01" for month in range(7, 13)],
        "actual": [*["SOURCE_NULL"] * 3, "100.30", "50.00", "9.70"],
    } == table(execution)
    assert execution.table.columns[0].type is ColumnType.DATE


async def test_members_and_parts_of_the_period_have_names_beside_their_ids_and_days(till: Till) -> None:
    execution = await till.figures("sales by country by month last quarter")
    labels = {column.name: column.value_labels for column in execution.table.columns}
    assert {
        "period": tuple(f"{month} 2024" for month in ("October", "November", "December") for _ in range(3)),
        "region": ("Japan", "Korea", "Chile") * 3,
        "actual": (),
    } == labels


async def test_parts_align_by_position_whatever_their_dates(till: Till) -> None:
    execution = await till.figures("sales by month last quarter vs same period last year")
    assert {
        "period": ["2024-10-01", "2024-11-01", "2024-12-01"],
        "actual": ["100.30", "50.00", "9.70"],
        "last_year": ["NO_PARTNER", "NO_PARTNER", "40.00"],
        "variance": ["NO_PARTNER", "NO_PARTNER", "-30.30"],
        "growth_pct": ["NO_PARTNER", "NO_PARTNER", "-75.75"],
    } == table(execution)


async def test_a_whole_is_repeated_on_every_row(till: Till) -> None:
    execution = await till.figures("share of sales by country last quarter")
    assert {
        "region": ["region.japan", "region.korea", "region.chile"],
        "actual": ["110.00", "50.00", "SOURCE_NULL"],
        "total": ["160.00"] * 3,
        "share_pct": ["68.75", "31.25", "SOURCE_NULL"],
    } == table(execution)


async def test_order_and_limit_work_on_complete_results_and_the_requests_limit_cuts_last(till: Till) -> None:
    found = await till.ask("top 2 countries by sales last quarter vs budget")
    whole = await till.run(found.id)
    assert ["region.japan", "region.korea"] == table(whole)["region"]
    assert not whole.table.truncated
    cut = await till.run(found.id, row_limit=1)
    assert (1, True, ["region.japan"]) == (cut.table.row_count, cut.table.truncated, table(cut)["region"])


async def test_a_stock_is_not_summed_over_time(till: Till) -> None:
    """The last day that the data knows of counts for all: who is not in it has nothing."""
    assert {"actual": ["8"]} == table(await till.figures("stock last quarter"))
    by_month = table(await till.figures("stock by month last quarter"))
    assert ["7", "3", "8"] == by_month["actual"]
    by_country = table(await till.figures("stock last quarter by country"))
    assert ["8", "SOURCE_NULL", "SOURCE_NULL"] == by_country["actual"]


async def test_a_stock_of_which_nothing_is_left_at_the_end_is_not_an_old_one(till: Till) -> None:
    """Whether the question names the member or groups by it; and heads are counted, so that none of them are 0."""
    assert {"actual": ["SOURCE_NULL"]} == table(await till.figures("stock last quarter in Korea"))
    assert ["SOURCE_NULL", "3", "SOURCE_NULL"] == table(await till.figures("stock by month last quarter in Korea"))[
        "actual"
    ]
    assert {"actual": ["0"]} == table(await till.figures("heads last quarter in Korea"))
    assert ["1", "0", "0"] == table(await till.figures("heads last quarter by country"))["actual"]


async def test_a_quotient_without_an_end_is_cut_at_ten_places(till: Till) -> None:
    assert ["40"] == table(await till.figures("basket last quarter"))["actual"]
    assert ["36.6666666667", "50", "SOURCE_NULL"] == table(await till.figures("basket by country last quarter"))[
        "actual"
    ]


async def test_an_average_over_time_without_an_end_is_cut_at_ten_places(till: Till) -> None:
    assert ["6.6666666667"] == table(await till.figures("usual last quarter in Japan"))["actual"]
    compared = table(await till.figures("usual in Japan vs Korea last quarter"))
    assert ["6.6666666667", "3.6666666667", "122.2222222222"] == [
        *compared["actual"],
        *compared["variance"],
        *compared["variance_pct"],
    ]


async def test_what_has_no_rows_to_divide_by_says_so(till: Till) -> None:
    assert ["SOURCE_NULL"] == table(await till.figures("basket in 2020"))["actual"]


@pytest.mark.parametrize(
    ("question", "members"),
    [
        ("orders by country in Japan last quarter", {"region.japan": "3"}),
        ("orders by country in Japan and Korea last quarter", {"region.japan": "3", "region.korea": "1"}),
        ("orders by country excluding Japan last quarter", {"region.korea": "1", "region.chile": "0"}),
        ("sales by country in Japan last quarter vs budget", {"region.japan": "110.00"}),
        ("orders by area excluding Japan last quarter", {"region.asia": "1"}),
    ],
)
async def test_members_that_the_question_leaves_out_have_no_row(
    till: Till, question: str, members: dict[str, str]
) -> None:
    """Nobody looked for orders of theirs: 0 would be made up."""
    found = table(await till.figures(question))
    assert members == dict(zip(found["region"], found["actual"], strict=True))


async def test_a_grouping_of_which_the_question_leaves_nothing_is_refused(till: Till) -> None:
    assert "Region" in refused(await till.ask("orders by area in Chile last quarter")).message


# --- units ----------------------------------------------------------------------------------------------------------


async def test_figures_of_different_units_stand_side_by_side_and_that_is_told(till: Till) -> None:
    execution = await till.figures("sales vs orders last quarter")
    assert {"actual": ["160.00"], "orders": ["4"]} == table(execution)
    assert ["USD", "count"] == [column.unit for column in execution.table.columns]
    (told,) = [warning for warning in execution.warnings if warning.type == "unit_mismatch"]
    assert "actual (USD) and orders (count)" == told.message


class Mixing(RecordedAnswer):
    """Reads a plan that is to add what cannot be added, as an earlier version may have recorded it."""

    @override
    def recorded(self, record: ResolutionRecord) -> Recorded:
        read = super().recorded(record)
        assert read.plan is not None
        mixed = (*read.plan.computations, Computation("mixed", "(actual + orders) / 2", "USD"))
        return replace(read, plan=replace(read.plan, computations=mixed))


async def test_a_computation_that_mixes_units_is_not_made_and_that_is_told(till: Till) -> None:
    found = await till.ask("sales vs orders last quarter")
    answer = Mixing()
    encoding = ExecuteEncoding(resolve_pb2.ExecuteRequest(resolution_id=found.id), answer)
    execution = await till.executor.execute(ExecutionRequest(found.id), answer, encoding)
    assert {"actual", "orders"} == set(table(execution))
    told = {warning.message: warning.impact for warning in execution.warnings if warning.type == "unit_mismatch"}
    assert "mixed is not computed." == told["(actual + orders) / 2 mixes USD and count"]
    assert execution.confidence is not None
    assert found.confidence is not None
    assert execution.confidence.overall < found.confidence.overall


# --- members as groups of values --------------------------------------------------------------------------------------


async def test_values_fold_into_members_where_the_measure_adds(till: Till) -> None:
    execution = await till.figures("sales by area last quarter")
    assert {"region": ["region.asia"], "actual": ["160.00"]} == table(execution)
    assert 1 == len([query for query in till.engine.asked if query.dimensions])


async def test_a_member_is_asked_about_by_itself_where_the_measure_does_not_add(till: Till) -> None:
    """Buyer a is in both countries and counts once."""
    assert {"region": ["region.asia"], "actual": ["3"]} == table(await till.figures("buyers by area last quarter"))
