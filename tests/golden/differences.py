"""What two answers to one question have in common, whichever stores gave them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ecp_server.evaluation.reply import Figures, Refusal, Reply

OF_THE_STORES: Final = frozenset({"adapter", "outcome", "duration_ms", "start_time"})
"""What provenance tells of a store's call beyond which store it was, and when."""
OF_THE_CALL: Final = frozenset(
    {"resolution_id", "request_id", "expire_time", "resume_resolution_id", "execution_id", "create_time"}
)


def comparable(value: Any) -> Any:
    """Return what must not depend on stores, times and ids."""
    if isinstance(value, Mapping):
        left_out = OF_THE_STORES | OF_THE_CALL
        return {key: comparable(item) for key, item in value.items() if key not in left_out}
    return [comparable(item) for item in value] if isinstance(value, list) else value


def content(reply: Reply | Figures) -> Any:
    if isinstance(reply, Refusal):
        return reply.reason, reply.message, comparable(reply.metadata), comparable(reply.detail)
    return comparable(reply.body)


def different(one: Any, other: Any, path: str = "") -> Iterator[str]:
    """Yield where two answers differ, and how."""
    if isinstance(one, Mapping) and isinstance(other, Mapping) and one.keys() == other.keys():
        for key in one:
            yield from different(one[key], other[key], f"{path}.{key}")
    elif isinstance(one, list | tuple) and isinstance(other, list | tuple) and len(one) == len(other):
        for number, (part, counterpart) in enumerate(zip(one, other, strict=True)):
            yield from different(part, counterpart, f"{path}[{number}]")
    elif one != other:
        yield f"{path}: {one!r} became {other!r}"
