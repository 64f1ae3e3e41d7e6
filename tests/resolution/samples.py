"""Small catalogs for tests of the path, written as the assets that a test is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from ecp_server.domain.catalog import (
    Asset,
    Calendar,
    Catalog,
    Context,
    Contract,
    Dimension,
    Entity,
    KnownIssue,
    LineageLink,
    Manifest,
    Member,
    Metric,
    Phrase,
    Relation,
    Rule,
    Severity,
    Term,
)
from ecp_server.domain.identity import Principal
from ecp_server.domain.resolution import Question
from ecp_server.resolution.draft import Draft, Parsed
from ecp_server.resolution.parse import parse
from ecp_server.resolution.prepared import Preparation, PreparedCatalog

NOW: Final = datetime(2025, 1, 15, 12, tzinfo=UTC)
"""A Wednesday."""

ANALYST: Final = Principal(subject="ann", roles=("explorer",))
"""May rely on metrics of every tier, and has no department."""

_FIELDS: Final[Mapping[type, str]] = {
    Context: "contexts",
    Metric: "metrics",
    Term: "terms",
    Dimension: "dimensions",
    Member: "members",
    Calendar: "calendars",
    KnownIssue: "known_issues",
    Contract: "contracts",
    Rule: "rules",
    Entity: "entities",
    Relation: "relations",
}


_PREPARED: Final[dict[int, tuple[Catalog, PreparedCatalog]]] = {}


def catalog(
    *assets: Asset | LineageLink | Manifest, version: str = "v1", policies: Mapping[str, str] | None = None
) -> Catalog:
    """Put assets together; members go into their dimension in the order given."""
    by_field: dict[str, Any] = {}
    for asset in assets:
        if not isinstance(asset, LineageLink | Manifest | Phrase):
            by_field.setdefault(_FIELDS[type(asset)], {})[asset.id] = asset
    members = [asset for asset in assets if isinstance(asset, Member)]
    for each in by_field.get("dimensions", {}).values():
        own = tuple(m.id for m in members if m.dimension == each.id)
        by_field["dimensions"][each.id] = replace(each, members=own)
    return Catalog(
        version,
        manifest=next((asset for asset in assets if isinstance(asset, Manifest)), Manifest()),
        lineage=tuple(asset for asset in assets if isinstance(asset, LineageLink)),
        phrases=tuple(asset for asset in assets if isinstance(asset, Phrase)),
        policies=policies or {},
        **by_field,
    )


def metric(metric_id: str, **more: Any) -> Metric:
    """A metric of the cube Sales, certified best; its name is its id in words."""
    fields: dict[str, Any] = {
        "name": metric_id.replace("_", " ").capitalize(),
        "definition": f"What {metric_id} is.",
        "certification_tier": 1,
        "unit": "USD",
        "time_dimension": "Sales.day",
    }
    if not more.keys() & {"derived", "cumulative"}:
        fields["semantic_ref"] = f"Sales.{metric_id}"
    return Metric(metric_id, **fields | more)


def term(term_id: str, *variations: Any, **more: Any) -> Term:
    """A term whose name is its id in words."""
    return Term(term_id, **{"name": term_id.replace("_", " ").capitalize(), "variations": variations} | more)


def dimension(dimension_id: str, **more: Any) -> Dimension:
    """A dimension that every cube has at the address that Sales has."""
    return Dimension(
        dimension_id,
        **{"name": dimension_id.replace("_", " ").capitalize(), "semantic_ref": f"Sales.{dimension_id}"} | more,
    )


def member(member_id: str, *values: str, **more: Any) -> Member:
    """A member whose name is the rest of its id; without values only variations say what it stands for."""
    dimension_id, _, name = member_id.partition(".")
    return Member(member_id, dimension_id, **{"name": name.replace("_", " ").title(), "values": values or None} | more)


def issue(issue_id: str, **more: Any) -> KnownIssue:
    """A known issue of the highest severity but one."""
    return KnownIssue(issue_id, **{"description": f"About {issue_id}.", "severity": Severity.HIGH} | more)


def question(text: str, **more: Any) -> Question:
    """A question of an analyst, asked now."""
    fields: dict[str, Any] = {"principal": ANALYST, "as_of": NOW}
    return Question(text, **fields | more)


def _prepared(about: Catalog) -> PreparedCatalog:
    kept, prepared = _PREPARED.get(id(about), (None, None))
    if kept is not about or prepared is None:
        prepared = Preparation().of(about)
        _PREPARED[id(about)] = (about, prepared)
    return prepared


def draft(about: Catalog, text: str = "", **more: Any) -> Draft:
    """The draft of a question, before its first step."""
    asked = question(text, **more)
    prepared = _prepared(about)
    zone = asked.time_zone or about.manifest.default_time_zone
    contexts = prepared.contexts.chain(asked.definition_context or asked.principal.department)
    return Draft(asked, prepared, contexts, asked.as_of.astimezone(ZoneInfo(zone)).date(), zone)


def parsed(about: Catalog, text: str, **more: Any) -> Parsed:
    """What the words of a question are."""
    return parse(draft(about, text, **more))[0].parsed
