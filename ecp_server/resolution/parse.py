"""Finds the mentions of a question and its intent. Every business word comes from the catalog."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ecp_server.domain.concepts import Mention
from ecp_server.domain.frozen import replace
from ecp_server.domain.provenance import Finding
from ecp_server.domain.text import Token, tokenize
from ecp_server.resolution.draft import Draft, NamedMention, Parsed, TimedMention
from ecp_server.resolution.lexicon import Exactness, Lexicon, SenseKind, Span
from ecp_server.resolution.parsing.intent import CATALOG_WORDS, find_intent
from ecp_server.resolution.parsing.segmentation import segment
from ecp_server.resolution.parsing.structure import STRUCTURAL, excludes, find_grain, groups
from ecp_server.resolution.parsing.superlatives import Ranking, find_ranking, find_share, find_trend
from ecp_server.resolution.parsing.words import AUXILIARY, LIGHT, MOVING
from ecp_server.resolution.spelling.joints import taken_apart
from ecp_server.resolution.time import TimeMention, find_times

_NO_CONTENT = LIGHT | STRUCTURAL | CATALOG_WORDS
_POSSESSIVE = frozenset({"'s", "’s", "'", "’"})
_PREDICATIVE = frozenset({SenseKind.METRIC, SenseKind.TERM})
_GROUPABLE = frozenset({SenseKind.DIMENSION, SenseKind.LEVEL})


def parse(draft: Draft) -> tuple[Draft, Finding]:
    """Return the draft with what the question's words are."""
    text = draft.question.text
    read = _read(tokenize(text), draft.prepared.lexicon, draft.hidden)
    tokens = read.tokens
    names, times = segment(tokens, _with_relations(read.spans), read.times)
    named = _named(text, tokens, names)
    covered = frozenset(_covered(names) | {i for time in times for i in range(time.first, time.last)})
    grouped = frozenset(i for name in named if name.grouped for i in range(name.first, name.last))
    grain, grain_words = find_grain(tokens, covered, grouped)
    superlative = find_ranking(tokens, covered | grain_words)
    named, ranking = _ranked(named, superlative)
    # With nothing to rank a superlative is told as unmatched, but it does not make a metric another one.
    idle = superlative.positions if superlative is not None and ranking is None else frozenset()
    share_at = find_share(tokens, covered)
    trend_words = find_trend(tokens, covered)
    structural = (
        grain_words | trend_words | _verbs(tokens) | (ranking.positions if ranking is not None else frozenset())
    )
    structural |= frozenset() if share_at is None else {share_at}
    unknown = [i for i, token in enumerate(tokens) if i not in covered | structural and _is_content(token)]
    parsed = Parsed(
        tokens=tokens,
        names=tuple(n for n in named if not n.named(SenseKind.STOP) and not n.named(SenseKind.NOT_COVERED)),
        times=tuple(
            TimedMention(
                _mention(text, tokens, t.first, t.last), t.first, t.last, t.expression, read.exactness(t.first, t.last)
            )
            for t in times
        ),
        unmatched=_runs(text, tokens, unknown),
        altered=_altered(tokens, named, frozenset(unknown) - idle),
        not_covered=tuple(n.mention for n in named if n.named(SenseKind.NOT_COVERED)),
        ranking=ranking,
        share_at=share_at,
        trend=bool(trend_words),
        grain=grain,
        words=any(token.folded in _NO_CONTENT for token in tokens),
    )
    parsed = replace(parsed, intent=find_intent(parsed))
    return replace(draft, parsed=parsed), _finding(parsed)


@dataclass(frozen=True, slots=True)
class _Read:
    """Words with the names and periods that they can be."""

    tokens: tuple[Token, ...]
    spans: list[Span]
    times: tuple[TimeMention, ...]
    mended: Mapping[int, Exactness]
    """Positions of the words that are read as others than they are."""

    def exactness(self, first: int, last: int) -> Exactness:
        """Return the worst of the words from ``first`` to ``last``, exclusive."""
        return max((self.mended.get(i, Exactness.EXACT) for i in range(first, last)), default=Exactness.EXACT)


def _read(tokens: tuple[Token, ...], lexicon: Lexicon, hidden: frozenset[tuple[SenseKind, str]]) -> _Read:
    """Find the catalog's forms and periods; where words remain that nothing matches, read them loosely."""
    spans, times = _visible(lexicon.spans(tokens), hidden), find_times(tokens)
    covered = _covered(spans) | {i for time in times for i in range(time.first, time.last)}
    left = [token for i, token in enumerate(tokens) if i not in covered and _is_content(token)]
    if not left:
        return _Read(tokens, spans, times, {})
    tokens = taken_apart(tokens, lexicon.knows)
    starts = {token.start for token in left}
    mended: dict[int, Exactness] = {}
    words: list[Token] = []
    for i, token in enumerate(tokens):
        word, exactness = _meant(token, lexicon) if token.start in starts else (token, Exactness.EXACT)
        words.append(word)
        if exactness:
            mended[i] = exactness
    read = _Read(tokens, [], find_times(words), mended)
    loose = _visible([*lexicon.spans(words), *lexicon.loose_spans(words)], hidden)
    found = [replace(span, exactness=max(span.exactness, read.exactness(span.first, span.last))) for span in loose]
    return replace(read, tokens=tuple(words), spans=found)


def _meant(token: Token, lexicon: Lexicon) -> tuple[Token, Exactness]:
    """Return the word of the catalog that a word nothing matches is another form of, or is written for."""
    for read, exactness in ((lexicon.other_form, Exactness.VARIED), (lexicon.correct, Exactness.CORRECTED)):
        word = read(token.folded)
        if word is not None:
            return replace(token, folded=word), exactness
    return token, Exactness.EXACT


def _with_relations(spans: Sequence[Span]) -> list[Span]:
    """Leave out words for kinds of things ("team") where no relation makes them mean anything."""
    kinds = {sense.kind for span in spans for sense in span.senses}
    if SenseKind.RELATION in kinds or SenseKind.ENTITY_TYPE not in kinds:
        return list(spans)
    kept = (
        replace(span, senses=tuple(s for s in span.senses if s.kind is not SenseKind.ENTITY_TYPE)) for span in spans
    )
    return [span for span in kept if span.senses]


def _visible(spans: Sequence[Span], hidden: frozenset[tuple[SenseKind, str]]) -> list[Span]:
    """Leave out what the principal may not discover, as if the catalog did not have it."""
    if not hidden:
        return list(spans)
    visible: list[Span] = []
    for span in spans:
        senses = tuple(sense for sense in span.senses if sense.meaning not in hidden)
        if senses:
            visible.append(replace(span, senses=senses))
    return visible


def _named(text: str, tokens: Sequence[Token], spans: Sequence[Span]) -> list[NamedMention]:
    """Turn spans into mentions that know whether they are grouped by or left out."""
    grouped: set[int] = set()
    excluded: set[int] = set()
    named: list[NamedMention] = []
    for span in spans:
        kinds = {sense.kind for sense in span.senses}
        positions = range(span.first, span.last)
        by = bool(kinds & _GROUPABLE) and groups(tokens, span.first, frozenset(grouped))
        out = SenseKind.MEMBER in kinds and excludes(tokens, span.first, frozenset(excluded))
        grouped.update(positions if by else ())
        excluded.update(positions if out else ())
        mention = _mention(text, tokens, span.first, span.last)
        named.append(NamedMention(mention, span.first, span.last, span.senses, span.exactness, by, out))
    return named


def _ranked(named: list[NamedMention], ranking: Ranking | None) -> tuple[list[NamedMention], Ranking | None]:
    """Group by the dimension that is ranked; without one there is nothing to rank."""
    if ranking is None:
        return named, None
    ranked = next((n for n in named if n.named(*_GROUPABLE) and not n.named(*_PREDICATIVE)), None)
    if ranked is None:
        return named, None
    return [replace(n, grouped=True) if n is ranked else n for n in named], ranking


def _covered(spans: Sequence[Span]) -> set[int]:
    return {i for span in spans for i in range(span.first, span.last)}


def _verbs(tokens: Sequence[Token]) -> frozenset[int]:
    """Find the verbs of movement that follow an auxiliary ("did revenue grow")."""
    asked = next((i for i, token in enumerate(tokens) if token.folded in AUXILIARY), len(tokens))
    return frozenset(i for i, token in enumerate(tokens) if i > asked and token.folded in MOVING)


def _is_content(token: Token) -> bool:
    return token.folded not in _NO_CONTENT and any(character.isalpha() for character in token.folded)


def _mention(text: str, tokens: Sequence[Token], first: int, last: int) -> Mention:
    start, end = tokens[first].start, tokens[last - 1].end
    return Mention(text[start:end], start, end)


def _runs(text: str, tokens: Sequence[Token], positions: Sequence[int]) -> tuple[Mention, ...]:
    """Join neighbouring positions into one mention each."""
    runs: list[list[int]] = []
    for position in positions:
        if runs and runs[-1][-1] == position - 1:
            runs[-1].append(position)
        else:
            runs.append([position])
    return tuple(_mention(text, tokens, run[0], run[-1] + 1) for run in runs)


def _altered(
    tokens: Sequence[Token], named: Sequence[NamedMention], unknown: frozenset[int]
) -> tuple[NamedMention, ...]:
    """Find the metrics that an unknown content word makes into something else, as "non-GAAP" does "gross margin".

    The noun phrase reaches over names, unknown words and possessives ("Oracle's revenue"); other function words, signs
    and times end it.
    """
    inside = {i for name in named for i in range(name.first, name.last)} | unknown
    inside |= {i for i, token in enumerate(tokens) if token.folded in _POSSESSIVE and i - 1 in inside}
    altered: list[NamedMention] = []
    for name in named:
        if not any(sense.kind in _PREDICATIVE for sense in name.senses):
            continue
        first, last = name.first, name.last
        while first > 0 and first - 1 in inside:
            first -= 1
        while last < len(tokens) and last in inside:
            last += 1
        if any(i in unknown for i in range(first, last)):
            altered.append(name)
    return tuple(altered)


def _finding(parsed: Parsed) -> Finding:
    mentions = [n.mention.text for n in parsed.names] + [t.mention.text for t in parsed.times]
    words = ", ".join(f'"{mention}"' for mention in mentions) or "nothing"
    return Finding(
        reasoning=f"Found {words}"
        + (f"; nothing matches {', '.join(repr(m.text) for m in parsed.unmatched)}" if parsed.unmatched else ""),
        output={
            "intent": parsed.intent.name,
            "names": [n.mention.text for n in parsed.names],
            "times": [t.mention.text for t in parsed.times],
            "unmatched": [m.text for m in parsed.unmatched],
            "not_covered": [m.text for m in parsed.not_covered],
        },
    )
