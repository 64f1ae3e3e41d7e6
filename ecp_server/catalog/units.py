"""Units of derived metrics: sums and differences need equal ones (catalog.md, Metric)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ecp_server.domain.expressions import Binary, Expression, Name, Unary

# A change of a percentage is given in percentage points.
_SAME = {"percentage_points": "percent"}


def unit_conflicts(tree: Expression, units: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield the pairs of different units that the expression adds or subtracts, given the known units by alias.

    Products, quotients and numbers have no known unit, and what is not known conflicts with nothing.
    """
    if isinstance(tree, Unary):
        yield from unit_conflicts(tree.operand, units)
    elif isinstance(tree, Binary):
        yield from unit_conflicts(tree.left, units)
        yield from unit_conflicts(tree.right, units)
        left, right = _unit(tree.left, units), _unit(tree.right, units)
        if tree.operator in ("+", "-") and left and right and _canonical(left) != _canonical(right):
            yield left, right


def _unit(tree: Expression, units: Mapping[str, str]) -> str:
    if isinstance(tree, Name):
        return units.get(tree.name, "")
    if isinstance(tree, Unary):
        return _unit(tree.operand, units)
    if isinstance(tree, Binary) and tree.operator in ("+", "-"):
        return _unit(tree.left, units) or _unit(tree.right, units)
    return ""


def _canonical(unit: str) -> str:
    folded = unit.casefold()
    return _SAME.get(folded, folded)
