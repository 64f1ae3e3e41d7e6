"""Python values as messages of the contract."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from enum import Enum
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from ecp.v1 import types_pb2
from ecp_client._concepts import Choice

Members = Mapping[str, Iterable[str]]
"""Dimension id to member ids."""


def number_of(member: Enum) -> Any:
    """Return the number of an enumeration's member in the contract."""
    return list(type(member)).index(member)


def one_or_many(values: str | Iterable[str]) -> tuple[str, ...]:
    """Return the values as a tuple; one string is one value, not its letters."""
    return (values,) if isinstance(values, str) else tuple(values)


def value_lists(members: Members) -> dict[str, types_pb2.ValueList]:
    """Return each member's list as a message."""
    return {dimension: types_pb2.ValueList(values=one_or_many(ids)) for dimension, ids in members.items()}


def instant(as_of: datetime | date | None, time_zone: str) -> Timestamp | None:
    """Return the moment; of a date noon in ``time_zone`` or, without one, 11:00 UTC: that day nearly everywhere.

    Raises:
        ValueError: A datetime without a zone names no moment; there is no such zone; no calendar has the moment.
    """
    if as_of is None:
        return None
    if not isinstance(as_of, datetime):
        as_of = (
            datetime.combine(as_of, time(12), _zone(time_zone)) if time_zone else datetime.combine(as_of, time(11), UTC)
        )
    if as_of.utcoffset() is None:
        raise ValueError("as_of has no time zone, so it names no moment")
    timestamp = Timestamp()
    try:
        timestamp.FromDatetime(as_of)
    except OverflowError:
        raise ValueError(f"as_of must lie in the years 1 to 9999 of UTC: {as_of}") from None
    return timestamp


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # unknown, no name of a file, a folder such as "America"
        raise ValueError(f"time_zone must be an IANA time zone, e.g. Europe/Berlin: {name!r}") from None


def duration_of(delta: timedelta | None) -> Duration | None:
    """Return the length of time as a message."""
    if delta is None:
        return None
    duration = Duration()
    duration.FromTimedelta(delta)
    return duration


def choice_of(choice: Choice) -> types_pb2.Choice:
    """Return a choice, or a correction, as a message."""
    return types_pb2.Choice(
        subject_id=choice.subject_id, option_id=choice.option_id, mention=choice.mention, kind=number_of(choice.kind)
    )
