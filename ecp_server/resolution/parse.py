"""Finds the mentions of a question and its intent. Every business word comes from the catalog."""

from __future__ import annotations

from collections.abc import Sequence

from ecp_server.domain.concepts import Intent, Mention
from ecp_server.domain.frozen import replace
from ecp_server.domain.period import Grain
from ecp_server.domain.provenance import Finding
from ecp_server.domain.text import Token, tokenize
from ecp_server.resolution.draft import Draft, NamedMention, Parsed, TimedMention
from ecp_server.resolution.lexicon import SenseKind, Span
from ecp_server.resolution.parsing.beside import TELLING, Beside, find_beside
from ecp_server.resolution.parsing.exclusion import LEAVING_OUT_WORDS, excluding_words, unread_exclusions
from ecp_server.resolution.parsing.intent import find_intent
from ecp_server.resolution.parsing.listing import listed_numbers
from ecp_server.resolution.parsing.look_up import NO_CONTENT, LookedUp, covered_by, has_letters, look_up
from ecp_server.resolution.parsing.segmentation import segment
from ecp_server.resolution.parsing.structure import GROUPING, groups, is_splitting, unread_groupings
from ecp_server.resolution.parsing.threshold import BOUNDING, thresholds
from ecp_server.resolution.parsing.unread import MEASURED, UNREAD_WORDS, unread
from ecp_server.resolution.parsing.unread_numbers import unread_numbers
from ecp_server.resolution.parsing.words import HOLDING
from ecp_server.resolution.time import TimeMention, misdated

_POSSESSIVE = frozenset({"'s", "’s", "'", "’"})
_GROUPABLE = frozenset({SenseKind.DIMENSION, SenseKind.LEVEL})
_NO_NAMES = frozenset({SenseKind.STOP, SenseKind.NOT_COVERED})
_INTENTS = {intent: intent.name for intent in Intent}


def parse(draft: Draft) -> tuple[Draft, Finding]:
    """Return the draft with what the question's words are."""
    text, lexicon, hidden = draft.question.text, draft.prepared.lexicon, draft.hidden
    read = look_up(tokenize(text), lexicon, hidden, draft.lessons)
    tokens = read.tokens
    words = frozenset([token.folded for token in tokens])
    names, times = segment(tokens, _with_relations(read.spans), read.times)
    leaves_out = not LEAVING_OUT_WORDS.isdisjoint(words)
    named, leaving_out = _named(text, tokens, names, leaves_out=leaves_out)
    timed = [_timed(text, tokens, time, read) for time in times]
    if TELLING.isdisjoint(words):
        beside = Beside(named, timed, covered_by((*names, *times)))
    else:
        beside = find_beside(text, tokens, named, timed, times, lexicon, hidden)
    known, ratio = beside.known | leaving_out, beside.ratio
    bounds = frozenset[int]() if BOUNDING.isdisjoint(words) else thresholds(tokens, known)
    called = tuple([name for name in beside.named if name.kinds.isdisjoint(_NO_NAMES)])
    parsed = Parsed(
        tokens=tokens,
        names=called,
        times=tuple(beside.timed),
        not_covered=_not_covered(beside.named) if len(called) < len(beside.named) else (),
        ranking=beside.ranking,
        share_at=None if ratio is not None and ratio.percent else beside.share_at,
        divisor=None if ratio is None else ratio.divisor,
        percent=ratio is not None and ratio.percent,
        moved=beside.moved,
        falling_short=beside.short,
        trend=beside.trend,
        grain=beside.grain,
        words=not NO_CONTENT.isdisjoint(words),
        comparing=not HOLDING.isdisjoint(words),
        leaving_out=leaves_out,
        considered=read.considered,
    )
    intent = find_intent(parsed, words)
    unread_words = frozenset[int]()
    if not UNREAD_WORDS.isdisjoint(words) or len([name for name in called if not name.kinds.isdisjoint(MEASURED)]) > 1:
        unread_words = unread(parsed, intent, known)
    if leaves_out:
        starts = [*(name.first for name in names), *(time.first for time in times)]
        unread_words |= unread_exclusions(tokens, known, starts)
    if not GROUPING.isdisjoint(words):
        unread_words |= _unread_groupings(tokens, beside, known)
    numbers = [i for i, token in enumerate(tokens) if i not in known and token.folded.isdecimal()]
    if numbers:
        unread_words |= listed_numbers(tokens, covered_by(names))
        unread_words |= unread_numbers(tokens, numbers, {time.last for time in times})
    altering_nothing = beside.idle | bounds | unread_words
    told = misdated(tokens) | altering_nothing if numbers else altering_nothing
    unknown = [i for i in range(len(tokens)) if i not in known and (_is_content(tokens, i) or i in told)]
    if unknown:
        altered = _altered(tokens, beside.named, frozenset(unknown) - altering_nothing)
        parsed = replace(parsed, intent=intent, unmatched=_runs(text, tokens, unknown), altered=altered)
    elif intent is not parsed.intent:
        parsed = replace(parsed, intent=intent)
    return replace(draft, parsed=parsed), finding_of(parsed)


def _unread_groupings(tokens: Sequence[Token], beside: Beside, known: frozenset[int]) -> frozenset[int]:
    measured = covered_by([name for name in beside.named if not name.kinds.isdisjoint(MEASURED)])
    if beside.ranking is not None or beside.ratio is not None:
        measured = frozenset()
    grouped = beside.grain is not Grain.NONE or any(not name.kinds.isdisjoint(_GROUPABLE) for name in beside.named)
    members = covered_by([name for name in beside.named if name.kinds == {SenseKind.MEMBER}])
    return unread_groupings(tokens, known, measured, members, grouped=grouped)


def _is_content(tokens: Sequence[Token], at: int) -> bool:
    return tokens[at].folded not in NO_CONTENT and has_letters(tokens[at]) and not is_splitting(tokens, at)


def _timed(text: str, tokens: Sequence[Token], time: TimeMention, read: LookedUp) -> TimedMention:
    mention = _mention(text, tokens, time.first, time.last)
    return TimedMention(mention, time.first, time.last, time.expression, read.exactness(time.first, time.last))


def _with_relations(spans: Sequence[Span]) -> Sequence[Span]:
    """Leave out words for kinds of things ("team") where no relation makes them mean anything."""
    if not [span for span in spans if SenseKind.ENTITY_TYPE in span.kinds]:
        return spans
    if [span for span in spans if SenseKind.RELATION in span.kinds]:
        return spans
    kept = [(span, tuple(s for s in span.senses if s.kind is not SenseKind.ENTITY_TYPE)) for span in spans]
    return [Span.of(span.first, span.last, senses, span.exactness) for span, senses in kept if senses]


def _named(
    text: str, tokens: Sequence[Token], spans: Sequence[Span], *, leaves_out: bool
) -> tuple[list[NamedMention], frozenset[int]]:
    """Turn spans into mentions that know whether they are grouped by or left out; and where words leave them out."""
    kinds_of_things = covered_by([span for span in spans if span.kinds <= _GROUPABLE]) if leaves_out else frozenset()
    grouped: set[int] = set()
    excluded: set[int] = set()
    leaving_out: set[int] = set()
    named: list[NamedMention] = []
    for span in spans:
        first, last, kinds = span.first, span.last, span.kinds
        by = not kinds.isdisjoint(_GROUPABLE) and groups(tokens, first, frozenset(grouped))
        out = frozenset[int]()
        if leaves_out and SenseKind.MEMBER in kinds:
            out = excluding_words(tokens, first, excluded, kinds_of_things)
        if by:
            grouped.update(range(first, last))
        if out:
            excluded.update(range(first, last))
            leaving_out.update(out)
        mention = _mention(text, tokens, first, last)
        named.append(NamedMention(mention, first, last, span.senses, span.exactness, kinds, by, bool(out)))
    return named, frozenset(leaving_out)


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
    return tuple([_mention(text, tokens, run[0], run[-1] + 1) for run in runs])


def _altered(
    tokens: Sequence[Token], named: Sequence[NamedMention], unknown: frozenset[int]
) -> tuple[NamedMention, ...]:
    """Find the metrics that an unknown content word makes into something else, as "non-GAAP" does "gross margin".

    The noun phrase reaches over names, unknown words and possessives ("Oracle's revenue"); other function words, signs
    and times end it.
    """
    if not unknown:  # but superlatives with nothing to rank
        return ()
    inside = covered_by(named) | unknown
    inside |= {i for i, token in enumerate(tokens) if token.folded in _POSSESSIVE and i - 1 in inside}
    altered: list[NamedMention] = []
    for name in named:
        if name.kinds.isdisjoint(MEASURED):
            continue
        first, last = name.first, name.last
        while first > 0 and first - 1 in inside:
            first -= 1
        while last < len(tokens) and last in inside:
            last += 1
        if any(i in unknown for i in range(first, last)):
            altered.append(name)
    return tuple(altered)


def _not_covered(named: Sequence[NamedMention]) -> tuple[Mention, ...]:
    return tuple([name.mention for name in named if SenseKind.NOT_COVERED in name.kinds])


def finding_of(parsed: Parsed) -> Finding:
    """Return what the proof tells of the words."""
    names, times = [n.mention.text for n in parsed.names], [t.mention.text for t in parsed.times]
    unmatched = [m.text for m in parsed.unmatched] if parsed.unmatched else []
    quoted = '", "'.join((*names, *times))
    told = f'Found "{quoted}"' if names or times else "Found nothing"
    if unmatched:
        told += f"; nothing matches {', '.join([repr(text) for text in unmatched])}"
    output = {
        "intent": _INTENTS[parsed.intent],
        "names": names,
        "times": times,
        "unmatched": unmatched,
        "not_covered": [m.text for m in parsed.not_covered] if parsed.not_covered else [],
    }
    return Finding(told, output)
