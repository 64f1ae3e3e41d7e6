"""The expressions of derived metrics and rules."""

from __future__ import annotations

from contextlib import suppress
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecp_server.domain.expressions import (
    Binary,
    Expression,
    ExpressionError,
    Name,
    Number,
    RowValue,
    Unary,
    parse_computation,
    parse_condition,
    parse_derived,
    walk,
)

A, B, C = Name("a"), Name("b"), Name("c")
VALUE, ROWS = Name("value"), Name("rows")


def number(text: str) -> Number:
    return Number(Decimal(text))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a", A),
        ("1.50", number("1.50")),
        (".5", number("0.5")),
        ("2e3", number("2e3")),
        ("a - b - c", Binary("-", Binary("-", A, B), C)),
        ("a + b * c", Binary("+", A, Binary("*", B, C))),
        ("(a + b) * c", Binary("*", Binary("+", A, B), C)),
        ("a / b / c", Binary("/", Binary("/", A, B), C)),
        ("-a * b", Binary("*", Unary("-", A), B)),
        ("-(a - b)", Unary("-", Binary("-", A, B))),
        (
            "(cur - prev) / prev * 100",
            Binary("*", Binary("/", Binary("-", Name("cur"), Name("prev")), Name("prev")), number("100")),
        ),
        ("not", Name("not")),
    ],
)
def test_derived(text: str, tree: Expression) -> None:
    assert tree == parse_derived(text)


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("value >= 0", Binary(">=", VALUE, number("0"))),
        ("value > -50", Binary(">", VALUE, Unary("-", number("50")))),
        ("(value) != rows", Binary("!=", VALUE, ROWS)),
        ("age_hours<24", Binary("<", Name("age_hours"), number("24"))),
        ("row.region-group == rows", Binary("==", RowValue("region-group"), ROWS)),
        (
            "value < 1 or value > 2 and not rows == 0",
            Binary(
                "or",
                Binary("<", VALUE, number("1")),
                Binary("and", Binary(">", VALUE, number("2")), Unary("not", Binary("==", ROWS, number("0")))),
            ),
        ),
        (
            "not (value < 1 or rows < 1)",
            Unary("not", Binary("or", Binary("<", VALUE, number("1")), Binary("<", ROWS, number("1")))),
        ),
    ],
)
def test_condition(text: str, tree: Expression) -> None:
    assert tree == parse_condition(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("  ", "is empty"),
        ("a +", "ends too early"),
        ("(a", "ends too early"),
        ("(a b)", "'b' is not supported here"),
        ("a b", "'b' is not supported here"),
        (")", "')' is not supported here"),
        ("a ** b", "'*' is not supported here"),
        ("a % b", "'%' is not supported here"),
        ("a > b", "'>' is not supported here"),
        ("a.b", "'.' is not supported here"),
        ("row.region", "'row.region' is not supported here"),
        ("f(a)", "'(' is not supported here"),
        ("1e400", "'1' is not supported here"),
        ("1.2.3", "'1' is not supported here"),
        ("__import__('os')", "'(' is not supported here"),
        ("(" * 41 + "a" + ")" * 41, "is nested deeper than 40"),
        ("-" * 41 + "a", "is nested deeper than 40"),
        (" + ".join(["a"] * 201), "is longer than 400 numbers, names and signs"),
    ],
)
def test_what_a_derived_metric_may_not_say(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_derived(text)
    assert message == str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("value", "is no condition: compare it with something, e.g. `value >= 0`"),
        ("-value", "is no condition: compare it with something, e.g. `value >= 0`"),
        ("value + 1 > 0", "'+' is not supported here"),
        ("total > 0", "'total' is not supported here"),
        ("row > 0", "'row' is not supported here"),
        ("value > 'x'", '"\'" is not supported here'),
        ("value = 0", "'=' is not supported here"),
        ("0 < value < 9", "`<` stands beside a condition where a number or name should be"),
        ("(value > 0) > 1", "`>` stands beside a condition where a number or name should be"),
        ("-(value > 0) > 1", "`-` stands beside a condition where a number or name should be"),
        ("value and rows", "`and` needs conditions beside it, e.g. `value > 0 and rows > 0`"),
        ("not value", "`not` needs conditions beside it, e.g. `value > 0 and rows > 0`"),
    ],
)
def test_what_a_rule_may_not_say(text: str, message: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse_condition(text)
    assert message == str(caught.value)


def test_walk_yields_every_part() -> None:
    parts = list(walk(parse_condition("not row.region > 1 and value < -2")))
    assert [RowValue("region"), number("1"), VALUE, number("2")] == [
        part for part in parts if not isinstance(part, Binary | Unary)
    ]


def rendered(tree: Expression) -> str:
    match tree:
        case Number(value):
            return format(value, "f")
        case Name(name):
            return name
        case RowValue(dimension):
            return f"row.{dimension}"
        case Unary(operator, operand):
            return f"{operator} ({rendered(operand)})"
        case Binary(operator, left, right):
            return f"({rendered(left)}) {operator} ({rendered(right)})"


LEAVES: st.SearchStrategy[Expression] = st.sampled_from([A, B, C]) | st.decimals(
    min_value=0, max_value=10**6, places=3
).map(Number)
TREES: st.SearchStrategy[Expression] = st.recursive(
    LEAVES,
    lambda inner: st.builds(Binary, st.sampled_from("+-*/"), inner, inner) | st.builds(Unary, st.just("-"), inner),
    max_leaves=15,
)


@given(TREES)
def test_any_tree_written_out_is_parsed_back(tree: Expression) -> None:
    assert tree == parse_derived(rendered(tree))


@given(st.text(alphabet="ab019.+-*/()<>=! ert_vluwonsd'", max_size=40))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    for parse in (parse_derived, parse_condition):
        with suppress(ExpressionError):
            assert list(walk(parse(text)))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("actual - net_revenue.budget", Binary("-", Name("actual"), Name("net_revenue.budget"))),
        ("row.a-row.b", Binary("-", Name("row.a"), Name("row.b"))),
        ("region.apac / 2.5", Binary("/", Name("region.apac"), number("2.5"))),
    ],
)
def test_computations_name_columns_which_have_dots(text: str, tree: Expression) -> None:
    assert tree == parse_computation(text)


@pytest.mark.parametrize("text", ["a.b - c", "a.b"])
def test_aliases_have_no_dots(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_derived(text)


@pytest.mark.parametrize("text", ["value > 1", "a == b", "not a", "1.x", "__import__('os')", "a(b)"])
def test_computations_are_arithmetic_and_nothing_else(text: str) -> None:
    with pytest.raises(ExpressionError):
        parse_computation(text)
