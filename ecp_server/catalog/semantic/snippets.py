"""SQL within the semantic model: what it refers to, and that it is one expression that nothing can escape from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_REFERENCE: Final = re.compile(r"\$?\{\s*(?P<path>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)?)\s*\}", re.ASCII)
_OWN: Final = "CUBE"
_NOT_SUPPORTED: Final = frozenset(
    {"FILTER_PARAMS", "FILTER_GROUP", "SECURITY_CONTEXT", "COMPILE_CONTEXT", "USER_CONTEXT"}
)
_TOKEN: Final = re.compile(
    r"""
      (?P<quoted>'(?:[^']|'')*'|"(?:[^"]|"")*")
    | (?P<comment>--|/\*|\*/)
    | (?P<open>[(\[])
    | (?P<close>[)\]])
    | (?P<bad>[;'"`\\{}$?\x00])
    """,
    re.VERBOSE,
)
_PAIRS: Final = {")": "(", "]": "["}


class SnippetError(ValueError):
    """A piece of SQL holds something that it may not hold; the message says what, for the author of a model."""


@dataclass(frozen=True, slots=True)
class Reference:
    """`{cube.member}`, `{name}` or `{CUBE}` as written; ``cube`` is None where only a name stands there."""

    cube: str | None
    name: str


def split(text: str, own: str) -> tuple[str | Reference, ...]:
    """Split SQL at its references; `{CUBE}` is the cube ``own``.

    Raises `SnippetError` where quotes or brackets do not match, or where comments, several statements, parameters or
    templates stand in it.
    """
    if "{{" in text or "{%" in text:
        raise SnippetError("templates (Jinja) are not supported")
    parts: list[str | Reference] = []
    end = 0
    for match in _REFERENCE.finditer(text):
        parts += [text[end : match.start()], _reference(match["path"], own)]
        end = match.end()
    parts.append(text[end:])
    _check("".join(part if isinstance(part, str) else " x " for part in parts))
    kept = tuple(part for part in parts if part != "")
    if not any(isinstance(part, Reference) or part.strip() for part in kept):
        raise SnippetError("is empty")
    return kept


def _reference(path: str, own: str) -> Reference:
    first, _, member = path.partition(".")
    if first in _NOT_SUPPORTED:
        raise SnippetError(f"{first} is not supported")
    if first == _OWN:
        return Reference(own, member)
    return Reference(first, member) if member else Reference(None, first)


def _check(text: str) -> None:
    opened: list[str] = []
    for kind, token in _tokens(text):
        if kind == "comment":
            raise SnippetError("comments are not supported")
        if kind == "bad":
            raise SnippetError(_explained(token))
        if kind == "open":
            opened.append(token)
        elif kind == "close" and (not opened or opened.pop() != _PAIRS[token]):
            raise SnippetError(f"closes {token} that was not opened")
    if opened:
        raise SnippetError(f"does not close {opened[-1]}")


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    for match in _TOKEN.finditer(text):
        if match.lastgroup is not None:
            yield match.lastgroup, match.group()


def _explained(sign: str) -> str:
    if sign in "'\"":
        return f"does not close {sign}"
    if sign in "{}$":
        return f"{sign} stands outside a reference such as {{CUBE}} or {{cube.member}}"
    return f"{sign!r} is not supported"
