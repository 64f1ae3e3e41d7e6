"""A portion said of a metric: "percentage of orders that were large" is "large orders" in percent of "orders"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ecp_server.domain.concepts import Mention
from ecp_server.domain.frozen import dataclass
from ecp_server.domain.text import Token
from ecp_server.resolution.draft import NamedMention
from ecp_server.resolution.lexicon import Hidden, Lexicon, SenseKind
from ecp_server.resolution.parsing.look_up import covered_by
from ecp_server.resolution.parsing.ratio import Ratio
from ecp_server.resolution.parsing.words import FUNCTION

_RELATIVE: Final = frozenset({"that", "which", "who"})
_BEING: Final = frozenset({"is", "are", "was", "were", "be", "been"})
_LONGEST: Final = 3
"""Words that say which portion."""


@dataclass(frozen=True, slots=True)
class Portion:
    """The metric of the portion, and what it is divided by."""

    named: NamedMention | None
    """The words that name it only together with the whole ("large"); None where it has a mention already."""
    ratio: Ratio


def find_portion(
    text: str,
    tokens: Sequence[Token],
    names: Sequence[NamedMention],
    share_at: int | None,
    lexicon: Lexicon,
    hidden: Hidden,
) -> Portion | None:
    """Return the portion of the metric that "percentage of" stands before; None where none is said of it."""
    whole = _whole(tokens, names, share_at)
    if whole is None or share_at is None:
        return None
    at = whole.last
    at += at < len(tokens) and tokens[at].folded in _RELATIVE
    if at >= len(tokens) or tokens[at].folded not in _BEING:
        return None
    at += 1
    ratio = Ratio(whole.first, percent=True, positions=frozenset({share_at}))
    if next((n for n in names if n.first == at and n.named(SenseKind.METRIC)), None) is not None:
        return Portion(None, ratio)
    free = at
    while free < min(at + _LONGEST, len(tokens)) and not any(n.first <= free < n.last for n in names):
        free += 1
    for last in range(free, at, -1):
        named = _named(text, tokens, (at, last), whole, lexicon, hidden)
        if named is not None:
            return Portion(named, ratio)
    return None


def _whole(tokens: Sequence[Token], names: Sequence[NamedMention], share_at: int | None) -> NamedMention | None:
    """Return the metric after "percentage of", be it "orders" or "Japan's orders"."""
    after = [n for n in names if share_at is not None and n.first > share_at]
    whole = next((n for n in after if n.kinds != {SenseKind.MEMBER}), None)
    if share_at is None or whole is None or not whole.named(SenseKind.METRIC):
        return None
    members = covered_by(after[: after.index(whole)])
    between = [i for i in range(share_at + 1, whole.first) if i not in members]
    return whole if all(tokens[i].folded in FUNCTION for i in between) else None


def _named(
    text: str,
    tokens: Sequence[Token],
    words: tuple[int, int],
    whole: NamedMention,
    lexicon: Lexicon,
    hidden: Hidden,
) -> NamedMention | None:
    """Return the words as a mention where they are, before the whole's, the name of another metric."""
    first, last = words
    together = (*tokens[first:last], *tokens[whole.first : whole.last])
    for span in lexicon.spans(together, hidden):
        if (span.first, span.last) != (0, len(together)):
            continue
        senses = tuple(sense for sense in span.senses if sense.kind is SenseKind.METRIC and sense not in whole.senses)
        if senses:
            start, end = tokens[first].start, tokens[last - 1].end
            mention = Mention(text[start:end], start, end)
            return NamedMention(mention, first, last, senses, span.exactness, frozenset({SenseKind.METRIC}))
    return None
