"""What can be told of exceptions without their words: drivers put rows, addresses and credentials into those."""

from __future__ import annotations

from collections.abc import Iterator
from traceback import format_tb
from typing import Final

_CODES: Final = ("sqlite_errorname", "sqlstate", "code", "errno")
"""Where drivers keep the code of an error."""


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an exception, what caused it, what caused that, and so on."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def named(error: BaseException) -> str:
    """Return the type of an exception, with its code where it has one: "UndefinedTable(42P01)"."""
    for attribute in _CODES:
        code = getattr(error, attribute, None)
        if isinstance(code, str | int):
            return f"{type(error).__name__}({code})"
    return type(error).__name__


def wordless(error: BaseException) -> str:
    """Return the traceback of an exception and its causes, the first one first, by types, codes and places."""
    return "\n\nwhich led to\n\n".join(
        "Traceback (most recent call last):\n" + "".join(format_tb(each.__traceback__)) + named(each)
        for each in reversed(list(chain(error)))
    )
