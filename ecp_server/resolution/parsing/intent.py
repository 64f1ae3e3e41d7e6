"""What kind of question it is, by its words."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from ecp_server.domain.concepts import Intent
from ecp_server.domain.period import Grain
from ecp_server.resolution.draft import NamedMention, Parsed
from ecp_server.resolution.lexicon import SenseKind
from ecp_server.resolution.parsing.words import COMPARING, HOLDING, word_set
from ecp_server.resolution.time import Comparison

_METRICS: Final = frozenset({"metric", "metrics", "kpi", "kpis", "measure", "measures"})
_AVAILABLE: Final = frozenset({"available", "availability", "exist", "exists", "offer", "offered"})
_WHAT_THERE_IS: Final = (
    frozenset({"what", "available"}),
    frozenset({"what", "you", "have"}),
    frozenset({"what", "can", "i", "ask"}),
    frozenset({"what", "can", "i", "see"}),
)
_LISTING: Final = frozenset({"which", "what", "list", "show", "all"})
_DIMENSIONS: Final = word_set("dimension dimensions attribute attributes breakdowns slice sliced slices")
_HOW_TO: Final = frozenset({"which", "what", "how", "can"})
_LINEAGE: Final = frozenset({"lineage", "upstream", "downstream", "provenance", "origin", "originate", "originates"})
_LINEAGE_PAIRS: Final = frozenset({("come", "from"), ("comes", "from"), ("coming", "from")}) | {
    (done, "from") for done in ("derived", "computed", "calculated", "made", "built", "sourced")
}
_SOURCES: Final = frozenset({"source", "sources"})
_SOURCE_OF: Final = frozenset({("source", "of"), ("sources", "of")})
_GROUPING: Final = frozenset({"by", "per"})
_DEFINING: Final = frozenset({"define", "defined", "definition", "definitions", "defines", "meaning"})
_MEANING: Final = frozenset({"mean", "means"})
_CALCULATED: Final = frozenset({"calculated", "computed", "calculate", "compute", "derived"})
_MEASURED: Final = frozenset({SenseKind.METRIC, SenseKind.TERM})
_BEING: Final = frozenset({"is", "are", "'s", "s"})
_ARTICLES: Final = frozenset({"the", "a", "an", "?", "."})

_ABOUT_THE_CATALOG: Final = (
    _METRICS
    | _AVAILABLE
    | _DIMENSIONS
    | _LINEAGE
    | _SOURCES
    | _DEFINING
    | _MEANING
    | _CALCULATED
    | _BEING
    | {done for done, _ in _LINEAGE_PAIRS}
    | {"have", "can"}
)
"""Words without which nothing of the catalog is asked for; those beside which "what" asks for it are among them."""
CATALOG_WORDS: Final = (
    _AVAILABLE
    | _LINEAGE
    | _SOURCES
    | _DEFINING
    | _DIMENSIONS
    | _MEANING
    | _CALCULATED
    | COMPARING
    | {"come", "comes", "coming"}
)
"""Words by which people ask about the catalog or compare; unmatched, they are no content."""


def find_intent(parsed: Parsed, words: frozenset[str]) -> Intent:
    """Return the first that applies of catalog, lineage, definition, comparison, ranking, trend, metric.

    ``words`` are all that the question has.
    """
    asked = None if _ABOUT_THE_CATALOG.isdisjoint(words) else _about_the_catalog(parsed)
    if asked is not None:
        return asked
    if _compares(parsed):
        return Intent.COMPARISON
    if parsed.ranking is not None:
        return Intent.RANKING
    return Intent.TREND if parsed.trend or parsed.grain is not Grain.NONE else Intent.METRIC


def _about_the_catalog(parsed: Parsed) -> Intent | None:
    """Return what of the catalog is asked for; None where figures are."""
    words = [token.folded for token in parsed.tokens]
    free = _free_words(parsed)
    named = bool([name for name in parsed.names if not name.kinds.isdisjoint(_MEASURED)])
    if _asks_what_there_is(words, free, named=named) or _asks_for_dimensions(parsed, words, free):
        return Intent.CATALOG
    grouped_by = {word for before, word in pairwise(words) if before in _GROUPING}
    if (_LINEAGE & free) - grouped_by or _asks_for_sources(words, free) or _comes_from(parsed, words):
        return Intent.LINEAGE
    return Intent.DEFINITION if _asks_for_definition(parsed, words, free) else None


def asks_for_dimensions(parsed: Parsed) -> bool:
    """Tell whether the question is for the dimensions that there are, of the metric that it names if it does."""
    return _asks_for_dimensions(parsed, [token.folded for token in parsed.tokens], _free_words(parsed))


def _asks_for_dimensions(parsed: Parsed, words: Sequence[str], free: frozenset[str]) -> bool:
    return bool(_DIMENSIONS & free and _HOW_TO & set(words[:1]) and not parsed.times)


def _asks_for_sources(words: Sequence[str], free: frozenset[str]) -> bool:
    """Tell whether "data sources" are asked for, or "what is the source of"."""
    if not _SOURCES & free:
        return False
    asks = words[0] in ("what", "which") and words[1:2] and words[1] in _BEING
    return "data" in words or (bool(asks) and any(pair in _SOURCE_OF for pair in pairwise(words)))


def _comes_from(parsed: Parsed, words: Sequence[str]) -> bool:
    """Tell whether "comes from" or the like asks for sources: not where a share, or a member after it, is asked for."""
    if "from" not in words:
        return False
    at = next((i for i, pair in enumerate(pairwise(words)) if pair in _LINEAGE_PAIRS), None)
    if at is None or parsed.share_at is not None:
        return False
    return not any(name.first > at and name.named(SenseKind.MEMBER) for name in parsed.names)


def compares(parsed: Parsed, first: int, last: int) -> bool:
    """Tell whether a comparing word stands between two positions."""
    return parsed.comparing and any(token.folded in COMPARING for token in parsed.tokens[first:last])


def _free_words(parsed: Parsed) -> frozenset[str]:
    """Return the words that belong to no mention."""
    words = [token.folded for token in parsed.tokens]
    taken = [(name.first, name.last) for name in parsed.names] + [(time.first, time.last) for time in parsed.times]
    for first, last in taken:
        words[first:last] = [""] * (last - first)
    return frozenset(words) - {""}


def _asks_what_there_is(words: Sequence[str], free: frozenset[str], *, named: bool) -> bool:
    """Tell whether the question is for what the catalog has; ``named``: it names a metric or a term."""
    if (free & _AVAILABLE or {"have", "you"} <= free) and (free & _METRICS or "data" in free):
        return True
    if free & _METRICS and words and words[0] in _LISTING:
        return True
    return not named and any(pattern <= free for pattern in _WHAT_THERE_IS)


def _asks_for_definition(parsed: Parsed, words: Sequence[str], free: frozenset[str]) -> bool:
    """Tell whether a meaning is asked for: in so many words, or by "what is X" without a slice or a period."""
    named = [name for name in parsed.names if not name.kinds.isdisjoint(_MEASURED)]
    if not named:
        return False
    if free & _DEFINING or (free & _MEANING and "what" in free) or (free & _CALCULATED and "how" in free):
        return True
    if _differ(parsed, words, named):
        return True
    if parsed.times or len(parsed.names) != 1:
        return False
    before = words[: named[0].first]
    after = words[named[0].last :]
    what_is = len(before) > 1 and before[0] in ("what", "explain") and before[1] in _BEING
    return what_is and all(word in _ARTICLES for word in (*before[2:], *after))


def _differ(parsed: Parsed, words: Sequence[str], named: Sequence[NamedMention]) -> bool:
    """Tell whether it is asked in what things differ, and no figures: "what is the difference between X and Y?"."""
    several = len(named) > 1 and len(named) == len(parsed.names) and not parsed.times
    asks = words[0] == "what" and words[1] in _BEING
    return several and asks and bool({"difference", "differences"} & set(words))


def _compares(parsed: Parsed) -> bool:
    for timed in parsed.times:
        if timed.held or isinstance(timed.expression, Comparison):
            return True
    for name in parsed.names:
        if SenseKind.TARGET in name.kinds and is_target(name):
            return True
    several = parsed.comparing and len(parsed.names) + len(parsed.times) > 1
    return several and not HOLDING.isdisjoint(_free_words(parsed))


def is_target(name: NamedMention) -> bool:
    """Tell whether a name can only be a target."""
    return SenseKind.TARGET in name.kinds and name.kinds.isdisjoint(_MEASURED)
