"""Reads the parts that both notations of MetricFlow, and its manifest, write alike."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ecp_server.catalog.importers.dbt.docs_blocks import DocsBlocks
from ecp_server.catalog.importers.dbt.spec import Filter, Meta, MetricInput, NonAdditive
from ecp_server.catalog.importers.nodes import Node

_FINER_THAN_DAYS: Final = ("nanosecond", "microsecond", "millisecond", "second", "minute", "hour")

GRAINS: Final = (*_FINER_THAN_DAYS, "day", "week", "month", "quarter", "year")
"""MetricFlow's time granularities, the finest first."""

DAY: Final = GRAINS.index("day")

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]*", re.ASCII)
_LONGEST_NAME: Final = 120
_CATALOG_KEYS: Final = frozenset(
    {
        "acronyms",
        "calendar",
        "certification_tier",
        "classification",
        "decimals",
        "default_period",
        "domain",
        "owner",
        "row_level",
        "scale",
        "synonyms",
        "time_zone",
        "unit",
    }
)
# What an entry says to dbt alone.
_CONFIG_OF_DBT: Final = ("tags", "enabled", "docs", "contract", "materialized", "schema", "database", "alias")


def name_of(node: Node) -> str:
    """Return a name that can be part of an address; "" where there is none, which is told."""
    name = node.required("name")
    if name and (not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME):
        node.refuse(f"{name[:_LONGEST_NAME]!r} is no name: letters, digits and underscores, a letter first", "name")
        return ""
    return name


def description_of(node: Node, docs: DocsBlocks) -> str:
    """Return the description of an entry, doc blocks put in."""
    return docs.put_in(node, "description")


def meta_of(node: Node) -> Meta:
    """Return what `meta` or `config.meta` says of an entry, and tell what of it the catalog does not know."""
    config = node.mapping("config")
    owner, group = "", config.text("group") or node.text("group")
    catalog: dict[str, object] = {}
    for meta in (config.mapping("meta"), node.mapping("meta")):
        owner = owner or _plain_text(meta, "owner")
        synonyms = meta.node("synonyms")
        if isinstance(synonyms.value, list):
            catalog["synonyms"] = [item.value for item in meta.items("synonyms") if isinstance(item.value, str)]
        own = meta.mapping("ecp")
        for key in own.rest():
            if key in _CATALOG_KEYS:
                catalog[key] = own.node(key).value
        own.leave_out_rest(*_CATALOG_KEYS)
        meta.leave_out_rest()
    config.leave_out_rest(*_CONFIG_OF_DBT)
    return Meta(owner, group, catalog)


def enabled(node: Node) -> bool:
    """Tell whether an entry is in force; one that is switched off is told."""
    config = node.value.get("config") if isinstance(node.value, dict) else None
    switched_off = isinstance(config, dict) and str(config.get("enabled", "true")).casefold() in ("false", "no", "off")
    if switched_off:
        node.leave_out("is switched off in the project")
    return not switched_off


def expression_of(node: Node, default: str) -> str:
    """Return the SQL of an entry, which defaults to the column of its name."""
    return node.text("expr") or default


def filters_of(node: Node) -> tuple[Filter, ...]:
    """Return the conditions under `filter`: a text, a list of texts, or what a manifest makes of them."""
    return tuple(_filters(node.node("filter")))


def metric_input(node: Node) -> MetricInput | None:
    """Return an input that is written as a name, or as a mapping."""
    if isinstance(node.value, str) and node.value.strip():
        return MetricInput(node.value.strip())
    if not isinstance(node.value, dict):
        node.refuse("an input should be the name of a metric, or a mapping with its name")
        return None
    name = node.required("name")
    given = MetricInput(
        name,
        node.text("alias"),
        filters_of(node),
        window_of(node, "offset_window"),
        node.text("offset_to_grain").casefold(),
    )
    node.leave_out_rest()
    return given if name else None


def window_of(node: Node, key: str) -> str:
    """Return a length of time, e.g. "7 days"; a manifest has it in two parts."""
    node_of_key = node.node(key)
    if isinstance(node_of_key.value, dict):
        return f"{node_of_key.text('count')} {node_of_key.text('granularity')}".strip().casefold()
    return node.text(key).casefold()


def non_additive_of(node: Node) -> NonAdditive | None:
    """Return the time dimension over which a measure is not added up; both notations' keys."""
    if not node.has("non_additive_dimension"):
        return None
    given = node.mapping("non_additive_dimension")
    choice = (given.text("window_choice") or given.text("window_agg") or "min").casefold()
    groupings = [*given.items("window_groupings"), *given.items("group_by")]
    if choice not in ("min", "max"):
        given.refuse("a non-additive dimension takes the min or the max")
    name = given.required("name")
    given.leave_out_rest()
    return NonAdditive(name, choice, tuple(str(grouping.value) for grouping in groupings))


def grain_of(text: str, node: Node) -> str:
    """Return the granularity of a time dimension; "day" where there is none, and where it is unknown, told."""
    grain = text.casefold() or "day"
    if grain not in GRAINS:
        node.refuse(f"{text!r} is no granularity of MetricFlow")
        return "day"
    return grain


def _filters(node: Node) -> Iterator[Filter]:
    value = node.value
    if isinstance(value, str) and value.strip():
        yield Filter(value.strip(), node.place)
    elif isinstance(value, dict):
        # A manifest: {where_filters: [{where_sql_template: …}]}, or one of them as it was before.
        template = node.text("where_sql_template")
        if template:
            yield Filter(template, node.place)
        for inner in node.items("where_filters"):
            yield from _filters(inner)
    elif isinstance(value, list):
        for position in range(len(value)):
            yield from _filters(node.entry(position))
    elif value is not None:
        node.refuse("a filter should be text, or a list of texts")


def _plain_text(node: Node, key: str) -> str:
    value = node.node(key).value
    return value.strip() if isinstance(value, str) else ""
