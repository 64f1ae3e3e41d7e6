"""What a client can ask: one method a call, with its signature, words and request. Sending is the client's part."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import uuid4

from ecp.v1 import resolve_pb2, types_pb2
from ecp_client._answer import Asked
from ecp_client._call import Call
from ecp_client._catalog_calls import CatalogCalls
from ecp_client._concepts import Choice
from ecp_client._enums import FeedbackVerdict, ProvenanceView
from ecp_client._results import ExecutionResult, FeedbackReceipt, Resolution, ResolutionRecord
from ecp_client._write import Members, choice_of, duration_of, instant, number_of, value_lists


@dataclass(frozen=True, slots=True)
class Calls(CatalogCalls):
    """All calls of a client: those of questions and figures, and what it inherits."""

    def ask(
        self,
        concept: str,
        *,
        department: str | None = None,
        roles: str | Iterable[str] | None = None,
        user_id: str | None = None,
        allowed_members: Members | None = None,
        as_of: datetime | date | None = None,
        time_zone: str = "",
        choices: Mapping[str, str] | None = None,
        resume: str = "",
        definition_context: str = "",
        filters: Members | None = None,
        row_limit: int = 0,
        max_staleness: timedelta | None = None,
        provenance: ProvenanceView = ProvenanceView.BASIC,
        timeout_seconds: float | None = None,
        request_id: str | None = None,
    ) -> Asked:
        """Ask a business question and run its plan: ``resolve``, then ``execute`` where there is something to run.

        The answer has no ``execution`` where the question must be settled first, or is about the catalog itself.

        Args:
            concept: The question or phrase, 1 to 1000 characters.
            department: Selects definitions, e.g. "finance". By default the client's, as the next three.
            roles: What policy judges by, e.g. "analyst".
            user_id: Who asks.
            allowed_members: Narrows the answer: dimension id to member ids; an empty list allows none.
            as_of: The clock for relative time, as for ``resolve``.
            time_zone: IANA zone that decides which day ``as_of`` is. By default the catalog's.
            choices: Ambiguity or assumption id to option id, answering an earlier response.
            resume: The ``resolution_id`` of that response; pins its clock and catalog version.
            definition_context: Whose definitions apply, where not the department's.
            filters: Narrows every query of the plan: dimension id to member ids.
            row_limit: Rows of the table, at most 10000. 0: 1000.
            max_staleness: While the semantic layer is down: how old a kept result may be. None: only fresh ones.
            provenance: How much provenance to return.
            timeout_seconds: How long to wait for both, retries included. By default the client's.
            request_id: Names both calls in logs. By default a new one.

        Raises:
            InvalidRequest: A field is malformed, a choice names no offered option, or a filter does not fit the plan.
            NotFound: Nothing in the catalog matches; ``suggestions`` has what was perhaps meant.
            FailedPrecondition: Known words that do not fit together, or a critical rule does not hold of the figures.
            Denied: A policy denies it.
            Unavailable: The server, or a store that has no stand-in, is down.
            DeadlineExceeded: No answer in time.
        """
        first = self.resolve(
            concept,
            department=department,
            roles=roles,
            user_id=user_id,
            allowed_members=allowed_members,
            as_of=as_of,
            time_zone=time_zone,
            choices=choices,
            resume=resume,
            definition_context=definition_context,
            provenance=provenance,
            timeout_seconds=timeout_seconds,
            request_id=request_id,
        )

        def second(resolution_id: str, seconds_left: float) -> Call[ExecutionResult]:
            return self.execute(
                resolution_id,
                filters=filters,
                row_limit=row_limit,
                max_staleness=max_staleness,
                provenance=provenance,
                user_id=user_id,
                timeout_seconds=seconds_left,
                request_id=first.request_id,
            )

        return Asked.now(first, second)

    def resolve(
        self,
        concept: str,
        *,
        department: str | None = None,
        roles: str | Iterable[str] | None = None,
        user_id: str | None = None,
        allowed_members: Members | None = None,
        as_of: datetime | date | None = None,
        time_zone: str = "",
        choices: Mapping[str, str] | None = None,
        resume: str = "",
        definition_context: str = "",
        provenance: ProvenanceView = ProvenanceView.BASIC,
        timeout_seconds: float | None = None,
        request_id: str | None = None,
    ) -> Call[Resolution]:
        """Ask what a business question means for one user at one moment.

        A question with more than one plausible meaning is no error: its ``status`` is DISAMBIGUATION_REQUIRED and its
        ``ambiguities`` hold the options. Ask again with ``choices`` and ``resume``.

        Args:
            concept: The question or phrase, 1 to 1000 characters.
            department: Selects definitions, e.g. "finance". By default the client's, as the next three.
            roles: What policy judges by, e.g. "analyst".
            user_id: Who asks.
            allowed_members: Narrows the answer: dimension id to member ids; an empty list allows none.
            as_of: The clock for relative time, a datetime with a zone. A date means that day in ``time_zone``; without
                one, wherever UTC is at most 11 hours ahead or 12 behind. By default the server's clock.
            time_zone: IANA zone that decides which day ``as_of`` is. By default the catalog's.
            choices: Ambiguity or assumption id to option id, answering an earlier response.
            resume: The ``resolution_id`` of that response; pins its clock and catalog version.
            definition_context: Whose definitions apply, where not the department's.
            provenance: How much provenance to return.
            timeout_seconds: How long to wait, retries included. By default the client's.
            request_id: Names the call in logs. By default a new one.

        Raises:
            InvalidRequest: A field is malformed, or a choice names no offered option.
            NotFound: Nothing in the catalog matches; ``suggestions`` has what was perhaps meant.
            FailedPrecondition: Known words that do not fit together, or the resumed resolution has expired.
            Denied: A policy denies it.
            Unavailable: The server, or a store that has no stand-in, is down.
            DeadlineExceeded: No answer in time.
        """
        user = self._user(user_id, department, roles, allowed_members)
        request = resolve_pb2.ResolveRequest(
            concept=concept,
            user_context=user,
            as_of=instant(as_of, time_zone),
            time_zone=time_zone,
            choices=[types_pb2.Choice(subject_id=one, option_id=option) for one, option in (choices or {}).items()],
            resume_resolution_id=resume,
            definition_context=definition_context,
            provenance_view=number_of(provenance),
        )
        return self._call("Resolve", request, Resolution, timeout_seconds, request_id)

    def execute(
        self,
        resolution_id: str,
        *,
        filters: Members | None = None,
        row_limit: int = 0,
        max_staleness: timedelta | None = None,
        provenance: ProvenanceView = ProvenanceView.BASIC,
        user_id: str | None = None,
        timeout_seconds: float | None = None,
        request_id: str | None = None,
    ) -> Call[ExecutionResult]:
        """Run the plan of an earlier resolution and return figures with their proof.

        Args:
            resolution_id: From ``resolve``.
            filters: Narrows every query of the plan: dimension id to member ids. It can never widen it.
            row_limit: Rows of the table, at most 10000. 0: 1000.
            max_staleness: While the semantic layer is down: how old a kept result may be. None: only fresh ones.
            provenance: How much provenance to return.
            user_id: Who asks; the resolution must be theirs. By default the client's.
            timeout_seconds: How long to wait, retries included. By default the client's.
            request_id: Names the call in logs. By default a new one.

        Raises:
            InvalidRequest: A filter names a dimension that a query does not have.
            NotFound: No such resolution, or another user's.
            FailedPrecondition: It has expired, still needs a choice, or a critical rule does not hold.
            Denied: A policy denies it; it is asked again for every execution.
            Unavailable: The semantic layer is down.
            DeadlineExceeded: No answer in time.
        """
        request = resolve_pb2.ExecuteRequest(
            resolution_id=resolution_id,
            filters=value_lists(filters or {}),
            row_limit=row_limit,
            max_staleness=duration_of(max_staleness),
            provenance_view=number_of(provenance),
        )
        return self._call("Execute", request, ExecutionResult, timeout_seconds, request_id, self._said(user_id))

    def get_resolution(
        self,
        resolution_id: str,
        *,
        provenance: ProvenanceView = ProvenanceView.BASIC,
        include_tables: bool = False,
        user_id: str | None = None,
        timeout_seconds: float | None = None,
        request_id: str | None = None,
    ) -> Call[ResolutionRecord]:
        """Return a recorded resolution of the caller, also after it has expired.

        Args:
            resolution_id: From ``resolve``.
            provenance: How much provenance to return.
            include_tables: Whether to return the tables of executions.
            user_id: Who asks; the resolution must be theirs. By default the client's.
            timeout_seconds: How long to wait, retries included. By default the client's.
            request_id: Names the call in logs. By default a new one.

        Raises:
            NotFound: No such resolution, or another user's.
            Unavailable: The server or its records are out of reach.
            DeadlineExceeded: No answer in time.
        """
        request = resolve_pb2.GetResolutionRequest(
            resolution_id=resolution_id, provenance_view=number_of(provenance), include_tables=include_tables
        )
        return self._call("GetResolution", request, ResolutionRecord, timeout_seconds, request_id, self._said(user_id))

    def report_feedback(
        self,
        resolution_id: str,
        verdict: FeedbackVerdict,
        *,
        corrections: Iterable[Choice] = (),
        comment: str = "",
        idempotency_key: str = "",
        user_id: str | None = None,
        timeout_seconds: float | None = None,
        request_id: str | None = None,
    ) -> Call[FeedbackReceipt]:
        """Record that a resolution was accepted, corrected or rejected.

        A correction of words teaches the department of whoever asked what they mean. A retry records nothing twice.

        Args:
            resolution_id: From ``resolve``, or from the `NotFound` of a question that nothing matched.
            verdict: The judgement.
            corrections: Where corrected: what was misunderstood and what is right, at most 20. Each names either words
                of the question (``mention``), or an ambiguity or assumption (``subject_id``), and an ``option_id``.
            comment: A word for people, at most 2000 characters.
            idempotency_key: A UUID; the same one twice records once, where both say the same. By default a new one.
            user_id: Who judges; the resolution must be theirs. By default the client's.
            timeout_seconds: How long to wait. By default the client's.
            request_id: Names the call in logs. By default a new one.

        Raises:
            InvalidRequest: A field is malformed, a correction cannot be, or the key was used for other feedback.
            NotFound: No such resolution, or another user's.
            ResourceExhausted: The user has taught too much in a day, or the server sheds load; see
                ``retry_after_seconds``.
            Unavailable: The server or its records are out of reach.
            Unimplemented: This server is older than feedback.
            DeadlineExceeded: No answer in time.
        """
        feedback = types_pb2.Feedback(
            verdict=number_of(verdict),
            corrections=[choice_of(one) for one in corrections],
            comment=comment,
        )
        request = resolve_pb2.ReportFeedbackRequest(
            resolution_id=resolution_id, feedback=feedback, request_id=idempotency_key or str(uuid4())
        )
        return self._call("ReportFeedback", request, FeedbackReceipt, timeout_seconds, request_id, self._said(user_id))
