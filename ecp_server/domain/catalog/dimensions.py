"""Dimensions and their members (catalog.md, Dimension)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import date

from ecp_server.domain.frozen import dataclass


@dataclass(frozen=True, slots=True)
class MemberVariation:
    """The values that a member stands for in one context."""

    context: str
    """"" holds where no context decides: so are the values of a member whose children come and go."""
    values: tuple[str, ...]
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class Member:
    """A named part of a dimension, e.g. APAC."""

    id: str
    dimension: str
    name: str
    synonyms: tuple[str, ...] = ()
    values: tuple[str, ...] | None = None
    """Own values, or the union of the children's; None where only variations, own or the children's, say."""
    variations: tuple[MemberVariation, ...] = ()
    children: tuple[str, ...] = ()
    parent: str | None = None
    level: str | None = None
    calendar: str | None = None
    valid_from: date | None = None
    valid_to: date | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """A level of a dimension's hierarchy; ``ref`` where the semantic layer has the level itself."""

    id: str
    name: str
    ref: str | None = None


@dataclass(frozen=True, slots=True)
class Binding:
    """A cube's own address of a dimension, and what members are called there by context ("" is any)."""

    cube: str
    ref: str
    values: Mapping[str, Mapping[str, tuple[str, ...]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Dimension:
    """Something metrics are sliced by."""

    id: str
    name: str
    semantic_ref: str | None = None
    bindings: tuple[Binding, ...] = ()
    synonyms: tuple[str, ...] = ()
    levels: tuple[Level, ...] = ()
    default_level: str | None = None
    members: tuple[str, ...] = ()
    row_level: bool = False

    def ref_for(self, cube: str) -> str | None:
        """Return the dimension's address in ``cube``: its binding there, else its own, else None."""
        for binding in self.bindings:
            if binding.cube == cube:
                return binding.ref
        return self.semantic_ref
