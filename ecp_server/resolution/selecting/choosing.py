"""Chooses what a named mention means among the metrics and terms that it can stand for."""

from __future__ import annotations

from collections.abc import Sequence

from ecp_server.domain.catalog import AssetKind, AssetRef, Catalog, Metric, Term, TermVariation
from ecp_server.domain.concepts import Ambiguity, Assumption, ConceptKind, Mention, Option
from ecp_server.domain.frozen import dataclass, replace
from ecp_server.resolution.draft import Draft, NamedMention
from ecp_server.resolution.lessons import Lesson, contradiction
from ecp_server.resolution.lexicon import Exactness, FormSource, Sense, SenseKind
from ecp_server.stores.ports import Variations

MAX_OPTIONS = 5
MARGIN = 0.05
"""Candidates closer than this to the best one are asked back. Two tiers apart is more than this, one is less."""

PRECEDENT_SCORE = 0.95
"""No more than the weakest of names: nobody has measured how often what was taught is right."""
_SOURCE_SCORE = {
    FormSource.NAME: 1.0,
    FormSource.SYNONYM: 0.97,
    FormSource.ACRONYM: 0.95,
    FormSource.PRECEDENT: PRECEDENT_SCORE,
}
EXACTNESS_FACTOR = {
    Exactness.EXACT: 1.0,
    Exactness.INFLECTED: 0.99,
    Exactness.VARIED: 0.97,
    Exactness.REORDERED: 0.93,
    Exactness.CORRECTED: 0.95,
}
"""How often words written so mean the name: fitted by `scripts/calibrate.py --fit`, whose rewordings were right in
1.000, 1.000, 1.000 and 0.997 of 71, 119, 9 and 626 cases. They hold no words that are other words rightly spelt, of
which one in fifty lies a slip from a name, so corrections count for less; nine cases say little."""
_TIER_STEP = 0.03
_DECIDED = 0.2
"""More than tiers and kinds of names make together."""
_MEASURED = frozenset({SenseKind.METRIC, SenseKind.TERM})
_AS_NAMED = frozenset({Exactness.EXACT, Exactness.INFLECTED})
_SOURCE_WORD = {FormSource.NAME: "name", FormSource.SYNONYM: "synonym", FormSource.ACRONYM: "acronym"}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One meaning of a mention: a metric, or a term without one."""

    option: Option
    metric: Metric | None
    term: Term | None
    score: float
    reason: str
    variation: str = ""
    defaulted: bool = False
    """No context decided; the term's default was taken."""
    settled: bool = False
    """An exact name or the user's variation says so, which goes before tiers and precedents."""
    lesson: Lesson | None = None
    """What the department was taught, where that decides for it."""

    @property
    def match(self) -> float:
        """The score without the preference for certified metrics: how well the words fit."""
        return self.option.confidence


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a mention can mean, and which meaning is taken; none where the caller must choose."""

    named: NamedMention
    candidates: tuple[Candidate, ...]
    taken: Candidate | None

    @property
    def subject(self) -> str:
        """Return the id by which a choice names this mention."""
        return subject_id(self.named)

    @property
    def subjects(self) -> frozenset[str]:
        """Return every id by which a choice names this mention: the ambiguity's, and that of its assumed definition."""
        if len(self.candidates) == 1 and self.candidates[0].term is None:
            return frozenset((self.subject,))
        return frozenset([self.subject, *[assumption_id(c.term) for c in self.candidates if c.term is not None]])

    @property
    def assumption(self) -> Assumption | None:
        """Tell that no context decided: what the department was taught was taken, or a term's default; else None."""
        if self.taken is not None and self.taken.lesson is not None:
            return Assumption(self.subject, self.taken.option, self.taken.reason, self.alternatives)
        if self.taken is None or not self.taken.defaulted or self.taken.term is None:
            return None
        return Assumption(assumption_id(self.taken.term), self.taken.option, self.taken.reason, self.alternatives)

    @property
    def alternatives(self) -> tuple[Option, ...]:
        """Return the runners-up, best first."""
        if len(self.candidates) == 1 and self.taken is not None:
            return ()
        taken = self.taken.option.id if self.taken is not None else ""
        return tuple([c.option for c in self.candidates if c.option.id != taken][:MAX_OPTIONS])

    @property
    def ambiguity(self) -> Ambiguity:
        """Return the question back."""
        options = self.alternatives
        text = self.named.mention.text
        taught = [(c.option.name, c.lesson) for c in self.candidates if c.lesson is not None]
        message = f"“{text}” can mean {', '.join(option.name for option in options)}. Which one?"
        if len({lesson.option_id for _, lesson in taught}) > 1:
            message = contradiction(text, taught[0][1].department, [name for name, _ in taught])
        return Ambiguity(self.subject, self.named.mention, options, message)


def choose(named: NamedMention, draft: Draft) -> Chosen:
    """Choose one meaning of a mention that can be a metric or a term.

    Exact names go first, then the user's variation, then what the department was taught, then tier; within `MARGIN`
    nothing is taken and the caller is asked.
    """
    candidates = tuple(_candidates(named, draft))
    for choice in draft.question.choices:
        picked = next((c for c in candidates if c.option.id == choice.option_id), None)
        if picked is not None and choice.subject_id in Chosen(named, candidates, None).subjects:
            reason = f"The caller chose it among the meanings of “{named.mention.text}”"
            return Chosen(named, candidates, replace(picked, reason=reason, defaulted=False, lesson=None))
    best = candidates[0]
    if len(candidates) == 1:
        return Chosen(named, candidates, best)
    rivals = [c for c in candidates[1:] if best.score - c.score <= MARGIN]
    return Chosen(named, candidates, None if rivals and not best.defaulted else best)


def exactness_factor(exactness: Exactness) -> float:
    """Return how far words that are written so can be relied on, 0 to 1."""
    return EXACTNESS_FACTOR[exactness]


def assumption_id(term: Term) -> str:
    """Return the id of the assumption that a term has its default definition."""
    return f"definition.{term.id}"


def subject_id(named: NamedMention) -> str:
    """Return the id by which a choice names this mention: its folded words."""
    return subject_of(named.mention)


def subject_of(mention: Mention) -> str:
    """Return the id by which a choice names a mention."""
    return "_".join(mention.text.casefold().split())


def _candidates(named: NamedMention, draft: Draft) -> list[Candidate]:
    """Return the visible meanings, best first, each once."""
    known = [s for s in named.senses if s.kind in _MEASURED and s.source is not FormSource.PRECEDENT]
    if len(known) == 1:
        found = _read(known[0], named, draft)
    else:
        known = [sense for sense in known if sense.source is FormSource.NAME] or known
        found = [candidate for sense in known for candidate in _read(sense, named, draft)]
    if draft.lessons.by_words:
        found = _with_lessons(found, named, draft)
    if len(found) == 1:
        return found
    best: dict[str, Candidate] = {}
    for candidate in sorted(found, key=lambda c: (-c.score, c.option.id)):
        best.setdefault(candidate.option.id, candidate)
    return list(best.values())


def _read(sense: Sense, named: NamedMention, draft: Draft) -> list[Candidate]:
    """Return what one sense of a mention can mean."""
    catalog = draft.prepared.catalog
    match = _SOURCE_SCORE[sense.source] * EXACTNESS_FACTOR[named.exactness]
    exact = sense.source is FormSource.NAME and named.exactness in _AS_NAMED
    if sense.kind is SenseKind.METRIC:
        metric = catalog.metrics[sense.id]
        reason = f"“{named.mention.text}” is {_of(metric.name, sense)}"
        return [_metric_candidate(metric, match, reason, settled=exact)]
    found = _term_candidates(catalog.terms[sense.id], sense, match, draft, catalog)
    if exact and len(found) == 1 and not (found[0].defaulted or found[0].variation):
        return [replace(found[0], settled=True)]
    return found


def _with_lessons(found: list[Candidate], named: NamedMention, draft: Draft) -> list[Candidate]:
    """Return the candidates, those that the department was taught before the others.

    Exact names and the user's variation are not taught: among several such candidates a lesson picks one, and else it
    has no effect. Several that were taught come out alike, so that the caller is asked.
    """
    settled = [candidate for candidate in found if candidate.settled]
    if len(settled) == 1:
        return found
    top = max([candidate.score for candidate in found], default=1.0) + _DECIDED
    meanings = {sense.meaning for sense in named.senses}
    taught: list[Candidate] = []
    for lesson in draft.lessons.of(draft.parsed.tokens, named.first, named.last):
        if lesson.meaning.sense.meaning in meanings:
            meant = _meant(lesson, settled or found)
            if not meant and not settled:
                meant = _meant(lesson, _read(lesson.meaning.sense, named, draft)) or _readings(lesson, named, draft)
            taught += [_taught(candidate, lesson, named, top) for candidate in meant]
    return found + taught


def _taught(candidate: Candidate, lesson: Lesson, named: NamedMention, score: float) -> Candidate:
    reason = lesson.reason(named.mention.text, candidate.option.name)
    return replace(candidate, score=score, reason=reason, defaulted=False, lesson=lesson)


def _meant(lesson: Lesson, candidates: Sequence[Candidate]) -> list[Candidate]:
    return [c for c in candidates if (c.option.id, c.option.kind) == (lesson.option_id, lesson.kind)]


def _readings(lesson: Lesson, named: NamedMention, draft: Draft) -> list[Candidate]:
    """Return what a term that words were corrected to means for the user; several where nothing decides."""
    readings = [] if lesson.meaning.context else _read(lesson.meaning.sense, named, draft)
    best = max(readings, key=lambda candidate: candidate.score, default=None)
    if best is None or best.defaulted:
        return readings if best is None else [best]
    return [candidate for candidate in readings if best.score - candidate.score <= MARGIN]


def _of(name: str, sense: Sense) -> str:
    if sense.source is FormSource.PRECEDENT:
        return f"what {name} was called"
    return f"the {_SOURCE_WORD[sense.source]} of {name}" if sense.source else f"the name of the metric {name}"


def _metric_candidate(
    metric: Metric, match: float, reason: str, variation: str = "", *, settled: bool = False
) -> Candidate:
    option = Option(metric.id, metric.name, metric.definition, ConceptKind.METRIC, round(match, 4))
    score = match - _TIER_STEP * (metric.certification_tier - 1)
    return Candidate(option, metric, None, score, reason, variation, settled=settled)


def _term_candidates(term: Term, sense: Sense, match: float, draft: Draft, catalog: Catalog) -> list[Candidate]:
    """Read a term: the nearest context that defines it, else its own metric, else its default, else all variations."""
    variations = draft.variations.get(AssetRef(AssetKind.TERM, term.id), Variations()).terms
    visible = [v for v in variations if v.metric is None or _visible(v.metric, draft)]
    for context in draft.contexts:
        for variation in visible:
            if variation.context == context and _holds(variation, draft):
                reason = f"In {context}, “{sense.form}” means {variation.name or term.name}"
                decided = _variation_candidate(term, variation, match, reason, catalog)
                # The user's variation goes before tiers.
                rest = (v for v in visible if v is not variation and _holds(v, draft))
                others = [_variation_candidate(term, v, match, f"“{sense.form}” in {v.context}", catalog) for v in rest]
                return [replace(decided, score=decided.score + _DECIDED, settled=True), *others]
    own = term.metric if term.metric is not None and _visible(term.metric, draft) else None
    if own is not None:
        reason = f"“{sense.form}” stands for the metric {catalog.metrics[own].name}"
        return [_metric_candidate(catalog.metrics[own], match, reason)]
    others = [
        _variation_candidate(term, v, match, f"“{sense.form}” in {v.context}", catalog)
        for v in visible
        if _holds(v, draft)
    ]
    if term.default is not None and _visible(term.default, draft):
        metric = catalog.metrics[term.default]
        reason = f"No context decides what “{sense.form}” means; {metric.name} is its default"
        default = replace(_metric_candidate(metric, match, reason), term=term, defaulted=True)
        # The default goes first, whatever its tier: the catalog says so.
        return [replace(default, score=max([default.score, *(c.score for c in others)]) + MARGIN), *others]
    if others:
        return others
    option = Option(term.id, term.name, term.definition, ConceptKind.TERM, round(match, 4))
    return [Candidate(option, None, term, match, f"“{sense.form}” is in the glossary")]


def _visible(metric_id: str, draft: Draft) -> bool:
    return AssetRef(AssetKind.METRIC, metric_id) in draft.visible


def _holds(variation: TermVariation, draft: Draft) -> bool:
    day = draft.last_day or draft.today
    after = variation.valid_from is None or variation.valid_from <= day
    return after and (variation.valid_to is None or day < variation.valid_to)


def _variation_candidate(
    term: Term, variation: TermVariation, match: float, reason: str, catalog: Catalog
) -> Candidate:
    if variation.metric is not None:
        metric = catalog.metrics[variation.metric]
        candidate = _metric_candidate(metric, match, reason, variation.context)
        definition = variation.definition or metric.definition
        return replace(candidate, term=term, option=replace(candidate.option, definition=definition))
    option = Option(
        f"{term.id}@{variation.context}",
        variation.name or term.name,
        variation.definition or term.definition,
        ConceptKind.TERM,
        round(match, 4),
    )
    return Candidate(option, None, term, match, reason, variation.context)
