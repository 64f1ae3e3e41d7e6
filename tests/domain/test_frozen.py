"""Frozen dataclasses of ours behave like the standard library's."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import pickle
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import pytest
from typing_extensions import override

from ecp_server.domain.frozen import dataclass, replace


@dataclass(frozen=True, slots=True)
class Point:
    """A point."""

    x: int
    y: int = 2
    tags: Mapping[str, int] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True)
class Standard:
    """The same as the standard library makes it."""

    x: int
    y: int = 2
    tags: Mapping[str, int] = dataclasses.field(default_factory=dict)


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Box(Generic[T]):
    """Holds something."""

    content: T


@dataclass(frozen=True, slots=True)
class Empty:
    """Nothing."""


@dataclass(frozen=True, slots=True, order=True)
class Ordered:
    """Something that can be sorted."""

    rank: int
    name: str


def test_is_made_as_its_fields_say() -> None:
    point = Point(1)
    assert (point.x, point.y, point.tags) == (1, 2, {})
    assert type(point) is Point
    assert Point(1, 3) == Point(x=1, y=3) == Point(y=3, x=1)
    assert Point(1, tags={"a": 1}).tags == {"a": 1}
    assert type(Empty()) is Empty


def test_a_default_that_is_made_is_made_anew() -> None:
    assert Point(1).tags is not Point(1).tags


def test_takes_the_same_parameters_as_the_standard_one() -> None:
    ours, standard = inspect.signature(Point).parameters, inspect.signature(Standard).parameters
    assert [(p.name, p.kind) for p in ours.values()] == [(p.name, p.kind) for p in standard.values()]
    assert [p.annotation for p in ours.values()] == [p.annotation for p in standard.values()]


@pytest.mark.parametrize("arguments", [(), (1, 2, {}, 4)])
def test_wrong_arguments_are_an_error(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError):
        Point(*arguments)
    with pytest.raises(TypeError):
        Point(1, z=1)  # type: ignore[call-arg]  # what is tested


def test_stays_as_it_was_made() -> None:
    point = Point(1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        point.x = 2  # type: ignore[misc]  # what is tested
    with pytest.raises(dataclasses.FrozenInstanceError):
        del point.x
    with pytest.raises((AttributeError, TypeError)):
        point.z = 1  # type: ignore[attr-defined]  # what is tested
    assert point == Point(1)


def test_equals_hashes_and_shows_like_the_standard_one() -> None:
    assert Ordered(1, "a") == Ordered(1, "a") != Ordered(1, "b")
    assert hash(Ordered(1, "a")) == hash(Ordered(1, "a")) == hash((1, "a"))
    assert repr(Ordered(1, "a")) == "Ordered(rank=1, name='a')"
    assert Ordered(1, "b") < Ordered(2, "a")
    assert dataclasses.asdict(Ordered(1, "a")) == {"rank": 1, "name": "a"}
    assert [field.name for field in dataclasses.fields(Point)] == ["x", "y", "tags"]


def test_can_be_matched_copied_and_pickled() -> None:
    point = Point(1, 2, {"a": 1})
    match point:
        case Point(1, y):
            assert y == 2
        case _:
            pytest.fail("no match")
    assert pickle.loads(pickle.dumps(point)) == copy.deepcopy(point) == point  # noqa: S301 - our own bytes


def test_a_changed_copy_leaves_the_original() -> None:
    point = Point(1, 2, {"a": 1})
    changed = replace(point, y=5)
    assert (changed, point) == (Point(1, 5, {"a": 1}), Point(1, 2, {"a": 1}))
    assert type(changed) is Point
    assert replace(point) == point
    assert dataclasses.replace(point, x=3) == Point(3, 2, {"a": 1})
    with pytest.raises(dataclasses.FrozenInstanceError):
        changed.x = 1  # type: ignore[misc]  # what is tested


@dataclass(frozen=True, slots=True)
class Child(Point):
    """Inherits."""

    z: int = 3


@dataclass(frozen=True, slots=True)
class Keyword:
    """Has a field that is no plain parameter."""

    x: int = dataclasses.field(kw_only=True)


def test_what_inherits_or_has_other_fields_is_made_as_ever() -> None:
    assert (Child(1), Child(1).y, Child(1).z) == (Child(1, 2), 2, 3)
    assert replace(Child(1), z=5) == Child(1, z=5)
    assert replace(Keyword(x=1), x=2) == Keyword(x=2)
    with pytest.raises(dataclasses.FrozenInstanceError):
        Child(1).z = 2  # type: ignore[misc]  # what is tested


def test_what_computes_when_it_is_made_does_so() -> None:
    @dataclass(frozen=True, slots=True)
    class Checked:
        """Refuses what makes no sense."""

        x: int

        def __post_init__(self) -> None:
            """Raise where it is negative."""
            if self.x < 0:
                raise ValueError

    assert Checked(1).x == 1
    with pytest.raises(ValueError, match=r"^$"):
        Checked(-1)


def test_a_generic_class_is_one_too() -> None:
    box: Box[int] = Box[int](1)
    assert (box, replace(box, content=2).content, type(box)) == (Box(1), 2, Box)
    with pytest.raises(dataclasses.FrozenInstanceError):
        box.content = 3  # type: ignore[misc]  # what is tested


def test_tells_of_itself_what_the_standard_one_tells() -> None:
    told = ("init", "repr", "eq", "order", "frozen")
    classes: tuple[Any, ...] = (Point, Standard)
    ours, standard = ([getattr(cls.__dataclass_params__, name) for name in told] for cls in classes)
    assert ours == standard
    assert Point.__match_args__ == Standard.__match_args__


def test_others_of_the_same_fields_are_not_equal() -> None:
    others: tuple[Any, ...] = (Standard(1), (1, 2, {}), Point(2))
    assert Point(1) not in others
    with pytest.raises(TypeError):
        _ = Ordered(1, "a") < (2, "a")  # type: ignore[operator]  # what is tested


def test_what_it_writes_itself_is_kept() -> None:
    @dataclass(frozen=True, slots=True)
    class Named:
        """Shows itself in its own way."""

        name: str

        @override
        @override
        def __repr__(self) -> str:
            return f"<{self.name}>"

    assert repr(Named("a")) == "<a>"
    assert Named("a") == Named("a")


def test_what_holds_itself_is_shown() -> None:
    tags: dict[str, Any] = {}
    point = Point(1, 2, tags)
    tags["self"] = point
    assert "..." in repr(point)
