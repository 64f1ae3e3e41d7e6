"""One HTTP/2 connection of a load generator, with just enough of the protocol (RFC 9113) to make unary calls.

A grpc.aio client costs as much a call as a grpc.aio server, so it would measure itself. This one sends requests and
sees where replies end, which takes a tenth of that; replies are kept as bytes and looked at later.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass
from typing import Final

MOST_STREAMS: Final = 100
"""Calls at a time that ECP's server takes on a connection."""

_PREFACE: Final = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _RESET, _SETTINGS, _PING, _GOAWAY, _WINDOW = 0, 1, 3, 4, 6, 7, 8
_END_STREAM, _ACK, _END_HEADERS = 0x1, 0x1, 0x4
_WIDEST_WINDOW: Final = 2**31 - 1
_FIRST_WINDOW: Final = 65_535
_STATIC_ENTRIES: Final = 61
"""Entries of HPACK's static table (RFC 7541, appendix A); what a connection adds comes after them."""


class CallsFailed(Exception):
    """The server broke the connection off."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A call that is over."""

    since: float
    """As it was begun with."""
    at: float
    """On the clock of `time.perf_counter`."""
    message: bytes
    """The reply; empty where the call ended with a status instead."""


class Connection:
    """One connection to a server on this machine, and the calls on it."""

    def __init__(self, port: int, method: str) -> None:
        """Connect; all calls are of one method."""
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket.settimeout(30)
        self._first_headers, self._headers = _header_blocks(method, port)
        self._window = _FIRST_WINDOW
        self._stream = 1
        self._begun: dict[int, tuple[float, bytearray]] = {}
        self._pending = bytearray()
        widest = _frame(_WINDOW, 0, 0, (_WIDEST_WINDOW - _FIRST_WINDOW).to_bytes(4, "big"))
        settings = b"\x00\x02\x00\x00\x00\x00" + b"\x00\x04" + _WIDEST_WINDOW.to_bytes(4, "big")
        self._out = bytearray(_PREFACE + _frame(_SETTINGS, 0, 0, settings) + widest)

    @property
    def in_flight(self) -> int:
        """Return how many calls are not over."""
        return len(self._begun)

    def begin(self, request: bytes, since: float) -> None:
        """Prepare a call; `flush` sends it. Raises `CallsFailed`."""
        stream, self._stream = self._stream, self._stream + 2
        message = b"\x00" + len(request).to_bytes(4, "big") + request
        self._window -= len(message)
        if self._window < 0:
            raise CallsFailed("the server does not read")
        headers = self._first_headers if stream == 1 else self._headers
        self._out += _frame(_HEADERS, _END_HEADERS, stream, headers) + _frame(_DATA, _END_STREAM, stream, message)
        self._begun[stream] = (since, bytearray())

    def flush(self) -> None:
        """Send what is prepared."""
        if self._out:
            self.socket.sendall(self._out)
            self._out.clear()

    def receive(self) -> list[Ended]:
        """Wait for bytes; return the calls that they end. Raises `CallsFailed`."""
        received = self.socket.recv(262_144)
        if not received:
            raise CallsFailed("the server closed the connection")
        self._pending += received
        return self._read(self._pending)

    def close(self) -> None:
        """Close it, whatever is under way."""
        self.socket.close()

    def _read(self, pending: bytearray) -> list[Ended]:
        """Take the whole frames off the front."""
        at, now = 0, time.perf_counter()
        ended: list[Ended] = []
        while len(pending) - at >= 9:  # noqa: PLR2004 - the length of a frame's head
            length = int.from_bytes(pending[at : at + 3], "big")
            if len(pending) - at < 9 + length:
                break
            kind, flags = pending[at + 3], pending[at + 4]
            stream = int.from_bytes(pending[at + 5 : at + 9], "big")
            payload = bytes(pending[at + 9 : at + 9 + length])
            at += 9 + length
            if stream and stream not in self._begun:
                continue  # a call that is over: its stream is reset as well where the server had not read the request
            if kind == _DATA:
                self._begun[stream][1].extend(payload)
            elif kind in (_SETTINGS, _PING, _GOAWAY, _WINDOW):
                self._control(kind, flags, stream, payload)
            if kind == _RESET or (kind in (_DATA, _HEADERS) and flags & _END_STREAM):
                since, message = self._begun.pop(stream)
                ended.append(Ended(since, now, bytes(message[5:])))
        del pending[:at]
        return ended

    def _control(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == _GOAWAY:
            raise CallsFailed("the server goes away")
        if kind == _WINDOW:
            self._window += int.from_bytes(payload, "big") if stream == 0 else 0
        elif not flags & _ACK:
            self._out += _frame(kind, _ACK, 0, payload if kind == _PING else b"")


def _header_blocks(method: str, port: int) -> tuple[bytes, bytes]:
    """Return the headers of the first call, which the server's table keeps, and of all others, which point to them."""
    headers = (
        (":method", "POST"),
        (":scheme", "http"),
        (":path", method),
        (":authority", f"127.0.0.1:{port}"),
        ("te", "trailers"),
        ("content-type", "application/grpc"),
        ("user-agent", "grpc-bench"),
        ("grpc-timeout", "30S"),
    )
    first = b"".join(b"\x40" + _text(name) + _text(value) for name, value in headers)
    newest = _STATIC_ENTRIES + 1
    return first, bytes(0x80 | (newest + position) for position in reversed(range(len(headers))))


def _text(text: str) -> bytes:
    return len(text).to_bytes(1, "big") + text.encode("ascii")


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload
