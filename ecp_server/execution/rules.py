"""Evaluates the condition of a rule on what was found."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final

from ecp_server.domain.expressions import Binary, Expression, Name, Number, RowValue, Unary
from ecp_server.domain.frozen import dataclass
from ecp_server.execution.arithmetic import EXACT


@dataclass(frozen=True, slots=True)
class Seen:
    """What a condition is about: each is None where it is null or not known."""

    value: Decimal | None = None
    rows: Decimal | None = None
    age_hours: Decimal | None = None
    dimensions: Mapping[str, Decimal | None] | None = None
    """Of the row at hand."""


def holds(condition: Expression, seen: Seen) -> bool | None:
    """Return whether a condition holds; None where that depends on something that is not known."""
    if isinstance(condition, Unary):
        if condition.operator == "not":
            inner = holds(condition.operand, seen)
            return None if inner is None else not inner
    elif isinstance(condition, Binary):
        if condition.operator in ("and", "or"):
            return _joined(condition.operator, (holds(condition.left, seen), holds(condition.right, seen)))
        left, right = _quantity(condition.left, seen), _quantity(condition.right, seen)
        return None if left is None or right is None else _COMPARISONS[condition.operator](left, right)
    raise TypeError(f"{type(condition).__name__} is no condition")  # the parser lets nothing else through


def _joined(operator: str, verdicts: tuple[bool | None, ...]) -> bool | None:
    """Join as SQL does: what decides alone does so whatever is not known of the other."""
    decisive = operator == "or"
    if decisive in verdicts:
        return decisive
    return None if None in verdicts else not decisive


def _quantity(tree: Expression, seen: Seen) -> Decimal | None:
    if isinstance(tree, Number):
        return tree.value
    if isinstance(tree, RowValue):
        return (seen.dimensions or {}).get(tree.dimension)
    if isinstance(tree, Name):
        return {"value": seen.value, "rows": seen.rows, "age_hours": seen.age_hours}[tree.name]
    if isinstance(tree, Unary) and tree.operator == "-":
        inner = _quantity(tree.operand, seen)
        return None if inner is None else EXACT.minus(inner)
    raise TypeError(f"{type(tree).__name__} is no quantity")  # the parser lets nothing else through


_COMPARISONS: Final[Mapping[str, Callable[[Decimal, Decimal], bool]]] = {
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    ">": lambda left, right: left > right,
    ">=": lambda left, right: left >= right,
    "==": lambda left, right: left == right,
    "!=": lambda left, right: left != right,
}
