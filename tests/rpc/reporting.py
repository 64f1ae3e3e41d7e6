"""Reports of feedback, and what tests ask to see what came of them."""

from __future__ import annotations

import uuid
from typing import Any

from ecp.v1 import resolve_pb2, types_pb2
from tests.running import Asker
from tests.serving import Outcome

ACCEPTED, CORRECTED, REJECTED = (
    types_pb2.FEEDBACK_VERDICT_ACCEPTED,
    types_pb2.FEEDBACK_VERDICT_CORRECTED,
    types_pb2.FEEDBACK_VERDICT_REJECTED,
)


def correction(**fields: Any) -> types_pb2.Feedback:
    """One correction of a mention or a subject."""
    return types_pb2.Feedback(verdict=CORRECTED, corrections=[types_pb2.Choice(**fields)])


async def report(
    server: Asker, resolution_id: str, feedback: types_pb2.Feedback, *, key: str = "", user_id: str = ""
) -> Outcome:
    """Report feedback, with a new request id unless there is one, as whoever is said."""
    request = resolve_pb2.ReportFeedbackRequest(
        resolution_id=resolution_id, feedback=feedback, request_id=key or str(uuid.uuid4())
    )
    metadata = (("x-ecp-user-id", user_id),) if user_id else ()
    return await server.ask(server.resolving.ReportFeedback, request, metadata=metadata)


def id_of(outcome: Outcome) -> str:
    """Return the id of a resolution, also of a question that nothing matched or whose words do not fit together."""
    if outcome.code == "OK":
        return str(outcome.response.resolution_id)
    if outcome.code == "NOT_FOUND":
        return str(outcome.details["ConceptNotFoundDetail"].resolution_id)
    return str(outcome.details["ErrorInfo"].metadata["resolution_id"])


async def teach(server: Asker, question: str, who: types_pb2.UserContext, **fields: Any) -> None:
    """Ask a question and correct the answer."""
    reported = await report(server, id_of(await server.resolve(question, user_context=who)), correction(**fields))
    assert "OK" == reported.code, reported


def meanings(outcome: Outcome) -> dict[str, str]:
    """Return what each mention of an answer means."""
    return {concept.mention.text: concept.id for concept in outcome.response.concepts}


def reason(outcome: Outcome, mention: str) -> str:
    """Return why a mention means what it does."""
    (concept,) = [concept for concept in outcome.response.concepts if concept.mention.text == mention]
    return str(concept.reason)


def options(outcome: Outcome) -> dict[str, list[str]]:
    """Return what an answer asks back."""
    return {one.id: [option.id for option in one.options] for one in outcome.response.ambiguities}
