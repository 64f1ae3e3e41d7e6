"""Server reflection, v1 and the v1alpha that older tools know: the contract, for programs such as grpcurl."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable
from typing import Any, Final

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, text_format
from grpc import aio
from grpc_reflection.v1alpha import reflection, reflection_pb2

V1: Final = "grpc.reflection.v1.ServerReflection"
V1ALPHA: Final = reflection.SERVICE_NAME


class Reflection:
    """The streams of those who ask; some programs keep theirs open for as long as they run."""

    def __init__(self, services: Iterable[str]) -> None:
        """Tell of ``services`` and of itself."""
        self._servicer = reflection.aio.ReflectionServicer((*services, V1, V1ALPHA))
        self._closed = asyncio.Event()

    def register(self, server: aio.Server) -> None:
        """Serve it, under both its names."""
        _describe_v1()
        handler = grpc.stream_stream_rpc_method_handler(
            self._answer,
            reflection_pb2.ServerReflectionRequest.FromString,
            reflection_pb2.ServerReflectionResponse.SerializeToString,
        )
        server.add_generic_rpc_handlers(
            [grpc.method_handlers_generic_handler(name, {"ServerReflectionInfo": handler}) for name in (V1, V1ALPHA)]
        )

    def close(self) -> None:
        """End the streams once what was asked is answered: a server that drains waits for none that is idle."""
        self._closed.set()

    async def _answer(
        self, requests: AsyncIterable[reflection_pb2.ServerReflectionRequest], context: aio.ServicerContext[Any, Any]
    ) -> AsyncIterator[reflection_pb2.ServerReflectionResponse]:
        answers: Any = self._servicer.ServerReflectionInfo(self._until_closed(requests), context)  # stubs: a coroutine
        async for answer in answers:
            yield answer

    async def _until_closed(
        self, requests: AsyncIterable[reflection_pb2.ServerReflectionRequest]
    ) -> AsyncIterator[reflection_pb2.ServerReflectionRequest]:
        coming = aiter(requests)
        closed = asyncio.create_task(self._closed.wait(), name="reflection closed")
        try:
            while True:
                request = asyncio.ensure_future(anext(coming))
                try:
                    await asyncio.wait((request, closed), return_when=asyncio.FIRST_COMPLETED)
                finally:
                    request.cancel()
                if not request.done() or request.cancelled():
                    return
                try:
                    yield request.result()
                except StopAsyncIteration:
                    return
        finally:
            closed.cancel()


def _describe_v1() -> None:
    """Make v1 known to reflection itself: it is v1alpha by another name, and grpcio-reflection has only that."""
    v1alpha = descriptor_pb2.FileDescriptorProto()
    reflection_pb2.DESCRIPTOR.CopyToProto(v1alpha)
    v1alpha.ClearField("options")
    v1 = text_format.Parse(
        text_format.MessageToString(v1alpha).replace("v1alpha", "v1"), descriptor_pb2.FileDescriptorProto()
    )
    v1.name = "grpc/reflection/v1/reflection.proto"
    descriptor_pool.Default().Add(v1)
