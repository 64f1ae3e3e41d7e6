"""Feedback on the wire: reports, what they judge, and how they are shown."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from ecp.v1 import resolve_pb2, types_pb2
from ecp_server.domain.concepts import ConceptKind
from ecp_server.domain.feedback import MAX_CORRECTIONS, Correction, Judged, Offer, Report, Verdict
from ecp_server.domain.records import FeedbackRecord, ResolutionRecord
from ecp_server.rpc.convert.checks import MAX_NAME, Checks
from ecp_server.rpc.convert.provenance import fill_timestamp
from ecp_server.rpc.convert.recorded import principal

MAX_COMMENT: Final = 2000
MAX_OPTION: Final = 500
"""An id and a context."""
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_NIL: Final = "00000000-0000-0000-0000-000000000000"


def report(request: resolve_pb2.ReportFeedbackRequest, callers: tuple[str, ...]) -> Report:
    """Return the report, from whoever the callers say they are. Raises `InvalidQuery` or `InvalidChoice`."""
    checks = Checks()
    feedback = request.feedback
    checks.text("resolution_id", request.resolution_id, MAX_NAME)
    if not _UUID.fullmatch(request.request_id) or request.request_id == _NIL:
        checks.wrong("request_id", "must be a UUID")
    checks.optional_text("feedback.comment", feedback.comment, MAX_COMMENT)
    verdict = _verdict(checks, feedback)
    checks.at_most("feedback.corrections", feedback.corrections, MAX_CORRECTIONS)
    corrections = [_correction(checks, i, each) for i, each in enumerate(feedback.corrections[:MAX_CORRECTIONS])]
    checks.finish()
    return Report(
        resolution_id=request.resolution_id,
        verdict=verdict,
        corrections=tuple(corrections),
        request_id=request.request_id.lower(),
        digest=_digest(request),
        callers=callers,
    )


class FeedbackEncoding:
    """Reads what is judged, and writes the judgement as it is shown."""

    def __init__(self, request: resolve_pb2.ReportFeedbackRequest) -> None:
        self._feedback = request.feedback

    def judged(self, record: ResolutionRecord) -> Judged:
        """Return the answer that the record holds."""
        request = resolve_pb2.ResolveRequest.FromString(record.request)
        response = resolve_pb2.ResolveResponse.FromString(record.response)
        assumed = {a.id: _assumption(a, response) for a in response.assumptions}
        asked_back = {a.id: Offer(_kinds(a.options), a.mention.text) for a in response.ambiguities}
        return Judged(
            text=request.concept,
            principal=principal(response.principal),
            definition_context=request.definition_context,
            offers=assumed | asked_back,
        )

    def feedback(self, corrections: Sequence[Correction], reporter: str, create_time: datetime) -> bytes:
        """Return the feedback with what the server adds to it."""
        shown = types_pb2.Feedback()
        shown.CopyFrom(self._feedback)
        shown.DiscardUnknownFields()  # all feedback on an answer must fit into a reply
        for message, correction in zip(shown.corrections, corrections, strict=True):
            message.kind = types_pb2.ConceptKind.ValueType(correction.kind)
        shown.user_id = reporter
        fill_timestamp(shown.create_time, create_time)
        return shown.SerializeToString(deterministic=True)


def recorded_feedback(record: FeedbackRecord) -> types_pb2.Feedback:
    """Return recorded feedback."""
    return types_pb2.Feedback.FromString(record.feedback)


def _verdict(checks: Checks, feedback: types_pb2.Feedback) -> Verdict:
    """Return the verdict, which must go with the corrections."""
    if int(feedback.verdict) not in {*Verdict}:
        checks.wrong("feedback.verdict", "must be ACCEPTED, CORRECTED or REJECTED")
        return Verdict.REJECTED
    verdict = Verdict(feedback.verdict)
    if verdict is Verdict.CORRECTED and not feedback.corrections:
        checks.wrong("feedback.corrections", "must say what is right where the verdict is CORRECTED")
    if verdict is not Verdict.CORRECTED and feedback.corrections:
        checks.wrong("feedback.corrections", "must be empty unless the verdict is CORRECTED")
    return verdict


def _correction(checks: Checks, place: int, choice: types_pb2.Choice) -> Correction:
    field = f"feedback.corrections[{place}]"
    if choice.subject_id and choice.mention:
        checks.wrong_choice(f"{field}.subject_id", "must be empty where mention is set")
    elif not choice.subject_id and not choice.mention.strip():
        checks.wrong_choice(f"{field}.mention", "must not be blank where subject_id is not set")
    checks.optional_text(f"{field}.subject_id", choice.subject_id, MAX_OPTION)
    checks.optional_text(f"{field}.mention", choice.mention, MAX_NAME)
    checks.optional_text(f"{field}.option_id", choice.option_id, MAX_OPTION)
    if not choice.option_id:
        checks.wrong_choice(f"{field}.option_id", "must not be empty")
    if int(choice.kind) not in {*ConceptKind}:
        checks.wrong_choice(f"{field}.kind", "names no kind")
        return Correction(choice.option_id)
    return Correction(choice.option_id, choice.subject_id, choice.mention, ConceptKind(choice.kind))


def _digest(request: resolve_pb2.ReportFeedbackRequest) -> str:
    """Return the digest of what is reported, without what the server sets."""
    said = resolve_pb2.ReportFeedbackRequest()
    said.CopyFrom(request)
    said.ClearField("request_id")
    said.feedback.ClearField("user_id")
    said.feedback.ClearField("create_time")
    return hashlib.sha256(said.SerializeToString(deterministic=True)).hexdigest()


def _assumption(assumption: types_pb2.Assumption, response: resolve_pb2.ResolveResponse) -> Offer:
    """Return what an assumption offers; one that is why a concept was taken is about its words."""
    taken = assumption.taken
    mentions = (c.mention.text for c in response.concepts if c.kind == taken.kind and c.reason == assumption.reason)
    return Offer(_kinds([taken, *assumption.alternatives]), next(mentions, ""))


def _kinds(options: Sequence[types_pb2.Option]) -> dict[str, ConceptKind]:
    return {option.id: ConceptKind(option.kind) for option in options}
