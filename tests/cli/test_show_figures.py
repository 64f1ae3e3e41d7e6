"""Figures for people, and for spreadsheets."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from rich.console import Console

from ecp.v1 import plan_pb2, resolve_pb2, types_pb2
from ecp_client import ExecutionResult, Resolution, ResultTable
from ecp_client._read import read
from ecp_client.cli.show_figures import answer, csv_of, figure, spark
from tests.client.messages import resolved

NUMBER = plan_pb2.COLUMN_TYPE_NUMBER


def column(name: str, *values: str | None, unit: str = "", labels: Sequence[str] = (), **more: int) -> plan_pb2.Column:
    null = [row for row, value in enumerate(values) if value is None]
    return plan_pb2.Column(
        name=name,
        label=name.replace("_pct", " %").capitalize(),
        type=plan_pb2.ColumnType.ValueType(more.get("type", NUMBER)),
        unit=unit,
        values=[value or "" for value in values],
        null_rows=null,
        null_reasons=[plan_pb2.NULL_REASON_NO_PARTNER] * len(null),
        value_labels=labels,
    )


def shown(*columns: plan_pb2.Column, width: int = 100, **more: Any) -> str:
    """What a person sees."""
    table = plan_pb2.ResultTable(columns=columns, row_count=len(columns[0].values))
    response = resolve_pb2.ExecuteResponse(execution_id="e-1", table=table, **more)
    found, ran = read(Resolution, resolved(), request_id="r"), read(ExecutionResult, response, request_id="r")
    console = Console(width=width, markup=False, emoji=False, highlight=False)
    with console.capture() as printed:
        console.print(answer(found, ran), crop=False)
    return "\n".join(line.rstrip() for line in printed.get().splitlines())


def test_one_row_is_a_line_a_figure_with_thousands_and_units() -> None:
    text = shown(
        column("actual", "142300000.00", unit="USD"),
        column("variance", "-7300000.00", unit="USD"),
        column("variance_pct", "5.4074074074", unit="percent"),
        column("orders", "1234", unit="count"),
    )
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "Actual 142,300,000.00 USD" in lines
    assert "Variance -7,300,000.00 USD" in lines
    assert "Variance 5.41 %" in lines
    assert "Orders 1,234" in lines


def test_definition_period_warnings_and_assumptions_follow() -> None:
    warning = types_pb2.Warning(id="w", severity=types_pb2.SEVERITY_HIGH, message="Refunds are missing.")
    broken = plan_pb2.Validation(rule_id="plausible", passed=False, message="actual is -5")
    text = shown(column("actual", "1"), warnings=[warning], validations=[broken])
    places = [text.index(part) for part in ("Period", "Rules", "Beware", "execution e-1")]
    assert places == sorted(places)
    assert "high: Refunds are missing." in text
    assert "plausible: actual is -5" in text
    assert "Q3 2024: 2024-07-01 to 2024-09-30, gregorian calendar" in text


def test_rows_have_names_of_members_and_say_why_a_value_is_missing() -> None:
    text = shown(
        column("region", "region.apac", "region.emea", labels=["APAC", "EMEA"], type=plan_pb2.COLUMN_TYPE_TEXT),
        column("actual", "1200", None, unit="USD"),
    )
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert "Region Actual USD" in lines
    assert "APAC 1,200" in lines
    assert "EMEA –" in lines
    assert "–: there is nothing to hold it against" in lines


@pytest.mark.parametrize("rows", [1, 2], ids=["one row", "rows"])
def test_no_figure_is_cut_where_there_is_no_room(rows: int) -> None:
    figures = [f"{place}23456789.25" for place in range(1, 10)]
    names = plan_pb2.COLUMN_TYPE_TEXT
    columns = [column(f"measure_{figure}", *[figure] * rows, unit="USD") for figure in figures]
    keys = [] if rows == 1 else [column("product", *["Meridian Terminal of a long name"] * rows, type=names)]
    text = shown(*keys, *columns, width=20)
    assert {text.count(f"{Decimal(each):,f}") for each in figures} == {rows}
    assert "…" not in text.partition("Period")[0]


def test_a_value_without_a_name_stays_as_it_is() -> None:
    labels = ["Risk engine", ""]
    text = shown(
        column("product", "product.risk_engine", "sku_7", labels=labels, type=plan_pb2.COLUMN_TYPE_TEXT),
        column("actual", "1", "2"),
    )
    lines = [" ".join(line.split()) for line in text.splitlines()]
    assert {"Risk engine 1", "sku_7 2"} <= set(lines)


def test_a_part_of_the_period_has_its_name() -> None:
    text = shown(
        column("period", "2024-07-01", labels=["July 2024"], type=plan_pb2.COLUMN_TYPE_DATE), column("actual", "1")
    )
    assert "July 2024 1" in [" ".join(line.split()) for line in text.splitlines()]


def test_sentences_end_whether_or_not_they_came_with_a_full_stop() -> None:
    warning = types_pb2.Warning(message="Q4 is not complete", impact="It may change.", severity=types_pb2.SEVERITY_LOW)
    assert "low: Q4 is not complete. It may change." in shown(column("actual", "1"), warnings=[warning])


def test_what_a_metric_is_computed_from_is_not_shown_beside_it() -> None:
    text = shown(column("variance.cur", "1"), column("variance.prev", "2"), column("variance", "-1"))
    assert "cur" not in text
    assert "Variance" in text


def test_a_trend_has_a_line() -> None:
    text = shown(
        column("period", "2024-07-01", "2024-08-01", "2024-09-01", type=plan_pb2.COLUMN_TYPE_DATE),
        column("actual", "1", "3", "2", unit="USD"),
    )
    assert "▁█▄" in text


def test_what_a_server_sends_cannot_command_a_terminal() -> None:
    text = shown(column("region", "\x1b[2Jbad", type=plan_pb2.COLUMN_TYPE_TEXT), column("actual", "1"))
    assert "\x1b" not in text
    assert "\\x1b[2Jbad" in text


@pytest.mark.parametrize(
    ("values", "line"),
    [
        (["1", "2", "3"], "▁▄█"),
        (["5", "5"], "▁▁"),
        (["1", None, "8"], "▁ █"),
        (["1"], ""),
        ([None, None], ""),
        (["-1", "0", "1"], "▁▄█"),
    ],
)
def test_a_line_shows_how_values_went(values: list[str | None], line: str) -> None:
    assert line == spark([None if value is None else Decimal(value) for value in values])


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        ("1234567.80", "USD", "1,234,567.80"),
        ("-0.5", "USD", "-0.5"),
        ("33.3333333333", "percent", "33.33"),
        ("0.125", "ratio", "0.13"),
        ("1E+7", "count", "10,000,000"),
    ],
)
def test_numbers_are_written_for_people(value: str, unit: str, text: str) -> None:
    assert text == figure(Decimal(value), unit)


def test_csv_has_exact_values() -> None:
    table = plan_pb2.ResultTable(
        columns=[
            column("region", "region.apac", 'a "quoted", one', type=plan_pb2.COLUMN_TYPE_TEXT),
            column("actual", "142300000.00", None, unit="USD"),
            column("final", "true", "false", type=plan_pb2.COLUMN_TYPE_BOOLEAN),
        ],
        row_count=2,
    )
    expected = 'region,actual,final\nregion.apac,142300000.00,true\n"a ""quoted"", one",,false\n'
    assert expected == csv_of(read(ResultTable, table))
