"""Glossary entries as they read for one user."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date

from ecp_server.domain.catalog import Metric, Term, TermVariation
from ecp_server.domain.resolution import GlossaryTerm


def term_entry(
    term: Term, contexts: Sequence[str], visible_metrics: Collection[str], day: date, *, score: float = 0.0
) -> GlossaryTerm:
    """Return the term with the definition of the nearest context.

    Left out are variations that do not hold on the day, and those whose metric is hidden.
    """
    shown = (v for v in term.variations if v.metric is None or v.metric in visible_metrics)
    variations = tuple(v for v in shown if _holds(v, day))
    own = _nearest(variations, contexts)
    metric = (own.metric if own is not None else None) or term.metric or (term.default if own is None else None)
    return GlossaryTerm(
        id=term.id,
        name=(own.name if own is not None else "") or term.name,
        definition=(own.definition if own is not None else "") or term.definition,
        domain=term.domain,
        synonyms=term.synonyms + term.acronyms,
        owner=term.owner,
        metric_id=metric if metric is not None and metric in visible_metrics else "",
        variations=tuple(v for v in variations if v is not own),
        score=score,
    )


def metric_entry(metric: Metric, *, score: float = 0.0) -> GlossaryTerm:
    """Return the metric as a glossary entry of its own."""
    return GlossaryTerm(
        id=metric.id,
        name=metric.name,
        definition=metric.definition,
        domain=metric.domain,
        synonyms=metric.synonyms + metric.acronyms,
        owner=metric.owner,
        metric_id=metric.id,
        score=score,
    )


def _holds(variation: TermVariation, day: date) -> bool:
    begun = variation.valid_from is None or variation.valid_from <= day
    return begun and (variation.valid_to is None or day < variation.valid_to)


def _nearest(variations: Sequence[TermVariation], contexts: Sequence[str]) -> TermVariation | None:
    return next((v for context in contexts for v in variations if v.context == context), None)
