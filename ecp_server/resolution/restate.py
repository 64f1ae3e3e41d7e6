"""Restates a question in canonical words, one sentence for a person."""

from __future__ import annotations

from datetime import timedelta

from ecp_server.domain.concepts import ConceptKind
from ecp_server.domain.lineage import Lineage
from ecp_server.domain.period import TimeRange
from ecp_server.domain.resolution import GlossaryTerm, MetricList
from ecp_server.resolution.draft import Draft


def restate(draft: Draft) -> str:
    """Return the question as ECP understood it; what is still open is left out."""
    selection = draft.selection
    if selection.ambiguities:
        return "Needs a choice: " + " ".join(ambiguity.message for ambiguity in selection.ambiguities)
    subjects = [c.name for c in selection.concepts if c.kind in (ConceptKind.METRIC, ConceptKind.TERM)]
    named = ", ".join(dict.fromkeys(subjects)) or ", ".join(m.name for m in selection.metrics)
    if not selection.slices:
        return _restate_answer(draft, named or ", ".join(c.name for c in selection.concepts))
    wanted = [m.member.name for m in selection.members if not m.excluded]
    left_out = [m.member.name for m in selection.members if m.excluded]
    sentence = named
    said = {*wanted, *(metric.name for metric in selection.metrics)}
    compared = [part.label for part in selection.slices if part.label and part.label not in said]
    if compared:
        sentence += f" against {', '.join(dict.fromkeys(compared))}"
    if wanted:
        sentence += f" for {', '.join(wanted)}"
    if left_out:
        sentence += f" without {', '.join(left_out)}"
    if selection.groupings:
        sentence += " by " + ", ".join(grouping.dimension.name for grouping in selection.groupings)
    periods = dict.fromkeys(_period(part.period) for part in selection.slices if part.asked in selection.metrics)
    return f"{sentence}, {' and '.join(periods)}."


def _restate_answer(draft: Draft, names: str) -> str:
    """Restate a question that needs no figures."""
    answer = draft.selection.answer
    if isinstance(answer, GlossaryTerm):
        return f"What {answer.name} means."
    if isinstance(answer, Lineage):
        return f"Where {names or answer.target} comes from."
    if isinstance(answer, MetricList):
        return f"Which metrics there are for {names}." if names else "Which metrics there are."
    return f"{names}." if names else "Nothing that needs figures."


def _period(period: TimeRange | None) -> str:
    if period is None:
        return "all time"
    first = period.start.isoformat() if period.start is not None else "the beginning"
    last = (period.end - timedelta(days=1)).isoformat() if period.end is not None else "the end"
    return f"{period.label} ({first} to {last})"
