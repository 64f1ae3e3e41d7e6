"""A load generator: unary calls over one HTTP/2 connection, a fixed number of them in flight.

A grpc.aio client costs as much a call as a grpc.aio server, so it would measure itself. This one knows just enough of
HTTP/2 (RFC 9113) to send requests and to see where replies end, which takes a tenth of that; replies are kept as bytes
and looked at after the clock has stopped. A call that ends without a message has failed.
"""

from __future__ import annotations

import gc
import resource
import socket
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

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
class Traffic:
    """What became of the calls of one round."""

    seconds: float
    latencies: list[float]
    """Of each call that was answered, in seconds."""
    replies: list[bytes]
    """Messages, in the order in which they came."""
    failed: int
    """Calls that ended with a status instead of a message."""
    generator_share: float
    """Of its core, 0 to 1: near 1 the generator is what was measured."""


def drive(port: int, method: str, requests: Iterator[bytes], *, in_flight: int, seconds: float) -> Traffic:
    """Call a method for so many seconds, or until the requests run out. Raises `CallsFailed`."""
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.settimeout(30)
        gc.collect()
        gc.disable()
        try:
            return _Connection(connection, method).run(requests, in_flight, seconds)
        finally:
            gc.enable()


class _Connection:
    """One connection and the calls on it."""

    def __init__(self, connection: socket.socket, method: str) -> None:
        self._socket = connection
        self._first_headers, self._headers = _header_blocks(method, connection.getpeername()[1])
        self._window = _FIRST_WINDOW
        self._stream = 1
        self._started: dict[int, float] = {}
        self._messages: dict[int, bytearray] = {}
        self._latencies: list[float] = []
        self._replies: list[bytes] = []
        self._failed = 0
        self._out = bytearray()

    def run(self, requests: Iterator[bytes], in_flight: int, seconds: float) -> Traffic:
        """Keep so many calls in flight, then wait for the last of them."""
        widest = _frame(_WINDOW, 0, 0, (_WIDEST_WINDOW - _FIRST_WINDOW).to_bytes(4, "big"))
        settings = b"\x00\x02\x00\x00\x00\x00" + b"\x00\x04" + _WIDEST_WINDOW.to_bytes(4, "big")
        self._out += _PREFACE + _frame(_SETTINGS, 0, 0, settings) + widest
        used, begun = _cpu_seconds(), time.perf_counter()
        end = begun + seconds
        for request in _first(requests, in_flight):
            self._begin(request)
        pending = bytearray()
        while self._started or self._out:
            if self._out:
                self._socket.sendall(self._out)
                self._out.clear()
            if not self._started:
                break
            received = self._socket.recv(262_144)
            if not received:
                raise CallsFailed("the server closed the connection")
            pending += received
            ended = self._read(pending)
            if time.perf_counter() < end:
                for request in _first(requests, ended):
                    self._begin(request)
        lasted = time.perf_counter() - begun
        share = (_cpu_seconds() - used) / lasted
        return Traffic(lasted, self._latencies, self._replies, self._failed, share)

    def _begin(self, request: bytes) -> None:
        stream, self._stream = self._stream, self._stream + 2
        message = b"\x00" + len(request).to_bytes(4, "big") + request
        self._window -= len(message)
        if self._window < 0:
            raise CallsFailed("the server does not read")
        headers = self._first_headers if stream == 1 else self._headers
        self._out += _frame(_HEADERS, _END_HEADERS, stream, headers) + _frame(_DATA, _END_STREAM, stream, message)
        self._messages[stream] = bytearray()
        self._started[stream] = time.perf_counter()

    def _read(self, pending: bytearray) -> int:
        """Take the whole frames off the front; return how many calls ended."""
        at, ended, now = 0, 0, time.perf_counter()
        while len(pending) - at >= 9:  # noqa: PLR2004 - the length of a frame's head
            length = int.from_bytes(pending[at : at + 3], "big")
            if len(pending) - at < 9 + length:
                break
            kind, flags = pending[at + 3], pending[at + 4]
            stream = int.from_bytes(pending[at + 5 : at + 9], "big")
            payload = bytes(pending[at + 9 : at + 9 + length])
            at += 9 + length
            if kind == _DATA:
                self._messages[stream] += payload
            elif kind in (_SETTINGS, _PING, _GOAWAY, _WINDOW):
                self._control(kind, flags, stream, payload)
            if kind == _RESET or (kind in (_DATA, _HEADERS) and flags & _END_STREAM):
                self._end(stream, now)
                ended += 1
        del pending[:at]
        return ended

    def _control(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        if kind == _GOAWAY:
            raise CallsFailed("the server goes away")
        if kind == _WINDOW:
            self._window += int.from_bytes(payload, "big") if stream == 0 else 0
        elif not flags & _ACK:
            self._out += _frame(kind, _ACK, 0, payload if kind == _PING else b"")

    def _end(self, stream: int, now: float) -> None:
        started, message = self._started.pop(stream), self._messages.pop(stream)
        if message:
            self._latencies.append(now - started)
            self._replies.append(bytes(message[5:]))
        else:
            self._failed += 1


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


def _first(requests: Iterator[bytes], count: int) -> Sequence[bytes]:
    return [request for _, request in zip(range(count), requests, strict=False)]


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
