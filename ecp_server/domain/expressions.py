"""The expressions of derived metrics, computations and rules: parsed into trees against closed lists, never run.

A derived metric's is arithmetic over the aliases of its inputs, a computation's over the names of columns; a rule's is
a condition over `value`, `rows`, `age_hours` and `row.<dimension>` (catalog.md, Metric and Rule).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from ecp_server.domain.frozen import dataclass

RULE_NAMES: Final = frozenset({"value", "rows", "age_hours"})

# Trees stay shallow enough for anything that walks them by recursion.
_MAX_TOKENS: Final = 400
_MAX_NESTING: Final = 40

_TOKEN: Final = re.compile(
    r"""\s*(?:
      (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?(?![\w.]))
    | (?P<row>row\.[^\W\d][\w.:-]*)
    | (?P<word>[^\W\d]\w*)
    | (?P<sign><=|>=|==|!=|[-+*/()<>])
    | (?P<other>\S)
    )""",
    re.VERBOSE,
)

# Names of columns have dots in them (plan.proto), and "row" means nothing there.
_COLUMN_TOKEN: Final = re.compile(
    r"""\s*(?:
      (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]{1,2})?(?![\w.]))
    | (?P<word>[^\W\d][\w.]*)
    | (?P<sign>[-+*/()])
    | (?P<other>\S)
    )""",
    re.VERBOSE,
)

_ARITHMETIC: Final = {"+": 1, "-": 1, "*": 2, "/": 2}
_CONDITION: Final = {"or": 1, "and": 2, "<": 4, "<=": 4, ">": 4, ">=": 4, "==": 4, "!=": 4}
_NOT: Final = 3
_MINUS: Final = 9


class ExpressionError(ValueError):
    """An expression holds something that it may not hold; the message says what, for the author of a catalog."""


@dataclass(frozen=True, slots=True)
class Number:
    """A number as written."""

    value: Decimal


@dataclass(frozen=True, slots=True)
class Name:
    """The alias of an input, the name of a column, or one of `RULE_NAMES`."""

    name: str


@dataclass(frozen=True, slots=True)
class RowValue:
    """What stands in a dimension's column of the row at hand."""

    dimension: str


@dataclass(frozen=True, slots=True)
class Unary:
    """`-` before a number, a name or parentheses, or `not` before a condition."""

    operator: str
    operand: Expression


@dataclass(frozen=True, slots=True)
class Binary:
    """Two operands and what is done with them: `+ - * /`, a comparison, `and` or `or`."""

    operator: str
    left: Expression
    right: Expression

    @property
    def is_condition(self) -> bool:
        """Tell whether its value is true or false."""
        return self.operator in _CONDITION


Expression = Number | Name | RowValue | Unary | Binary


def parse_derived(text: str) -> Expression:
    """Parse a derived metric's expression: aliases, numbers, `+ - * /` and parentheses. Raises `ExpressionError`."""
    return _Parser(_TOKEN, text, _ARITHMETIC, names=None).parse()


def parse_computation(text: str) -> Expression:
    """Parse a computation of a plan: as `parse_derived`, over names of columns. Raises `ExpressionError`."""
    return _Parser(_COLUMN_TOKEN, text, _ARITHMETIC, names=None).parse()


def parse_condition(text: str) -> Expression:
    """Parse the expression of a rule, which must be a condition. Raises `ExpressionError`."""
    tree = _Parser(_TOKEN, text, _CONDITION, names=RULE_NAMES).parse()
    if not _is_condition(tree):
        raise ExpressionError("is no condition: compare it with something, e.g. `value >= 0`")
    return tree


def walk(tree: Expression) -> Iterator[Expression]:
    """Yield a tree and all its parts, left to right."""
    pending = [tree]
    while pending:
        part = pending.pop()
        yield part
        if isinstance(part, Unary):
            pending.append(part.operand)
        elif isinstance(part, Binary):
            pending += [part.right, part.left]


def _is_condition(tree: Expression) -> bool:
    return (isinstance(tree, Unary) and tree.operator == "not") or (isinstance(tree, Binary) and tree.is_condition)


class _Parser:
    """Precedence climbing over the binary operators of one of the languages."""

    def __init__(
        self, token: re.Pattern[str], text: str, operators: dict[str, int], names: frozenset[str] | None
    ) -> None:
        self._operators = operators
        self._names = names
        self._tokens = [(m.lastgroup or "", m[m.lastgroup or 0]) for m in token.finditer(text)]
        self._next = 0
        self._nesting = 0

    def parse(self) -> Expression:
        if not self._tokens:
            raise ExpressionError("is empty")
        if len(self._tokens) > _MAX_TOKENS:
            raise ExpressionError(f"is longer than {_MAX_TOKENS} numbers, names and signs")
        tree = self._binary(1)
        if self._next < len(self._tokens):
            raise self._unexpected()
        return tree

    def _peek(self) -> str:
        return self._tokens[self._next][1] if self._next < len(self._tokens) else ""

    def _take(self) -> tuple[str, str]:
        if self._next == len(self._tokens):
            raise ExpressionError("ends too early")
        self._next += 1
        return self._tokens[self._next - 1]

    def _unexpected(self) -> ExpressionError:
        return ExpressionError(f"{self._tokens[self._next][1]!r} is not supported here")

    def _binary(self, floor: int) -> Expression:
        self._nesting += 1
        if self._nesting > _MAX_NESTING:
            raise ExpressionError(f"is nested deeper than {_MAX_NESTING}")
        left = self._operand()
        while (level := self._operators.get(self._peek(), 0)) >= floor:
            _, operator = self._take()
            left = _combined(operator, left, self._binary(level + 1))
        self._nesting -= 1
        return left

    def _operand(self) -> Expression:
        kind, text = self._take()
        if kind == "number":
            return Number(Decimal(text))
        if text == "(":
            inner = self._binary(1)
            if self._take()[1] != ")":
                self._next -= 1
                raise self._unexpected()
            return inner
        if text == "-":
            return Unary("-", _quantity("-", self._binary(_MINUS)))
        if text == "not" and "and" in self._operators:
            return Unary("not", _condition("not", self._binary(_NOT)))
        return self._named(kind, text)

    def _named(self, kind: str, text: str) -> Expression:
        if kind == "row" and self._names is not None:
            return RowValue(text.removeprefix("row."))
        if kind == "word" and (self._names is None or text in self._names):
            return Name(text)
        self._next -= 1
        raise self._unexpected()


def _combined(operator: str, left: Expression, right: Expression) -> Binary:
    check = _condition if operator in ("and", "or") else _quantity
    return Binary(operator, check(operator, left), check(operator, right))


def _quantity(operator: str, tree: Expression) -> Expression:
    if _is_condition(tree):
        raise ExpressionError(f"`{operator}` stands beside a condition where a number or name should be")
    return tree


def _condition(operator: str, tree: Expression) -> Expression:
    if not _is_condition(tree):
        raise ExpressionError(f"`{operator}` needs conditions beside it, e.g. `value > 0 and rows > 0`")
    return tree
