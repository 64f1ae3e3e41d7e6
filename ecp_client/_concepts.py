"""What the words of a question stand for."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from ecp_client._enums import ConceptKind, Grain


@dataclass(frozen=True, slots=True)
class UserContext:
    """Who asked, as far as the caller said."""

    user_id: str
    department: str
    """Selects department-specific definitions, e.g. "finance"."""
    roles: tuple[str, ...]
    allowed_members: Mapping[str, tuple[str, ...]]
    """Dimension id to member ids: narrowing asked for by the caller. An empty tuple allows none."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Whose rights and definitions applied."""

    subject: str
    """The user for whom the question was answered."""
    actor: str
    """Who asked in the subject's name; empty where the subject asked."""
    department: str
    roles: tuple[str, ...]
    allowed_members: Mapping[str, tuple[str, ...]]
    """Dimension id to the member ids that the subject may see; an absent dimension is not restricted."""
    verified: bool
    """Whether a credential proves it."""


@dataclass(frozen=True, slots=True)
class Mention:
    """A part of the question, from ``start`` to ``end``, exclusive: ``question[start:end] == text``."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Option:
    """Something a mention could mean, or an assumption could be."""

    id: str
    kind: ConceptKind
    """UNSPECIFIED where it is no concept."""
    name: str
    definition: str
    confidence: float
    """0 to 1."""


@dataclass(frozen=True, slots=True)
class Hop:
    """One step through the ontology."""

    from_id: str
    relation: str
    to_id: str


@dataclass(frozen=True, slots=True)
class TimeBucket:
    """A part of a period, ``end_date`` exclusive."""

    start_date: date
    end_date: date
    label: str
    partial: bool
    """It has not ended, or the period cuts it."""


@dataclass(frozen=True, slots=True)
class TimeRange:
    """A period of whole days, ``end_date`` exclusive; None is unbounded."""

    start_date: date | None
    end_date: date | None
    label: str
    """For people, e.g. "Q3 FY2024"."""
    calendar: str
    """The calendar that applied; "gregorian" where none."""
    grain: Grain
    buckets: tuple[TimeBucket, ...]
    """The parts, complete and in order, where a grain is asked for."""
    time_zone: str
    """The zone whose days these are."""


@dataclass(frozen=True, slots=True)
class ResolvedConcept:
    """One mention and what it means here."""

    kind: ConceptKind
    mention: Mention
    id: str
    """Canonical, e.g. "net_revenue" or "region.apac"."""
    name: str
    definition: str
    variation: str
    """The context whose definition applies, e.g. "finance"; empty where there is none."""
    dimension: str
    """The dimension that a member belongs to."""
    values: tuple[str, ...]
    """The values that a member stands for, at most 100; ``value_count`` says how many there are."""
    value_count: int
    excluded: bool
    """The question excludes it ("excluding China")."""
    time_range: TimeRange | None
    confidence: float
    """0 to 1."""
    reason: str
    """Why this one, one sentence for a person."""
    alternatives: tuple[Option, ...]
    """The runners-up, best first, at most five."""
    certification_tier: int
    """1 (regulatory) to 4 (exploratory); 0 where it does not apply."""
    path: tuple[Hop, ...]
    """How it was reached through the ontology."""


@dataclass(frozen=True, slots=True)
class Ambiguity:
    """A mention with more than one plausible meaning: ``resolve(…, choices={ambiguity.id: option.id})`` settles it."""

    id: str
    mention: Mention | None
    """None where no mention could be singled out."""
    options: tuple[Option, ...]
    """At most five, best first."""
    message: str
    """A sentence for a person."""


@dataclass(frozen=True, slots=True)
class Assumption:
    """Something taken for granted because the question did not say. A choice can ask for an alternative."""

    id: str
    taken: Option
    reason: str
    alternatives: tuple[Option, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Picks one option of an ambiguity or an assumption or, in feedback, corrects a mention."""

    subject_id: str = ""
    """The ambiguity's or assumption's id; in feedback empty where ``mention`` is set."""
    option_id: str = ""
    mention: str = ""
    """In feedback: the words that were misunderstood."""
    kind: ConceptKind = ConceptKind.UNSPECIFIED
    """In feedback: what kind of thing ``option_id`` is."""
