"""Answers questions about the catalog itself, without a plan."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ecp_server.domain.catalog import AssetKind, Metric, Term
from ecp_server.domain.concepts import ConceptKind, Intent, ResolvedConcept
from ecp_server.domain.frozen import replace
from ecp_server.domain.lineage import Lineage
from ecp_server.domain.resolution import GlossaryTerm, MetricList
from ecp_server.resolution.browsing.pages import next_token
from ecp_server.resolution.draft import Draft, Parsed, Selection
from ecp_server.resolution.glossary import metric_entry, term_entry
from ecp_server.resolution.lexicon import SenseKind
from ecp_server.resolution.parsing.intent import asks_for_dimensions
from ecp_server.resolution.rights.lineage_view import visible_lineage
from ecp_server.resolution.rights.visibility import Visibility
from ecp_server.resolution.selecting.choosing import Chosen, exactness_factor
from ecp_server.resolution.selecting.subjects import Subjects
from ecp_server.stores.ports import Graph

MAX_METRICS = 50
_WORD = re.compile(r"\S+")
_PUNCTUATION = "?!.,;\"'“”‘’()[]"
_ADDRESSING = frozenset("._:")
"""Marks that names of tables and columns have and other words do not."""

ABOUT_THE_CATALOG = frozenset({Intent.DEFINITION, Intent.LINEAGE, Intent.CATALOG})


def defined_term(subjects: Subjects) -> Term | None:
    """Return the one term that the first mention can mean, whichever of its variations; nothing needs to be chosen."""
    terms = {c.term for c in subjects.chosen[0].candidates} if subjects.chosen else set()
    return terms.pop() if len(terms) == 1 else None


def defined_concepts(subjects: Subjects) -> tuple[ResolvedConcept, ...]:
    """Return what each mention means, as a concept; a term whose reading nobody chose, as the term that it is."""
    settled = {concept.mention: concept for concept in subjects.concepts}
    return tuple(
        concept
        for chosen in subjects.chosen
        if (concept := settled.get(chosen.named.mention) or _unread(chosen)) is not None
    )


def _unread(chosen: Chosen) -> ResolvedConcept | None:
    terms = {candidate.term for candidate in chosen.candidates}
    term = terms.pop() if len(terms) == 1 else None
    if term is None:
        return None
    return ResolvedConcept(
        kind=ConceptKind.TERM,
        mention=chosen.named.mention,
        id=term.id,
        name=term.name,
        definition=term.definition,
        reason=f"“{chosen.named.mention.text}” is in the glossary; no context decides which reading applies",
        confidence=exactness_factor(chosen.named.exactness),
        alternatives=chosen.alternatives,
    )


def definition(subjects: Subjects, draft: Draft) -> GlossaryTerm | None:
    """Return what the first mention means: its term as it reads for the user, or its metric."""
    visible = frozenset(ref.id for ref in draft.visible if ref.kind is AssetKind.METRIC)
    term = defined_term(subjects)
    if term is not None:
        chosen = tuple(candidate.variation for candidate in subjects.taken[:1] if candidate.variation)
        return term_entry(term, (*chosen, *draft.contexts), visible, draft.today)
    metrics = subjects.metrics
    return metric_entry(metrics[0]) if metrics else None


async def addressed_lineage(draft: Draft, graph: Graph, visibility: Visibility) -> Draft | None:
    """Return the draft answered with the lineage of a table or column that the question names by its address.

    Names of the catalog that are but parts of an address ("sales" in "shop.fact_sales") mean nothing.
    """
    names = {name.mention.text for name in draft.parsed.names}
    for match in _WORD.finditer(draft.question.text):
        address = match[0].strip(_PUNCTUATION)
        if address in names or not _ADDRESSING & set(address):
            continue
        found = await _lineage_of(address, draft, graph, visibility)
        if found is not None:
            return replace(draft, parsed=_without(draft.parsed, match), selection=Selection(answer=found))
    return None


async def lineage(metrics: Sequence[Metric], draft: Draft, graph: Graph, visibility: Visibility) -> Lineage | None:
    """Return the lineage upstream of the metric, or of the table or system that unmatched words name."""
    for target in [metric.id for metric in metrics] + [mention.text for mention in draft.parsed.unmatched]:
        found = await _lineage_of(target, draft, graph, visibility)
        if found is not None:
            return found
    return None


async def _lineage_of(target: str, draft: Draft, graph: Graph, visibility: Visibility) -> Lineage | None:
    for node in (target, f"table:{target}", f"system:{target}"):
        found = await visible_lineage(node, products=draft.prepared.products, graph=graph, visibility=visibility)
        if found is not None:
            return found
    return None


def _without(parsed: Parsed, word: re.Match[str]) -> Parsed:
    """Leave out what was found in a word that means something else."""
    return replace(
        parsed,
        names=tuple(n for n in parsed.names if not word.start() <= n.mention.start < word.end()),
        unmatched=tuple(m for m in parsed.unmatched if not word.start() <= m.start < word.end()),
        altered=(),
    )


async def metrics(draft: Draft, visibility: Visibility, named: Sequence[Metric]) -> MetricList:
    """Return the metrics that the user may see and that can be sliced by the members and dimensions named.

    Where the question is for the dimensions of metrics that it names, those.
    """
    catalog = draft.prepared.catalog
    if named and asks_for_dimensions(draft.parsed):
        return MetricList(tuple(named), len(named), "")
    members = [
        catalog.members[s.id] for n in draft.parsed.names if not n.excluded for s in n.named(SenseKind.MEMBER)[:1]
    ]
    dimensions = {member.dimension for member in members}
    dimensions |= {
        sense.id.partition("/")[0]
        for named in draft.parsed.names
        for sense in named.named(SenseKind.DIMENSION, SenseKind.LEVEL)[:1]
    }
    fitting = _fitting(draft.prepared.metrics_by_tier, dimensions, [member.id for member in members])
    visible = await visibility.metrics(draft.prepared.products, list(fitting))
    # ListMetrics goes on with a list that it can ask for itself: by one dimension, and members do not count.
    scope = (next(iter(dimensions), ""), "", "4", "")
    token = next_token(MAX_METRICS, len(visible), *scope) if len(dimensions) <= 1 and not members else ""
    return MetricList(tuple(visible[:MAX_METRICS]), len(visible), token)


def _fitting(metrics: Iterable[Metric], dimensions: set[str], members: Sequence[str]) -> Iterable[Metric]:
    for metric in metrics:
        if dimensions <= set(metric.dimensions) and not any(member in metric.not_available_for for member in members):
            yield metric
