"""Arithmetic over measures, to the digit as PostgreSQL does it: exact, but for quotients, which get at least 16 digits.

So a figure is the same whichever engine computed what it is made of.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from typing import Final

from ecp_server.domain.semantic import Applied, Arithmetic, Function, Literal, MeasureExpression, MemberRef, Operator

Number = Decimal | float | None
"""An exact number, one in double precision, or null."""

_EXACT: Final = Context(prec=2000)
_SIGNIFICANT_DIGITS: Final = 16
_BASE: Final = 10_000
_BASE_DIGITS: Final = 4
_MAX_SCALE: Final = 1000


def evaluated(expression: MeasureExpression, measure: Callable[[MemberRef], Number]) -> Number:
    """Return the value of an expression over measures. What is divided by zero is null."""
    match expression:
        case Literal():
            return expression.value
        case MemberRef():
            return measure(expression)
        case Applied():
            return _applied(expression.function, [evaluated(a, measure) for a in expression.arguments])
        case Arithmetic():
            left, right = evaluated(expression.left, measure), evaluated(expression.right, measure)
            return None if left is None or right is None else _arithmetic(expression.operator, left, right)


def quotient(dividend: Number, divisor: Number) -> Number:
    """Return a quotient; null where either is, or the divisor is zero."""
    if dividend is None or divisor is None:
        return None
    return _arithmetic(Operator.DIVIDE, dividend, divisor)


def _applied(function: Function, arguments: list[Number]) -> Number:
    first = arguments[0]
    if function is Function.COALESCE:
        first = next((argument for argument in arguments if argument is not None), None)
    if first is None or (function is Function.NULLIF and first == arguments[1]):
        return None
    if function is Function.ROUND:
        return _rounded(first, int(arguments[1] or 0) if len(arguments) > 1 else 0)
    if function is Function.NUMERIC and isinstance(first, float):
        return Decimal(repr(first))
    if function is Function.ABS and first < 0:
        return -first
    return float(first) if function is Function.FLOAT else first


def _rounded(number: Decimal | float, digits: int) -> Number:
    if isinstance(number, float):
        return float(round(number))  # half to even, as PostgreSQL rounds double precision
    with localcontext(_EXACT):
        return _to_scale(number, digits)


def _arithmetic(operator: Operator, left: Decimal | float, right: Decimal | float) -> Number:
    if isinstance(left, float) or isinstance(right, float):
        return _in_double_precision(operator, float(left), float(right))
    with localcontext(_EXACT):
        match operator:
            case Operator.ADD:
                return left + right
            case Operator.SUBTRACT:
                return left - right
            case Operator.MULTIPLY:
                return left * right
            case Operator.DIVIDE:
                return _divided(left, right) if right else None


def _in_double_precision(operator: Operator, left: float, right: float) -> Number:
    match operator:
        case Operator.ADD:
            return left + right
        case Operator.SUBTRACT:
            return left - right
        case Operator.MULTIPLY:
            return left * right
        case Operator.DIVIDE:
            return left / right if right else None


def _divided(left: Decimal, right: Decimal) -> Decimal:
    """Divide to the scale that PostgreSQL chooses (`select_div_scale` in its numeric.c)."""
    weight_left, first_left = _leading(left)
    weight_right, first_right = _leading(right)
    weight = weight_left - weight_right - (1 if first_left <= first_right else 0)
    scale = max(_SIGNIFICANT_DIGITS - weight * _BASE_DIGITS, _scale(left), _scale(right), 0)
    scale = min(scale, _MAX_SCALE)
    return _to_scale(left / right, scale)


def _to_scale(number: Decimal, scale: int) -> Decimal:
    rounded = number.quantize(Decimal(1).scaleb(-scale), rounding=ROUND_HALF_UP)
    return rounded or abs(rounded)  # PostgreSQL knows no negative zero


def _leading(number: Decimal) -> tuple[int, int]:
    """Return the weight and the value of the first digit in base 10,000."""
    if not number:
        return 0, 0
    weight = number.adjusted() // _BASE_DIGITS
    return weight, int(abs(number).scaleb(-weight * _BASE_DIGITS)) % _BASE


def _scale(number: Decimal) -> int:
    exponent = number.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0
