"""The types of CSV columns, by all of their values: numbers are exact, and codes such as 007 stay text."""

from __future__ import annotations

from typing import Final

import duckdb

from ecp_server.stores.semantic.expand import literal, quoted

_MAX_DIGITS: Final = 38
_INTEGER: Final = "-?(0|[1-9][0-9]{0,17})"
_DECIMAL: Final = r"-?(0|[1-9][0-9]{0,36})(\.[0-9]{1,37})?"
_DOUBLE: Final = r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]{1,3})?"
_DAY: Final = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME: Final = _DAY + r"[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
_INSTANT: Final = _TIME + "(Z|[+-][0-9]{2}(:?[0-9]{2})?)"
_BOOLEAN: Final = "(?i)(true|false)"

_PATTERNS: Final = {
    "BOOLEAN": _BOOLEAN,
    "BIGINT": _INTEGER,
    "DECIMAL": _DECIMAL,
    "DOUBLE": _DOUBLE,
    "DATE": _DAY,
    "TIMESTAMP": _TIME,
    "TIMESTAMPTZ": _INSTANT,
}
"""The first that all values match, and can be read as, is a column's type; else it is text."""


def typed_columns(connection: duckdb.DuckDBPyConnection, source: str) -> list[str]:
    """Return the select list that reads the columns of ``source``, all text, as what they are."""
    described = connection.execute(f"DESCRIBE SELECT * FROM {source}").fetchall()
    return [_typed(connection, source, str(name)) for name, *_ in described]


def _typed(connection: duckdb.DuckDBPyConnection, source: str, name: str) -> str:
    column = quoted(name)
    fits = ", ".join(f"bool_and({_fits(column, kind, pattern)})" for kind, pattern in _PATTERNS.items())
    digits = f"max(length(regexp_extract({column}, '^-?([0-9]*)', 1)))"
    scale = f"max(length(regexp_extract({column}, '\\.([0-9]*)$', 1)))"
    row = connection.execute(f"SELECT {digits}, {scale}, {fits} FROM {source} WHERE {column} IS NOT NULL").fetchone()
    whole, fraction, *matches = row if row is not None else (None, None)
    for kind, fit in zip(_PATTERNS, matches, strict=True):
        if fit and kind == "DECIMAL" and whole + fraction <= _MAX_DIGITS:
            return f"CAST({column} AS DECIMAL({_MAX_DIGITS}, {fraction})) AS {column}"
        if fit and kind != "DECIMAL":
            return f"CAST({column} AS {kind}) AS {column}"
    return column


def _fits(column: str, kind: str, pattern: str) -> str:
    trial = "VARCHAR" if kind == "DECIMAL" else kind
    return f"regexp_full_match({column}, {literal(pattern)}) AND TRY_CAST({column} AS {trial}) IS NOT NULL"
