"""Restates a question in canonical words, one sentence for a person."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from ecp_server.domain.concepts import ConceptKind, Intent
from ecp_server.domain.lineage import Lineage
from ecp_server.domain.period import Grain, TimeRange
from ecp_server.domain.resolution import GlossaryTerm, MetricList
from ecp_server.resolution.draft import Draft
from ecp_server.resolution.parsing.intent import asks_for_dimensions
from ecp_server.resolution.selecting.comparison import LISTED


def restate(draft: Draft) -> str:
    """Return the question as ECP understood it; what is still open is left out."""
    selection = draft.selection
    if selection.ambiguities:
        return "Needs a choice: " + " ".join(ambiguity.message for ambiguity in selection.ambiguities)
    subjects = [c.name for c in selection.concepts if c.kind in (ConceptKind.METRIC, ConceptKind.TERM)]
    names = list(dict.fromkeys(subjects)) or [metric.name for metric in selection.metrics]
    if not selection.slices:
        return _restate_answer(draft, names or [c.name for c in selection.concepts])
    periods = dict.fromkeys([_period(part.period) for part in selection.slices if part.asked in selection.metrics])
    return f"{_what(draft, names)}{_over_what(draft)}{_ranked(draft)}, {' and '.join(periods)}."


def _divisor_last(draft: Draft, names: Sequence[str]) -> list[str]:
    """Return the names, that of the divisor last: "percentage of orders that were large" has it first."""
    start = draft.parsed.tokens[draft.parsed.divisor or 0].start
    divisors = {c.name for c in draft.selection.concepts if c.kind is ConceptKind.METRIC and c.mention.start == start}
    return sorted(names, key=lambda name: name in divisors)


def _what(draft: Draft, names: Sequence[str]) -> str:
    """Return the figures: their names, how they are set against each other, and what they are held against."""
    parsed, selection = draft.parsed, draft.selection
    sentence = ", ".join(names)
    if parsed.divisor is not None and len(names) > 1:
        first, *others = _divisor_last(draft, names)
        sentence = f"{first} {'in percent of' if parsed.percent else 'per'} {', '.join(others)}"
    elif parsed.share_at is not None:
        return f"Share in {sentence}"
    elif parsed.moved:
        sentence = f"Growth of {sentence}"
    said = {*[m.member.name for m in selection.members], *[metric.name for metric in selection.metrics]}
    held = [p.label for p in selection.slices if p.label and p.label not in said and not p.id.startswith(LISTED)]
    if held and parsed.percent and len(names) == 1:  # the target comes before other periods
        sentence, held = f"{sentence} in percent of {held[0]}", held[1:]
    return f"{sentence} against {', '.join(dict.fromkeys(held))}" if held else sentence


def _over_what(draft: Draft) -> str:
    """Return the members that the figures are for, or without, and what they are grouped by."""
    selection = draft.selection
    wanted = [m.member for m in selection.members if not m.excluded]
    held: list[str] = []
    if draft.parsed.intent is Intent.COMPARISON and selection.slices[0].members:
        in_main = {member.member.id for member in selection.slices[0].members}
        held = [member.name for member in wanted if member.id not in in_main]
    own = [member.name for member in wanted if member.name not in held]
    left_out = [m.member.name for m in selection.members if m.excluded]
    by = [f"{g.dimension.name} ({g.level})" if g.level else g.dimension.name for g in selection.groupings]
    grain = selection.period.grain if selection.period is not None else Grain.NONE
    if grain is not Grain.NONE:
        by.append(grain.name.lower())
    return (
        (f" for {', '.join(dict.fromkeys(own))}" if own else "")
        + (f" against {', '.join(dict.fromkeys(held))}" if held else "")
        + (f" without {', '.join(left_out)}" if left_out else "")
        + (f" by {', '.join(by)}" if by else "")
    )


def _ranked(draft: Draft) -> str:
    """Return how rows are ordered and how many are kept."""
    selection = draft.selection
    if not selection.order_by:
        return ""
    end = "highest" if selection.order_by[0].descending else "lowest"
    if selection.limit > 1:
        return f", the {selection.limit} {end}"
    return f", the {end}" if selection.limit else f", the {end} first"


def _restate_answer(draft: Draft, names: Sequence[str]) -> str:
    """Restate a question that needs no figures."""
    answer = draft.selection.answer
    listed = " and ".join(names)
    if isinstance(answer, GlossaryTerm):
        return f"What {listed} mean." if len(names) > 1 else f"What {answer.name} means."
    if isinstance(answer, Lineage):
        return f"Where {listed or answer.target} comes from."
    if isinstance(answer, MetricList) and asks_for_dimensions(draft.parsed) and names:
        return f"Which dimensions {listed} can be sliced by."
    if isinstance(answer, MetricList):
        return f"Which metrics there are for {listed}." if listed else "Which metrics there are."
    return f"{', '.join(names)}." if names else "Nothing that needs figures."


def _period(period: TimeRange | None) -> str:
    if period is None:
        return "all time"
    first = period.start.isoformat() if period.start is not None else "the beginning"
    last = (period.end - timedelta(days=1)).isoformat() if period.end is not None else "the end"
    return f"{period.label} ({first} to {last})"
