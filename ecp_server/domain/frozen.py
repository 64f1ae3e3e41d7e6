"""Frozen dataclasses that are quick to make and to copy: a question makes some two hundred of them.

Python makes a frozen dataclass field by field through `object.__setattr__`, a fifth of all that a question costs. Here
an object is made open, as a class of the same layout that lets its attributes be set, and takes its own class last.
The class itself is quick to make too: Python compiles each method of each class by itself, which takes a tenth of the
time that the server needs to start; here what needs compiling is compiled at once, and the rest is shared by all.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, Final, Generic, NoReturn, cast

from typing_extensions import override

__all__ = ["dataclass", "replace"]

if TYPE_CHECKING:
    from dataclasses import dataclass, replace
else:

    def dataclass(*, frozen: bool, slots: bool, **options: Any) -> Callable[[type], type]:
        """Make a dataclass as `dataclasses.dataclass` does, and quick where it inherits and computes nothing."""

        def make(cls: type) -> type:
            if frozen and slots and not options.keys() - {"order"} and _is_plain(cls):
                return _quick(cls, ordered=options.get("order", False))
            return dataclasses.dataclass(frozen=frozen, slots=slots, **options)(cls)

        return make

    def replace(value: Any, /, **changes: Any) -> Any:
        """Return a copy with changed fields, as `dataclasses.replace` does."""
        cls = type(value)
        if cls not in _COPIES:
            return dataclasses.replace(value, **changes)
        copy = _COPIES[cls](value)
        for name, changed in changes.items():
            setattr(copy, name, changed)
        copy.__class__ = cls
        return copy


_COPIES: Final[dict[type, Callable[[Any], Any]]] = {}
"""By class, what makes an open copy."""
_ABSENT: Final = object()
_COMPARISONS: Final = {"__lt__": "<", "__le__": "<=", "__gt__": ">", "__ge__": ">="}


def _is_plain(cls: Any) -> bool:
    """Tell whether a class inherits nothing, computes nothing, and has fields that are parameters and compared."""
    if cls.__bases__ not in {(object,), (Generic,)} or "__post_init__" in cls.__dict__:
        return False
    fields = [value for value in cls.__dict__.values() if isinstance(value, dataclasses.Field)]
    # Where nothing is said of `kw_only`, the class decides, and none of ours does.
    return all(f.init and f.compare and f.hash is None and f.kw_only is not True for f in fields)


def _quick(written: Any, *, ordered: bool) -> Any:
    """Return the dataclass of a plain class, with methods of ours."""
    cls: Any = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True)(written)
    fields = dataclasses.fields(cls)
    # What inherits from it is to find what the standard library would have left.
    parameters = cls.__dataclass_params__
    parameters.init = parameters.repr = parameters.eq = parameters.frozen = True
    parameters.order = ordered
    layout = {name: cls.__dict__[name] for name in ("__slots__", "__orig_bases__") if name in cls.__dict__}
    open_class = type(cls.__name__, cls.__bases__, layout)
    names: dict[str, Any] = {"_Own": cls, "_Open": open_class, "_absent": _ABSENT, "_new": object.__new__}
    # Of an object that is frozen, the class can be set by its descriptor alone.
    names["_open"] = object.__dict__["__class__"].__set__
    # As the standard library makes its dataclasses.
    exec("\n".join((*_made(fields, names), *_compared(fields, _COMPARISONS if ordered else {}))), names)  # noqa: S102
    names["__init__"].__annotations__ = {**{field.name: field.type for field in fields}, "return": None}
    for name in ("__init__", "__eq__", "__hash__", *(_COMPARISONS if ordered else ())):
        names[name].__qualname__ = f"{cls.__qualname__}.{name}"
        _give(cls, written, name, names[name])
    for name in ("__repr__", "__setattr__", "__delattr__", "__getstate__", "__setstate__"):
        _give(cls, written, name, getattr(_Frozen, name))
    _COPIES[cls] = names["copied"]
    return cls


def _give(cls: Any, written: Any, name: str, method: Any) -> None:
    """Give a class a method that it was not written with."""
    if name not in written.__dict__:
        setattr(cls, name, method)


def _made(fields: tuple[Any, ...], names: dict[str, Any]) -> list[str]:
    """Return the lines of ``__init__`` and of what makes an open copy, and add what they need to the names."""
    parameters, sets = [], []
    for field in fields:
        name = field.name
        parameter, value = name, name
        if field.default is not dataclasses.MISSING:
            names[f"_default_{name}"] = field.default
            parameter = f"{name}=_default_{name}"
        elif field.default_factory is not dataclasses.MISSING:
            names[f"_make_{name}"] = field.default_factory
            parameter, value = f"{name}=_absent", f"_make_{name}() if {name} is _absent else {name}"
        parameters.append(parameter)
        sets.append(f"    self.{name} = {value}")
    copies = [f"    copy.{field.name} = value.{field.name}" for field in fields]
    made = ["def __init__(self, {}):".format(", ".join(parameters)), "    _open(self, _Open)", *sets]
    made += ["    self.__class__ = _Own", "def copied(value):", "    copy = _new(_Open)", *copies, "    return copy"]
    return made


def _compared(fields: tuple[Any, ...], orders: Mapping[str, str]) -> list[str]:
    """Return the lines of ``__hash__``, ``__eq__`` and the methods of an order: as tuples of the fields compare."""
    mine, its = ("({})".format("".join(f"{of}.{field.name}, " for field in fields)) for of in ("self", "other"))
    lines = ["def __hash__(self):", f"    return hash({mine})"]
    for method, operator in {"__eq__": "==", **orders}.items():
        lines += [f"def {method}(self, other):", "    if other.__class__ is not self.__class__:"]
        lines += ["        return NotImplemented", f"    return {mine} {operator} {its}"]
    return lines


class _Frozen:
    """Methods that all these classes have in common."""

    @override
    @recursive_repr()
    def __repr__(self) -> str:
        fields = dataclasses.fields(cast("Any", self))
        shown = ", ".join(f"{field.name}={getattr(self, field.name)!r}" for field in fields if field.repr)
        return f"{type(self).__qualname__}({shown})"

    @override
    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")

    @override
    def __delattr__(self, name: str) -> NoReturn:
        raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")

    @override
    def __getstate__(self) -> list[Any]:
        return [getattr(self, field.name) for field in dataclasses.fields(cast("Any", self))]

    def __setstate__(self, state: list[Any]) -> None:
        for field, value in zip(dataclasses.fields(cast("Any", self)), state, strict=True):
            object.__setattr__(self, field.name, value)
