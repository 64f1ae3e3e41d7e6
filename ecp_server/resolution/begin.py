"""Starts a draft: which catalog, which contexts, which day is today."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from ecp_server.domain.catalog import Catalog, Catalogs
from ecp_server.domain.concepts import Assumption, Choice, Option
from ecp_server.domain.errors import ResolutionExpired, ResolutionNotFound
from ecp_server.domain.frozen import replace
from ecp_server.domain.records import ResolutionRecord
from ecp_server.domain.resolution import Question
from ecp_server.resolution.draft import Draft, Selection
from ecp_server.resolution.prepared import Preparation
from ecp_server.stores.ports import State

DEPARTMENT = "department"


async def begin(question: Question, catalogs: Catalogs, preparation: Preparation, state: State) -> Draft:
    """Return the draft of a question.

    A resumed resolution pins its moment, and its catalog while that is still held. Raises `ResolutionNotFound` where it
    is unknown or another's, `ResolutionExpired` where it is the caller's own and too old.
    """
    catalog = catalogs.current
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
    zone = question.time_zone or catalog.manifest.default_time_zone
    draft = Draft(
        question=question,
        prepared=prepared,
        contexts=contexts,
        today=question.as_of.astimezone(ZoneInfo(zone)).date(),
        time_zone=zone,
    )
    if asked_for and not contexts:
        return replace(draft, selection=Selection(assumptions=(_unknown_department(asked_for, catalog),)))
    return draft


def _all_choices(question: Question, resumed: ResolutionRecord) -> tuple[Choice, ...]:
    """Return the choices of the question, then the earlier ones that it does not make anew."""
    anew = {choice.subject_id for choice in question.choices}
    return (*question.choices, *(choice for choice in resumed.choices if choice.subject_id not in anew))


def _unknown_department(asked_for: str, catalog: Catalog) -> Assumption:
    taken = Option("", "No department", "Definitions that hold for everybody")
    others = tuple(Option(context.id, context.name) for context in catalog.contexts.values())
    return Assumption(DEPARTMENT, taken, f"The catalog knows no department “{asked_for}”", others[:5])
