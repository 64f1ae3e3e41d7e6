"""What policy denies a principal to discover, asked of the policy itself, and whether something shows any of it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import json_format

from ecp_server.domain.catalog import Catalog, Metric, Term
from ecp_server.domain.identity import Principal
from ecp_server.domain.policy import Action, PolicyQuestion, Product
from ecp_server.stores.lineage import edges, source_table
from ecp_server.stores.ports import Policy
from tests.serving import Outcome


@dataclass(frozen=True)
class Concealed:
    """All that tells of what a principal may not discover: ids, names, definitions, addresses, issues, denials."""

    words: Mapping[str, str]
    """The asset by what tells of it."""

    def shown_in(self, outcome: Outcome, *, asked: str = "") -> dict[str, str]:
        """Return what an outcome shows, except for words that the caller said itself."""
        text = said(outcome)
        return {
            word: asset
            for word, asset in self.words.items()
            if word.casefold() not in asked.casefold() and re.search(rf"(?<![\w.]){re.escape(word)}(?!\w)", text)
        }


async def concealed(catalog: Catalog, policy: Policy, principal: Principal) -> Concealed:
    """Ask the policy about everything there is, one kind at a time: a term may have the id of a metric."""
    metrics, terms = catalog.metrics.values(), catalog.terms.values()
    of_metrics = await _decided(policy, principal, [_metric(metric) for metric in metrics])
    of_terms = await _decided(policy, principal, [_term(term) for term in terms])
    tables = [Product(id=table, kind="table") for table in tables_of(catalog)]
    of_tables = await _decided(policy, principal, tables)
    denied = of_metrics.denied
    telling = {word: m.id for m in metrics if m.id in denied for word in _of_metric(m)}
    telling |= {word: t.id for t in terms if t.id in of_terms.denied for word in (t.id, t.name, t.definition)}
    telling |= _of_variations(catalog, denied) | _of_issues(catalog, denied) | _of_tables(catalog, of_tables.denied)
    telling |= of_metrics.grounds | of_terms.grounds | of_tables.grounds
    said_openly = {word for m in metrics if m.id not in denied for word in (*_of_metric(m), *m.synonyms)}
    said_openly |= {word for t in terms if t.id not in of_terms.denied for word in (t.id, t.name)}
    said_openly |= of_metrics.said_openly | of_terms.said_openly | of_tables.said_openly
    return Concealed({word: asset for word, asset in telling.items() if word and word not in said_openly})


def tables_of(catalog: Catalog) -> list[str]:
    """Return every table of the lineage by its name, as policy knows it."""
    ends = {end for edge in edges(catalog) for end in (edge.start, edge.end)}
    return sorted({source_table(end) for end in ends if end not in catalog.metrics and not end.startswith("system:")})


def said(outcome: Outcome) -> str:
    """Return all that a caller is told, as text."""
    parts = [outcome.message, *outcome.details.values()]
    if outcome.code == "OK":
        parts.append(outcome.response)
    return "\n".join(part if isinstance(part, str) else _json(part) for part in parts)


def _json(message: Any) -> str:
    return str(json_format.MessageToJson(message, preserving_proto_field_name=True, ensure_ascii=False))


def _of_metric(metric: Metric) -> Iterator[str]:
    yield from (metric.id, metric.name, metric.definition)
    yield from (change.note for change in metric.definition_changes)
    if metric.semantic_ref:
        yield metric.semantic_ref


def _of_variations(catalog: Catalog, denied: frozenset[str]) -> dict[str, str]:
    readings = [(term, v) for term in catalog.terms.values() for v in term.variations if v.metric in denied]
    return {word: f"{term.id}@{v.context}" for term, v in readings for word in (v.name, v.definition)}


def _of_tables(catalog: Catalog, denied: frozenset[str]) -> dict[str, str]:
    """Return the tables, their columns, and how something is made of them or they of something."""
    ends = [(end, edge) for edge in edges(catalog) for end in (edge.start, edge.end) if source_table(end) in denied]
    return {table: table for table in denied} | {w: end for end, edge in ends for w in (end, edge.transformation)}


def _of_issues(catalog: Catalog, denied: frozenset[str]) -> dict[str, str]:
    issues = [i for i in catalog.known_issues.values() if i.scope.metrics and set(i.scope.metrics) <= denied]
    return {word: issue.id for issue in issues for word in (issue.id, issue.description, issue.impact)}


def _metric(metric: Metric) -> Product:
    return Product(
        id=metric.id,
        kind="metric",
        certification_tier=metric.certification_tier,
        classification=metric.classification.value,
        domain=metric.domain,
        owner=metric.owner,
        dimensions=metric.dimensions,
        pii_columns=metric.pii_columns,
    )


def _term(term: Term) -> Product:
    return Product(id=term.id, kind="term", domain=term.domain, owner=term.owner)


@dataclass(frozen=True)
class _Decided:
    """What policy says of some products: which are denied, on what grounds, and what it says of the others."""

    denied: frozenset[str]
    grounds: dict[str, str]
    said_openly: frozenset[str]


async def _decided(policy: Policy, principal: Principal, products: Iterable[Product]) -> _Decided:
    asked = tuple(products)
    decisions = await policy.decide(PolicyQuestion(Action.DISCOVER, principal, asked))
    denied = frozenset(p.id for p in asked if p.id not in decisions or not decisions[p.id].allow)
    grounds = {word: p for p, d in decisions.items() if p in denied for word in (d.policy, d.reason)}
    openly = frozenset(word for p, d in decisions.items() if p not in denied for word in (d.policy, d.reason))
    return _Decided(denied, grounds, openly)
