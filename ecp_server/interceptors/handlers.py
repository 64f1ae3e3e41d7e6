"""What interceptors wrap: the handler of a method, brought to one shape."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

import grpc
from grpc import aio

# Quoted: gRPC's classes are generic in their type stubs alone.
Context: TypeAlias = "aio.ServicerContext[Any, Any]"
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
Behavior: TypeAlias = Callable[[Any, "Context"], Awaitable[Any]]
"""Takes the iterator of requests and the context; returns the response, or None where it wrote a stream of them."""
Continuation: TypeAlias = Callable[[grpc.HandlerCallDetails], Awaitable["Handler | None"]]


def reading(
    behavior: Behavior,
    *,
    streams: bool,
    deserializer: Callable[[bytes], Any] | None = None,
    serializer: Callable[[Any], bytes] | None = None,
) -> Handler:
    """Return a handler whose behaviour starts before the request is read, and reads it from the context itself.

    On the wire it is the same as any other kind. Here it means that whatever befalls a call after its headers (too
    large a message, a caller who hung up while it queued, bytes that are no message) happens inside the behaviour,
    where it can be answered and counted.
    """
    make = grpc.stream_stream_rpc_method_handler if streams else grpc.stream_unary_rpc_method_handler
    return make(behavior, deserializer, serializer)


def without_frames(error: BaseException) -> None:
    """Take the tracebacks off an exception and off those that led to it: all that their frames hold can go at once."""
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:  # what is raised anew with its own cause goes in a circle
        seen.add(id(found))
        found.__traceback__ = None
        found = found.__cause__ or found.__context__
