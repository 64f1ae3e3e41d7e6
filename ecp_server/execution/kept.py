"""The last good answers of the semantic layer, for callers who allow an old figure while it is down."""

from __future__ import annotations

import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from ecp_server.domain.figures import Figures
from ecp_server.domain.frozen import dataclass
from ecp_server.domain.semantic import Cube

MAX_BYTES: Final = 64 * 1024 * 1024
_ROW_BYTES: Final = 64
"""What a row takes beside its values."""

Key = tuple[str, str]
"""Digest of what was asked, conditions of policy and narrowing included; digest of the decision and its principal."""

Cubes = Mapping[str, Cube | None]
"""The parts of the semantic model that answers come from, by name."""

NO_CUBES: Final[Cubes] = {}


@dataclass(frozen=True, slots=True)
class Kept:
    """Answers, in the order of the questions, and when they were fresh."""

    figures: tuple[Figures, ...]
    fresh_time: datetime
    cubes: Cubes


class KeptAnswers:
    """A bounded store of answers; the longest unused goes first."""

    def __init__(
        self, *, max_bytes: int = MAX_BYTES, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        """Keep at most about ``max_bytes``; 0 keeps nothing."""
        self._max_bytes = max_bytes
        self._clock = clock
        self._kept: OrderedDict[Key, tuple[Kept, float, int]] = OrderedDict()
        self._bytes = 0

    @property
    def size(self) -> int:
        """Return about how many bytes are kept."""
        return self._bytes

    def keep(self, key: Key, figures: Sequence[Figures], *, cubes: Cubes = NO_CUBES, size: int | None = None) -> None:
        """Keep fresh answers in place of those before; what is too large alone is not kept.

        ``size`` is what `size_of` says of them, where that is known.
        """
        self._forget(key)
        size = size_of(figures) if size is None else size
        if size > self._max_bytes:
            return
        self._kept[key] = Kept(tuple(figures), self._clock(), cubes), time.monotonic(), size
        self._bytes += size
        while self._bytes > self._max_bytes:
            self._forget(next(iter(self._kept)))

    def recall(self, key: Key, max_staleness: timedelta, *, cubes: Cubes = NO_CUBES) -> Kept | None:
        """Return the answers if they are no older than that, and come from these cubes as they are now.

        Their age does not heed changes of the wall clock.
        """
        if key not in self._kept:
            return None
        kept, kept_at, _ = self._kept[key]
        if time.monotonic() - kept_at > max_staleness.total_seconds() or kept.cubes != cubes:
            return None
        self._kept.move_to_end(key)
        return kept

    def _forget(self, key: Key) -> None:
        _, _, size = self._kept.pop(key, (None, 0.0, 0))
        self._bytes -= size


def size_of(figures: Sequence[Figures]) -> int:
    """Return about how many bytes answers take."""
    return sum(
        _ROW_BYTES + sum(_value_size(value) for value in row) for answer in figures for row in answer.rows
    ) + sum(_ROW_BYTES * (1 + len(answer.executed.filters)) + _conditions(answer) for answer in figures)


def _conditions(answer: Figures) -> int:
    return sum(len(value) + _ROW_BYTES for condition in answer.executed.filters for value in condition.values)


def _value_size(value: object) -> int:
    return sys.getsizeof(value) if isinstance(value, str | Decimal) else 32
