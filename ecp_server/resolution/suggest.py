"""What was perhaps meant: metrics and terms near to words that nothing matched."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ecp_server.domain.catalog import AssetKind, Catalog
from ecp_server.domain.concepts import ConceptKind, Option
from ecp_server.domain.frozen import replace
from ecp_server.domain.provenance import Finding, StepStatus
from ecp_server.domain.resolution import NotFound
from ecp_server.domain.text import tokenize
from ecp_server.resolution.draft import Draft
from ecp_server.resolution.rights.visibility import Visibility
from ecp_server.resolution.searching.search import search
from ecp_server.resolution.selecting.choosing import MAX_OPTIONS
from ecp_server.stores.ports import Hit, Registry, Vector

FLOOR: Final = 0.2
"""What is less near is no suggestion. `scripts/measure_margins.py` tells what that keeps and what it leaves out."""
_SEARCHED: Final = 20
_KINDS = frozenset({AssetKind.METRIC, AssetKind.TERM})


async def suggest(draft: Draft, registry: Registry, vector: Vector, visibility: Visibility) -> tuple[Draft, Finding]:
    """Return the draft with suggestions for its `NotFound`, at most five, only what the user may discover."""
    problem = draft.problem
    if not isinstance(problem, NotFound):
        return draft, Finding("Nothing to suggest")
    catalog = draft.prepared.catalog
    found = await search(
        searched(draft),
        index=draft.prepared.search_index,
        registry=registry,
        vector=vector,
        kinds=_KINDS,
        limit=_SEARCHED,
    )
    # Those too far to be shown are asked for as well: what policy was asked must not tell a hidden name from none.
    visible = await visibility.visible(draft.prepared.products, [hit.ref for hit in found.hits])
    shown = [hit for hit in found.hits if hit.ref in visible and hit.score >= FLOOR]
    options = tuple(_option(hit, catalog) for hit in _once(shown)[:MAX_OPTIONS])
    draft = replace(
        draft,
        problem=replace(problem, suggestions=options),
        degradations=draft.degradations + found.degradations,
    )
    status = StepStatus.DEGRADED if found.degradations else StepStatus.COMPLETE
    output = {"suggestions": [option.id for option in options]}
    return draft, Finding("Looked for what was perhaps meant", output, status)


def searched(draft: Draft) -> str:
    """Return the words to search by: those that nothing matched with the names that they alter, else all of them.

    Periods, members and small words around them are near to anything. Words that slips may have left are those they
    may be written for.
    """
    parsed = draft.parsed
    mentions = {*parsed.unmatched, *parsed.not_covered, *(name.mention for name in parsed.altered)}
    text = " ".join(mention.text for mention in sorted(mentions, key=lambda mention: mention.start))
    if not text:
        return draft.question.text
    meant = [draft.prepared.lexicon.perhaps(token.folded) for token in tokenize(text)]
    written = [token.folded for token in tokenize(text)]
    return text if meant == written else " ".join(meant)


def _once(hits: Sequence[Hit]) -> list[Hit]:
    """Leave out a term whose id is that of a metric already shown."""
    return list({hit.ref.id: hit for hit in reversed(hits)}.values())[::-1]


def _option(hit: Hit, catalog: Catalog) -> Option:
    if hit.ref.kind is AssetKind.METRIC:
        metric = catalog.metrics[hit.ref.id]
        return Option(metric.id, metric.name, metric.definition, ConceptKind.METRIC, round(hit.score, 4))
    term = catalog.terms[hit.ref.id]
    return Option(term.id, term.name, term.definition, ConceptKind.TERM, round(hit.score, 4))
