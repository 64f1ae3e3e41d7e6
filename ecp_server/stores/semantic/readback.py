"""Reads a statement as the engine parsed it, and says which query it is: what `Figures.executed` holds.

It knows the statement's text and parameters alone, not the query that it was written for, so that a condition that was
lost on the way is found missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final

from ecp_server.domain.errors import StoreQueryFailed
from ecp_server.domain.figures import FigureQuery
from ecp_server.domain.frozen import dataclass, replace
from ecp_server.domain.period import Grain
from ecp_server.domain.plan import Filter, FilterOperator
from ecp_server.domain.provenance import StoreKind
from ecp_server.domain.semantic import SemanticModel
from ecp_server.stores.semantic.conditions import Parameter
from ecp_server.stores.semantic.expand import COUNT, SUM
from ecp_server.stores.semantic.statement import PERIOD, leaves, measure_ref

Node = Mapping[str, Any]
"""A node of the engine's syntax tree, as JSON."""

_COMPARED: Final = {
    "COMPARE_GREATERTHAN": FilterOperator.GT,
    "COMPARE_GREATERTHANOREQUALTO": FilterOperator.GTE,
    "COMPARE_LESSTHAN": FilterOperator.LT,
    "COMPARE_LESSTHANOREQUALTO": FilterOperator.LTE,
    "COMPARE_EQUAL": FilterOperator.EQUALS,
}
_NULLNESS: Final = {"OPERATOR_IS_NOT_NULL": FilterOperator.SET, "OPERATOR_IS_NULL": FilterOperator.NOT_SET}


@dataclass(frozen=True, slots=True)
class Read:
    """What one statement does."""

    dimensions: tuple[str, ...]
    aggregates: frozenset[str]
    """Addresses of the measures that it aggregates."""
    filters: tuple[Filter, ...]
    granularity: Grain
    period_ref: str
    """The dimension that is broken into parts; "" where none is."""


def executed(read: Sequence[Read], asked: FigureQuery, model: SemanticModel) -> FigureQuery:
    """Return the query that several statements make together.

    What ``asked`` gives is only how to name it: zone and limit, of which a statement does not tell; and which of two
    conditions on the period's dimension are its bounds: the last ones.
    """
    first = read[0]
    filters = [f for f in first.filters if all(f in other.filters for other in read)]
    end = _bound(filters, FilterOperator.LT, asked.time_ref) if asked.end is not None else None
    start = _bound(filters, FilterOperator.GTE, asked.time_ref) if asked.start is not None else None
    aggregated = frozenset(address for statement in read for address in statement.aggregates)
    return replace(
        asked,
        measures=tuple(
            address
            for address in asked.measures
            if all(leaf.address in aggregated for leaf in leaves(model, measure_ref(model, address)))
        ),
        dimensions=first.dimensions,
        filters=tuple(filters),
        time_ref=first.period_ref or (asked.time_ref if start is not None or end is not None else ""),
        start=start,
        end=end,
        granularity=first.granularity,
    )


def read_back(tree: Node, parameters: Sequence[Parameter]) -> Read:
    """Return what a statement does. Raises `StoreQueryFailed` where it is none that `statement` writes."""
    try:
        (only,) = tree["statements"]
        return _read(only["node"], parameters)
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise StoreQueryFailed(StoreKind.SEMANTIC) from error


def _read(node: Node, parameters: Sequence[Parameter]) -> Read:
    selected: list[Node] = node["select_list"]
    source: Node = node["from_table"]
    where = node["where_clause"]
    if source["type"] == "JOIN":  # of what was found by primary keys with the cube's rows
        found = source["left"]["subquery"]["node"]
        where = found["where_clause"]
        worked_out = {item["alias"]: item for item in found["select_list"] if item["alias"]}
        selected = [worked_out.get(item["column_names"][-1], item) if _is_column(item) else item for item in selected]
    dimensions: list[str] = []
    aggregates: set[str] = set()
    granularity, period_ref = Grain.NONE, ""
    for item in selected:
        if item["alias"] == PERIOD:
            unit, column = (argument["expression"] for argument in item["child"]["arguments"])
            granularity, period_ref = Grain[_text(unit).upper()], _column(column)
        elif _is_column(item):
            dimensions.append(_column(item))
        else:
            aggregates.add(item["alias"].removesuffix(SUM).removesuffix(COUNT))
    filters = tuple(_condition(part, parameters) for part in _conjuncts(where))
    return Read(tuple(dimensions), frozenset(aggregates), filters, granularity, period_ref)


def _conjuncts(where: Node | None) -> Sequence[Node]:
    if where is None:
        return ()
    return where["children"] if where["type"] == "CONJUNCTION_AND" else (where,)


def _condition(node: Node, parameters: Sequence[Parameter]) -> Filter:
    kind = node["type"]
    if kind in _NULLNESS:
        return Filter(_column(node["children"][0]), _NULLNESS[kind], (), "")
    if kind == "COMPARE_IN":
        column, *values = node["children"]
        return _filter(column, FilterOperator.EQUALS, values, parameters)
    if kind in _COMPARED:
        return _filter(node["left"], _COMPARED[kind], [node["right"]], parameters)
    if kind == "FUNCTION" and node["function_name"] == "contains":
        column, value = (_argument(argument["expression"]) for argument in node["arguments"])
        return _filter(column, FilterOperator.CONTAINS, [value], parameters)
    if kind == "CONJUNCTION_OR":
        return _alternatives(node["children"], parameters)
    raise ValueError(f"no condition: {kind}")


def _alternatives(nodes: Sequence[Node], parameters: Sequence[Parameter]) -> Filter:
    """Read `IS NULL OR NOT IN (…)`, or one comparison with several values."""
    if nodes[0]["type"] == "OPERATOR_IS_NULL":
        _, other = nodes
        if other["type"] in {"COMPARE_NOT_IN", "COMPARE_NOTEQUAL"}:
            column, *values = other.get("children") or (other["left"], other["right"])
        else:
            column, *values = other["children"][0]["children"]
        if _column(nodes[0]["children"][0]) != _column(column):
            raise ValueError("two columns in one condition")
        return _filter(column, FilterOperator.NOT_EQUALS, values, parameters)
    parts = [_condition(node, parameters) for node in nodes]
    if len({(part.ref, part.operator) for part in parts}) != 1:
        raise ValueError("two conditions in one")
    return replace(parts[0], values=tuple(value for part in parts for value in part.values))


def _filter(column: Node, operator: FilterOperator, values: Sequence[Node], parameters: Sequence[Parameter]) -> Filter:
    return Filter(_column(column), operator, tuple(_parameter(value, parameters) for value in values), "")


def _parameter(node: Node, parameters: Sequence[Parameter]) -> str:
    if node["type"] != "VALUE_PARAMETER":
        raise ValueError("a value that is no parameter")
    value = parameters[int(node["identifier"]) - 1]
    match value:
        case bool():
            return str(value).lower()
        case date():
            return value.isoformat()
        case Decimal():
            return str(value)
        case str():
            return value


def _argument(node: Node) -> Node:
    """Return what `lower` is applied to."""
    if node["function_name"] != "lower":
        raise ValueError("a case that matters")
    inner: Node = node["arguments"][0]["expression"]
    return inner


def _is_column(node: Node) -> bool:
    return bool(node["type"] == "COLUMN_REF")


def _column(node: Node) -> str:
    if not _is_column(node):
        raise ValueError("no column")
    return str(node["column_names"][-1])


def _text(node: Node) -> str:
    constant = node["literal"] if "literal" in node else node["value"]["value"]
    return str(constant["text"] if isinstance(constant, Mapping) else constant)


def _bound(filters: list[Filter], operator: FilterOperator, ref: str) -> date | None:
    """Take the last condition of a kind on the period's dimension out of the filters, and return its day."""
    for position in range(len(filters) - 1, -1, -1):
        found = filters[position]
        if found.ref == ref and found.operator is operator and len(found.values) == 1:
            del filters[position]
            return date.fromisoformat(found.values[0])
    return None
