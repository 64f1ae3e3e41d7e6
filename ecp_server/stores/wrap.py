"""Puts something around every call to a port, written once for all ports."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Protocol, TypeVar, cast

from ecp_server.stores.ports import Probed

P = TypeVar("P", bound=Probed)
T = TypeVar("T")


class Intercept(Protocol):
    """What happens around a call: it awaits ``call``, once, several times or never, and answers in its place."""

    def __call__(self, operation: str, call: Callable[[], Awaitable[T]], /) -> Awaitable[T]:
        """Answer one call of the port's method ``operation``."""


def around(port: P, intercept: Intercept) -> P:
    """Return a port of the same kind whose every method but ``close`` goes through ``intercept``."""
    return cast("P", _Around(port, intercept))


class _Around:
    """Stands in for a port. Its methods are made when first asked for, then found like any attribute."""

    def __init__(self, port: Probed, intercept: Intercept) -> None:
        self._port = port
        self._intercept = intercept

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._port, name)
        if not callable(value) or name == "close" or name.startswith("_"):
            return value
        intercept = self._intercept

        def method(*args: Any, **kwargs: Any) -> Awaitable[Any]:
            return intercept(name, partial(value, *args, **kwargs))

        self.__dict__[name] = method
        return method
