"""One metric divided by another: per unit of it, or as a percentage of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ecp_server.domain.catalog import Metric
from ecp_server.domain.plan import Computation
from ecp_server.resolution.draft import Draft
from ecp_server.resolution.selecting.comparison import Compared
from ecp_server.resolution.selecting.expansion import Column
from ecp_server.resolution.selecting.subjects import Subjects

PER_UNIT: Final = "per_unit"
RATIO: Final = "ratio_pct"

_COUNTS: Final = frozenset({"", "count"})
_PERCENT: Final = "percent"


def divisor(draft: Draft, subjects: Subjects) -> Metric | None:
    """Return the metric that the first other one is divided by; None where nothing is, or it would be itself."""
    at = draft.parsed.divisor
    found = next((c.taken.metric for c in subjects.chosen if c.taken is not None and c.named.first == at), None)
    return found if found is not None and len(subjects.metrics) > 1 else None


def divides(draft: Draft, other: Compared) -> bool:
    """Tell whether a column is that of the target that the main one is divided by."""
    at = draft.parsed.divisor
    return at is not None and other.concept is not None and other.concept.mention.start == draft.parsed.tokens[at].start


def quotient_computations(draft: Draft, pairs: Sequence[tuple[Column, Column]]) -> tuple[Computation, ...]:
    """Return what each first column is, divided by its second; a single one needs no name of its own."""
    percent = draft.parsed.percent
    kind = RATIO if percent else PER_UNIT
    return tuple(
        Computation(
            kind if len(pairs) == 1 else f"{kind}_{column.name}",
            f"{column.expression} / {other.expression}" + (" * 100" if percent else ""),
            _PERCENT if percent else _unit(column.unit, other.unit),
        )
        for column, other in pairs
    )


def _unit(unit: str, other: str) -> str:
    if unit == other:
        return "ratio"
    return unit if other in _COUNTS else f"{unit or '1'}/{other}"
