"""What was perhaps meant: metrics and terms near to words that nothing matched."""

from __future__ import annotations

from collections.abc import Sequence

from ecp_server.domain.catalog import AssetKind, Catalog
from ecp_server.domain.concepts import ConceptKind, Option
from ecp_server.domain.frozen import replace
from ecp_server.domain.provenance import Finding, StepStatus
from ecp_server.domain.resolution import NotFound
from ecp_server.resolution.draft import Draft
from ecp_server.resolution.rights.visibility import Visibility
from ecp_server.resolution.searching.search import search
from ecp_server.resolution.selecting.choosing import MAX_OPTIONS
from ecp_server.stores.ports import Hit, Registry, Vector

_SEARCHED = 20
_KINDS = frozenset({AssetKind.METRIC, AssetKind.TERM})


async def suggest(draft: Draft, registry: Registry, vector: Vector, visibility: Visibility) -> tuple[Draft, Finding]:
    """Return the draft with suggestions for its `NotFound`, at most five, only what the user may discover."""
    problem = draft.problem
    if not isinstance(problem, NotFound):
        return draft, Finding("Nothing to suggest")
    catalog = draft.prepared.catalog
    found = await search(
        draft.question.text,
        index=draft.prepared.search_index,
        registry=registry,
        vector=vector,
        kinds=_KINDS,
        limit=_SEARCHED,
    )
    visible = await visibility.visible(draft.prepared.products, [hit.ref for hit in found.hits])
    shown = [hit for hit in found.hits if hit.ref in visible]
    options = tuple(_option(hit, catalog) for hit in _once(shown)[:MAX_OPTIONS])
    draft = replace(
        draft,
        problem=replace(problem, suggestions=options),
        degradations=draft.degradations + found.degradations,
    )
    status = StepStatus.DEGRADED if found.degradations else StepStatus.COMPLETE
    output = {"suggestions": [option.id for option in options]}
    return draft, Finding("Looked for what was perhaps meant", output, status)


def _once(hits: Sequence[Hit]) -> list[Hit]:
    """Leave out a term whose id is that of a metric already shown."""
    return list({hit.ref.id: hit for hit in reversed(hits)}.values())[::-1]


def _option(hit: Hit, catalog: Catalog) -> Option:
    if hit.ref.kind is AssetKind.METRIC:
        metric = catalog.metrics[hit.ref.id]
        return Option(metric.id, metric.name, metric.definition, ConceptKind.METRIC, round(hit.score, 4))
    term = catalog.terms[hit.ref.id]
    return Option(term.id, term.name, term.definition, ConceptKind.TERM, round(hit.score, 4))
