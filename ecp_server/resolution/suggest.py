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
from ecp_server.resolution.rights.senses import VisibleSenses
from ecp_server.resolution.rights.visibility import Visibility, told_as_one
from ecp_server.resolution.searching.search import search
from ecp_server.resolution.selecting.choosing import MAX_OPTIONS
from ecp_server.resolution.spelling.corrections import only
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
        searched(await _without_hidden(draft, visibility)),
        index=draft.prepared.search_index,
        registry=registry,
        vector=vector,
        kinds=_KINDS,
        limit=_SEARCHED,
    )
    # Those too far to be shown are asked for as well: what policy was asked must not tell a hidden name from none.
    products = draft.prepared.products
    with told_as_one(lambda: bool(shown)):
        visible = await visibility.visible(products, [hit.ref for hit in found.hits])
        shown = _once([hit for hit in found.hits if hit.ref in visible and hit.score >= FLOOR])[:MAX_OPTIONS]
    visibility.tell(products, [hit.ref for hit in shown], visible)
    options = tuple(_option(hit, catalog) for hit in shown)
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
    text = _unknown(draft)
    if not text:
        return draft.question.text
    read = _perhaps(text, draft)
    meant = [only(near) or word for word, near in read]
    return text if meant == [word for word, _ in read] else " ".join(meant)


def _unknown(draft: Draft) -> str:
    """Return the words that nothing matched with the names that they alter."""
    parsed = draft.parsed
    mentions = {*parsed.unmatched, *parsed.not_covered, *(name.mention for name in parsed.altered)}
    return " ".join(mention.text for mention in sorted(mentions, key=lambda mention: mention.start))


def _perhaps(text: str, draft: Draft) -> list[tuple[str, frozenset[str]]]:
    """Return each word of a text, folded, with those of the catalog that it may be written for."""
    lexicon, words = draft.prepared.lexicon, [token.folded for token in tokenize(text)]
    return [(word, lexicon.perhaps(word, draft.hidden)) for word in words]


async def _without_hidden(draft: Draft, visibility: Visibility) -> Draft:
    """Return the draft as if what its words may be written for, and policy hides, did not exist."""
    lexicon, visible = draft.prepared.lexicon, VisibleSenses(draft.prepared, visibility)
    with told_as_one(lambda: bool(considered)):
        while True:
            near = frozenset[str]().union(*[near for _, near in _perhaps(_unknown(draft), draft)])
            considered = tuple(lexicon.having(sorted(near), draft.hidden))
            await visible.ask(considered)
            hidden = [sense.meaning for sense in considered if not visible.shows(sense)]
            if not hidden:
                return draft
            draft = replace(draft, hidden=draft.hidden.union(hidden))


def _once(hits: Sequence[Hit]) -> list[Hit]:
    """Leave out a term whose id is that of a metric already shown."""
    return list({hit.ref.id: hit for hit in reversed(hits)}.values())[::-1]


def _option(hit: Hit, catalog: Catalog) -> Option:
    if hit.ref.kind is AssetKind.METRIC:
        metric = catalog.metrics[hit.ref.id]
        return Option(metric.id, metric.name, metric.definition, ConceptKind.METRIC, round(hit.score, 4))
    term = catalog.terms[hit.ref.id]
    return Option(term.id, term.name, term.definition, ConceptKind.TERM, round(hit.score, 4))
