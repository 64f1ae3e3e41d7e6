"""Exact arithmetic, and why a value is null."""

from __future__ import annotations

from decimal import Context, Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecp_server.domain.execution import NullReason, text_of
from ecp_server.domain.expressions import parse_computation
from ecp_server.execution.arithmetic import Computed, plain, result_of, rounded

EXACT_DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**25), max_value=10**25, places=6)


def value_of(expression: str, unit: str = "", **row: Decimal | NullReason | int) -> Computed:
    figures = {name: Decimal(v) if not isinstance(v, NullReason) else v for name, v in row.items()}
    return result_of(parse_computation(expression), figures, unit)


@pytest.mark.parametrize(
    ("expression", "unit", "row", "result"),
    [
        ("a - b", "", {"a": 5, "b": 7}, Decimal(-2)),
        ("(a - b) / b * 100", "percent", {"a": 150, "b": 100}, Decimal(50)),
        ("-a * 2", "", {"a": 3}, Decimal(-6)),
        ("a / b", "", {"a": 1, "b": 0}, NullReason.DIVIDED_BY_ZERO),
        ("a / b", "percent", {"a": 0, "b": 0}, NullReason.DIVIDED_BY_ZERO),
        ("a / b * 100", "percent", {"a": 1, "b": -4}, NullReason.NON_POSITIVE_BASE),
        ("a / b", "USD", {"a": 1, "b": -4}, Decimal("-0.25")),
        ("a - b", "", {"a": NullReason.NO_PARTNER, "b": NullReason.MASKED}, NullReason.NO_PARTNER),
        ("a / b", "", {"a": 1, "b": NullReason.MASKED}, NullReason.MASKED),
    ],
)
def test_a_computation_gives_a_value_or_says_why_not(
    expression: str, unit: str, row: dict[str, int | NullReason], result: Decimal | NullReason
) -> None:
    assert result == value_of(expression, unit, **row).value


@given(EXACT_DECIMALS, EXACT_DECIMALS, EXACT_DECIMALS)
def test_sums_differences_and_products_are_exact(a: Decimal, b: Decimal, c: Decimal) -> None:
    found = value_of("(a - b) * c + a", a=a, b=b, c=c)
    assert not found.rounded
    assert isinstance(found.value, Decimal)
    assert (Fraction(a) - Fraction(b)) * Fraction(c) + Fraction(a) == Fraction(found.value)


def test_the_threads_own_precision_does_not_matter() -> None:
    with localcontext(Context(prec=3)):
        assert Decimal("1234567.89") == value_of("a + b", a=1234567, b=Decimal("0.89")).value


def test_a_quotient_without_an_end_says_so() -> None:
    assert value_of("a / b", a=1, b=3).rounded
    assert not value_of("a / b", a=1, b=8).rounded


@pytest.mark.parametrize(
    ("value", "decimals", "text"),
    [
        ("142300000", 2, "142300000.00"),
        ("0.125", 2, "0.13"),
        ("-0.125", 2, "-0.13"),
        ("-0.001", 2, "0.00"),
        ("1250", -2 + 2, "1250"),
        ("5.40740740", None, "5.4074074"),
        ("1E+5", None, "100000"),
        ("-0", None, "0"),
        ("12.000", None, "12"),
    ],
)
def test_a_figure_is_given_with_its_decimal_places_and_without_an_exponent(
    value: str, decimals: int | None, text: str
) -> None:
    assert text == text_of(rounded(Decimal(value), decimals))


@given(EXACT_DECIMALS)
def test_plain_figures_keep_their_value(value: Decimal) -> None:
    assert plain(value) == value
    assert "E" not in text_of(plain(value))


@pytest.mark.parametrize("text", ["1E+308", "-1.5E+200", "9.999E+117"])
@pytest.mark.parametrize("decimals", [0, 2, None])
def test_a_figure_in_double_precision_of_any_size_can_be_given(text: str, decimals: int | None) -> None:
    given = rounded(Decimal(text), decimals)
    assert Decimal(text) == given
    assert -(decimals or 0) == given.as_tuple().exponent
