"""Frozen dataclasses that are quick to make and to copy: a question makes some two hundred of them.

Python makes a frozen dataclass field by field through `object.__setattr__`, a fifth of all that a question costs. Here
an object is made open, as a class of the same layout that lets its attributes be set, and takes its own class last.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

__all__ = ["dataclass", "replace"]

if TYPE_CHECKING:
    from collections.abc import Callable
    from dataclasses import dataclass, replace
else:

    def dataclass(*, frozen: bool, slots: bool, **options: Any) -> Callable[[type], type]:
        """Make a dataclass as `dataclasses.dataclass` does, and quick where it inherits and computes nothing."""

        def make(cls: type) -> type:
            made = dataclasses.dataclass(frozen=frozen, slots=slots, **options)(cls)
            if frozen and slots and cls.__bases__ == (object,) and not hasattr(cls, "__post_init__"):
                _make_quick(made)
            return made

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


def _make_quick(cls: Any) -> None:
    """Give a class its ``__init__``, and `replace` its way to copy it."""
    fields = dataclasses.fields(cls)
    if any(field.kw_only or not field.init for field in fields):
        return
    open_class = type(cls.__name__, (), {"__slots__": cls.__slots__})
    names: dict[str, Any] = {"_Own": cls, "_Open": open_class, "_absent": _ABSENT, "_new": object.__new__}
    # Of an object that is frozen, the class can be set by its descriptor alone.
    names["_open"] = object.__dict__["__class__"].__set__
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
    exec("\n".join(made), names)  # noqa: S102 - as the standard library makes its dataclasses
    made_init = names["__init__"]
    made_init.__qualname__ = f"{cls.__qualname__}.__init__"
    made_init.__annotations__ = cls.__init__.__annotations__
    cls.__init__ = made_init
    _COPIES[cls] = names["copied"]
