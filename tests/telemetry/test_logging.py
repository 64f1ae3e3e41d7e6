"""Logs: one JSON object a line, or text that cannot hurt a terminal; no credentials in either."""

import contextvars
import io
import json
import logging
import unicodedata
import warnings
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import trace
from typing_extensions import override

from ecp_server.domain.call import CALL, Call
from ecp_server.telemetry.tracing import Propagated
from tests.logs import logged

HOSTILE = 'a\nb\r\x1b[31mred\x07\x9b0m\u202e"{}\u2028'


def in_call(request_id: str, function: Any) -> None:
    """Run the function as a request of that id is served."""

    def run() -> None:
        CALL.set(Call(request_id))
        Propagated().begin("/a.B/C", {})
        function()

    contextvars.copy_context().run(run)


def test_a_line_is_one_json_object_with_event_level_and_time() -> None:
    with logged() as lines:
        structlog.get_logger().info("store_call_failed", store="graph")
        (line,) = lines()
    time = line.pop("timestamp")
    assert {"event": "store_call_failed", "level": "info", "store": "graph"} == line
    assert time.endswith("Z")


@given(st.text())
def test_whatever_is_logged_stays_on_its_line(text: str) -> None:
    with logged() as lines:
        structlog.get_logger().info("x", text=text, nested={text: [text]})
        (line,) = lines("x")
    assert text == line["text"]


def test_lines_of_a_request_have_its_ids_from_structlog_and_from_the_standard_library() -> None:
    def both() -> None:
        structlog.contextvars.bind_contextvars(resolution_id="r-1")
        structlog.get_logger().info("ours")
        logging.getLogger("some.library").warning("theirs, %s", "too")
        assert trace.get_current_span().get_span_context().is_valid

    with logged() as lines:
        in_call("id-1", both)
        structlog.get_logger().info("outside")
        ours, theirs, outside = lines()
    for line in (ours, theirs):
        assert ("id-1", "r-1") == (line["request_id"], line["resolution_id"])
        assert (32, 16) == (len(line["trace_id"]), len(line["span_id"]))
    assert ("theirs, too", "some.library", "warning") == (theirs["event"], theirs["logger"], theirs["level"])
    assert not {"request_id", "resolution_id", "trace_id"} & set(outside)


def test_levels_below_the_threshold_are_left_out() -> None:
    with logged(level="WARNING") as lines:
        structlog.get_logger().info("small talk")
        structlog.get_logger().warning("matter")
        logging.getLogger("library").info("small talk")
    assert ["matter"] == [line["event"] for line in lines()]


def test_debugging_the_server_does_not_debug_its_libraries() -> None:
    with logged(level="DEBUG") as lines:
        structlog.get_logger().debug("ours")
        logging.getLogger("library").debug("theirs")
    assert ["ours"] == [line["event"] for line in lines()]


def test_warnings_of_python_are_logged() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        with logged() as lines:
            warnings.warn("old ways", DeprecationWarning, stacklevel=1)
    (line,) = lines()
    assert "py.warnings" == line["logger"]
    assert "DeprecationWarning: old ways" in line["event"]


@pytest.mark.parametrize(
    "text",
    [
        "connection to postgresql://ecp:hunter2@db.internal:5432/state failed",
        "https://hunter2@collector/v1 refused",
        "FATAL: password=hunter2 rejected",
        "{'password': 'hunter2'}",
        "api_key: hunter2, retry",
        "Authorization: Bearer hunter2",
        "authorization=hunter2",
        "bearer hunter2 is expired",
    ],
)
def test_credentials_in_exceptions_are_hidden(text: str) -> None:
    for log_format in ("json", "console"):
        with logged(log_format=log_format) as lines:
            error = RuntimeError(text)
            structlog.get_logger().error("store_call_failed", exc_info=error)
            logging.getLogger("library").error("failed", exc_info=error)
        assert lines.text.count("RuntimeError") == 2
        assert "hunter2" not in lines.text


def test_traceback_says_where_it_was_raised() -> None:
    with logged() as lines:
        try:
            int("no number")
        except ValueError:
            structlog.get_logger().exception("request_failed")
        (line,) = lines("request_failed")
    assert "test_traceback_says_where_it_was_raised" in line["exception"]
    assert line["exception"].endswith("ValueError: invalid literal for int() with base 10: 'no number'")


@given(st.text() | st.just(HOSTILE))
def test_console_shows_control_characters_instead_of_sending_them(text: str) -> None:
    with logged(log_format="console") as lines:
        structlog.get_logger().info("question", text=text)
        logging.getLogger("library").warning("%s", text)
        structlog.get_logger().error("failed", exc_info=ValueError(text))
    sent = lines.text.replace("\n", "")
    assert not any(unicodedata.category(c) == "Cc" or c in "\u2028\u2029\u202a\u202e\u2066" for c in sent)


def test_console_line_is_readable() -> None:
    with logged(log_format="console") as lines:
        structlog.get_logger().info("server_started", listen="127.0.0.1:50051")
    assert "server_started" in lines.text
    assert "listen=127.0.0.1:50051" in lines.text
    with pytest.raises(json.JSONDecodeError):
        json.loads(lines.text)


class Terminal(io.StringIO):
    """A stream that says that it is a terminal."""

    @override
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("stream", [Terminal(), io.StringIO()], ids=["terminal", "file"])
def test_format_follows_the_stream_unless_told(stream: io.StringIO) -> None:
    with logged(log_format="auto", stream=stream) as lines:
        structlog.get_logger().info("server_started")
    assert lines.text.startswith("{") is not stream.isatty()


@pytest.mark.parametrize("state", ["x" * 400, "=" * 600, "a=1,a=2"])
def test_trace_headers_that_are_none_are_not_worth_a_line(state: str) -> None:
    """Anybody can send them with each call, and OpenTelemetry's warnings hold all of them."""
    parent = f"00-{'a' * 32}-{'b' * 16}-01"
    with logged() as lines:
        for headers in ({"traceparent": parent, "tracestate": state}, {"traceparent": state}):
            contextvars.copy_context().run(Propagated().begin, "/a.B/C", headers)
        assert [] == lines()
