"""The native engine, called for an evaluation without what regopy puts in between: that takes as long again.

regopy hands an input over piece by piece behind several calls of Python each, and reads every output as JSON before
anybody asks for it. What it calls is called here, so it must be the version that is pinned.

All but the evaluation itself is called with the interpreter lock held: these calls take a microsecond, and giving the
lock up sixty times an evaluation lets other threads take it sixty times.

Nothing else imports regopy: what the engine frees must have been allocated by the same library.
"""

from __future__ import annotations

import ctypes
import json
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

from ecp_server.domain.frozen import dataclass

if sys.platform == "linux":
    # regopy has `new` and `delete` of its own. Where another module (gRPC, numpy) has loaded the C++ library before,
    # that keeps its own, and the engine's `delete` lets what was made there lie: 15 KB for each product of a decision.
    # With the library's before the engine's, all of the engine's calls go there too.
    ctypes.CDLL("libstdc++.so.6", mode=ctypes.RTLD_GLOBAL)


from regopy import Input, Interpreter, LogLevel, RegoError  # type: ignore[import-untyped]  # it ships no types
from regopy.rego_shared import rego as _native  # type: ignore[import-untyped]  # it ships no types
from regopy.rego_shared import rego_get_error, rego_new_input

__all__ = [
    "Frame",
    "Interpreter",
    "LogLevel",
    "Piece",
    "RegoError",
    "completed",
    "evaluate",
    "frame",
    "native_input",
    "piece",
]

_escape: Final = json.JSONEncoder(ensure_ascii=False).encode
_locked: Final = ctypes.PyDLL(_native._name)  # noqa: SLF001 - the path that it was loaded from


def _quick(name: str) -> Callable[..., Any]:
    """Return a function of the engine that keeps the interpreter lock."""
    function, declared = getattr(_locked, name), getattr(_native, name)
    function.argtypes, function.restype = declared.argtypes, declared.restype
    quick: Callable[..., Any] = function
    return quick


_add_string: Final = _quick("regoInputString")
_add_number: Final = _quick("regoInputInt")
_add_boolean: Final = _quick("regoInputBoolean")
_end_item: Final = _quick("regoInputObjectItem")
_end_object: Final = _quick("regoInputObject")
_end_array: Final = _quick("regoInputArray")
_set_input: Final = _quick("regoSetInput")
_is_ok: Final = _quick("regoOutputOk")
_size: Final = _quick("regoOutputJSONSize")
_json: Final = _quick("regoOutputJSON")
_free: Final = _quick("regoFreeOutput")

_Calls = list[tuple[Callable[..., int], tuple[Any, ...]]]
"""What makes an input: functions of the engine, and what they are given beside the input."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an input that is the same in many of them, made ready once."""

    calls: _Calls


def piece(document: object) -> Piece:
    """Return objects, arrays, texts, whole numbers and booleans as a part of inputs.

    Raises `ValueError` for what has no place in an input.
    """
    calls: _Calls = []
    _write(calls, document)
    return Piece(calls)


@dataclass(frozen=True, slots=True)
class Frame:
    """An object of an input that lacks its last item, made ready once."""

    calls: _Calls
    size: int
    """Of the object when it is whole."""


def frame(document: dict[str, Any], last: str) -> Frame:
    """Return an object that is to have another item, called ``last``. Raises as `piece` does."""
    calls: _Calls = []
    _write_items(calls, document)
    _write(calls, last)
    return Frame(calls, len(document) + 1)


def completed(frame: Frame, items: Sequence[Piece]) -> Piece:
    """Return the object of a frame with an array as its last item."""
    calls = frame.calls.copy()
    for item in items:
        calls += item.calls
    calls += ((_end_array, (len(items),)), (_end_item, ()), (_end_object, (frame.size,)))
    return Piece(calls)


def native_input(document: dict[str, Any] | Piece) -> Input:
    """Return a document, which may hold pieces, as the engine's input.

    Raises `RegoError`, and `ValueError` for what has no place in an input.
    """
    # It owns the native object from here on, and frees it whatever happens.
    made = Input.__new__(Input)
    made._impl = target = rego_new_input()  # noqa: SLF001 - as its own constructor does
    ready = document if isinstance(document, Piece) else piece(document)
    for function, arguments in ready.calls:
        failed = function(target, *arguments)
        if failed:
            raise RegoError("the engine does not take the input", failed)
    return made


def evaluate(interpreter: Interpreter, bundle: Any, entry: str, document: dict[str, Any] | Piece) -> tuple[bool, str]:
    """Return whether an evaluation of an entry of a bundle went well, and its result as JSON.

    Raises as `native_input` does.
    """
    engine = interpreter._impl  # noqa: SLF001 - as its own methods do
    given = native_input(document)
    if _set_input(engine, given._impl):  # noqa: SLF001 - as its own methods do
        raise RegoError(rego_get_error(engine))
    output = _native.regoBundleQueryEntrypoint(engine, bundle._impl, entry.encode())  # noqa: SLF001 - as its own methods do
    if output is None:
        raise RegoError(rego_get_error(engine))
    try:
        size = _size(output)
        text = ctypes.create_string_buffer(size)
        if _json(output, text, size):
            raise RegoError(rego_get_error(engine))
        return bool(_is_ok(output)), text.value.decode()
    finally:
        _free(output)


def _write(calls: _Calls, value: object) -> None:
    kind = type(value)
    if kind is str:
        calls.append((_add_string, (_text(value),)))
    elif isinstance(value, dict):
        _write_items(calls, value)
        calls.append((_end_object, (len(value),)))
    elif isinstance(value, list):
        for item in value:
            _write(calls, item)
        calls.append((_end_array, (len(value),)))
    elif isinstance(value, Piece):
        calls += value.calls
    elif kind is bool:
        calls.append((_add_boolean, (value,)))
    elif kind is int:
        calls.append((_add_number, (value,)))
    else:
        raise ValueError(f"a {kind.__name__} has no place in an input")


def _write_items(calls: _Calls, value: dict[Any, Any]) -> None:
    for key, item in value.items():
        _write(calls, key)
        _write(calls, item)
        calls.append((_end_item, ()))


def _text(value: object) -> bytes:
    """Return a string as it stands in JSON.

    The engine takes the strings of an input as if they were already escaped: a quote would break its answer, a NUL end
    the string, and a backslash start an escape. Letters stay as they are: to it an escaped one equals no plain one.
    """
    return _escape(value)[1:-1].encode()
