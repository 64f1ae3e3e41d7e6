"""Arithmetic over measures is PostgreSQL's to the digit; the expected values are what PostgreSQL 18 says."""

from __future__ import annotations

import random
from decimal import Decimal

import psycopg
import pytest

from ecp_server.domain.semantic import Applied, Arithmetic, Function, Literal, MeasureExpression, MemberRef, Operator
from ecp_server.stores.semantic.numeric import Number, evaluated, quotient
from ecp_server.stores.semantic.values import exact, number, plain
from tests.servers import postgres_server

__all__ = ["postgres_server"]

D = Decimal
X = MemberRef("A", "x")


def over(value: Number, expression: MeasureExpression) -> Number:
    return evaluated(expression, lambda _: value)


@pytest.mark.parametrize(
    ("dividend", "divisor", "expected"),
    [
        ("1", "3", "0.33333333333333333333"),
        ("2", "3", "0.66666666666666666667"),
        ("-2", "3", "-0.66666666666666666667"),
        ("10000", "3", "3333.3333333333333333"),
        ("0.01", "7", "0.00142857142857142857"),
        ("0", "7", "0.00000000000000000000"),
    ],
)
def test_quotients_have_as_many_digits_as_postgresql_gives(dividend: str, divisor: str, expected: str) -> None:
    got = quotient(D(dividend), D(divisor))
    assert got is not None
    assert format(got, "f") == expected


def test_generated_quotients_are_postgresqls(postgres_server: str) -> None:
    chance = random.Random(7)  # noqa: S311 - made-up numbers
    pairs = [
        tuple(D(chance.randrange(-(10 ** chance.randrange(1, 14)), 10**13)).scaleb(-chance.randrange(7)) for _ in "ab")
        for _ in range(500)
    ]
    pairs = [(a, b) for a, b in pairs if b]
    with psycopg.connect(postgres_server) as connection:
        rows = connection.execute(
            "SELECT (a / b)::text, round(a / b, 3)::text FROM unnest(%s::numeric[], %s::numeric[]) AS t(a, b)",
            [[a for a, _ in pairs], [b for _, b in pairs]],
        ).fetchall()
    rounded = Applied(Function.ROUND, (X, Literal(D(3))))
    for (a, b), (text, three) in zip(pairs, rows, strict=True):
        got = quotient(a, b)
        short = over(got, rounded)
        assert got is not None
        assert short is not None
        assert (format(got, "f"), format(short, "f")) == (text, three), (a, b)


def test_null_and_zero() -> None:
    assert quotient(None, D(1)) is None
    assert quotient(D(1), None) is None
    assert quotient(D(1), D(0)) is None
    assert over(None, Arithmetic(Operator.ADD, X, Literal(D(1)))) is None
    assert over(D(0), Applied(Function.NULLIF, (X, Literal(D(0))))) is None
    assert over(D(5), Applied(Function.NULLIF, (X, Literal(D(0))))) == 5
    assert over(None, Applied(Function.COALESCE, (X, Literal(D(3))))) == 3


def test_sums_and_products_are_exact() -> None:
    large = D("12345678901234567890.123456789")
    digits = str(12345678901234567890123456789**2)
    square = D(f"{digits[:-18]}.{digits[-18:]}")
    assert over(large, Arithmetic(Operator.MULTIPLY, X, X)) == square
    assert over(large, Arithmetic(Operator.SUBTRACT, X, X)) == 0
    assert over(D("-2.5"), Applied(Function.ABS, (X,))) == D("2.5")
    assert over(D("2.5"), Applied(Function.ROUND, (X,))) == 3
    assert over(D("-2.5"), Applied(Function.ROUND, (X,))) == -3


def test_a_cast_makes_double_precision_of_all_that_it_meets() -> None:
    third = Arithmetic(Operator.DIVIDE, Applied(Function.FLOAT, (X,)), Literal(D(3)))
    assert over(D(1), third) == 1 / 3
    assert over(D(1), Applied(Function.NUMERIC, (third,))) == D("0.3333333333333333")
    assert over(2.5, Applied(Function.ROUND, (X,))) == 2


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (D("1.500"), "1.5"),
        (D("1E+3"), "1000"),
        (D("-0.0"), "0"),
        (D("123456789012345678901234567890.10"), "123456789012345678901234567890.1"),
        (0.1, "0.1"),
        (1e22, "10000000000000000000000"),
        (float("nan"), "None"),
        (float("inf"), "None"),
        (D("NaN"), "None"),
        (None, "None"),
    ],
)
def test_figures_have_no_more_digits_than_they_need(given: Number, expected: str) -> None:
    assert str(exact(given)) == expected


def test_what_is_no_number_is_no_number() -> None:
    assert number(True) == 1
    assert plain(True) is True
    with pytest.raises(TypeError):
        number("1")
