"""Measures of type number: arithmetic over other measures, parsed into a tree against closed lists."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final

from ecp_server.catalog.semantic.snippets import Reference, SnippetError
from ecp_server.domain.semantic import Applied, Arithmetic, Function, Literal, MeasureExpression, MemberRef, Operator

_TOKEN: Final = re.compile(
    r"\s*(?:(?P<number>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)|(?P<sign>::|[-+*/(),])|(?P<word>[A-Za-z_]\w*)|(?P<other>\S))",
    re.ASCII,
)
_PRECEDENCE: Final = {"+": 1, "-": 1, "*": 2, "/": 2}
_MINUS: Final = 3
_CASTS: Final = {
    **dict.fromkeys(("float", "float8", "double", "real"), Function.FLOAT),
    **dict.fromkeys(("numeric", "decimal"), Function.NUMERIC),
}
_ARGUMENTS: Final = {
    Function.NULLIF: (2, 2),
    Function.COALESCE: (1, 20),
    Function.ABS: (1, 1),
    Function.ROUND: (1, 2),
}
_MAX_TOKENS: Final = 400
_MAX_NESTING: Final = 40

Token = str | Decimal | MemberRef


def parse(parts: Sequence[str | Reference], resolve: Callable[[Reference], MemberRef]) -> MeasureExpression:
    """Return the tree of an expression over measures; ``resolve`` says which measure a reference is.

    Known are + - * /, brackets, NULLIF, COALESCE, ABS, ROUND, and casts to numeric and double precision. Raises
    `SnippetError` for anything else.
    """
    tokens: list[Token] = []
    for part in parts:
        tokens += _tokens(part) if isinstance(part, str) else [resolve(part)]
    if len(tokens) > _MAX_TOKENS:
        raise SnippetError(f"holds more than {_MAX_TOKENS} words and signs")
    reader = _Reader(tokens)
    tree = reader.expression(0, 0)
    if reader.next is not None:
        raise SnippetError(f"{_shown(reader.next)} is not expected where it stands")
    return tree


def divides_whole_numbers(tree: MeasureExpression, is_count: Callable[[MemberRef], bool]) -> bool:
    """Tell whether a whole number is divided by another somewhere in a tree, counts being whole."""
    match tree:
        case Arithmetic():
            divided = tree.operator is Operator.DIVIDE and all(_is_whole(t, is_count) for t in (tree.left, tree.right))
            return divided or any(divides_whole_numbers(t, is_count) for t in (tree.left, tree.right))
        case Applied():
            return any(divides_whole_numbers(argument, is_count) for argument in tree.arguments)
        case _:
            return False


def _is_whole(tree: MeasureExpression, is_count: Callable[[MemberRef], bool]) -> bool:
    match tree:
        case Literal():
            return tree.value.as_tuple().exponent == 0
        case MemberRef():
            return is_count(tree)
        case Applied():
            casts = {Function.FLOAT, Function.NUMERIC}
            return tree.function not in casts and all(_is_whole(argument, is_count) for argument in tree.arguments)
        case Arithmetic():
            return _is_whole(tree.left, is_count) and _is_whole(tree.right, is_count)


def _tokens(text: str) -> list[Token]:
    tokens: list[Token] = []
    for match in _TOKEN.finditer(text):
        if match["other"]:
            raise SnippetError(f"{match['other']!r} is not supported in arithmetic over measures")
        tokens.append(Decimal(match["number"]) if match["number"] else (match["sign"] or match["word"].casefold()))
    return tokens


class _Reader:
    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tokens
        self._position = 0

    @property
    def next(self) -> Token | None:
        return self._tokens[self._position] if self._position < len(self._tokens) else None

    def expression(self, least: int, depth: int) -> MeasureExpression:
        if depth > _MAX_NESTING:
            raise SnippetError(f"is nested deeper than {_MAX_NESTING}")
        left = self._operand(depth)
        while True:
            sign = self.next
            if sign == "::":
                self._position += 1
                left = Applied(self._cast(), (left,))
            elif isinstance(sign, str) and _PRECEDENCE.get(sign, -1) > least:
                self._position += 1
                left = Arithmetic(Operator(sign), left, self.expression(_PRECEDENCE[sign], depth + 1))
            else:
                return left

    def _operand(self, depth: int) -> MeasureExpression:
        token = self._take()
        match token:
            case MemberRef():
                return token
            case Decimal():
                return Literal(token)
            case "-":
                return Arithmetic(Operator.MULTIPLY, Literal(Decimal(-1)), self.expression(_MINUS, depth + 1))
            case "(":
                inner = self.expression(0, depth + 1)
                self._expect(")")
                return inner
            case "cast":
                self._expect("(")
                inner = self.expression(0, depth + 1)
                self._expect("as")
                cast = Applied(self._cast(), (inner,))
                self._expect(")")
                return cast
            case _:
                return self._call(token, depth)

    def _call(self, name: Token, depth: int) -> MeasureExpression:
        function = next((f for f in _ARGUMENTS if f.value == name), None)
        if function is None:
            raise SnippetError(f"{_shown(name)} is not supported in arithmetic over measures")
        self._expect("(")
        arguments = [self.expression(0, depth + 1)]
        while self.next == ",":
            self._position += 1
            arguments.append(self.expression(0, depth + 1))
        self._expect(")")
        least, most = _ARGUMENTS[function]
        if not least <= len(arguments) <= most:
            raise SnippetError(f"{function} has {len(arguments)} arguments")
        if function is Function.ROUND and len(arguments) > 1 and not isinstance(arguments[1], Literal):
            raise SnippetError("round needs a number of digits")
        return Applied(function, tuple(arguments))

    def _cast(self) -> Function:
        name = self._take()
        if name == "double" and self.next == "precision":
            self._position += 1
        if not isinstance(name, str) or name not in _CASTS:
            raise SnippetError(f"a cast to {_shown(name)} is not supported in arithmetic over measures")
        return _CASTS[name]

    def _take(self) -> Token:
        token = self.next
        if token is None:
            raise SnippetError("ends too soon")
        self._position += 1
        return token

    def _expect(self, token: str) -> None:
        if self._take() != token:
            raise SnippetError(f"lacks {token!r}")


def _shown(token: Token) -> str:
    return token.address if isinstance(token, MemberRef) else str(token)
