"""The format of golden files: questions and what must come out (docs/golden.md).

Everything in an expectation but its status is optional: what is stated must hold, what is not stated is not checked.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from ecp_server.domain.concepts import Intent
from ecp_server.domain.errors import Reason
from ecp_server.domain.period import Grain
from ecp_server.domain.plan import ObligationKind

SETTLED = ("RESOLVED", "DISAMBIGUATION_REQUIRED")
"""The statuses of an answer; any other status is the reason of a refusal."""


def _one_of(names: tuple[str, ...]) -> BeforeValidator:
    def check(value: object) -> object:
        if value not in names:
            raise ValueError(f"{value!r} is none of {', '.join(names)}")
        return value

    return BeforeValidator(check)


Status = Annotated[str, _one_of((*SETTLED, *Reason))]
IntentName = Annotated[str, _one_of(tuple(i.name for i in Intent))]
GrainName = Annotated[str, _one_of(tuple(g.name for g in Grain))]
ObligationName = Annotated[str, _one_of(tuple(k.name for k in ObligationKind))]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=False)


class User(_Strict):
    """Who asks; absent: nobody says."""

    user_id: str = ""
    department: str = ""
    roles: tuple[str, ...] = ()
    allowed_members: dict[str, tuple[str, ...]] = {}


class Choice(_Strict):
    """Answers an ambiguity, or changes an assumption, of the response before."""

    of: str
    """Its id, or the words of the ambiguous mention."""
    option: str


class Period(_Strict):
    """A period: ``start`` the first day, ``end`` the day after the last; null where it is open."""

    start: date | None = None
    end: date | None = None
    label: str | None = None
    calendar: str | None = None
    grain: GrainName | None = None
    time_zone: str | None = None
    buckets: tuple[date, ...] | None = None
    """First days of its parts; each part ends where the next one, or the period, does."""
    partial: tuple[date, ...] | None = None
    """First days of the parts that are told to be partial."""


class AllBut(_Strict):
    """A filter that only excludes."""

    excluding: tuple[str, ...]


class Grouping(_Strict):
    """How a query groups by a dimension."""

    ref: str | None = None
    """Empty: by buckets."""
    level: str | None = None
    buckets: dict[str, tuple[str, ...]] | None = None
    """Member id to the values that it stands for."""


class Query(_Strict):
    """One query of the plan."""

    measures: dict[str, str] | None = None
    """Measure name to metric id."""
    refs: tuple[str, ...] | None = None
    """Addresses of the measures."""
    filters: dict[str, tuple[str, ...] | AllBut] | None = None
    """Dimension to the values that all its filters together leave: those of the question and those of policy."""
    group_by: dict[str, Grouping] | None = None
    time_ref: str | None = None
    period: Period | None = None


class Obligation(_Strict):
    """What policy demands."""

    kind: ObligationName
    ref: str
    values: tuple[str, ...] | None = None
    policy: str | None = None


class Assumed(_Strict):
    """What was taken for granted, and what else it could have been."""

    taken: str
    alternatives: tuple[str, ...] | None = None
    tells: tuple[str, ...] = ()
    """Texts that occur in its reason or its alternatives."""


class ConfidenceBounds(_Strict):
    """What the confidence must be like."""

    at_least: float | None = None
    at_most: float | None = None
    contract: bool | None = None
    """Whether a data contract speaks: quality, freshness or completeness is given."""
    completeness: float | None = None
    below: str | None = None
    """Lower than that of the entry with this id."""


class Definition(_Strict):
    """The answer to "what is …?"."""

    id: str
    metric_id: str | None = None
    contexts: tuple[str, ...] | None = None
    """Contexts of the variations that are shown."""


class LineageAnswer(_Strict):
    """The answer to "where does … come from?"."""

    target: str
    nodes: dict[str, str] | None = None
    """Node id to its type; all of them."""
    edges: tuple[tuple[str, str], ...] | None = None
    truncated: bool | None = None


class MetricsAnswer(_Strict):
    """The answer to "what is available?"."""

    ids: tuple[str, ...] | None = None
    among: tuple[str, ...] | None = None
    total: int | None = None


class Answer(_Strict):
    """The direct answer to a question about the catalog; one of the three."""

    definition: Definition | None = None
    lineage: LineageAnswer | None = None
    metrics: MetricsAnswer | None = None


def _text(value: object) -> object:
    """Read a number as it is written: it is compared to that many decimal places."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Figure = Annotated[str | None, BeforeValidator(_text)]


class Expectation(_Strict):
    """What must come out. Sets are compared as sets."""

    status: Status
    intent: IntentName | None = None
    # --- concepts, by kind ---
    metrics: tuple[str, ...] | None = None
    members: tuple[str, ...] | None = None
    excluded: tuple[str, ...] | None = None
    dimensions: tuple[str, ...] | None = None
    terms: tuple[str, ...] | None = None
    entities: tuple[str, ...] | None = None
    comparison: tuple[str, ...] | None = None
    variations: dict[str, str] | None = None
    """Concept id to the context whose definition applies; "" where none does."""
    values: dict[str, tuple[str, ...]] | None = None
    """Member id to the values that it stands for."""
    paths: dict[str, tuple[tuple[str, str, str], ...]] | None = None
    """Concept id to the hops (from, relation, to) by which it was reached."""
    # --- the period and the plan ---
    period: Period | Literal["none"] | None = None
    plan: bool | None = None
    """Whether there is one."""
    queries: dict[str, Query] | None = None
    """Query id to what must hold of it; all of them."""
    computations: dict[str, str] | None = None
    """Computation to its unit; all of them."""
    keys: tuple[str, ...] | None = None
    order: tuple[str, ...] | None = None
    """Columns with "asc" or "desc", in their order."""
    limit: int | None = None
    obligations: tuple[Obligation, ...] | None = None
    figures: dict[str, tuple[Figure, ...] | Figure] | None = None
    """Column to its only value, or to the values of all rows; null where it is null."""
    # --- what is told ---
    warnings: tuple[str, ...] | None = None
    """Ids of the known issues that fire; all of them."""
    warning_types: tuple[str, ...] | None = None
    """Types of warnings that must be there."""
    no_warning_types: tuple[str, ...] | None = None
    assumptions: dict[str, Assumed] | None = None
    """Assumptions that must be there."""
    no_assumptions: tuple[str, ...] | None = None
    ambiguities: dict[str, tuple[str, ...]] | None = None
    """Ambiguity (its id or its words) to option ids; all of them."""
    unmatched: tuple[str, ...] | None = None
    confidence: ConfidenceBounds | None = None
    answer: Answer | None = None
    # --- refusals ---
    suggestions: tuple[str, ...] | None = None
    """Ids that must be suggested."""
    fits: tuple[str, ...] | None = None
    """Ids that the refusal names as what would fit."""
    policy: str | None = None
    may: tuple[str, ...] | None = None
    # --- rights ---
    hidden: tuple[str, ...] | None = None
    """Texts that occur nowhere in the reply."""


class FollowUp(_Strict):
    """A request that resumes the one before."""

    choices: tuple[Choice, ...]
    expect: Expectation


class Entry(_Strict):
    """One question, and what follows on it."""

    id: str
    category: str
    question: str
    as_of: datetime
    time_zone: str = ""
    user: User = User()
    definition_context: str = ""
    note: str = ""
    """Why this comes out, where it is not plain."""
    expect: Expectation
    then: tuple[FollowUp, ...] = ()


class Golden(_Strict):
    """A golden file."""

    format: Literal[1]
    source: str = ""
    """Where questions come from that are not our own."""
    questions: tuple[Entry, ...] = Field(min_length=1)

    @property
    def categories(self) -> tuple[str, ...]:
        """Return the categories of the questions, sorted."""
        return tuple(sorted({entry.category for entry in self.questions}))

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, raw: object) -> object:
        """Give every question the defaults that it does not state, and users by their names."""
        if not isinstance(raw, dict) or not isinstance(questions := raw.get("questions"), list):
            return raw
        defaults, users = raw.get("defaults", {}), raw.get("users", {})
        rest = {key: value for key, value in raw.items() if key not in {"defaults", "users"}}
        return rest | {"questions": [_filled(question, defaults, users) for question in questions]}

    @model_validator(mode="after")
    def _unique(self) -> Golden:
        ids = [entry.id for entry in self.questions]
        twice = sorted({i for i in ids if ids.count(i) > 1})
        if twice:
            raise ValueError(f"ids used twice: {', '.join(twice)}")
        unknown = {b for b in map(_below, self.questions) if b is not None} - set(ids)
        if unknown:
            raise ValueError(f"no question has the id {', '.join(sorted(unknown))}")
        return self


class GoldenError(ValueError):
    """A golden file does not have the format; the message names every place."""


def load_golden(path: Path) -> Golden:
    """Read a golden file.

    Raises:
        OSError: The file cannot be read.
        GoldenError: It does not have the format.
    """
    try:
        return Golden.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise GoldenError(f"{path.name}: {error}") from error
    except ValidationError as error:
        problems = "\n".join(f"  {'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise GoldenError(f"{path.name}:\n{problems}") from error


def _below(entry: Entry) -> str | None:
    return entry.expect.confidence.below if entry.expect.confidence is not None else None


def _filled(question: object, defaults: object, users: object) -> object:
    if not isinstance(question, dict) or not isinstance(defaults, dict) or not isinstance(users, dict):
        return question
    filled = {**defaults, **question}
    if isinstance(user := filled.get("user"), str):
        if user not in users:
            raise ValueError(f"question {filled.get('id')!r}: no user {user!r}")
        filled["user"] = users[user]
    if isinstance(day := filled.get("as_of"), date) and not isinstance(day, datetime):
        filled["as_of"] = datetime.combine(day, time(12), tzinfo=UTC)  # noon: the same day in most zones
    return filled
