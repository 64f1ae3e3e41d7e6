"""Logs: structlog, JSON in production and readable on a terminal. Every line of a request carries its id.

A line is an event with fields: ``_log.info("request_completed", method=…)``; text that came from outside is a field,
never part of the event's name. What later lines of the same request should carry too, such as its resolution_id, is
bound with `structlog.contextvars.bind_contextvars`.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime
from typing import Final, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from ecp_server.domain.call import CALL
from ecp_server.telemetry.log_stream import GatheringStream, LineLogger
from ecp_server.telemetry.trace_ids import TRACE_IDS

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_CONTROL_IN_TRACES: Final = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_SECRETS: Final = (
    (re.compile(r"(\w[\w+.-]*://)[^\s/@'\"]+@"), r"\1***@"),
    (re.compile(r"(?i)\b(bearer\s+)[^\s,;'\"]+"), r"\1***"),
    (
        re.compile(
            r"(?i)\b(password|passwd|pwd|secret|token|api[_-]?key|authorization)(['\"]?\s*[=:]\s*['\"]?)"
            r"(?!bearer\b)[^\s,;'\"]+"
        ),
        r"\1\2***",
    ),
)
_LEVELS: Final = {"warn": "warning", "exception": "error"}
"""The level of a method that is not called like it."""
_READERS_OF_TRACE_HEADERS: Final = ("opentelemetry.trace.span", "opentelemetry.trace.propagation.tracecontext")
_JSON: Final = json.JSONEncoder(default=repr)
"""Made once: making an encoder costs as much as using it."""


def configure(*, log_format: str, level: str, stream: TextIO | None = None) -> None:
    """Send structlog's and the standard library's logs to ``stream``, by default standard error.

    ``log_format`` is "json", "console" or "auto" (console on a terminal); ``level`` a name of the standard library.
    """
    out: TextIO = GatheringStream(sys.stderr) if stream is None else stream  # type: ignore[assignment]  # all that is used of it
    console = log_format == "console" or (log_format == "auto" and out.isatty())
    threshold = logging.getLevelNamesMapping()[level]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        _identify,
        _stamp,
        _tell_failure,
    ]
    renderer: list[Processor] = (
        [_escape, structlog.dev.ConsoleRenderer(colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback)]
        if console
        else [_render]
    )
    structlog.configure(
        processors=[*shared, *renderer],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=lambda *_: LineLogger(out),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderer],
        )
    )
    logging.captureWarnings(capture=True)
    # Debugging this server is not debugging its libraries.
    logging.basicConfig(handlers=[handler], level=max(threshold, logging.INFO), force=True)
    # It tells of each request with its URL; what is worth telling, the adapters tell.
    logging.getLogger("httpx").setLevel(max(threshold, logging.WARNING))
    # They warn of trace headers that are none, and put those in: anybody can send some with each call.
    for name in _READERS_OF_TRACE_HEADERS:
        logging.getLogger(name).setLevel(logging.ERROR)


def _identify(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Add the ids of the request that is being served, if one is."""
    if request_id := CALL.get().request_id:
        event.setdefault("request_id", request_id)
    if ids := TRACE_IDS.get():
        event.update(ids)
    return event


def _stamp(_logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Add level and time, as structlog's own processors would in five calls of functions."""
    event["level"] = _LEVELS.get(method, method)
    event["timestamp"] = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    return event


def _tell_failure(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    """Put the traceback in, without credentials: drivers put connection strings into the text of their errors."""
    if "exc_info" in event:
        event = structlog.processors.format_exc_info(logger, method, event)
    if isinstance(text := event.get("exception"), str):
        for pattern, hidden in _SECRETS:
            text = pattern.sub(hidden, text)
        event["exception"] = text
    return event


def _escape(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Show control characters instead of sending them to the terminal, which might obey them."""
    for key, value in event.items():
        if isinstance(value, str):
            control = _CONTROL_IN_TRACES if key == "exception" else _CONTROL
            event[key] = control.sub(_visible, value)
    return event


def _render(_logger: WrappedLogger, _method: str, event: EventDict) -> str:
    """Return the line as JSON; what JSON has no form for, as Python shows it."""
    return _JSON.encode(event)


def _visible(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")
