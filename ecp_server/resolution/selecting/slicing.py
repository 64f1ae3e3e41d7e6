"""Which members and dimensions the question slices by, and whether the metrics can be sliced so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ecp_server.domain.catalog import AssetKind, AssetRef, Dimension, Member, MemberVariation, Metric
from ecp_server.domain.concepts import Ambiguity, ConceptKind, Hop, Option, ResolvedConcept
from ecp_server.domain.frozen import dataclass, replace
from ecp_server.domain.period import TimeRange
from ecp_server.domain.resolution import Incompatible
from ecp_server.resolution.draft import Draft, Grouping, NamedMention, SlicedMember
from ecp_server.resolution.lexicon import FormSource, Sense, SenseKind
from ecp_server.resolution.selecting.choosing import EXACTNESS_FACTOR, MAX_OPTIONS, subject_id
from ecp_server.resolution.selecting.fitting import fitting_dimensions, fitting_members
from ecp_server.resolution.selecting.membership import (
    bound_values,
    holds,
    last_day,
    member_values,
    readings_in,
)
from ecp_server.resolution.selecting.taught import taught_contexts

_PREDICATIVE = frozenset({SenseKind.METRIC, SenseKind.TERM})
_SAYING = frozenset({"is", "are", "not", "=", "!", ":", "("})
_GROUPABLE = frozenset({SenseKind.DIMENSION, SenseKind.LEVEL})


@dataclass(frozen=True, slots=True)
class NamedMember:
    """A mention and the member that it names."""

    named: NamedMention
    member: Member
    path: tuple[Hop, ...] = ()
    """How it was reached, where the mention is not its name."""


@dataclass(frozen=True, slots=True)
class Slicing:
    """Members to filter by and dimensions to group by."""

    members: tuple[NamedMember, ...] = ()
    grouped_by: tuple[tuple[Grouping, NamedMention], ...] = ()
    ambiguities: tuple[Ambiguity, ...] = ()
    offers: tuple[tuple[str, frozenset[str]], ...] = ()
    problem: Incompatible | None = None


@dataclass(frozen=True, slots=True)
class Readings:
    """What the members stand for, in this user's contexts at the end of the period."""

    members: tuple[SlicedMember, ...] = ()
    ambiguities: tuple[Ambiguity, ...] = ()
    offers: tuple[tuple[str, frozenset[str]], ...] = ()
    problem: Incompatible | None = None


NOTHING_READ: Final = Readings()
NOTHING_SLICED: Final = Slicing()


def find_slicing(draft: Draft, metrics: Sequence[Metric]) -> Slicing:
    """Return what the question slices by; with a problem where a metric lacks the dimension."""
    found = NOTHING_SLICED
    if draft.reached is not None:
        reached = tuple(NamedMember(draft.reached.head, member, path) for member, path in draft.reached.members)
        found = Slicing(members=reached)
        if reached and draft.reached.head.grouped:
            head = draft.reached.head
            found = _with_grouping(found, head.named(*_GROUPABLE), head, draft, metrics)
    for named in draft.parsed.names:
        if not named.kinds.isdisjoint(_GROUPABLE) and (senses := _grouped_by(named, draft)):
            found = _with_grouping(found, senses, named, draft, metrics)
        elif SenseKind.MEMBER in named.kinds and named.kinds.isdisjoint(_PREDICATIVE):
            found = _with_member(found, named, draft, metrics)
    wanted = [m.member.dimension for m in found.members]
    if found.grouped_by:
        wanted += [grouping.dimension.id for grouping, _ in found.grouped_by]
    problem = misfit(draft, metrics, wanted) or _two_levels(found)
    return found if problem is None else replace(found, problem=problem)


def _two_levels(found: Slicing) -> Incompatible | None:
    """Return the problem that two levels of a dimension are grouped by: rows are matched by the dimension alone."""
    levels: dict[str, str] = {}
    for grouping, _ in found.grouped_by:
        one, other = levels.setdefault(grouping.dimension.id, grouping.level), grouping.level
        if one != other:
            names = {level.id: level.name for level in grouping.dimension.levels}
            both = f"{names.get(one, one)} and {names.get(other, other)}"
            return Incompatible(f"{grouping.dimension.name} is grouped by one level at a time, not by {both}")
    return None


def _grouped_by(named: NamedMention, draft: Draft) -> tuple[Sense, ...]:
    """Return the senses by which a mention is grouped by: "by region", and a bare "region" that nothing else explains.

    Beside a member of its own the word only says what that is ("EMEA region").
    """
    senses = named.named(*_GROUPABLE)
    if named.grouped:
        return senses
    if len(senses) < len(named.senses):
        return ()
    members = draft.prepared.catalog.members
    dimensions = {sense.id.partition("/")[0] for sense in senses}
    beside = (n for n in draft.parsed.names if n.last == named.first or named.last == n.first)
    explained = any(members[s.id].dimension in dimensions for n in beside for s in n.named(SenseKind.MEMBER))
    return () if explained else senses


def _with_grouping(
    found: Slicing, senses: Sequence[Sense], named: NamedMention, draft: Draft, metrics: Sequence[Metric]
) -> Slicing:
    """Add the dimension that a mention groups by: exact names first, then those that the metrics have."""
    catalog = draft.prepared.catalog
    levels: dict[str, str] = {}
    for sense in _strongest(senses):
        dimension_id, _, level = sense.id.partition("/")
        levels.setdefault(dimension_id, level)
    ids = fitting_dimensions(list(levels), catalog.dimensions, metrics, _cubes(draft, metrics))
    if not all(ids[0] in metric.dimensions for metric in metrics):
        ids = ids[:1]  # none fits, and that is what will be told
    subject = subject_id(named)
    if len(ids) > 1:
        found = replace(found, offers=(*found.offers, (subject, frozenset(ids))))
        chosen = {c.option_id.partition("@")[0] for c in draft.question.choices if c.subject_id == subject}
        ids = [each for each in ids if each in chosen] or ids
    if len(ids) > 1:
        known = [catalog.dimensions[each] for each in ids[:MAX_OPTIONS]]
        options = tuple(Option(d.id, d.name, f"{d.name} as {d.id}", ConceptKind.DIMENSION) for d in known)
        ambiguity = Ambiguity(subject, named.mention, options, f"Which {named.mention.text} is meant?")
        return replace(found, ambiguities=(*found.ambiguities, ambiguity))
    dimension = catalog.dimensions[ids[0]]
    grouping = Grouping(dimension, levels[ids[0]] or _default_level(dimension, draft))
    offers = (*found.offers, (subject, _readings_of(dimension, draft)))
    return replace(found, grouped_by=(*found.grouped_by, (grouping, named)), offers=offers)


def _strongest(senses: Sequence[Sense]) -> Sequence[Sense]:
    """Return the senses whose name it is, where there are any: a synonym of something else does not rival them."""
    return [sense for sense in senses if sense.source is FormSource.NAME] or senses


def read_members(
    named_members: Sequence[NamedMember], draft: Draft, metrics: Sequence[Metric], period: TimeRange | None
) -> Readings:
    """Return the values that each member stands for, or the question back where contexts differ and none decides."""
    if not named_members:
        return NOTHING_READ
    members: list[SlicedMember] = []
    ambiguities: list[Ambiguity] = []
    offers: list[tuple[str, frozenset[str]]] = []
    cubes = _cubes(draft, metrics)
    for named in named_members:
        member = named.member
        variations = _variations(draft, member)
        own, taught = _contexts(draft, member), taught_contexts(named.named, member.id, draft)
        read = member_values(member, variations, (*own, *_only(taught)), period)
        if len(taught) > 1 and isinstance(read, SlicedMember) and (not read.variation or read.variation not in own):
            read = _readings_by(taught, member, variations, period)
        if not read or not _exists_in(member, period):
            return Readings(problem=_stands_for_nothing(member, period))
        if contexts := draft.prepared.contexts.reading(member):
            offers.append((subject_id(named.named), frozenset([f"{member.id}@{context}" for context in contexts])))
        # Without either it is called the same by everybody.
        bindings = draft.prepared.catalog.dimensions[member.dimension].bindings
        if (contexts or bindings) and isinstance(read, SlicedMember):
            read = _called(read, _chosen(draft, f"{member.id}@"), _only(taught), draft, cubes)
        if isinstance(read, SlicedMember):
            members.append(replace(read, excluded=True) if named.named.excluded else read)
            continue
        subject = subject_id(named.named)
        text = named.named.mention.text
        ambiguity = Ambiguity(subject, named.named.mention, read[:MAX_OPTIONS], f"Whose {text} is meant?")
        ambiguities.append(ambiguity)
    return Readings(tuple(members), tuple(ambiguities), tuple(offers))


def _variations(draft: Draft, member: Member) -> Sequence[MemberVariation]:
    found = draft.variations.get(AssetRef(AssetKind.MEMBER, member.id)) if draft.variations else None
    return found.members if found is not None else ()


def _only(contexts: tuple[str, ...]) -> tuple[str, ...]:
    """Return the one context that was taught; several contradict each other."""
    return contexts if len(contexts) == 1 else ()


def _readings_by(
    contexts: Sequence[str], member: Member, variations: Sequence[MemberVariation], period: TimeRange | None
) -> tuple[Option, ...]:
    """Return what a member stands for in each of some contexts, as options."""
    read = [(context, member_values(member, variations, (context,), period)) for context in contexts]
    return tuple(
        Option(f"{member.id}@{context}", f"{member.name} ({context})", ", ".join(one.values), ConceptKind.MEMBER)
        for context, one in read
        if isinstance(one, SlicedMember)
    )


def _called(
    read: SlicedMember, chosen: Sequence[str], taught: Sequence[str], draft: Draft, cubes: Sequence[str]
) -> SlicedMember | tuple[Option, ...]:
    """Return the member in the context that was chosen for it; options where cubes call it differently by context.

    What was taught decides where the user's own contexts do not.
    """
    member = read.member
    dimension = draft.prepared.catalog.dimensions[member.dimension]
    if not read.variation and chosen and chosen[0] in draft.prepared.contexts.reading(member):
        read = replace(read, variation=chosen[0])
    if taught and not read.variation and any(bound_values(read, dimension, c, draft.contexts) is None for c in cubes):
        read = replace(read, variation=taught[0])
    for cube in cubes:
        if bound_values(read, dimension, cube, draft.contexts) is None:
            return tuple(
                Option(f"{member.id}@{context}", f"{member.name} ({context})", ", ".join(values), ConceptKind.MEMBER)
                for context, values in readings_in(dimension, cube)[member.id].items()
            )
    return read


def _cubes(draft: Draft, metrics: Sequence[Metric]) -> Sequence[str]:
    """Return the cubes that metrics are read from, directly or through what they are computed from."""
    cubes = draft.prepared.derivations.cubes
    if len(metrics) == 1:
        return cubes(metrics[0])
    return list(dict.fromkeys([cube for metric in metrics for cube in cubes(metric)]))


def bucketed(
    grouping: Grouping, named: NamedMention, draft: Draft, metrics: Sequence[Metric], period: TimeRange | None
) -> Grouping | Ambiguity:
    """Return the grouping with what each member of its level stands for, or the question whose reading is meant."""
    catalog = draft.prepared.catalog
    day = last_day(period)
    prefix = f"{grouping.dimension.id}@"
    chosen = _chosen(draft, prefix)
    taught = _only(taught_contexts(named, grouping.dimension.id, draft))
    level = next((each for each in grouping.dimension.levels if each.id == grouping.level), None)
    # A level that the semantic layer has itself needs no members.
    cubes = _cubes(draft, metrics) if level is None or level.ref is None else ()
    members: list[SlicedMember] = []
    for member in (catalog.members[member_id] for member_id in grouping.dimension.members):
        if member.level != (grouping.level or member.level) or not holds(member.valid_from, member.valid_to, day):
            continue
        read = member_values(member, member.variations, (*chosen, *draft.contexts, *taught), period)
        if not read:
            continue
        if isinstance(read, SlicedMember):
            read = _called(read, chosen, taught, draft, cubes)
        if not isinstance(read, SlicedMember):
            contexts = dict.fromkeys(option.id.partition("@")[2] for option in read)
            options = tuple(Option(f"{prefix}{c}", f"{grouping.dimension.name} ({c})") for c in contexts)
            text = named.mention.text
            return Ambiguity(subject_id(named), named.mention, options[:MAX_OPTIONS], f"Whose {text} is meant?")
        members.append(read)
    return replace(grouping, members=tuple(members))


def member_concept(named: NamedMember, sliced: SlicedMember) -> ResolvedConcept:
    """Return the member as a concept."""
    whose = f" as {sliced.variation} reads it" if sliced.variation else ""
    reason = f"“{named.named.mention.text}” is a name of {named.member.name}{whose}"
    if named.path:
        reason = f"{named.member.name} is reached over {len(named.path)} relations"
    return ResolvedConcept(
        kind=ConceptKind.MEMBER,
        mention=named.named.mention,
        id=named.member.id,
        name=named.member.name,
        reason=reason,
        confidence=EXACTNESS_FACTOR[named.named.exactness],
        variation=sliced.variation,
        dimension=named.member.dimension,
        values=sliced.values,
        excluded=sliced.excluded,
        path=named.path,
    )


def grouping_concept(named: NamedMention, grouping: Grouping) -> ResolvedConcept:
    """Return the dimension that is grouped by as a concept."""
    return ResolvedConcept(
        kind=ConceptKind.DIMENSION,
        mention=named.mention,
        id=grouping.dimension.id,
        name=grouping.dimension.name,
        reason=f"The question asks for each {named.mention.text}",
        confidence=EXACTNESS_FACTOR[named.exactness],
        dimension=grouping.dimension.id,
    )


def _with_member(found: Slicing, named: NamedMention, draft: Draft, metrics: Sequence[Metric]) -> Slicing:
    """Add the member that a mention names: exact names first, then those of dimensions that the metrics have."""
    catalog = draft.prepared.catalog
    named_so = [catalog.members[sense.id] for sense in _strongest(named.named(SenseKind.MEMBER))]
    members = named_so
    if len(members) > 1 and (kinds := _kinds_beside(named, draft)):
        members = [m for m in members if m.dimension in kinds] or members
    if len(members) > 1:
        members = fitting_members(members, catalog.dimensions, metrics, _cubes(draft, metrics))[:MAX_OPTIONS]
    subject = subject_id(named)
    if len(members) > 1:
        found = replace(found, offers=(*found.offers, (subject, frozenset(m.id for m in members))))
    for choice in draft.question.choices:
        if choice.subject_id == subject:
            # What it stands for in a context may be chosen under the same subject.
            members = [m for m in members if m.id == choice.option_id.partition("@")[0]] or members
    if len(members) == 1:
        return replace(found, members=(*found.members, NamedMember(named, members[0])))
    options = tuple(Option(m.id, m.name, f"{m.name} as {m.dimension}", ConceptKind.MEMBER) for m in members)
    ambiguity = Ambiguity(subject, named.mention, options, f"Which {named.mention.text} is meant?")
    return replace(found, ambiguities=(*found.ambiguities, ambiguity))


def _kinds_beside(named: NamedMention, draft: Draft) -> frozenset[str]:
    """Return the dimensions whose names say what a mention is: "the North brand", "region is North"."""
    words = [token.folded for token in draft.parsed.tokens]
    beside = [
        n
        for n in draft.parsed.names
        if n.first == named.last or (n.last <= named.first and _SAYING.issuperset(words[n.last : named.first]))
    ]
    return frozenset([sense.id.partition("/")[0] for n in beside for sense in n.named(*_GROUPABLE)])


def _readings_of(dimension: Dimension, draft: Draft) -> frozenset[str]:
    """Return the ids of the readings that a choice can ask for where the dimension is grouped by."""
    members = (draft.prepared.catalog.members[member] for member in dimension.members)
    reading = draft.prepared.contexts.reading
    return frozenset(f"{dimension.id}@{context}" for member in members for context in reading(member))


def _exists_in(member: Member, period: TimeRange | None) -> bool:
    """Tell whether there was such a member on any day of the period; a change inside it is told elsewhere."""
    return period is None or period.overlaps(member.valid_from, member.valid_to)


def _stands_for_nothing(member: Member, period: TimeRange | None) -> Incompatible:
    return Incompatible(f"{member.name} stands for nothing in {period.label if period is not None else 'all time'}")


def _contexts(draft: Draft, member: Member) -> tuple[str, ...]:
    """Return the contexts for a member: the one that the caller chose for it, then the user's."""
    if not draft.question.choices:
        return draft.contexts
    return (*_chosen(draft, f"{member.id}@"), *draft.contexts)


def _chosen(draft: Draft, prefix: str) -> tuple[str, ...]:
    return tuple([c.option_id.removeprefix(prefix) for c in draft.question.choices if c.option_id.startswith(prefix)])


def _default_level(dimension: Dimension, draft: Draft) -> str:
    """Return the level that a bare grouping means: the dimension's default, else the outermost that members have."""
    if dimension.default_level is not None:
        return dimension.default_level
    used = {draft.prepared.catalog.members[member].level for member in dimension.members}
    return next((level.id for level in dimension.levels if level.id in used), "")


def misfit(draft: Draft, metrics: Sequence[Metric], wanted: Sequence[str]) -> Incompatible | None:
    """Return the problem that a metric lacks a dimension, with the dimensions that it has."""
    dimensions = draft.prepared.catalog.dimensions
    for metric in metrics:
        for dimension_id in wanted:
            if dimension_id not in metric.dimensions:
                fits = ", ".join(_name(dimensions.get(d), d) for d in metric.dimensions) or "nothing"
                lacking = _name(dimensions.get(dimension_id), dimension_id)
                message = f"{metric.name} cannot be sliced by {lacking}; it can be by {fits}"
                return Incompatible(message, metric.dimensions)
    return None


def _name(dimension: Dimension | None, dimension_id: str) -> str:
    return dimension.name if dimension is not None else dimension_id
