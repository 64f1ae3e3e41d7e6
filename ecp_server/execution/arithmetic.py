"""Exact arithmetic over the figures of a row; what has no meaning is null, with the reason."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import (
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
)
from typing import Final

from ecp_server.domain.execution import NullReason
from ecp_server.domain.expressions import Binary, Expression, Name, Number, Unary
from ecp_server.domain.frozen import dataclass

DIGITS: Final = 120
"""Enough for products of three figures of a data warehouse, which have 38 digits at most."""
PLACES: Final = 10
"""Decimal places that a quotient without an end is given with."""

EXACT: Final = Context(
    prec=DIGITS, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero, Overflow], clamp=0
)
"""Never the thread's own context, whose precision is a setting of whoever runs us."""

PERCENT: Final = "percent"


@dataclass(frozen=True, slots=True)
class Computed:
    """One value of a computation; ``rounded`` where it has no end and is not given exactly."""

    value: Decimal | NullReason
    rounded: bool = False


def result_of(tree: Expression, row: Mapping[str, Decimal | NullReason], unit: str) -> Computed:
    """Return what an expression gives for a row of figures, by name.

    A null operand makes the result null for the same reason; the first one counts. In percent a negative base means
    nothing, nor does zero.
    """
    context = EXACT.copy()
    context.clear_flags()
    try:
        value = _value(tree, row, unit, context)
    except _Null as null:
        return Computed(null.reason)
    return Computed(value, rounded=bool(context.flags[Inexact]))


def rounded(value: Decimal, decimals: int | None) -> Decimal:
    """Return a figure with that many decimal places, half away from zero; without trailing zeros where None."""
    if decimals is not None:
        cut = _to_places(value, decimals)
        return cut or cut.copy_abs()
    return plain(value)


def is_endless(value: object) -> bool:
    """Tell whether a figure takes all digits that there are, as nothing but a quotient without an end does."""
    return isinstance(value, Decimal) and len(value.as_tuple().digits) >= DIGITS


def plain(value: Decimal) -> Decimal:
    """Return a figure without trailing zeros after the point, and zero without a sign."""
    if value == 0:
        return Decimal(0)
    normal = value.normalize(EXACT)
    exponent = normal.as_tuple().exponent
    return normal if isinstance(exponent, int) and exponent <= 0 else _to_places(normal, 0)


def _to_places(value: Decimal, places: int) -> Decimal:
    """Return a figure with that many decimal places; one in double precision can be longer than `DIGITS`."""
    context = Context(prec=max(DIGITS, value.adjusted() + places + 2), traps=[InvalidOperation])
    return value.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP, context)


class _Null(Exception):
    def __init__(self, reason: NullReason) -> None:
        super().__init__(reason.name)
        self.reason = reason


def _value(tree: Expression, row: Mapping[str, Decimal | NullReason], unit: str, context: Context) -> Decimal:
    if isinstance(tree, Number):
        return tree.value
    if isinstance(tree, Name):
        value = row[tree.name]
        if isinstance(value, NullReason):
            raise _Null(value)
        return value
    if isinstance(tree, Unary) and tree.operator == "-":
        return context.minus(_value(tree.operand, row, unit, context))
    if isinstance(tree, Binary) and tree.operator in _OPERATIONS:
        left = _value(tree.left, row, unit, context)
        right = _value(tree.right, row, unit, context)
        if tree.operator == "/":
            if right == 0:
                raise _Null(NullReason.DIVIDED_BY_ZERO)
            if unit == PERCENT and right < 0:
                raise _Null(NullReason.NON_POSITIVE_BASE)
        return _OPERATIONS[tree.operator](context, left, right)
    raise TypeError(f"{type(tree).__name__} is no arithmetic")  # the parser lets nothing else through


_OPERATIONS: Final[Mapping[str, Callable[[Context, Decimal, Decimal], Decimal]]] = {
    "+": Context.add,
    "-": Context.subtract,
    "*": Context.multiply,
    "/": Context.divide,
}
