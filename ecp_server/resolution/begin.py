"""Starts a draft: which catalog, which contexts, which day is today."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from ecp_server.domain.catalog import Catalogs
from ecp_server.domain.concepts import Assumption, Choice, Option
from ecp_server.domain.errors import ResolutionExpired, ResolutionNotFound
from ecp_server.domain.frozen import replace
from ecp_server.domain.records import ResolutionRecord
from ecp_server.domain.resolution import Question
from ecp_server.resolution.draft import NOTHING_SELECTED, Draft, Selection
from ecp_server.resolution.prepared import Preparation
from ecp_server.stores.ports import State

DEPARTMENT = "department"
NO_DEPARTMENT = "no_department"
MAX_OPTIONS = 20
MAX_CHOICES = 100
"""Of a question and of all that it resumes: each record holds them, and a chain of questions has no end."""


async def begin(question: Question, catalogs: Catalogs, preparation: Preparation, state: State) -> Draft:
    """Return the draft of a question.

    A resumed resolution pins its moment, and its catalog while that is still held. Raises `ResolutionNotFound` where it
    is unknown or another's, `ResolutionExpired` where it is the caller's own and too old.
    """
    catalog, own_choices = catalogs.current, len(question.choices)
    if question.resume_resolution_id:
        resumed = await state.resolution(question.resume_resolution_id)
        if resumed is None or resumed.owner != question.principal.subject:
            raise ResolutionNotFound
        if resumed.expire_time <= datetime.now(UTC):
            raise ResolutionExpired
        question = replace(question, as_of=resumed.as_of, choices=_all_choices(question, resumed))
        catalog = catalogs.held(resumed.catalog_version) or catalog
    prepared = preparation.of(catalog)
    asked_for = question.definition_context or question.principal.department
    contexts = prepared.contexts.chain(asked_for)
    assumptions: tuple[Assumption, ...] = ()
    if asked_for and not contexts:
        known = prepared.contexts.ids
        chosen = next((c.option_id for c in question.choices if c.subject_id == DEPARTMENT), NO_DEPARTMENT)
        # By any other name than its id it was not offered; that is told where all choices are checked.
        taken = chosen if chosen in known else NO_DEPARTMENT
        contexts = prepared.contexts.chain(taken)
        assumptions = (_unknown_department(asked_for, known, taken),)
    zone = question.time_zone or catalog.manifest.default_time_zone
    return Draft(
        question=question,
        prepared=prepared,
        contexts=contexts,
        today=question.as_of.astimezone(ZoneInfo(zone)).date(),
        time_zone=zone,
        own_choices=own_choices,
        selection=Selection(assumptions=assumptions) if assumptions else NOTHING_SELECTED,
    )


def _all_choices(question: Question, resumed: ResolutionRecord) -> tuple[Choice, ...]:
    """Return the choices of the question, then the earlier ones that it does not make anew, the latest of them."""
    anew = {choice.subject_id for choice in question.choices}
    earlier = [choice for choice in resumed.choices if choice.subject_id not in anew]
    return (*question.choices, *earlier)[:MAX_CHOICES]


def _unknown_department(asked_for: str, contexts: Sequence[str], chosen: str) -> Assumption:
    """Tell that a department is not known, and which one is taken in its place: the one chosen, else none."""
    none = Option(NO_DEPARTMENT, "No department", "Definitions that hold for everybody")
    options = (none, *(Option(context, context) for context in contexts))
    taken = next(option for option in options if option.id == chosen)
    others = tuple(option for option in options if option.id != chosen)
    return Assumption(DEPARTMENT, taken, f"The catalog knows no department “{asked_for}”", others[:MAX_OPTIONS])
