"""Queries of a made-up chain of shops (`chain_data`), by chance, with the SQL that must give the same rows.

The SQL is written without a look at the model: one wide join from the cube that the others are reached from, and of
each measure the distinct rows of its cube a key, aggregated.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

import duckdb

from ecp_server.domain.figures import FigureQuery, Value
from ecp_server.domain.frozen import dataclass, replace
from ecp_server.domain.period import Grain
from ecp_server.domain.plan import Filter, FilterOperator
from tests.conformance.chain_data import TABLES

_JOINED: Final = {
    "Orders": "chain.orders o LEFT JOIN chain.customers c ON c.id = o.customer_id LEFT JOIN chain.regions r ON "
    "r.id = c.region_id LEFT JOIN chain.items i ON i.order_id = o.id LEFT JOIN chain.parcels p ON p.order_id = o.id",
    "Customers": "chain.customers c LEFT JOIN chain.regions r ON r.id = c.region_id",
    "Regions": "chain.regions r",
    "Items": "chain.items i",
    "Parcels": "chain.parcels p",
}
_ALIASES: Final = {"Orders": "o", "Customers": "c", "Regions": "r", "Items": "i", "Parcels": "p"}

_DIMENSIONS: Final = {
    "Orders.id": "o.id",
    "Orders.channel": "o.channel",
    "Orders.gift": "o.gift",
    "Orders.rank": "o.rank",
    "Orders.size": "CASE WHEN o.amount >= 50 THEN 'big' WHEN o.amount >= 10 THEN 'middle' ELSE 'small' END",
    "Orders.region": "upper(r.name)",
    "Customers.name": "c.name",
    "Regions.name": "r.name",
    "Items.product": "i.product",
    "Parcels.carrier": "p.carrier",
}
_DAYS: Final = {"Orders.day": "o.day", "Customers.since": "c.since"}
_INSTANT: Final = "Orders.placedAt"


@dataclass(frozen=True, slots=True)
class _Measure:
    aggregate: str
    value: str
    condition: str = "TRUE"


_MEASURES: Final = {
    "Orders.amount": _Measure("sum(v)", "o.amount"),
    "Orders.count": _Measure("count(id)", "1"),
    "Orders.ranked": _Measure("count(v)", "o.rank"),
    "Orders.buyers": _Measure("count(DISTINCT v)", "o.customer_id"),
    "Orders.least": _Measure("min(v)", "o.amount"),
    "Orders.most": _Measure("max(v)", "o.amount"),
    "Orders.gifts": _Measure("sum(v)", "o.amount", "o.gift AND o.channel <> 'shop'"),
    "Orders.giftCount": _Measure("count(v)", "1", "o.gift"),
    "Customers.count": _Measure("count(id)", "1"),
    "Customers.credit": _Measure("sum(v)", "c.credit"),
    "Regions.count": _Measure("count(id)", "1"),
    "Regions.area": _Measure("sum(v)", "r.area"),
    "Items.pieces": _Measure("sum(v)", "i.pieces"),
    "Items.products": _Measure("count(DISTINCT v)", "i.product"),
    "Parcels.weight": _Measure("sum(v)", "p.weight"),
}
_QUOTIENTS: Final = {
    "Orders.mean": ("Orders.amount", "Orders.count", 1),
    "Orders.giftShare": ("Orders.gifts", "Orders.amount", 100),
    "Orders.perPiece": ("Orders.amount", "Items.pieces", 1),
}
"""One measure by another, times a number; every order has an amount."""

_VALUES: Final = {
    "Orders.channel": ["shop", "web", "phone", "none"],
    "Orders.gift": ["true", "false"],
    "Orders.rank": ["1", "2", "3", "9"],
    "Orders.id": ["1", "17", "60", "200"],
    "Orders.size": ["big", "small", "middle"],
    "Orders.region": ["NORTH", "SOUTH", "EAST_%"],
    "Customers.name": ["Ann", "ann", "Zoë", "O'Neil", "50%"],
    "Regions.name": ["North", "South", "East_%"],
    "Items.product": ["007", "7", "tea", "a\\b"],
    "Parcels.carrier": ["post", "bike"],
}
_TEXTS: Final = frozenset(_VALUES) - {"Orders.gift", "Orders.rank", "Orders.id"}
_ZONES: Final = ("UTC", "America/New_York", "Asia/Kolkata")
_COMPARED: Final = {
    FilterOperator.GT: ">",
    FilterOperator.GTE: ">=",
    FilterOperator.LT: "<",
    FilterOperator.LTE: "<=",
}


def generated(seed: int) -> FigureQuery:
    """Return a query made up by chance."""
    chance = random.Random(seed)  # noqa: S311 - as above
    measures = chance.sample([*_MEASURES, *_QUOTIENTS], chance.choice((1, 1, 1, 2, 3)))
    dimensions = chance.sample(list(_DIMENSIONS), chance.choice((0, 0, 1, 1, 2, 3)))
    time_ref = chance.choice(["", *_DAYS, _INSTANT])
    zone = chance.choice(_ZONES)
    start = date(2024, 1, 1) + timedelta(chance.randrange(200))
    bounded = chance.choice(("none", "both", "both", "start", "end")) if time_ref else "none"
    grain = chance.choice([Grain.NONE, Grain.NONE, *list(Grain)[1:]]) if time_ref else Grain.NONE
    query = FigureQuery(
        tuple(measures),
        tuple(dimensions),
        tuple(_condition(chance) for _ in range(chance.choice((0, 0, 1, 1, 2, 3)))),
        time_ref if bounded != "none" or grain is not Grain.NONE else "",
        start if bounded in {"both", "start"} else None,
        start + timedelta(chance.randrange(1, 200)) if bounded in {"both", "end"} else None,
        zone,
        grain,
    )
    # A query has to name the cube that the others are reached from.
    missing = _root(query) not in _cubes(query)
    return replace(query, measures=(*query.measures, "Orders.count")) if missing else query


def _condition(chance: random.Random) -> Filter:
    if chance.random() < 0.2:
        ref = chance.choice([*_DAYS, _INSTANT])
        values = [
            (date(2024, 1, 1) + timedelta(chance.randrange(300))).isoformat() for _ in range(chance.choice((1, 2)))
        ]
        operators = [FilterOperator.EQUALS, FilterOperator.NOT_EQUALS, FilterOperator.SET, *_COMPARED]
    else:
        ref = chance.choice(list(_VALUES))
        values = chance.sample(_VALUES[ref], chance.choice((1, 2)))
        operators = [FilterOperator.EQUALS, FilterOperator.EQUALS, FilterOperator.NOT_EQUALS]
        operators += [FilterOperator.SET, FilterOperator.NOT_SET]
        operators += [FilterOperator.CONTAINS] if ref in _TEXTS else []
        operators += list(_COMPARED) if ref in {"Orders.rank", "Orders.id"} else []
    operator = chance.choice(operators)
    bare = operator in {FilterOperator.SET, FilterOperator.NOT_SET}
    return Filter(ref, operator, () if bare else tuple(values), "question")


class Reference:
    """Answers queries with SQL of its own."""

    def __init__(self, folder: Path) -> None:
        self._connection = duckdb.connect()
        self._connection.execute("SET TimeZone = 'UTC'")
        self._connection.execute("CREATE SCHEMA chain")
        for table in TABLES:
            path = folder / "chain" / f"{table}.parquet"
            self._connection.execute(f"CREATE TABLE chain.{table} AS SELECT * FROM read_parquet('{path}')")  # noqa: S608

    def rows(self, query: FigureQuery) -> Sequence[tuple[Any, ...]]:
        """Return the rows by their keys; quotients as exact fractions."""
        wanted = dict.fromkeys(part for measure in query.measures for part in _parts(measure))
        found = {name: self._measured(name, query) for name in wanted}
        keys = dict.fromkeys(key for answers in found.values() for key in answers)
        rows = [(*key, *(self._value(measure, key, found) for measure in query.measures)) for key in keys]
        count = len(query.dimensions) + (query.granularity is not Grain.NONE)
        return sorted(rows, key=lambda row: tuple((v is None, "" if v is None else v) for v in row[:count]))

    def _value(self, measure: str, key: tuple[Any, ...], found: Mapping[str, Mapping[tuple[Any, ...], Any]]) -> Any:
        if measure not in _QUOTIENTS:
            return found[measure].get(key, 0 if "count" in _MEASURES[measure].aggregate else None)
        dividend, divisor, factor = _QUOTIENTS[measure]
        over, under = found[dividend].get(key), found[divisor].get(key)
        return None if over is None or not under else Fraction(over) / Fraction(under) * factor

    def _measured(self, name: str, query: FigureQuery) -> Mapping[tuple[Any, ...], Any]:
        measure = _MEASURES[name]
        alias = _ALIASES[name.partition(".")[0]]
        keys = [_DIMENSIONS[d] for d in query.dimensions]
        if query.granularity is not Grain.NONE:
            keys.append(f"date_trunc('{query.granularity.name}', {_day(query.time_ref, query.time_zone)})::DATE")
        named = [f"{key} AS k{n}" for n, key in enumerate(keys)]
        values: list[Any] = []
        conditions = [_written(asked, query.time_zone, values) for asked in query.filters]
        for sign, bound in ((">=", query.start), ("<", query.end)):
            if bound is not None:
                conditions.append(f"{_day(query.time_ref, query.time_zone)} {sign} DATE '{bound}'")
        value = f"CASE WHEN {measure.condition} THEN {measure.value} END AS v"
        columns = ", ".join([*named, f"{alias}.id AS id", value])
        inner = f"SELECT DISTINCT {columns} FROM {_JOINED[_root(query)]}"  # noqa: S608 - ours
        inner += f" WHERE {' AND '.join(conditions)}" if conditions else ""
        group = ", ".join(f"k{n}" for n in range(len(keys)))
        sql = f"SELECT {f'{group}, ' if group else ''}{measure.aggregate} FROM ({inner})"  # noqa: S608 - ours
        rows = self._connection.execute(sql + (f" GROUP BY {group}" if group else ""), values).fetchall()
        return {tuple(row[:-1]): row[-1] for row in rows}


def _parts(measure: str) -> tuple[str, ...]:
    return _QUOTIENTS[measure][:2] if measure in _QUOTIENTS else (measure,)


def _cubes(query: FigureQuery) -> set[str]:
    """Return the cubes whose rows a query needs."""
    addresses = [*query.measures, *query.dimensions, *(f.ref for f in query.filters), query.time_ref]
    own = {address.partition(".")[0] for address in addresses if address and address != "Orders.region"}
    others = {"Items"} if "Orders.perPiece" in addresses else set()
    return own | others | ({"Regions"} if "Orders.region" in addresses else set())


def _root(query: FigureQuery) -> str:
    """Return the cube that all others are reached from."""
    cubes = _cubes(query)
    if len(cubes) == 1:
        return cubes.pop()
    return "Customers" if cubes <= {"Customers", "Regions"} else "Orders"


def _day(ref: str, zone: str) -> str:
    return _DAYS.get(ref) or f"CAST((o.placed_at AT TIME ZONE 'UTC') AT TIME ZONE '{zone}' AS DATE)"


def _written(asked: Filter, zone: str, values: list[Any]) -> str:
    is_time = asked.ref not in _DIMENSIONS
    column = _day(asked.ref, zone) if is_time else f"({_DIMENSIONS[asked.ref]})"
    if asked.operator is FilterOperator.SET:
        return f"{column} IS NOT NULL"
    if asked.operator is FilterOperator.NOT_SET:
        return f"{column} IS NULL"
    values += [value.lower() if asked.operator is FilterOperator.CONTAINS else value for value in asked.values]
    mark = "CAST(? AS DATE)" if is_time else "CAST(? AS BIGINT)" if asked.ref in {"Orders.id", "Orders.rank"} else "?"
    mark = "CAST(? AS BOOLEAN)" if asked.ref == "Orders.gift" else mark
    if asked.operator is FilterOperator.EQUALS:
        return "(" + " OR ".join([f"{column} = {mark}"] * len(asked.values)) + ")"
    if asked.operator is FilterOperator.NOT_EQUALS:
        return "(" + " AND ".join([f"{column} IS DISTINCT FROM {mark}"] * len(asked.values)) + ")"
    if asked.operator is FilterOperator.CONTAINS:
        return "(" + " OR ".join([f"position({mark} IN lower({column})) > 0"] * len(asked.values)) + ")"
    return "(" + " OR ".join([f"{column} {_COMPARED[asked.operator]} {mark}"] * len(asked.values)) + ")"


def same(got: Value, expected: Any) -> bool:
    """Tell whether a value is what it must be; a quotient is right to 15 digits at least."""
    if isinstance(expected, Fraction):
        return isinstance(got, Decimal) and abs(Fraction(got) - expected) <= abs(expected) / 10**15
    if expected is None or isinstance(expected, bool | str | date):
        return got == expected
    return isinstance(got, Decimal) and got == expected
