"""Reads SQL expressions as a parser reads them: which columns they name, and that they do nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

import duckdb

# The parser takes time in the square of the nesting: 1 s for a thousand open parentheses, 50 ms within these bounds.
_LONGEST: Final = 8_000
_DEEPEST: Final = 100
_PREFIX: Final = "SELECT "
_IDENTIFIER: Final = re.compile(r'"(?:[^"]|"")*"|[^\W\d][\w$]*')
_WORD: Final = re.compile(r"[a-z_][a-z0-9_]*", re.ASCII)
_QUOTED: Final = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*\"""")
# What ends, or hides, the rest of a query that an expression is put into.
_BREAKING: Final = re.compile(r"--|/\*|\*/|[;$?\\\x00]")
# Written like columns, but none.
_VALUES: Final = frozenset({"current_date", "current_time", "current_timestamp", "localtime", "localtimestamp"})
_EXPRESSIONS: Final = frozenset(
    {"COLUMN_REF", "CONSTANT", "FUNCTION", "OPERATOR", "CAST", "CASE", "COMPARISON", "CONJUNCTION", "BETWEEN", "TYPE"}
)


class SqlError(Exception):
    """An expression is not carried; the message says why."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column that an expression names."""

    names: tuple[str, ...]
    """The name, behind the table's where that is said."""
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression over the columns of one row."""

    text: str
    tree: Mapping[str, Any]
    """As DuckDB's parser writes it."""
    columns: tuple[Column, ...]

    def with_columns(self, written: Callable[[tuple[str, ...], str], str]) -> str:
        """Return its text, each column as ``written`` makes of its names and of how it stands there."""
        text, position = [], 0
        for column in self.columns:
            text += [self.text[position : column.start], written(column.names, self.text[column.start : column.end])]
            position = column.end
        return "".join([*text, self.text[position:]])

    @property
    def constant(self) -> str | None:
        """Return the value where it is no more than one, e.g. "1"."""
        value = self.tree.get("literal") if self.tree.get("class") == "CONSTANT" else None
        return str(value.get("text")) if isinstance(value, Mapping) and value.get("kind") != "NULL" else None


class SqlReader:
    """DuckDB's parser, which runs nothing."""

    def __init__(self) -> None:
        self._read: dict[str, Expression] = {}

    def __enter__(self) -> Self:
        self._connection = duckdb.connect(
            ":memory:",
            config={
                "autoinstall_known_extensions": "false",
                "autoload_known_extensions": "false",
                "enable_external_access": "false",
                "max_expression_depth": str(_DEEPEST),
                "threads": "1",
            },
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def expression(self, text: str) -> Expression:
        """Return an expression over columns.

        Raises:
            SqlError: it is none, or more than one; or it reads tables of its own, or breaks out of what it stands in.
        """
        if text not in self._read:
            self._read[text] = self._expression(text)
        return self._read[text]

    def _expression(self, text: str) -> Expression:
        _check_text(text)
        try:
            tree = self._tree(text)
        except SqlError:
            if not _WORD.fullmatch(text):
                raise
            text = f'"{text}"'  # a column that is called like a word of SQL, e.g. order
            tree = self._tree(text)
        columns = tuple(sorted(_columns(tree, text), key=lambda column: column.start))
        return Expression(text, tree, columns)

    def _tree(self, text: str) -> Mapping[str, Any]:
        try:
            found = self._connection.execute("SELECT json_serialize_sql(?)", [f"{_PREFIX}{text}"]).fetchone()
            parsed = json.loads(found[0]) if found is not None else {}
        except (duckdb.Error, RecursionError):
            raise SqlError("is no SQL expression that can be read") from None
        if parsed.get("error") is not False:
            raise SqlError(f"is no SQL expression that can be read: {_first_line(parsed.get('error_message'))}")
        statements = parsed["statements"]
        node = statements[0]["node"] if len(statements) == 1 else {}
        extras = ("where_clause", "group_expressions", "having", "qualify", "sample", "modifiers", "group_sets")
        if (
            node.get("type") != "SELECT_NODE"
            or len(node["select_list"]) != 1
            or node["from_table"]["type"] != "EMPTY"
            or node["cte_map"]["map"]
            or any(node.get(extra) for extra in extras)
            or node["select_list"][0].get("alias")
        ):
            raise SqlError("is more than one expression over the columns of a row")
        tree: Mapping[str, Any] = node["select_list"][0]
        return tree


def _check_text(text: str) -> None:
    if len(text) > _LONGEST:
        raise SqlError(f"is longer than {_LONGEST} characters")
    if "{" in text or "}" in text:
        raise SqlError("holds braces, which are Jinja or a reference")
    bare = _QUOTED.sub("", text)
    if _BREAKING.search(bare):
        raise SqlError("holds a comment, a parameter or the end of a statement")
    depth = 0
    for sign in bare:
        depth += (sign in "([") - (sign in ")]")
        if depth > _DEEPEST:
            raise SqlError(f"is nested deeper than {_DEEPEST}")


def parts(tree: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the expressions of a tree, itself included. Raises `SqlError` for those that are not over one row."""
    pending: list[Any] = [tree]
    while pending:
        part = pending.pop()
        if isinstance(part, list):
            pending += part
        elif isinstance(part, Mapping):
            kind = part.get("class")
            if kind is not None and kind not in _EXPRESSIONS:
                raise SqlError(f"holds what is not carried: {str(kind).casefold().replace('_', ' ')}")
            if kind is not None:
                yield part
            pending += part.values()


def _columns(tree: Mapping[str, Any], text: str) -> Iterator[Column]:
    encoded = text.encode()
    for part in parts(tree):
        names = tuple(str(name) for name in part.get("column_names", ()))
        if part["class"] != "COLUMN_REF" or (len(names) == 1 and names[0].casefold() in _VALUES):
            continue
        start = len(encoded[: int(part["query_location"]) - len(_PREFIX)].decode(errors="replace"))
        found, end = _names_at(text, start)
        if found != names:
            raise SqlError(f"names {'.'.join(names)} in a way that cannot be read")
        yield Column(names, start, end)


def _names_at(text: str, start: int) -> tuple[tuple[str, ...], int]:
    """Return the dotted name that stands at a position, and where it ends."""
    names: list[str] = []
    position = end = start
    while (match := _IDENTIFIER.match(text, position)) is not None:
        word = match[0]
        names.append(word[1:-1].replace('""', '"') if word.startswith('"') else word)
        end = position = match.end()
        while position < len(text) and text[position].isspace():
            position += 1
        if position >= len(text) or text[position] != ".":
            break
        position += 1
        while position < len(text) and text[position].isspace():
            position += 1
    return tuple(names), end


def _first_line(message: object) -> str:
    return str(message or "").partition("\n")[0][:200]
