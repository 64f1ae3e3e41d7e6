"""Chooses one concept a mention, and with them the slices of data that the question is about."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

from ecp_server.domain.catalog import AssetKind, AssetRef, Metric
from ecp_server.domain.concepts import Assumption, ConceptKind, Intent, ResolvedConcept
from ecp_server.domain.errors import FieldViolation, InvalidChoice
from ecp_server.domain.frozen import replace
from ecp_server.domain.lineage import Lineage
from ecp_server.domain.provenance import Finding
from ecp_server.domain.resolution import GlossaryTerm, Incompatible, MetricList, NotFound, Problem
from ecp_server.resolution.draft import Draft, Parsed, Selection, SlicedMember
from ecp_server.resolution.lexicon import SenseKind
from ecp_server.resolution.rights.visibility import Visibility
from ecp_server.resolution.selecting.answering import (
    ABOUT_THE_CATALOG,
    addressed_lineage,
    defined_concepts,
    defined_term,
    definition,
    lineage,
    metrics,
)
from ecp_server.resolution.selecting.assembly import Asked, assemble
from ecp_server.resolution.selecting.choosing import exactness_factor
from ecp_server.resolution.selecting.crossed import crossed
from ecp_server.resolution.selecting.membership import last_day
from ecp_server.resolution.selecting.multihop import reach
from ecp_server.resolution.selecting.named_periods import NamedPeriods, find_periods
from ecp_server.resolution.selecting.narrowing import narrowed
from ecp_server.resolution.selecting.periods import calendars_in_force, said_period
from ecp_server.resolution.selecting.slicing import Slicing, find_slicing, member_concept
from ecp_server.resolution.selecting.subjects import (
    METRIC,
    Subjects,
    chosen_concept,
    chosen_metric,
    find_subjects,
    names_target,
    without_subject,
)
from ecp_server.resolution.selecting.taught import contradicted, told
from ecp_server.stores.ports import Graph, Variations

_VARYING: Final = frozenset({SenseKind.TERM, SenseKind.MEMBER})


async def select(draft: Draft, graph: Graph, visibility: Visibility) -> tuple[Draft, Finding]:
    """Return the draft with its selection, or with the problem with the question.

    Raises `InvalidChoice` where a choice names nothing that was offered.
    """
    varying = _varying(draft)
    if varying:
        variations = await graph.variations(draft.prepared.catalog.version, varying)
        draft = replace(draft, variations=variations, last_day=_last_day(draft, variations))
    parsed = draft.parsed
    if parsed.intent is Intent.LINEAGE and (found := await addressed_lineage(draft, graph, visibility)) is not None:
        found = replace(found, selection=replace(found.selection, assumptions=draft.selection.assumptions))
        _check_choices(found, found.selection)
        return found, Finding("The question names a node of the lineage by its address")
    if parsed.not_covered or parsed.altered:
        words = parsed.not_covered + parsed.unmatched
        return _refused(draft, NotFound(tuple(sorted(words, key=lambda mention: mention.start))))
    if draft.lessons.by_words and (asked_back := contradicted(draft)):
        offers = {ambiguity.id: frozenset(option.id for option in ambiguity.options) for ambiguity in asked_back}
        asked = Selection(assumptions=draft.selection.assumptions, ambiguities=asked_back, offers=offers)
        _check_choices(draft, asked)
        return replace(draft, selection=asked), _finding(asked)
    if parsed.intent in ABOUT_THE_CATALOG:
        return await _about_the_catalog(draft, graph, visibility)
    if [name for name in parsed.names if SenseKind.RELATION in name.kinds]:
        reached, missing = await reach(draft, graph, visibility)
        if missing is not None:
            return _refused(draft, missing)
        if reached is not None:
            others = tuple(name for name in parsed.names if name not in reached.consumed)
            draft = replace(draft, reached=reached, parsed=replace(parsed, names=others))
        else:
            draft = replace(draft, parsed=_without_loose_relations(parsed))
    return await _about_figures(draft, visibility)


async def _about_figures(draft: Draft, visibility: Visibility) -> tuple[Draft, Finding]:
    """Select what is to be read."""
    entities = _entities(draft)
    asked = await _find_metrics(draft, entities, visibility)
    if isinstance(asked, NotFound):
        return _refused(draft, asked)
    if entities:
        asked = replace(asked, concepts=(*asked.concepts, *entities))
    inside = narrowed(draft)
    if isinstance(inside, Incompatible):
        return _refused(draft, inside)
    draft = inside
    slicing = find_slicing(draft, asked.metrics)
    problem = (
        _misplaced(draft, asked, entities) or slicing.problem or _not_available(asked.metrics, slicing, asked.subjects)
    )
    if problem is not None:
        return _refused(draft, problem)
    selected = assemble(draft, asked, slicing)
    if isinstance(selected, Incompatible):
        return _refused(draft, selected)
    if draft.lessons.by_words:
        selected = told(selected, asked.subjects.precedents, draft)
    _check_choices(draft, selected)
    if not selected.metrics and not selected.ambiguities:
        return _answered(draft, selected, asked.subjects)
    return replace(draft, selection=selected), _finding(selected)


async def _find_metrics(draft: Draft, entities: Sequence[ResolvedConcept], visibility: Visibility) -> Asked | NotFound:
    """Return the metrics of the question; where it names neither metric nor term nor entity, the question back."""
    subjects = find_subjects(draft)
    if subjects.chosen or entities or draft.reached is not None:
        return Asked(subjects, subjects.metrics, subjects.ambiguities, subjects.offers)
    question = await without_subject(draft, visibility)
    if isinstance(question, NotFound):
        return question
    offers = {METRIC: frozenset(option.id for option in question.options)}
    chosen = chosen_metric(draft, question)
    if chosen is not None:
        return Asked(subjects, (chosen,), (), offers, (chosen_concept(chosen),))
    if len(question.options) == 1 and names_target(draft):
        (only,) = question.options
        reason = "Nothing else has the target that the question names"
        metric = draft.prepared.catalog.metrics[only.id]
        concept = replace(chosen_concept(metric), reason=reason)
        return Asked(subjects, (metric,), (), offers, (concept,), (Assumption(METRIC, only, reason, ()),))
    return Asked(subjects, (), (question,), offers)


def _without_loose_relations(parsed: Parsed) -> Parsed:
    """Count words of relations that relate nothing to what nothing matched."""
    loose = [name for name in parsed.names if name.kinds == {SenseKind.RELATION}]
    if not loose:
        return parsed
    unmatched = sorted((*parsed.unmatched, *(name.mention for name in loose)), key=lambda mention: mention.start)
    return replace(parsed, names=tuple(n for n in parsed.names if n not in loose), unmatched=tuple(unmatched))


def _misplaced(draft: Draft, asked: Asked, entities: Sequence[ResolvedConcept]) -> Incompatible | None:
    """Return that something named has no part in the figures: a term to compare with, an entity beside a metric."""
    if not asked.metrics:
        return None
    fits = tuple([metric.id for metric in asked.metrics])
    if len(asked.metrics) > 1 and (apart := crossed(draft.parsed, fits)) is not None:
        return apart
    if draft.parsed.intent is Intent.COMPARISON and asked.subjects.terms:
        return Incompatible(f"{asked.subjects.terms[0].name} is no metric, so nothing can be held against it", fits)
    # Entities slice no figures, but members do that relations lead to from them.
    reached = draft.reached.entities if draft.reached is not None and draft.reached.members else ()
    loose = [concept for concept in entities if concept not in reached]
    if loose:
        return Incompatible(f"{asked.metrics[0].name} cannot be sliced by {loose[0].name}", asked.metrics[0].dimensions)
    return None


def _not_available(metrics: Sequence[Metric], slicing: Slicing, subjects: Subjects) -> NotFound | None:
    """Return that a metric does not exist for a member that is asked for: the catalog does not have it."""
    for metric in metrics:
        for named in slicing.members if metric.not_available_for else ():
            if named.member.id in metric.not_available_for and not named.named.excluded:
                mentions = [
                    c.named.mention for c in subjects.chosen if c.taken is not None and c.taken.metric == metric
                ]
                return NotFound((*mentions, named.named.mention))
    return None


async def _about_the_catalog(draft: Draft, graph: Graph, visibility: Visibility) -> tuple[Draft, Finding]:
    """Answer with a definition, a lineage or the metrics there are; no figure is asked for."""
    subjects = find_subjects(draft)
    selected = Selection(
        concepts=subjects.concepts,
        metrics=subjects.metrics,
        assumptions=(*draft.selection.assumptions, *subjects.assumptions),
        ambiguities=subjects.ambiguities,
        offers=subjects.offers,
        precedents=subjects.precedents,
    )
    _check_choices(draft, selected)
    if selected.ambiguities and (draft.parsed.intent is not Intent.DEFINITION or defined_term(subjects) is None):
        return replace(draft, selection=selected), _finding(selected)
    answer: GlossaryTerm | Lineage | MetricList | None
    if draft.parsed.intent is Intent.CATALOG:
        slicing = find_slicing(draft, ())
        concepts = tuple(member_concept(n, SlicedMember(n.member, n.member.values or (), "")) for n in slicing.members)
        selected = replace(selected, concepts=selected.concepts + concepts)
        answer = await metrics(draft, visibility, subjects.metrics)
    elif draft.parsed.intent is Intent.LINEAGE:
        answer = await lineage(subjects.metrics, draft, graph, visibility)
    else:
        selected = replace(selected, ambiguities=(), concepts=defined_concepts(subjects))
        answer = definition(subjects, draft)
    if answer is None:
        return _refused(draft, NotFound(draft.parsed.unmatched))
    selected = told(selected, subjects.precedents, draft)
    return replace(draft, selection=replace(selected, answer=answer)), _finding(selected)


def _answered(draft: Draft, selected: Selection, subjects: Subjects) -> tuple[Draft, Finding]:
    """Answer a question that names glossary terms or entities and no metric."""
    if subjects.terms:
        selected = replace(selected, answer=definition(subjects, draft))
        draft = replace(draft, parsed=replace(draft.parsed, intent=Intent.DEFINITION))
    return replace(draft, selection=selected), _finding(selected)


def _entities(draft: Draft) -> list[ResolvedConcept]:
    """Return the entities of the ontology that the question names."""
    reached = list(draft.reached.entities) if draft.reached is not None else []
    names = [named for named in draft.parsed.names if SenseKind.ENTITY in named.kinds]
    if not names:
        return reached
    entities = draft.prepared.catalog.entities
    return reached + [
        ResolvedConcept(
            kind=ConceptKind.ENTITY,
            mention=named.mention,
            id=sense.id,
            name=entities[sense.id].name,
            reason=f"“{named.mention.text}” is a name of {entities[sense.id].name}",
            confidence=exactness_factor(named.exactness),
        )
        for named in names
        for sense in named.named(SenseKind.ENTITY)[:1]
    ]


def _check_choices(draft: Draft, selected: Selection) -> None:
    """Raise `InvalidChoice` for a choice whose subject or option was never offered."""
    violations: list[FieldViolation] = []
    # Choices carried over from a resumed resolution may have lost their subject; the caller did not make them now.
    for i, choice in enumerate(draft.question.choices[: draft.own_choices]):
        # Of what lessons contradict each other about, what was chosen may have readings of its own under that subject.
        of_lessons = draft.lessons.offers.get(choice.subject_id, frozenset())
        offered = selected.offers.get(choice.subject_id, frozenset()) | of_lessons
        if not offered:
            violations.append(FieldViolation(f"choices[{i}].subject_id", "names no ambiguity or assumption"))
        elif choice.option_id not in offered:
            violations.append(FieldViolation(f"choices[{i}].option_id", "names no offered option"))
    if violations:
        raise InvalidChoice("a choice names nothing that was offered", tuple(violations))


def _finding(selected: Selection) -> Finding:
    concepts = [f"{c.mention.text}: {c.id}" for c in selected.concepts]
    reasons = "; ".join([c.reason for c in selected.concepts]) or "Nothing could be chosen"
    if selected.ambiguities:
        reasons = " ".join([a.message for a in selected.ambiguities])
    output = {
        "concepts": concepts,
        "assumptions": [a.id for a in selected.assumptions] if selected.assumptions else [],
        "ambiguities": [a.id for a in selected.ambiguities] if selected.ambiguities else [],
    }
    return Finding(reasons, output | ({"precedents": list(selected.precedents)} if selected.precedents else {}))


def _varying(draft: Draft) -> list[AssetRef]:
    """Return the named terms and members whose meaning depends on a context."""
    catalog = draft.prepared.catalog
    terms: set[str] = set()
    members: set[str] = set()
    for named in draft.parsed.names:
        for sense in named.senses if not named.kinds.isdisjoint(_VARYING) else ():
            if sense.kind is SenseKind.TERM and catalog.terms[sense.id].variations:
                terms.add(sense.id)
            elif sense.kind is SenseKind.MEMBER and catalog.members[sense.id].variations:
                members.add(sense.id)
    if not (terms or members):
        return []
    refs = [AssetRef(AssetKind.TERM, term) for term in sorted(terms)]
    return refs + [AssetRef(AssetKind.MEMBER, member) for member in sorted(members)]


def _last_day(draft: Draft, variations: Mapping[AssetRef, Variations]) -> date | None:
    """Return the last day of the named period, by the calendar of department or catalog: a metric is not chosen yet.

    Only where a term means something else over time does it matter.
    """
    dated = any(v.valid_from or v.valid_to for of in variations.values() for v in of.terms)
    periods = find_periods(draft.parsed) if dated else None
    if not isinstance(periods, NamedPeriods) or periods.main is None:
        return None
    period = said_period(periods.main, draft, calendars_in_force(draft, (), ()))
    return None if isinstance(period, Incompatible) else last_day(period.range)


def _refused(draft: Draft, problem: Problem) -> tuple[Draft, Finding]:
    words = ", ".join(f"“{mention.text}”" for mention in problem.unmatched) if isinstance(problem, NotFound) else ""
    told = f"Nothing of the catalog matches {words}".rstrip() if isinstance(problem, NotFound) else problem.message
    return replace(draft, problem=problem), Finding(told)
