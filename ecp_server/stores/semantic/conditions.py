"""Conditions of queries as SQL with parameters."""

from __future__ import annotations

from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Final

from ecp_server.domain.errors import StoreQueryFailed
from ecp_server.domain.plan import Filter, FilterOperator
from ecp_server.domain.provenance import StoreKind
from ecp_server.domain.semantic import DimensionType
from ecp_server.stores.semantic.expand import quoted

Parameter = str | Decimal | date | bool

COMPARISONS: Final = {
    FilterOperator.GT: ">",
    FilterOperator.GTE: ">=",
    FilterOperator.LT: "<",
    FilterOperator.LTE: "<=",
}
WITHOUT_VALUES: Final = {FilterOperator.SET: "IS NOT NULL", FilterOperator.NOT_SET: "IS NULL"}

_BOOLEANS: Final = {"true": True, "false": False}
_ORDERED: Final = frozenset({DimensionType.NUMBER, DimensionType.TIME, DimensionType.STRING})


def condition(asked: Filter, kind: DimensionType) -> tuple[str, tuple[Parameter, ...]]:
    """Return a condition over the column named by the filter's address, and its parameters.

    Raises `StoreQueryFailed` for values that are none of the dimension's type, and for none where some are needed: a
    condition that cannot be said must not fall away.
    """
    column = quoted(asked.ref)
    if asked.operator in WITHOUT_VALUES:
        return f"{column} {WITHOUT_VALUES[asked.operator]}", ()
    if not asked.values:
        raise StoreQueryFailed(StoreKind.SEMANTIC)
    values = tuple(parameter(value, kind) for value in asked.values)
    marks = ", ".join("?" * len(values))
    match asked.operator:
        case FilterOperator.EQUALS:
            return f"{column} IN ({marks})", values
        case FilterOperator.NOT_EQUALS:
            return f"({column} IS NULL OR {column} NOT IN ({marks}))", values
        case FilterOperator.CONTAINS if kind is DimensionType.STRING:
            # No pattern, so that no character of a value is a wildcard.
            return _any_of(f"contains(lower({column}), lower(?))", len(values)), values
        case FilterOperator.GT | FilterOperator.GTE | FilterOperator.LT | FilterOperator.LTE if kind in _ORDERED:
            return _any_of(f"{column} {COMPARISONS[asked.operator]} ?", len(values)), values
        case _:
            raise StoreQueryFailed(StoreKind.SEMANTIC)


def parameter(value: str, kind: DimensionType) -> Parameter:
    """Return a filter's value as one of the dimension's type; a time is a day. Raises `StoreQueryFailed`."""
    try:
        match kind:
            case DimensionType.STRING:
                return value
            case DimensionType.NUMBER:
                return _finite(Decimal(value))
            case DimensionType.TIME:
                return date.fromisoformat(value)
            case DimensionType.BOOLEAN:
                return _BOOLEANS[value]
    except (ValueError, InvalidOperation, KeyError) as error:
        raise StoreQueryFailed(StoreKind.SEMANTIC) from error


def _finite(number: Decimal) -> Decimal:
    if not number.is_finite():
        raise ValueError("a number that is compared has an end")
    return number


def _any_of(one: str, count: int) -> str:
    return one if count == 1 else "(" + " OR ".join([one] * count) + ")"
