"""How models are joined by their entities, and what MetricFlow calls a dimension as seen from a model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ecp_server.catalog.importers.dbt.spec import DUNDER, Dimension, Entity, EntityType, SemanticModel
from ecp_server.catalog.importers.report import Report

MOST_JOINS: Final = 2
"""Between a measure and a dimension, as in MetricFlow."""

_ONE: Final = frozenset({EntityType.PRIMARY, EntityType.UNIQUE})


@dataclass(frozen=True, slots=True)
class Join:
    """From a model to one in which the entity's key occurs at most once."""

    to: SemanticModel
    own: Entity
    other: Entity

    @property
    def relationship(self) -> str:
        """Return what every Cube calls it: names of before 0.32, which later ones read too."""
        return "has_one" if self.own.type in _ONE else "belongs_to"


@dataclass(frozen=True, slots=True)
class Address:
    """A dimension in the cube of its model."""

    model: SemanticModel
    dimension: Dimension
    joins: tuple[Join, ...] = ()
    """That lead there from the model that it is seen from."""

    @property
    def ref(self) -> str:
        """Return its address in the semantic layer."""
        return f"{self.model.name}.{self.dimension.name}"


@dataclass(frozen=True, slots=True)
class _Way:
    """A way from one model to another."""

    start: SemanticModel
    joins: tuple[Join, ...] = ()

    @property
    def end(self) -> SemanticModel:
        return self.joins[-1].to if self.joins else self.start

    @property
    def name(self) -> str:
        return DUNDER.join(join.own.name for join in self.joins)

    def passes(self, model: SemanticModel) -> bool:
        return model.name in (self.start.name, *(join.to.name for join in self.joins))


def primary_of(model: SemanticModel) -> str:
    """Return the entity that a model's own dimensions are named after; "" where it has none."""
    primary = [entity.name for entity in model.entities if entity.type is EntityType.PRIMARY]
    return model.primary_entity or (primary[0] if primary else "")


def keys_of(model: SemanticModel) -> tuple[Entity, ...]:
    """Return the entity that tells a model's rows apart: the primary one, else a unique one, where there is one."""
    keys = sorted((e for e in model.entities if e.type in _ONE), key=lambda e: e.type is not EntityType.PRIMARY)
    return tuple(keys[:1])


class ModelGraph:
    """The models of a project with their joins."""

    def __init__(self, models: Sequence[SemanticModel], report: Report) -> None:
        self._report = report
        self._by_entity: dict[str, list[tuple[SemanticModel, Entity]]] = {}
        for model in models:
            for entity in model.entities:
                if entity.type in _ONE:
                    self._by_entity.setdefault(entity.name, []).append((model, entity))
                elif entity.type is EntityType.NATURAL:
                    report.leave_out(
                        entity.place, f"entity {entity.name}", "rows that are valid for a time are not joined"
                    )
        self._joins = {model.name: tuple(self._joins_of(model)) for model in models}
        self._shared: dict[str, Mapping[str, Address]] = {}
        self._names: dict[str, dict[str, Address]] = {model.name: {} for model in models}
        for model in models:
            for name, address in self._named(model):
                self._names[model.name].setdefault(name, address)  # declared in several models, it is one

    def joins(self, model: SemanticModel) -> tuple[Join, ...]:
        """Return the joins that begin at a model."""
        return self._joins[model.name]

    def names(self, model: SemanticModel) -> Mapping[str, Address]:
        """Return the dimensions that the model's measures have, by MetricFlow's full names, nearest first."""
        return self._names[model.name]

    def all_names(self, model: SemanticModel) -> Mapping[str, Address]:
        """Return them by every name that leads to them: a model's own entity before a name changes nothing."""
        names = self._names[model.name]
        primary = primary_of(model)
        longer = {f"{primary}{DUNDER}{name}": address for name, address in names.items()} if primary else {}
        return {**names, **{name: address for name, address in longer.items() if name not in names}}

    def shared_names(self, model: SemanticModel) -> Mapping[str, Address]:
        """Return the model's names, and those of its longer ones by which other models know the same."""
        if model.name not in self._shared:
            own = self._names[model.name]
            others = {name for other, names in self._names.items() if other != model.name for name in names}
            shared = {n: address for n, address in self.all_names(model).items() if n in own or n in others}
            self._shared[model.name] = shared
        return self._shared[model.name]

    def entity(self, model: SemanticModel, name: str) -> Entity | None:
        """Return the entity of a model by its name, alone or behind the model's own."""
        plain = name.removeprefix(f"{primary_of(model)}{DUNDER}")
        return next((entity for entity in model.entities if entity.name == plain), None)

    def _joins_of(self, model: SemanticModel) -> Iterator[Join]:
        joined: dict[str, str] = {}
        if not any(entity.type in _ONE for entity in model.entities):
            if any(entity.name in self._by_entity for entity in model.entities):
                reason = "is joined to no other: it has no entity that tells its rows apart, as Cube needs"
                self._report.leave_out(model.place, f"semantic model {model.name}", reason)
            return
        for own in model.entities:
            for other_model, other in self._by_entity.get(own.name, ()):
                if other_model.name == model.name:
                    continue
                if other_model.name in joined:
                    reason = (
                        f"{other_model.name} is joined by {joined[other_model.name]} already; Cube joins two cubes once"
                    )
                    self._report.leave_out(own.place, f"entity {own.name} of {model.name}", reason)
                    continue
                joined[other_model.name] = own.name
                yield Join(other_model, own, other)

    def _named(self, model: SemanticModel) -> Iterator[tuple[str, Address]]:
        primary = primary_of(model)
        if primary:
            for dimension in model.dimensions:
                yield f"{primary}{DUNDER}{dimension.name}", Address(model, dimension)
        elif model.dimensions:
            reason = "has no primary entity, so its dimensions have no name in MetricFlow"
            self._report.leave_out(model.place, f"semantic model {model.name}", reason)
        for way in self._ways(model):
            for dimension in way.end.dimensions:
                yield f"{way.name}{DUNDER}{dimension.name}", Address(way.end, dimension, way.joins)

    def _ways(self, model: SemanticModel) -> list[_Way]:
        """Return the one way to each model that can be reached: the shortest, by which Cube joins."""
        ways = [_Way(model)]
        reached: dict[str, list[_Way]] = {}
        for _ in range(MOST_JOINS):
            ways = [
                _Way(model, (*way.joins, join))
                for way in ways
                for join in self._joins[way.end.name]
                if not way.passes(join.to)
            ]
            for way in ways:
                reached.setdefault(way.end.name, []).append(way)
        taken = (self._taken(model, several) for several in reached.values())
        return [way for way in taken if way is not None]

    def _taken(self, model: SemanticModel, ways: Sequence[_Way]) -> _Way | None:
        shortest = [way for way in ways if len(way.joins) == len(ways[0].joins)]
        target = ways[0].end
        subject = f"dimensions of {target.name} from {model.name}"
        if not target.dimensions:
            return None
        if len(shortest) > 1:
            named = ", ".join(way.name for way in shortest)
            self._report.leave_out(
                model.place, subject, f"lie on several ways, which Cube does not tell apart: {named}"
            )
            return None
        for way in ways[1:]:
            reason = f"are carried as {shortest[0].name}{DUNDER}…, by which Cube joins, not as {way.name}{DUNDER}…"
            self._report.leave_out(model.place, subject, reason)
        return shortest[0]


def humanised(name: str) -> str:
    """Return a name of the data as people write it: "order_total" as "Order total"."""
    words = " ".join(name.replace(DUNDER, "_").split("_")).strip()
    return words[:1].upper() + words[1:]
