"""How far confidence can be believed: how often resolutions of some confidence are right."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from math import sqrt
from random import Random
from typing import Final

from ecp_server.domain.frozen import dataclass
from ecp_server.evaluation.golden import SETTLED, Entry
from ecp_server.evaluation.perturbation import Reworded, reworded
from ecp_server.evaluation.reply import Answer, Resolver
from ecp_server.evaluation.run import Outcome, ask_once

SURE: Final = 0.9
"""From here on a caller may act without looking."""
EDGES: Final = (0.0, 0.3, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 1.0)
_Z: Final = 1.96
_RESOLVED: Final = SETTLED[0]


@dataclass(frozen=True, slots=True)
class Judged:
    """One settled resolution: what it was asked, how sure it was, and whether it was right."""

    kind: str
    question: str
    confidence: float
    right: bool
    meant: str = ""
    """Id of the golden question that it was made of."""


@dataclass(frozen=True, slots=True)
class Bin:
    """The resolutions whose confidence lies from ``low`` up to ``high``."""

    low: float
    high: float
    count: int
    right: int
    mean_confidence: float

    @property
    def accuracy(self) -> float:
        """Return the share of right ones."""
        return self.right / self.count


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was asked in other words, and how it came out."""

    judged: tuple[Judged, ...]
    unanswered: int
    """Questions that were refused or asked back."""

    @property
    def bins(self) -> tuple[Bin, ...]:
        """Return the bins that hold anything, least sure first."""
        found = []
        for low, high in itertools.pairwise(EDGES):
            top = high == EDGES[-1]
            inside = [j for j in self.judged if low <= j.confidence < high or (top and j.confidence == high)]
            if inside:
                mean = sum(j.confidence for j in inside) / len(inside)
                found.append(Bin(low, high, len(inside), sum(j.right for j in inside), mean))
        return tuple(found)

    @property
    def sure(self) -> tuple[Judged, ...]:
        """Return those that a caller may rely on."""
        return tuple(j for j in self.judged if j.confidence >= SURE)

    @property
    def lower_bound(self) -> float:
        """Return the least accuracy of the sure ones that is likely: Wilson's bound at 95 %."""
        return wilson(sum(j.right for j in self.sure), len(self.sure))

    @property
    def sure_share(self) -> float:
        """Return which share of the right ones is sure."""
        right = [j for j in self.judged if j.right]
        return sum(j.confidence >= SURE for j in right) / len(right) if right else 0.0

    @property
    def error(self) -> float:
        """Return the expected calibration error: how far confidence and accuracy of a bin lie apart, on average."""
        total = len(self.judged)
        return sum(abs(b.accuracy - b.mean_confidence) * b.count for b in self.bins) / total if total else 0.0


def wilson(right: int, of: int) -> float:
    """Return the lower end of Wilson's 95 % interval of a share; 0 where nothing was counted."""
    if not of:
        return 0.0
    share, z = right / of, _Z * _Z / of
    return max(0.0, (share + z / 2 - _Z * sqrt(share * (1 - share) / of + z / (4 * of))) / (1 + z))


async def calibrate(outcomes: Iterable[Outcome], ask: Resolver, *, seed: int, rounds: int = 1) -> Calibration:
    """Ask every entry that came out right in other words, ``rounds`` times each, and judge what is answered.

    ``seed`` makes the same rewordings again.
    """
    judged: list[Judged] = []
    unanswered = 0
    random = Random(seed)  # noqa: S311 - no secret
    for outcome in outcomes:
        if outcome.misses:
            continue
        at = _metric_at(outcome)
        for each in (one for _ in range(rounds) for one in reworded(outcome.entry, at, random)):
            one = await _judged(each, outcome.entry, ask)
            judged += [one] if one is not None else []
            unanswered += one is None
    return Calibration(tuple(judged), unanswered)


async def _judged(each: Reworded, meant: Entry, ask: Resolver) -> Judged | None:
    turn = await ask_once(each.entry, ask)
    reply = turn.reply
    if not isinstance(reply, Answer) or reply.status != _RESOLVED or reply.confidence is None:
        return None
    right = each.same and not turn.misses
    return Judged(each.kind, each.entry.question, reply.confidence, right, meant.id)


def _metric_at(outcome: Outcome) -> int | None:
    """Return where the question names its metric; None where it was not answered or names none."""
    reply = outcome.turns[0].reply
    concepts: Sequence[object] = reply.items("concepts") if isinstance(reply, Answer) else ()
    for concept in concepts:
        if isinstance(concept, dict) and concept.get("kind") == "CONCEPT_KIND_METRIC":
            mention = concept.get("mention", {})
            return int(mention.get("start", 0)) if mention.get("text") else None
    return None
