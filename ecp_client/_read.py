"""Messages of the contract as frozen dataclasses.

A dataclass has the fields of its message, by the same names; the annotation of a field says how it is read. So each
field is declared once, and a test compares the dataclasses with the contract. Three exceptions: ``proto`` is the
message itself, ``request_id`` of a result is the call's or, in a record, its provenance's, and a column's values are
typed.
"""

import dataclasses
import functools
import operator
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

from ecp.v1 import plan_pb2
from ecp_client._enums import ColumnType, NullReason
from ecp_client._plan import Column, Value

T = TypeVar("T")
E = TypeVar("E", bound=Enum)
Reader = Callable[[Any], Any]


def read(kind: type[T], message: Message, *, request_id: str = "") -> T:
    """Return ``message`` as the dataclass ``kind``, a result of a call where ``request_id`` is given."""
    values = {name: take(message) for name, take in _fields(kind)}  # type: ignore[arg-type]  # a class is hashable
    return kind(**(values | {"request_id": request_id} if request_id else values))


def numbered(kind: type[E]) -> Mapping[int, E]:
    """Return the members of an enumeration by their numbers in the contract."""
    return dict(enumerate(kind))


@functools.cache
def _fields(kind: type[Any]) -> tuple[tuple[str, Reader], ...]:
    hints = get_type_hints(kind)
    return tuple((field.name, _field(field.name, hints[field.name])) for field in dataclasses.fields(kind))


def _field(name: str, hint: Any) -> Reader:
    """Return what takes a field out of its message."""
    if name == "proto":
        return lambda message: message
    if name == "request_id":
        return _request_id
    if hint in _PLAIN:
        return operator.attrgetter(name)
    if not isinstance(hint, UnionType):
        value = _value(hint)
        return lambda message: value(getattr(message, name))
    [present] = [arm for arm in get_args(hint) if arm is not type(None)]
    value = _value(present)
    if present is date:
        return lambda message: value(getattr(message, name)) if getattr(message, name) else None
    return lambda message: value(getattr(message, name)) if message.HasField(name) else None


def _value(hint: Any) -> Reader:
    """Return what makes a field's value on the wire one of the annotated type."""
    if get_origin(hint) is tuple:
        if get_args(hint)[0] in _PLAIN:
            return tuple
        item = _value(get_args(hint)[0])
        return lambda values: tuple([item(value) for value in values])
    if get_origin(hint) is Mapping:
        return MessageToDict if get_args(hint)[1] is Any else _value_lists
    if hint in _SCALARS:
        return _SCALARS[hint]
    if issubclass(hint, Enum):
        members: Mapping[int, Enum] = numbered(hint)
        return lambda number: members.get(number, members[0])
    return _column if hint is Column else functools.partial(read, hint)


def _value_lists(lists: Any) -> dict[str, tuple[str, ...]]:
    return {key: tuple(lists[key].values) for key in lists}


def _request_id(message: Any) -> str:
    if "request_id" in message.DESCRIPTOR.fields_by_name:
        return str(message.request_id)
    return str(message.provenance.request_id) if "provenance" in message.DESCRIPTOR.fields_by_name else ""


_PLAIN = (str, int, float, bool)
"""What a message holds as Python does."""

_SCALARS: dict[type, Reader] = {
    **dict.fromkeys(_PLAIN, lambda value: value),
    date: date.fromisoformat,
    datetime: lambda timestamp: timestamp.ToDatetime(tzinfo=UTC),
    timedelta: lambda duration: duration.ToTimedelta(),
}

_TYPED: dict[ColumnType, Callable[[str], Value]] = {
    ColumnType.NUMBER: Decimal,
    ColumnType.DATE: date.fromisoformat,
    ColumnType.BOOLEAN: lambda text: text == "true",
}


def _column(message: plan_pb2.Column) -> Column:
    kinds, reasons = numbered(ColumnType), numbered(NullReason)
    kind = kinds.get(message.type, ColumnType.UNSPECIFIED)
    typed = _TYPED.get(kind, str)
    nulls = dict.fromkeys(message.null_rows, NullReason.UNSPECIFIED)
    for row, reason in zip(message.null_rows, message.null_reasons, strict=False):  # a row without a reason is null too
        nulls[row] = reasons.get(reason, NullReason.UNSPECIFIED)
    return Column(
        name=message.name,
        label=message.label,
        type=kind,
        unit=message.unit,
        values=tuple(None if row in nulls else typed(text) for row, text in enumerate(message.values)),
        nulls=nulls,
        masked=message.masked,
        value_labels=tuple(message.value_labels),
    )
