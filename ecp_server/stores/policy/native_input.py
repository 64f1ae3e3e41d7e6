"""The input of an evaluation, handed to the native engine piece by piece.

regopy does the same behind several calls of Python a piece, each with a buffer of its own: that takes twice as long, a
fifth of a whole evaluation. What it calls is called here, so it must be the version that is pinned.
"""

from __future__ import annotations

import json
from typing import Any, Final

from regopy import Input, RegoError  # type: ignore[import-untyped]  # it ships no types
from regopy.rego_shared import rego as _native  # type: ignore[import-untyped]  # it ships no types
from regopy.rego_shared import rego_new_input

_add_string: Final = _native.regoInputString
_add_number: Final = _native.regoInputInt
_add_boolean: Final = _native.regoInputBoolean
_end_item: Final = _native.regoInputObjectItem
_end_object: Final = _native.regoInputObject
_end_array: Final = _native.regoInputArray

_escape: Final = json.JSONEncoder(ensure_ascii=False).encode


def native_input(document: dict[str, Any]) -> Input:
    """Return a document of objects, arrays, texts, whole numbers and booleans as the engine's input.

    Raises `RegoError`, and `ValueError` for what has no place in an input.
    """
    # It owns the native object from here on, and frees it whatever happens.
    made = Input.__new__(Input)
    made._impl = rego_new_input()  # noqa: SLF001 - as its own constructor does
    _add(made._impl, document)  # noqa: SLF001 - as its own constructor does
    return made


def _add(target: Any, value: Any) -> None:
    kind = type(value)
    if kind is str:
        failed = _add_string(target, _text(value))
    elif kind is dict:
        for key, item in value.items():
            _add(target, key)
            _add(target, item)
            _check(_end_item(target))
        failed = _end_object(target, len(value))
    elif kind is list:
        for item in value:
            _add(target, item)
        failed = _end_array(target, len(value))
    elif kind is bool:
        failed = _add_boolean(target, value)
    elif kind is int:
        failed = _add_number(target, value)
    else:
        raise ValueError(f"a {kind.__name__} has no place in an input")
    _check(failed)


def _text(value: str) -> bytes:
    """Return a string as it stands in JSON.

    The engine takes the strings of an input as if they were already escaped: a quote would break its answer, a NUL end
    the string, and a backslash start an escape. Letters stay as they are: to it an escaped one equals no plain one.
    """
    return _escape(value)[1:-1].encode()


def _check(failed: int) -> None:
    if failed:
        raise RegoError("the engine does not take the input", failed)
