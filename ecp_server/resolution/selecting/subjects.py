"""What a question is about: its metrics and terms, or what to say where it names none."""

from __future__ import annotations

from ecp_server.domain.catalog import Metric, Term
from ecp_server.domain.concepts import Ambiguity, Assumption, ConceptKind, Mention, Option, ResolvedConcept
from ecp_server.domain.frozen import dataclass
from ecp_server.domain.period import Grain
from ecp_server.domain.resolution import NotFound
from ecp_server.resolution.draft import Draft, NamedMention, Parsed
from ecp_server.resolution.lexicon import SenseKind
from ecp_server.resolution.parsing.intent import is_target
from ecp_server.resolution.parsing.words import COMPARING
from ecp_server.resolution.rights.visibility import Visibility
from ecp_server.resolution.selecting.choosing import MAX_OPTIONS, Candidate, Chosen, choose

_PREDICATIVE = frozenset({SenseKind.METRIC, SenseKind.TERM})
METRIC = "metric"
"""The subject of the question back where no mention could be singled out."""


@dataclass(frozen=True, slots=True)
class Subjects:
    """The chosen meanings in the order of the text."""

    chosen: tuple[Chosen, ...]
    taken: tuple[Candidate, ...]
    """The meanings that are settled."""

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Return the metrics that are settled, each once."""
        found = {c.metric.id: c.metric for c in self.taken if c.metric is not None}
        return tuple(found.values())

    @property
    def terms(self) -> tuple[Term, ...]:
        """Return the terms without a metric."""
        return tuple([c.term for c in self.taken if c.metric is None and c.term is not None])

    @property
    def ambiguities(self) -> tuple[Ambiguity, ...]:
        """Return the questions back."""
        if len(self.taken) == len(self.chosen):
            return ()
        return tuple({c.subject: c.ambiguity for c in self.chosen if c.taken is None}.values())

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """Tell which default definitions were taken."""
        return tuple([assumption for c in self.chosen if (assumption := c.assumption) is not None])

    @property
    def concepts(self) -> tuple[ResolvedConcept, ...]:
        """Return the settled mentions as concepts."""
        return tuple([_concept(c, c.taken) for c in self.chosen if c.taken is not None])

    @property
    def precedents(self) -> tuple[str, ...]:
        """Return the ids of the precedents that decided."""
        return tuple([taken.lesson.precedents[0] for taken in self.taken if taken.lesson is not None])

    @property
    def offers(self) -> dict[str, frozenset[str]]:
        """Return what a choice can name."""
        return {
            subject: frozenset([candidate.option.id for candidate in c.candidates])
            for c in self.chosen
            for subject in c.subjects
        }


def find_subjects(draft: Draft) -> Subjects:
    """Choose a meaning for every mention that can be a metric or a term and is not merely grouped by."""
    chosen: list[Chosen] = []
    taken: list[Candidate] = []
    for named in draft.parsed.names:
        if named.grouped or named.kinds.isdisjoint(_PREDICATIVE):
            continue
        one = choose(named, draft)
        chosen.append(one)
        if one.taken is not None:
            taken.append(one.taken)
    return Subjects(tuple(chosen), tuple(taken))


async def without_subject(draft: Draft, visibility: Visibility) -> Ambiguity | NotFound:
    """Say what a question without metric, term or entity gets: a question back, or that nothing matches.

    Unknown content words: nothing matches. Members, dimensions or generic words alone: which metric? (design, section
    6).
    """
    parsed = draft.parsed
    sliced_by = [dimensions for named in parsed.names if (dimensions := _dimensions(named, draft))]
    if parsed.unmatched or not (sliced_by or (parsed.words and not _asks_over_time(parsed))):
        return NotFound(parsed.unmatched)
    named = _with_targets(draft)
    fitting = (m for m in named if all(names & set(m.dimensions) for names in sliced_by))
    metrics = await visibility.first_metrics(draft.prepared.products, fitting, MAX_OPTIONS)
    if not metrics:
        return NotFound(parsed.unmatched)
    return Ambiguity(METRIC, None, tuple(metric_option(metric) for metric in metrics), "Which metric?")


def _with_targets(draft: Draft) -> tuple[Metric, ...]:
    """Return the metrics, by tier, that have every target that the question names: only those can have missed one."""
    fitting = draft.prepared.metrics_by_tier
    for named in draft.parsed.names:
        targets = {sense.id for sense in named.named(SenseKind.TARGET)}
        if targets:
            having = {m.id for target in targets for m in draft.prepared.metrics_by_target.get(target, ())}
            fitting = tuple(metric for metric in fitting if metric.id in having)
    return fitting


def names_target(draft: Draft) -> bool:
    """Tell whether a target is named that metrics can be held against."""
    return any(is_target(named) for named in draft.parsed.names)


def _dimensions(named: NamedMention, draft: Draft) -> frozenset[str]:
    """Return the dimensions that a mention can be about: it is one, or names a level or a member of it."""
    members = draft.prepared.catalog.members
    sliced = {sense.id.partition("/")[0] for sense in named.named(SenseKind.DIMENSION, SenseKind.LEVEL)}
    return frozenset(sliced | {members[sense.id].dimension for sense in named.named(SenseKind.MEMBER)})


def _asks_over_time(parsed: Parsed) -> bool:
    """Tell whether periods, grains or comparing words stand in the question: alone they match nothing."""
    compares = any(token.folded in COMPARING for token in parsed.tokens)
    return bool(parsed.times) or parsed.grain is not Grain.NONE or parsed.trend or compares


def metric_option(metric: Metric) -> Option:
    """Return the metric as an option."""
    return Option(metric.id, metric.name, metric.definition, ConceptKind.METRIC)


def chosen_metric(draft: Draft, ambiguity: Ambiguity) -> Metric | None:
    """Return the metric that the caller chose where the question named none."""
    for choice in draft.question.choices:
        if choice.subject_id == METRIC and any(option.id == choice.option_id for option in ambiguity.options):
            return draft.prepared.catalog.metrics[choice.option_id]
    return None


def chosen_concept(metric: Metric) -> ResolvedConcept:
    """Return the metric that the caller chose where the question named none; its mention is empty."""
    return ResolvedConcept(
        kind=ConceptKind.METRIC,
        mention=Mention("", 0, 0),
        id=metric.id,
        name=metric.name,
        definition=metric.definition,
        confidence=1.0,
        reason="The caller chose it",
        certification_tier=metric.certification_tier,
    )


def _concept(chosen: Chosen, taken: Candidate) -> ResolvedConcept:
    return ResolvedConcept(
        kind=taken.option.kind,
        mention=chosen.named.mention,
        id=taken.option.id if taken.metric is None else taken.metric.id,
        name=taken.option.name,
        definition=taken.option.definition,
        variation=taken.variation,
        confidence=taken.match,
        reason=taken.reason,
        alternatives=chosen.alternatives,
        certification_tier=taken.metric.certification_tier if taken.metric is not None else 0,
    )
