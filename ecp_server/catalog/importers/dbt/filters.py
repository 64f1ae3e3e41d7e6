"""Reads the Jinja of filters: `{{ Dimension('order__is_large') }}` and the like. Nothing in them is ever run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from jinja2 import TemplateSyntaxError, nodes
from jinja2.sandbox import SandboxedEnvironment

from ecp_server.catalog.importers.dbt.elements import GRAINS
from ecp_server.catalog.importers.dbt.spec import DUNDER

_LONGEST: Final = 20_000
# Without globals, filters or tests: there is nothing that an expression could reach, and only the tree is looked at.
_JINJA: Final = SandboxedEnvironment(autoescape=False)
_JINJA.globals.clear()
_JINJA.filters.clear()
_JINJA.tests.clear()

DATE_PARTS: Final = ("year", "quarter", "month", "day", "dow", "doy")


class FilterError(Exception):
    """A filter holds something that is not carried; the message says what."""


class ReferenceKind(StrEnum):
    """What a filter refers to."""

    DIMENSION = "dimension"
    ENTITY = "entity"


@dataclass(frozen=True, slots=True)
class Reference:
    """A dimension or entity in a filter, by MetricFlow's full name."""

    kind: ReferenceKind
    name: str
    """E.g. "order__is_large", without the grain."""
    grain: str = ""
    """What a time dimension is cut to; "" where the filter does not say."""
    part: str = ""
    """The part of a date that is meant, e.g. "month"."""


_KINDS: Final = {
    "dimension": ReferenceKind.DIMENSION,
    "timedimension": ReferenceKind.DIMENSION,
    "entity": ReferenceKind.ENTITY,
}


def read_filter(template: str) -> tuple[str | Reference, ...]:
    """Return the SQL of a filter and what it refers to, in order.

    Raises:
        FilterError: it is no Jinja, or does more than refer to dimensions and entities.
    """
    if len(template) > _LONGEST:
        raise FilterError(f"is longer than {_LONGEST} characters")
    try:
        tree = _JINJA.parse(template)
    except TemplateSyntaxError as error:
        raise FilterError(f"is not Jinja: {error.message}") from None
    except RecursionError:
        raise FilterError("is nested too deep") from None
    return tuple(_pieces(tree))


def _pieces(tree: nodes.Template) -> Iterator[str | Reference]:
    for statement in tree.body:
        if not isinstance(statement, nodes.Output):
            raise FilterError(f"holds a Jinja statement ({type(statement).__name__.casefold()})")
        for part in statement.nodes:
            yield part.data if isinstance(part, nodes.TemplateData) else _reference(part)


def _reference(node: nodes.Node) -> Reference:
    """Return what an expression refers to: a call, with calls of its methods behind."""
    if not isinstance(node, nodes.Call) or node.dyn_args is not None or node.dyn_kwargs is not None:
        raise FilterError("holds Jinja that is no call of Dimension, TimeDimension or Entity")
    arguments = [_constant(argument) for argument in node.args]
    named = {keyword.key: _constant(keyword.value) for keyword in node.kwargs}
    if isinstance(node.node, nodes.Getattr):
        return _narrowed(_reference(node.node.node), node.node.attr, _texts(arguments))
    if not isinstance(node.node, nodes.Name):
        raise FilterError("holds Jinja that is no call of Dimension, TimeDimension or Entity")
    function = node.node.name
    kind = _KINDS.get(function.casefold().replace("_", ""))
    if kind is None:
        raise FilterError(f"calls {function}(), which is not carried")
    return _called(kind, function, arguments, named)


def _called(kind: ReferenceKind, function: str, arguments: Sequence[object], named: dict[str, object]) -> Reference:
    """Return the reference of a call, e.g. Dimension('order__is_large', entity_path=['customer'])."""
    is_time = function.casefold().startswith("time")
    keys = ("name", "time_granularity_name", "entity_path") if is_time else ("name", "entity_path")
    given = dict(zip(keys, arguments, strict=False)) | {_KEYS.get(key, key): value for key, value in named.items()}
    if len(arguments) > len(keys) or not given.keys() <= {*keys, "date_part_name"}:
        raise FilterError(f"calls {function}() with arguments that are not known")
    path = given.get("entity_path", ())
    (name,) = _texts([given.get("name")])
    links = _texts(path) if isinstance(path, list) else _texts([path]) if path else []
    parts = [*links, *name.casefold().split(DUNDER)]
    grain = str(given.get("time_granularity_name") or "").casefold()
    if kind is ReferenceKind.DIMENSION and len(parts) > 1 and parts[-1] in GRAINS:
        grain = grain or parts[-1]
        parts.pop()
    reference = Reference(kind, DUNDER.join(parts))
    reference = _narrowed(reference, "grain", [grain]) if grain else reference
    part = str(given.get("date_part_name") or "")
    return _narrowed(reference, "date_part", [part]) if part else reference


_KEYS: Final = {
    "dimension_name": "name",
    "time_dimension_name": "name",
    "entity_name": "name",
    "grain": "time_granularity_name",
    "time_granularity": "time_granularity_name",
    "date_part": "date_part_name",
}


def _narrowed(reference: Reference, method: str, arguments: Sequence[str]) -> Reference:
    """Return a reference cut to a grain, or to a part of its date."""
    argument = arguments[0].casefold() if len(arguments) == 1 else ""
    if method == "grain" and argument in GRAINS:
        return replace(reference, grain=argument)
    if method == "date_part" and argument in DATE_PARTS:
        return replace(reference, part=argument)
    raise FilterError(f"cuts {reference.name} by {method} {argument!r}, which is not carried")


def _constant(node: nodes.Node) -> object:
    if isinstance(node, nodes.Const):
        return node.value
    if isinstance(node, nodes.List | nodes.Tuple):
        return [_constant(item) for item in node.items]
    raise FilterError("holds Jinja that is no text or list of texts")


def _texts(values: Sequence[object]) -> list[str]:
    texts = [value for value in values if isinstance(value, str)]
    if len(texts) != len(values) or not all(texts):
        raise FilterError("names a dimension or entity by something that is no text")
    return texts
