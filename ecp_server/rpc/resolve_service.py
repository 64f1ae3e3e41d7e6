"""ResolveService: proto → domain → path → domain → proto."""

from __future__ import annotations

from typing import Any

from grpc import aio
from typing_extensions import override

from ecp.v1 import resolve_pb2, resolve_pb2_grpc
from ecp_server.domain.errors import ResolutionNotFound
from ecp_server.domain.resolution import Resolution
from ecp_server.execution.execute import Executor
from ecp_server.feedback.report import Reporter
from ecp_server.resolution.resolve import Resolver
from ecp_server.rpc.convert import feedback, requests, responses
from ecp_server.rpc.convert.executions import ExecuteEncoding, recorded_executions
from ecp_server.rpc.convert.provenance import cut, timestamp
from ecp_server.rpc.convert.recorded import RecordedAnswer
from ecp_server.stores.ports import State

USER_ID_METADATA = "x-ecp-user-id"
MAX_EXECUTIONS = 20
MAX_FEEDBACK = 20


class ResolveEncoding:
    """Keeps the messages of one call, so that what is recorded is what is sent."""

    def __init__(self, request: resolve_pb2.ResolveRequest) -> None:
        self._request = request
        self.reply = resolve_pb2.ResolveResponse()

    def request(self) -> bytes:
        """Return the request as it was received."""
        return self._request.SerializeToString(deterministic=True)

    def response(self, resolution: Resolution) -> bytes:
        """Return the response with its whole provenance, and keep it as the reply."""
        self.reply = responses.resolve_response(resolution)
        return self.reply.SerializeToString(deterministic=True)


class ResolveService(resolve_pb2_grpc.ResolveServiceServicer):
    """Turns business questions into governed definitions, plans and their proof."""

    def __init__(self, resolver: Resolver, executor: Executor, reporter: Reporter, state: State) -> None:
        self._resolver = resolver
        self._executor = executor
        self._reporter = reporter
        self._state = state

    @override
    async def Resolve(
        self, request: resolve_pb2.ResolveRequest, context: aio.ServicerContext[Any, Any]
    ) -> resolve_pb2.ResolveResponse:
        """Resolve one question. Errors are those of the contract."""
        question = requests.question(request)
        encoding = ResolveEncoding(request)
        resolution = await self._resolver.resolve(question, encoding)
        if resolution.problem is not None:
            raise responses.refusal(resolution.problem, resolution.id)
        cut(encoding.reply, requests.view(request))
        return encoding.reply

    @override
    async def GetResolution(
        self, request: resolve_pb2.GetResolutionRequest, context: aio.ServicerContext[Any, Any]
    ) -> resolve_pb2.GetResolutionResponse:
        """Return a recorded resolution of the caller, also after it has expired."""
        resolution_id, view = requests.resolution_id(request)
        record = await self._state.resolution(resolution_id)
        if record is None or any(caller != record.owner for caller in _callers(context)):
            raise ResolutionNotFound
        executions = await self._state.executions(resolution_id, limit=MAX_EXECUTIONS, tables=request.include_tables)
        judgements = await self._state.feedback(resolution_ids=[resolution_id], limit=MAX_FEEDBACK)
        beside = [record.request, record.response, *(one.feedback for one in judgements)]
        reply = resolve_pb2.GetResolutionResponse(
            request=resolve_pb2.ResolveRequest.FromString(record.request),
            response=resolve_pb2.ResolveResponse.FromString(record.response),
            create_time=timestamp(record.create_time),
            executions=recorded_executions(executions, view, beside_bytes=sum(map(len, beside))),
            feedback=[feedback.recorded_feedback(one) for one in judgements],
        )
        cut(reply.response, view)
        return reply

    @override
    async def Execute(
        self, request: resolve_pb2.ExecuteRequest, context: aio.ServicerContext[Any, Any]
    ) -> resolve_pb2.ExecuteResponse:
        """Run a settled resolution. Errors are those of the contract."""
        asked = requests.execution(request, _callers(context))
        answer = RecordedAnswer()
        encoding = ExecuteEncoding(request, answer)
        await self._executor.execute(asked, answer, encoding)
        cut(encoding.reply, requests.view(request))
        return encoding.reply

    @override
    async def ReportFeedback(
        self, request: resolve_pb2.ReportFeedbackRequest, context: aio.ServicerContext[Any, Any]
    ) -> resolve_pb2.ReportFeedbackResponse:
        """Record a judgement of a resolution. Errors are those of the contract."""
        asked = feedback.report(request, _callers(context))
        encoding = feedback.FeedbackEncoding(request)
        recorded = await self._reporter.report(asked, encoding, encoding)
        return resolve_pb2.ReportFeedbackResponse(feedback=feedback.recorded_feedback(recorded))


def _callers(context: aio.ServicerContext[Any, Any]) -> tuple[str, ...]:
    """Return who the caller says it is, as far as it does; nothing proves it."""
    metadata = context.invocation_metadata() or ()
    return tuple(value for key, value in metadata if key == USER_ID_METADATA and isinstance(value, str))
