"""What both clients have in common: how one is made, and how the methods of ``Calls`` become theirs."""

import inspect
from collections.abc import Callable, Iterable
from typing import Any, ClassVar, ParamSpec, Self, TypeVar, get_args

import grpc

from ecp_client._calls import Calls
from ecp_client._channel import channel_credentials, channel_options, rpcs
from ecp_client._write import Members, one_or_many

P = ParamSpec("P")
R = TypeVar("R")

TIMEOUT_SECONDS = 10.0
"""How long a call waits, retries included, where neither it nor its client says otherwise."""


class ClientBase:
    """A client over one channel. Make one with ``connect``."""

    _transport: ClassVar[Any]
    """grpc or grpc.aio, which open channels by the same names."""

    def __init__(self, channel: Any, calls: Calls) -> None:
        self._channel = channel
        self._calls = calls
        self._rpcs = rpcs(channel)
        self._closed = False

    def _check_open(self) -> None:
        if self._closed:
            raise ValueError("the client is closed")

    @classmethod
    def connect(
        cls,
        target: str,
        *,
        insecure: bool = False,
        credentials: grpc.ChannelCredentials | None = None,
        timeout_seconds: float = TIMEOUT_SECONDS,
        user_id: str = "",
        department: str = "",
        roles: str | Iterable[str] = (),
        allowed_members: Members | None = None,
    ) -> Self:
        """Return a client of the server at ``target``. It connects with the first call, and again whenever it has to.

        Calls are spread over all addresses of the target. Those without side effects are tried up to three times while
        the server is UNAVAILABLE, within their time.

        Args:
            target: Address as gRPC writes it, e.g. "localhost:50051" or "dns:///ecp.example.com:443".
            insecure: Plain text instead of TLS.
            credentials: For TLS: own roots, a client certificate, a token. By default the well-known roots.
            timeout_seconds: How long a call waits, retries included, unless it says otherwise.
            user_id: Who asks, unless a call says otherwise; likewise the next three.
            department: Selects department-specific definitions, e.g. "finance".
            roles: What policy judges by, e.g. "analyst".
            allowed_members: Narrows every answer: dimension id to member ids.

        Raises:
            ValueError: ``insecure`` and ``credentials`` exclude each other.
        """
        security = channel_credentials(insecure=insecure, credentials=credentials)
        if security is None:
            channel = cls._transport.insecure_channel(target, channel_options())
        else:
            channel = cls._transport.secure_channel(target, security, channel_options())
        return cls(
            channel, Calls(timeout_seconds, user_id, department, one_or_many(roles), dict(allowed_members or {}))
        )


def presented(method: Callable[P, R], build: Callable[..., Any], returns: Any = None) -> Callable[P, R]:
    """Give ``method`` the name, words and parameters of the method of ``Calls`` that it sends.

    Args:
        method: What sends the call.
        build: The method of ``Calls``, which returns a ``Call[T]``.
        returns: What ``method`` returns, by default a ``T``.
    """
    signature = inspect.signature(build)
    returns = returns or get_args(signature.return_annotation)[0]
    method.__name__, method.__doc__ = build.__name__, build.__doc__
    method.__signature__ = signature.replace(return_annotation=returns)  # type: ignore[attr-defined]  # inspect reads it
    return method
