"""Changed copies of frozen dataclasses, of which every question makes dozens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__all__ = ["replace"]

if TYPE_CHECKING:
    from dataclasses import replace
else:

    def replace(value: Any, /, **changes: Any) -> Any:
        """Return a copy with changed fields, as `dataclasses.replace` does, in a third of its time.

        For frozen dataclasses with slots that inherit nothing and compute nothing when they are made; an unknown field
        is an error for the type checker alone.
        """
        copy = object.__new__(type(value))
        for name in value.__slots__:
            object.__setattr__(copy, name, changes[name] if name in changes else getattr(value, name))
        return copy
