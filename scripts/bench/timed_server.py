"""ECP's server with a stopwatch around the parts of a Resolve: `timed_server.py OUT.json serve`.

It writes the mean microseconds of each part when it stops. Meant for one call in flight, so that no part's time holds
another call's.
"""

from __future__ import annotations

import inspect
import json
import sys
import time
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from ecp_server.__main__ import main
from ecp_server.resolution.stage import Stage

HANDLER: Final = "handler"
_PARTS: Final = (
    # Label, module, what in it. The handler is the whole inside of the interceptors; all others are parts of it.
    (HANDLER, "ecp_server.rpc.resolve_service", "ResolveService.Resolve"),
    ("request to domain", "ecp_server.rpc.convert.requests", "question"),
    ("begin", "ecp_server.resolution.resolve", "begin"),
    ("finish", "ecp_server.resolution.record", "finish"),
    ("response to bytes", "ecp_server.rpc.resolve_service", "ResolveEncoding.response"),
    ("durable record", "ecp_server.stores.state.embedded", "EmbeddedState.record"),
    ("cut the view", "ecp_server.rpc.resolve_service", "cut"),
)
_spent: dict[str, list[float]] = {}


def _noted(label: str, started: float) -> None:
    _spent.setdefault(label, []).append(time.perf_counter() - started)


def _timed(label: str, work: Callable[..., Any]) -> Callable[..., Any]:
    if inspect.iscoroutinefunction(work):

        async def timed_async(*args: Any, **kwargs: Any) -> Any:
            started = time.perf_counter()
            try:
                return await work(*args, **kwargs)
            finally:
                _noted(label, started)

        return timed_async

    def timed(*args: Any, **kwargs: Any) -> Any:
        started = time.perf_counter()
        try:
            return work(*args, **kwargs)
        finally:
            _noted(label, started)

    return timed


def _time_parts() -> None:
    for label, module, path in _PARTS:
        *owners, name = path.split(".")
        owner: Any = import_module(module)
        for each in owners:
            owner = getattr(owner, each)
        setattr(owner, name, _timed(label, getattr(owner, name)))
    resolve: Any = import_module("ecp_server.resolution.resolve")
    take = resolve.take

    async def timed_take(stage: Stage, draft: Any, *rest: Any) -> Any:
        started = time.perf_counter()
        try:
            return await take(stage, draft, *rest)
        finally:
            _noted(stage.id, started)

    resolve.take = timed_take


def _write(out: Path) -> None:
    calls = len(_spent[HANDLER])
    out.write_text(json.dumps({label: sum(times) / calls * 1e6 for label, times in _spent.items()}), encoding="utf-8")


if __name__ == "__main__":
    out = Path(sys.argv.pop(1))
    _time_parts()
    try:
        main()
    finally:
        _write(out)
