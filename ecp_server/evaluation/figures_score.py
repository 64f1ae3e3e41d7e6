"""Compares figures with what was expected of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation

from ecp_server.evaluation.plan_score import Difference
from ecp_server.evaluation.reply import Figures, Json, Refusal

Expected = Mapping[str, str | tuple[str | None, ...] | None]
"""Column to its only value, or to the values of all rows; None is null."""

_WIDE = Context(prec=120)


def score_figures(expected: Expected, executed: Figures | Refusal) -> Iterator[Difference]:
    """Return where a table differs; columns that are not stated are not looked at."""
    if isinstance(executed, Refusal):
        yield "figures", "a table", f"{executed.reason} ({executed.message})"
        return
    columns = {column["name"]: _values(column) for column in executed.columns}
    for name, value in expected.items():
        wanted = list(value) if isinstance(value, tuple) else [value]
        if name not in columns:
            yield f"figures.{name}", wanted, f"there are {sorted(columns)}"
        elif not _same(wanted, columns[name]):
            yield f"figures.{name}", wanted, columns[name]


def _values(column: Json) -> list[str | None]:
    null = set(column.get("null_rows", ()))
    return [None if row in null else value for row, value in enumerate(column.get("values", ()))]


def _same(wanted: Sequence[str | None], given: Sequence[str | None]) -> bool:
    return len(wanted) == len(given) and all(_alike(*pair) for pair in zip(wanted, given, strict=True))


def _alike(wanted: str | None, given: str | None) -> bool:
    """Compare numbers to as many decimal places as the expectation states; everything else as it is."""
    if wanted is None or given is None:
        return wanted is given
    try:
        stated, found = Decimal(wanted), Decimal(given)
        return stated == found.quantize(stated, ROUND_HALF_UP, _WIDE)
    except InvalidOperation:
        return wanted == given
