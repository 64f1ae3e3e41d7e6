"""Documents of dimensions and the members in them (catalog.md, Dimension)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import BeforeValidator, Field
from typing_extensions import override

from ecp_server.catalog.documents.base import (
    Day,
    Document,
    Id,
    Part,
    Problem,
    Reference,
    Text,
    Texts,
    Values,
    contradicting_variations,
    dates_in_order,
)
from ecp_server.domain.catalog import AssetKind, Binding, Dimension, Level, Member, MemberVariation
from ecp_server.domain.text import fold

_MEMBER: Final = (AssetKind.MEMBER,)


class LevelPart(Part):
    """A level of a dimension's hierarchy."""

    id: Text
    """What members and `default_level` call it."""
    name: Text | None = None
    """What questions may call it; its id where none is given."""
    ref: Text | None = None
    """Its address, where the semantic layer has the level itself."""

    def to_domain(self) -> Level:
        """Return the level; its name is its id where none is given."""
        return Level(self.id, self.name or self.id, self.ref)


def _by_context(value: object) -> object:
    """Take a bare list for values that hold in any context."""
    return {"": value} if isinstance(value, list) else value


ValuesByContext = Annotated[
    dict[str, Values], BeforeValidator(_by_context, json_schema_input_type=Values | dict[str, Values])
]


class BindingPart(Part):
    """A cube's own address of a dimension."""

    cube: Text
    """What the address of a metric starts with."""
    ref: Text
    """The dimension's address there."""
    values: dict[str, ValuesByContext] = Field(default_factory=dict)
    """What members are called there, by member and context, where it differs; a list holds in any context."""

    def to_domain(self) -> Binding:
        """Return the binding, members and contexts in order."""
        return Binding(
            self.cube,
            self.ref,
            {member: dict(sorted(by_context.items())) for member, by_context in sorted(self.values.items())},
        )


class MemberVariationPart(Part):
    """The values that a member stands for in one context."""

    context: Text
    """Whose values these are."""
    values: Values
    """As the data has them."""
    valid_from: Day | None = None
    """The first day on which they hold."""
    valid_to: Day | None = None
    """Exclusive."""

    def to_domain(self) -> MemberVariation:
        """Return the variation."""
        return MemberVariation(self.context, self.values, self.valid_from, self.valid_to)


class MemberPart(Part):
    """A named part of a dimension, e.g. APAC. It has values, variations or children."""

    id: Id
    """The dimension's id, a dot and more."""
    name: Text
    synonyms: Texts = ()
    values: Values | None = None
    """As the data has them; the union of its children's where none are given."""
    variations: tuple[MemberVariationPart, ...] = ()
    """What it stands for in one context or another."""
    children: tuple[str, ...] = ()
    """Ids of the members that it is made of."""
    parent: str | None = None
    """Id of the member that it is a part of."""
    level: str | None = None
    """The level that it is on."""
    calendar: str | None = None
    """The calendar that periods are read by where this member is asked for."""
    valid_from: Day | None = None
    """The first day on which it exists."""
    valid_to: Day | None = None
    """Exclusive."""
    meta: Any = None
    """Free: anything that ECP need not know."""

    def references(self, path: tuple[str | int, ...]) -> Iterator[Reference]:
        """Yield the places that name other assets."""
        for position, child in enumerate(self.children):
            yield Reference((*path, "children", position), _MEMBER, child)
        if self.parent is not None:
            yield Reference((*path, "parent"), _MEMBER, self.parent)
        if self.calendar is not None:
            yield Reference((*path, "calendar"), (AssetKind.CALENDAR,), self.calendar)

    def problems(self, path: tuple[str | int, ...]) -> Iterator[Problem]:
        """Yield dates in the wrong order and variations that contradict each other."""
        yield from dates_in_order(path, self.valid_from, self.valid_to)
        yield from contradicting_variations(path, self.variations)

    def to_domain(self, dimension: str) -> Member:
        """Return the member as its document states it."""
        return Member(
            id=self.id,
            dimension=dimension,
            name=self.name,
            synonyms=self.synonyms,
            values=self.values,
            variations=tuple(variation.to_domain() for variation in self.variations),
            children=self.children,
            parent=self.parent,
            level=self.level,
            calendar=self.calendar,
            valid_from=self.valid_from,
            valid_to=self.valid_to,
        )


class DimensionDocument(Document):
    """Something metrics are sliced by."""

    one_of: ClassVar = ("semantic_ref", "bindings")

    kind: Literal["dimension"]
    id: Id
    name: Text
    semantic_ref: Text | None = None
    """Its address in the semantic layer, for cubes without a binding."""
    bindings: tuple[BindingPart, ...] = ()
    """Addresses of its own in other cubes."""
    synonyms: Texts = ()
    levels: tuple[LevelPart, ...] = ()
    """Outermost first."""
    default_level: str | None = None
    """What "by" the dimension groups by; the outermost level that members have where none is given."""
    members: tuple[MemberPart, ...] = ()
    """What it can be filtered by and grouped into."""
    row_level: bool = False
    """Whether policies may filter rows by it."""

    @cached_property
    def children(self) -> Mapping[str, tuple[str, ...]]:
        """Children by member: those that it names, then those that name it as their parent."""
        children: dict[str, dict[str, None]] = {member.id: dict.fromkeys(member.children) for member in self.members}
        for member in self.members:
            if member.parent is not None:
                children.setdefault(member.parent, {}).setdefault(member.id)
        return {parent: tuple(ids) for parent, ids in children.items()}

    @override
    def references(self) -> Iterator[Reference]:
        for position, member in enumerate(self.members):
            yield from member.references(("members", position))
        for position, binding in enumerate(self.bindings):
            for member_id in binding.values:
                yield Reference(("bindings", position, "values", member_id), _MEMBER, member_id)

    @override
    def problems(self) -> Iterator[Problem]:
        levels = {level.id for level in self.levels}
        if self.default_level is not None and self.default_level not in levels:
            yield Problem(("default_level",), f"names no level of the dimension: {self.default_level!r}")
        yield from _twice("levels", [level.id for level in self.levels], "level")
        yield from _twice("bindings", [binding.cube for binding in self.bindings], "binding to cube")
        names: dict[str, str] = {}
        for position, member in enumerate(self.members):
            path = ("members", position)
            yield from member.problems(path)
            yield from self._misfits(path, member, levels)
            first = names.setdefault(fold(member.name), member.id)
            if first != member.id:
                yield Problem((*path, "name"), f"{member.name!r} is the name of {first} too")

    def _misfits(self, path: tuple[str | int, ...], member: MemberPart, levels: set[str]) -> Iterator[Problem]:
        """Yield how a member does not fit into the dimension."""
        if not member.id.startswith(f"{self.id}."):
            yield Problem((*path, "id"), f"the id of a member of {self.id} starts with `{self.id}.`")
        if member.level is not None and member.level not in levels:
            yield Problem((*path, "level"), f"names no level of the dimension: {member.level!r}")
        if member.values is None and not member.variations and not self.children[member.id]:
            yield Problem(path, "values, variations or children are required")

    def to_domain(self) -> Dimension:
        """Return the dimension without its members, which are assets of their own."""
        return Dimension(
            id=self.id,
            name=self.name,
            semantic_ref=self.semantic_ref,
            bindings=tuple(binding.to_domain() for binding in self.bindings),
            synonyms=self.synonyms,
            levels=tuple(level.to_domain() for level in self.levels),
            default_level=self.default_level,
            members=tuple(member.id for member in self.members),
            row_level=self.row_level,
        )


def _twice(key: str, ids: list[str], what: str) -> Iterator[Problem]:
    seen: set[str] = set()
    for position, name in enumerate(ids):
        if name in seen:
            yield Problem((key, position), f"a second {what} {name!r}")
        seen.add(name)
