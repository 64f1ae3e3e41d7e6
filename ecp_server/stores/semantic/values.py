"""What engines return, as the port's values: the same from each of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from ecp_server.domain.figures import Value
from ecp_server.stores.semantic.numeric import Number


def exact(number: Number) -> Decimal | None:
    """Return a number with no more digits than it needs; one in double precision by its shortest text.

    What is no number (NaN, infinity) is null.
    """
    if number is None:
        return None
    if isinstance(number, float):
        return exact(Decimal(repr(number))) if math.isfinite(number) else None
    if not number.is_finite():
        return None
    text = format(number, "f")
    return Decimal(text.rstrip("0").rstrip(".") if "." in text else text) if number else Decimal(0)


def number(value: object) -> Number:
    """Return what a database driver has for a number."""
    if isinstance(value, bool | int):
        return Decimal(int(value))
    if value is None or isinstance(value, Decimal | float):
        return value
    raise TypeError(f"a number was expected, not a {type(value).__name__}")


def plain(value: object) -> Value:
    """Return what a database driver has for anything."""
    match value:
        case None | bool() | str():
            return value
        case int() | float() | Decimal():
            return exact(number(value))
        case datetime():
            return value.isoformat(timespec="milliseconds")
        case date():
            return value
        case _:
            return str(value)


def by_keys(rows: Sequence[tuple[Value, ...]], keys: int) -> tuple[tuple[Value, ...], ...]:
    """Return the rows by their first ``keys`` columns: ascending, texts by code points, null last."""
    return tuple(sorted(rows, key=lambda row: tuple((value is None, _sortable(value)) for value in row[:keys])))


def _sortable(value: Value) -> Decimal | str | bool | date:
    return "" if value is None else value
