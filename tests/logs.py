"""What was logged, line by line, as production writes it."""

import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog

from ecp_server.telemetry import logging as ecp_logging


class Lines:
    """The lines so far."""

    def __init__(self, stream: io.StringIO) -> None:
        self._stream = stream

    @property
    def text(self) -> str:
        """All of it."""
        return self._stream.getvalue()

    def __call__(self, event: str = "", **fields: Any) -> list[dict[str, Any]]:
        """The lines of JSON of that event, or all, in which the fields have these values."""
        lines = [json.loads(line) for line in self.text.splitlines()]
        wanted = fields | ({"event": event} if event else {})
        return [line for line in lines if wanted.items() <= line.items()]


@contextmanager
def logged(*, log_format: str = "json", level: str = "DEBUG", stream: io.StringIO | None = None) -> Iterator[Lines]:
    """Configure logging as the server does, into memory, and undo it at the end."""
    stream = io.StringIO() if stream is None else stream
    root = logging.getLogger()
    handlers, root_level = root.handlers[:], root.level
    root.handlers = []
    ecp_logging.configure(log_format=log_format, level=level, stream=stream)
    # The next test's loggers must not be bound to this test's stream.
    structlog.configure(cache_logger_on_first_use=False)
    try:
        yield Lines(stream)
    finally:
        structlog.reset_defaults()
        logging.captureWarnings(capture=False)
        root.handlers, root.level = handlers, root_level
