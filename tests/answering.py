"""Questions answered with figures: resolved and executed over a real channel, by a server in this process."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from grpc import aio

from ecp.v1 import resolve_pb2, resolve_pb2_grpc
from ecp_server import wiring
from ecp_server.server import Server
from ecp_server.settings import Settings
from ecp_server.telemetry.metrics import Instruments
from ecp_server.telemetry.tracing import Propagated

Row = Mapping[str, str | None]
Asked = Callable[[Mapping[str, Any]], Awaitable[tuple[dict[str, Any], list[Row]]]]
"""Takes a request as JSON; returns the resolution as JSON and the rows of its figures, which are settled."""


@asynccontextmanager
async def answering(catalog: Path, data: Path | None = None, **more: str) -> AsyncIterator[Asked]:
    """Serve a catalog, over the tables of a folder where they are not its own, and give what asks it.

    ``more`` are further settings.
    """
    with tempfile.TemporaryDirectory(prefix="ecp-") as folder:
        settings = Settings.load(
            catalog=catalog,
            listen="127.0.0.1:0",
            metrics_listen="127.0.0.1:0",
            state_url=f"sqlite:///{folder}/state.db",
            drain_delay_seconds=0,
            **({} if data is None else {"semantic_data": data}),
            **more,
        )
        instruments = Instruments()
        application = await wiring.build(settings, instruments)
        async with Server(settings, application, instruments, Propagated()).serving() as address:
            await application.settled()
            async with aio.insecure_channel(str(address)) as channel:
                stub: Any = resolve_pb2_grpc.ResolveServiceStub(channel)

                async def asked(request: Mapping[str, Any]) -> tuple[dict[str, Any], list[Row]]:
                    message = json_format.ParseDict(dict(request), resolve_pb2.ResolveRequest())
                    resolved = await stub.Resolve(message)
                    answer = json_format.MessageToDict(resolved, preserving_proto_field_name=True)
                    assert "RESOLUTION_STATUS_RESOLVED" == answer["status"], answer
                    execute = resolve_pb2.ExecuteRequest(resolution_id=resolved.resolution_id)
                    return answer, _rows((await stub.Execute(execute)).table)

                yield asked


def close_to(found: str | None, expected: Decimal) -> bool:
    """Tell whether a figure is the expected one, but for the last digits of what was divided."""
    return found is not None and abs(Decimal(found) - expected) <= abs(expected) * Decimal("1e-9")


def _rows(table: Any) -> list[Row]:
    """Return the rows of a table, null where it says so."""
    return [
        {column.name: None if row in column.null_rows else column.values[row] for column in table.columns}
        for row in range(table.row_count)
    ]
