"""The floor: a bare grpc.aio server that answers any bytes with as many bytes as it is told, and does nothing else.

It has the options and the event loop of ECP's server, shares its core in the same way, and has neither interceptors nor
messages to read.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
from typing import Any, Final

import grpc
import uvloop
from grpc import aio

from ecp_server import threads
from ecp_server.server import _options
from ecp_server.settings import Settings

METHOD: Final = "/bench.Echo/Echo"


async def serve(reply_bytes: int) -> None:
    """Answer until SIGTERM; print the port first."""
    reply = bytes(reply_bytes)

    async def echo(_request: bytes, _context: Any) -> bytes:
        return reply

    service, method = METHOD.strip("/").split("/")
    handlers = grpc.method_handlers_generic_handler(service, {method: grpc.unary_unary_rpc_method_handler(echo)})
    server = aio.server(options=_options(Settings.load()))
    server.add_generic_rpc_handlers((handlers,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    told_to_stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told_to_stop.set)
    print(port, flush=True)
    await told_to_stop.wait()
    await server.stop(None)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serve a bare echo.")
    parser.add_argument("--reply-bytes", type=int, required=True)
    threads.share()
    uvloop.run(serve(parser.parse_args().reply_bytes))
