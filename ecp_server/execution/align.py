"""Brings the rows of all queries together by key: one row for each key that any of them has."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from ecp_server.domain.execution import Cell, NullReason
from ecp_server.domain.frozen import dataclass
from ecp_server.domain.plan import SemanticQuery
from ecp_server.execution.draft import Draft, Key, QueryRows

Row = dict[str, Cell]
"""Values by the column's name; under the key of the period the position of the part."""

_Rank = tuple[int, int, Decimal, str]


@dataclass(frozen=True, slots=True)
class Aligned:
    """The rows of a table, in the order of their keys."""

    keys: tuple[str, ...]
    rows: tuple[Row, ...]


def align(draft: Draft) -> Aligned:
    """Return the rows of all queries, matched by key.

    A query that lacks a key is repeated on every row; a value that a query does not have is null, because it has no
    such row.
    """
    keys = tuple(key for key in draft.plan.alignment.keys if any(key in result.keys for result in draft.results))
    found: dict[Key, None] = {}
    for result in draft.results:
        if set(result.keys) >= set(keys):
            positions = [result.keys.index(key) for key in keys]
            found |= dict.fromkeys(tuple(row[at] for at in positions) for row in result.rows)
    ranks = _listed(draft.plan.queries)

    def rank(key: Key) -> tuple[_Rank, ...]:
        return tuple(_rank(name, cell, ranks) for name, cell in zip(keys, key, strict=True))

    rows: list[Row] = []
    for key in sorted(found, key=rank):
        row = dict(zip(keys, key, strict=True))
        for query, result in zip(draft.plan.queries, draft.results, strict=True):
            elsewhere = any(other is not result and _has(other, key, keys) for other in draft.results)
            row |= _values(query, result, row, draft.masked(query), elsewhere=elsewhere)
        rows.append(row)
    return Aligned(keys, tuple(rows))


def _has(result: QueryRows, key: Key, keys: Sequence[str]) -> bool:
    """Tell whether a query that has all keys has data for this one."""
    return set(result.keys) >= set(keys) and tuple(key[keys.index(name)] for name in result.keys) in result.found


def _values(query: SemanticQuery, result: QueryRows, row: Row, masked: frozenset[str], *, elsewhere: bool) -> Row:
    """Return the values of a query in a row; where it has none and another query does, it lacks the row."""
    key = tuple(row[name] for name in result.keys)
    values = result.rows.get(key)
    if values is not None and (key in result.found or not elsewhere):
        return dict(values)
    if values is not None:
        return {n: NullReason.NO_PARTNER if v is NullReason.SOURCE_NULL else v for n, v in values.items()}
    return {m.name: NullReason.MASKED if m.ref in masked else NullReason.NO_PARTNER for m in query.measures}


def _listed(queries: Sequence[SemanticQuery]) -> dict[tuple[str, str], int]:
    """Return the places of the members that the plan lists, which is the catalog's order."""
    listed: dict[tuple[str, str], int] = {}
    for query in queries:
        for group in query.group_by:
            for bucket in group.buckets:
                listed.setdefault((group.dimension, bucket.member_id), len(listed))
    return listed


def _rank(name: str, cell: Cell, listed: dict[tuple[str, str], int]) -> _Rank:
    """Order listed members as they are listed, then numbers by value, then the rest by its text, null last."""
    if isinstance(cell, NullReason):
        return 3, 0, Decimal(0), ""
    if isinstance(cell, str):
        place = listed.get((name, cell))
        return (0, place, Decimal(0), "") if place is not None else (2, 0, Decimal(0), cell)
    if isinstance(cell, date):
        return 2, 0, Decimal(0), cell.isoformat()
    return 1, 0, Decimal(cell), ""
