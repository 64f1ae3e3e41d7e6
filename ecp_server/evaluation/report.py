"""Prints an evaluation: accuracy by category, then each miss with the steps that led to it."""

from __future__ import annotations

from collections.abc import Iterator

from ecp_server.evaluation.calibration import SURE, Calibration
from ecp_server.evaluation.reply import Answer
from ecp_server.evaluation.run import Evaluation, Outcome, Turn


def render(evaluation: Evaluation, calibration: Calibration | None = None) -> str:
    """Return the evaluation as text for a terminal, with what confidence is worth where that was judged."""
    missed = (line for outcome in evaluation.outcomes for line in _missed(outcome))
    return "\n".join([*_table(evaluation), *(_reliability(calibration) if calibration is not None else ()), *missed])


def _reliability(calibration: Calibration) -> Iterator[str]:
    yield ""
    yield f"in other words: {len(calibration.judged)} answered, {calibration.unanswered} refused or asked back"
    for each in calibration.bins:
        yield f"  confidence {each.low:.2f} to {each.high:.2f}  {each.right:4d} of {each.count:4d}  {each.accuracy:.3f}"
    sure = len(calibration.sure)
    yield (
        f"  confidence from {SURE}: {sure}, at least {calibration.lower_bound:.3f} of them right (Wilson, 95 %), "
        f"{calibration.sure_share:.3f} of what is right"
    )


def _table(evaluation: Evaluation) -> Iterator[str]:
    categories: dict[str, list[Outcome]] = {}
    for outcome in evaluation.outcomes:
        categories.setdefault(outcome.entry.category, []).append(outcome)
    width = max((len(name) for name in categories), default=0)
    width = max(width, len("all"))
    for name, outcomes in sorted(categories.items()):
        yield _row(name.ljust(width), sum(not o.misses for o in outcomes), len(outcomes))
    yield _row("all".ljust(width), evaluation.right, len(evaluation.outcomes))


def _row(name: str, right: int, of: int) -> str:
    return f"{name}  {right:4d} of {of:4d}  {right / of if of else 1.0:.3f}"


def _missed(outcome: Outcome) -> Iterator[str]:
    if not outcome.misses:
        return
    yield ""
    yield f"✗ {outcome.entry.id} ({outcome.entry.category}): {outcome.entry.question}"
    if outcome.entry.note:
        yield f"  note: {outcome.entry.note}"
    for number, turn in enumerate(outcome.turns):
        if turn.misses:
            if number:
                yield f"  follow-up {number}"
            yield from (f"  - {miss}" for miss in turn.misses)
            yield from _steps(turn)
    yield from (f"  - {miss}" for miss in outcome.more)


def _steps(turn: Turn) -> Iterator[str]:
    if isinstance(turn.reply, Answer):
        for step in turn.reply.body.get("provenance", {}).get("steps", ()):
            yield f"    {step['id']}: {step.get('reasoning', '')}"
