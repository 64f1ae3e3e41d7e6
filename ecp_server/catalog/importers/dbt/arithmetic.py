"""Reads what a derived metric computes as the arithmetic that catalogs know."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from ecp_server.catalog.importers.dbt.sql import SqlError, SqlReader
from ecp_server.domain.expressions import ExpressionError, Name, parse_derived, walk

_LEVELS: Final = {"+": 1, "-": 1, "*": 2, "/": 2}
_DIVISOR: Final = 3
_NUMBER: Final = re.compile(r"(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)", re.ASCII)
# A cast that only says that there may be digits after the point: figures here are exact anyway.
_EXACT_TYPES: Final = frozenset({"FLOAT", "DOUBLE", "REAL", "DECIMAL", "NUMERIC"})
_ZEROS: Final = frozenset({"0", "0.0"})
_MOST_SIGNS: Final = 50


class NotArithmetic(Exception):
    """The expression does more than catalogs can; the message says what."""


def arithmetic(text: str, names: Sequence[str], sql: SqlReader) -> str:
    """Return an expression over ``names`` with + - * / and parentheses, as written where it is that already.

    `a / nullif(b, 0)` is `a / b`, which is undefined here too where b is 0.

    Raises:
        NotArithmetic: it does something else, or names what is none of ``names``.
    """
    plain = _plain(text)
    if plain is None:
        try:
            plain = _written(sql.expression(text).tree, 0, _MOST_SIGNS)
        except SqlError as error:
            raise NotArithmetic(str(error)) from None
        if _plain(plain) is None:
            raise NotArithmetic("is longer or deeper than catalogs take")
    used = {part.name for part in walk(parse_derived(plain)) if isinstance(part, Name)}
    if not used:
        raise NotArithmetic("uses none of its inputs")
    known = {name.casefold(): name for name in names}
    for name in sorted(used):
        if name.casefold() not in known:
            raise NotArithmetic(f"names {name}, which is none of its inputs")
    return re.sub(r"[^\W\d]\w*", lambda match: known.get(match[0].casefold(), match[0]), plain)


def _plain(text: str) -> str | None:
    try:
        parse_derived(text)
    except ExpressionError:
        return None
    return " ".join(text.split())


def _written(tree: Mapping[str, Any], floor: int, signs: int) -> str:
    """Return a tree as text, in parentheses where it binds less than ``floor``."""
    if signs == 0:
        raise NotArithmetic("is nested too deep")
    match tree.get("class"):
        case "COLUMN_REF":
            return str(tree["column_names"][-1])
        case "CONSTANT" if _NUMBER.fullmatch(str((tree.get("literal") or {}).get("text"))):
            return str(tree["literal"]["text"])
        case "CAST" if _keeps_digits(tree):
            return _written(tree["child"], floor, signs - 1)
        case "FUNCTION":
            return _function(tree, floor, signs)
        case other:
            raise NotArithmetic(f"does more than + - * / ({str(other).casefold()})")


def _function(tree: Mapping[str, Any], floor: int, signs: int) -> str:
    name = str(tree["function_name"]).casefold()
    arguments = [argument["expression"] for argument in tree["arguments"]]
    if name == "-" and len(arguments) == 1:
        return f"(-{_written(arguments[0], _DIVISOR, signs - 1)})"
    level = _LEVELS.get(name)
    if level is None or len(arguments) != 2:  # noqa: PLR2004 - a sign stands between two
        raise NotArithmetic(f"does more than + - * / ({name})")
    left, right = arguments
    if name == "/":
        right = _without_nullif(right)
    text = f"{_written(left, level, signs - 1)} {name} {_written(right, level + 1, signs - 1)}"
    return f"({text})" if level < floor else text


def _without_nullif(tree: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what `nullif(x, 0)` divides by."""
    if tree.get("class") == "CAST" and _keeps_digits(tree):
        return _without_nullif(tree["child"])
    if tree.get("class") != "FUNCTION" or str(tree["function_name"]).casefold() != "nullif":
        return tree
    divisor, zero = (argument["expression"] for argument in tree["arguments"])
    if (zero.get("literal") or {}).get("text") not in _ZEROS:
        raise NotArithmetic("does more than + - * / (nullif)")
    found: Mapping[str, Any] = divisor
    return found


def _keeps_digits(cast: Mapping[str, Any]) -> bool:
    """Tell whether a cast changes no figure: a decimal with a scale rounds."""
    kind = cast.get("type_expr") or {}
    return str(kind.get("type_name", "")).upper() in _EXACT_TYPES and not kind.get("children")
