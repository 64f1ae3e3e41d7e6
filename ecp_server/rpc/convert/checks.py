"""Checks of requests: every problem is a field and what is wrong with it, all told at once."""

from __future__ import annotations

import re
import zoneinfo
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache

from google.protobuf.timestamp_pb2 import Timestamp

from ecp_server.domain.errors import FieldViolation, InvalidChoice, InvalidQuery

MAX_TEXT = 1000
MAX_NAME = 200
EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(2200, 1, 1, tzinfo=UTC)

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f]")


class Checks:
    """Collects what is wrong with one request."""

    def __init__(self) -> None:
        self._violations: list[FieldViolation] = []
        self._choices: list[FieldViolation] = []

    def wrong(self, field: str, description: str) -> None:
        """Note that a field is wrong."""
        self._violations.append(FieldViolation(field, description))

    def wrong_choice(self, field: str, description: str) -> None:
        """Note that a choice is wrong."""
        self._choices.append(FieldViolation(field, description))

    def finish(self) -> None:
        """Raise `InvalidQuery`, or `InvalidChoice` where only choices are wrong, if anything was noted."""
        if self._violations:
            raise InvalidQuery(_message(self._violations), tuple(self._violations + self._choices))
        if self._choices:
            raise InvalidChoice(_message(self._choices), tuple(self._choices))

    def text(self, field: str, value: str, longest: int = MAX_TEXT) -> str:
        """Check a text that must not be blank."""
        if not value.strip():
            self.wrong(field, "must not be blank")
        return self.optional_text(field, value, longest)

    def optional_text(self, field: str, value: str, longest: int = MAX_NAME) -> str:
        """Check the length of a text, in code points, and that it holds no control characters but tab and newline."""
        if len(value) > longest:
            self.wrong(field, f"must have at most {longest} characters")
        elif _CONTROL.search(value):
            self.wrong(field, "must not contain control characters")
        return value

    def within(self, field: str, value: int, highest: int, default: int, lowest: int = 1) -> int:
        """Return a number that must lie between ``lowest`` and ``highest``; 0 is ``default``."""
        if value == 0:
            return default
        if not lowest <= value <= highest:
            self.wrong(field, f"must be {lowest} to {highest}, or 0 for {default}")
        return value

    def at_most(self, field: str, values: Sequence[object], most: int) -> None:
        """Check the number of items."""
        if len(values) > most:
            self.wrong(field, f"must have at most {most} items")

    def time_zone(self, field: str, name: str) -> str:
        """Check an IANA name; "" is allowed."""
        if name and name not in _zones():
            self.wrong(field, "must be an IANA time zone, e.g. Europe/Berlin")
        return name

    def moment(self, field: str, timestamp: Timestamp) -> datetime:
        """Return a timestamp as a datetime in UTC, which must lie in the years 1900 to 2199."""
        try:
            moment = timestamp.ToDatetime(tzinfo=UTC)
        except (ValueError, OverflowError):
            moment = LATEST
        if not EARLIEST <= moment < LATEST:
            self.wrong(field, "must lie in the years 1900 to 2199")
            return EARLIEST
        return moment


@cache
def _zones() -> frozenset[str]:
    # The first is whatever the machine has, the second none at all.
    return frozenset(zoneinfo.available_timezones() - {"localtime", "Factory"})


def _message(violations: Sequence[FieldViolation]) -> str:
    return "; ".join(f"{violation.field} {violation.description}" for violation in violations[:5])
