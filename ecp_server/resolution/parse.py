"""Finds the mentions of a question and its intent. Every business word comes from the catalog."""

from __future__ import annotations

from collections.abc import Sequence

from ecp_server.domain.concepts import Mention
from ecp_server.domain.frozen import replace
from ecp_server.domain.provenance import Finding
from ecp_server.domain.text import Token, tokenize
from ecp_server.resolution.draft import Draft, NamedMention, Parsed, TimedMention
from ecp_server.resolution.lexicon import SenseKind, Span
from ecp_server.resolution.parsing.intent import find_intent, is_target
from ecp_server.resolution.parsing.look_up import NO_CONTENT, LookedUp, covered_by, is_content, look_up
from ecp_server.resolution.parsing.movement import find_movement, find_varying, with_difference, with_movement
from ecp_server.resolution.parsing.portion import find_portion
from ecp_server.resolution.parsing.ratio import find_ratio
from ecp_server.resolution.parsing.segmentation import segment
from ecp_server.resolution.parsing.structure import excludes, find_grain, groups
from ecp_server.resolution.parsing.superlatives import Ranking, find_falling_short, find_ranking, find_share, find_trend
from ecp_server.resolution.parsing.words import AUXILIARY, COMPARING, LEADING, MOVING
from ecp_server.resolution.time import Comparison, TimeMention

_POSSESSIVE = frozenset({"'s", "’s", "'", "’"})
_PREDICATIVE = frozenset({SenseKind.METRIC, SenseKind.TERM})
_GROUPABLE = frozenset({SenseKind.DIMENSION, SenseKind.LEVEL})
_NO_NAMES = frozenset({SenseKind.STOP, SenseKind.NOT_COVERED})
_HOLDING = COMPARING | LEADING


def parse(draft: Draft) -> tuple[Draft, Finding]:
    """Return the draft with what the question's words are."""
    text = draft.question.text
    read = look_up(tokenize(text), draft.prepared.lexicon, draft.hidden, draft.lessons)
    tokens = read.tokens
    names, times = segment(tokens, _with_relations(read.spans), read.times)
    named = _named(text, tokens, names)
    covered = covered_by((*names, *times))
    grouped = covered_by([name for name in named if name.grouped])
    grain, grain_words = find_grain(tokens, covered, grouped)
    superlative = find_ranking(tokens, covered | grain_words)
    named, ranking = _ranked(named, superlative)
    # With nothing to rank a superlative is told as unmatched, but it does not make a metric another one.
    idle = superlative.positions if superlative is not None and ranking is None else frozenset()
    share_at = find_share(tokens, covered)
    trend_words = find_trend(tokens, covered)
    ratio = find_ratio(tokens, named, share_at)
    portion = find_portion(text, tokens, named, share_at, draft.prepared.lexicon, draft.hidden)
    if portion is not None and ratio is None:
        ratio = portion.ratio
        named += [portion.named] if portion.named is not None else []
        covered = covered_by((*named, *times))
    movement = find_movement(tokens, covered) if named else None
    targets = [name for name in named if is_target(name)]
    short = find_falling_short(tokens, covered) if targets else frozenset()
    timed = [_timed(text, tokens, time, read) for time in times]
    compared = _holds_against(tokens, covered, named, timed)
    if movement is not None:
        ranking = ranking and replace(ranking, descending=ranking.descending != movement.falling)
        implied = movement if not compared and not trend_words else None
        timed = with_movement(timed, implied, _mention(text, tokens, movement.first, movement.first + 1))
    elif find_varying(tokens, covered):
        timed = with_difference(timed)
    structural = (
        grain_words
        | trend_words
        | short
        | _verbs(tokens)
        | (ranking.positions if ranking is not None else frozenset())
        | (ratio.positions if ratio is not None else frozenset())
        | (movement.positions if movement is not None else frozenset())
        | (find_varying(tokens, covered) if compared or movement is not None else frozenset())
        | (frozenset() if share_at is None else {share_at})
    )
    known = covered | structural
    unknown = [i for i, token in enumerate(tokens) if i not in known and is_content(token)]
    written = [token.folded for token in tokens]
    parsed = Parsed(
        tokens=tokens,
        names=tuple([n for n in named if n.kinds.isdisjoint(_NO_NAMES)]),
        times=tuple(timed),
        unmatched=_runs(text, tokens, unknown),
        altered=_altered(tokens, named, frozenset(unknown) - idle),
        not_covered=tuple([n.mention for n in named if SenseKind.NOT_COVERED in n.kinds]),
        ranking=ranking,
        share_at=None if ratio is not None and ratio.percent else share_at,
        divisor=None if ratio is None else ratio.divisor,
        percent=ratio is not None and ratio.percent,
        moved=movement is not None,
        falling_short=bool(short),
        trend=bool(trend_words),
        grain=grain,
        words=not NO_CONTENT.isdisjoint(written),
        comparing=not _HOLDING.isdisjoint(written),
    )
    parsed = replace(parsed, intent=find_intent(parsed))
    return replace(draft, parsed=parsed), _finding(parsed)


def _timed(text: str, tokens: Sequence[Token], time: TimeMention, read: LookedUp) -> TimedMention:
    mention = _mention(text, tokens, time.first, time.last)
    return TimedMention(mention, time.first, time.last, time.expression, read.exactness(time.first, time.last))


def _holds_against(
    tokens: Sequence[Token], covered: frozenset[int], named: Sequence[NamedMention], timed: Sequence[TimedMention]
) -> bool:
    """Tell whether the words say what something is held against: a target, another period, whatever follows "vs"."""
    if [name for name in named if is_target(name)]:
        return True
    if [time for time in timed if isinstance(time.expression, Comparison)]:
        return True
    return not _HOLDING.isdisjoint([token.folded for i, token in enumerate(tokens) if i not in covered])


def _with_relations(spans: Sequence[Span]) -> list[Span]:
    """Leave out words for kinds of things ("team") where no relation makes them mean anything."""
    kinds = frozenset[SenseKind]().union(*[span.kinds for span in spans])
    if SenseKind.RELATION in kinds or SenseKind.ENTITY_TYPE not in kinds:
        return list(spans)
    kept = [(span, tuple(s for s in span.senses if s.kind is not SenseKind.ENTITY_TYPE)) for span in spans]
    return [Span.of(span.first, span.last, senses, span.exactness) for span, senses in kept if senses]


def _named(text: str, tokens: Sequence[Token], spans: Sequence[Span]) -> list[NamedMention]:
    """Turn spans into mentions that know whether they are grouped by or left out."""
    grouped: set[int] = set()
    excluded: set[int] = set()
    named: list[NamedMention] = []
    for span in spans:
        first, last, kinds = span.first, span.last, span.kinds
        by = not kinds.isdisjoint(_GROUPABLE) and groups(tokens, first, frozenset(grouped))
        out = SenseKind.MEMBER in kinds and excludes(tokens, first, frozenset(excluded))
        if by:
            grouped.update(range(first, last))
        if out:
            excluded.update(range(first, last))
        mention = _mention(text, tokens, first, last)
        named.append(NamedMention(mention, first, last, span.senses, span.exactness, kinds, by, out))
    return named


def _ranked(named: list[NamedMention], ranking: Ranking | None) -> tuple[list[NamedMention], Ranking | None]:
    """Group by the dimension that is ranked; without one there is nothing to rank."""
    if ranking is None:
        return named, None
    ranked = next((n for n in named if n.named(*_GROUPABLE) and not n.named(*_PREDICATIVE)), None)
    if ranked is None:
        return named, None
    return [replace(n, grouped=True) if n is ranked else n for n in named], ranking


def _verbs(tokens: Sequence[Token]) -> frozenset[int]:
    """Find the verbs of movement that follow an auxiliary ("did revenue grow")."""
    moving = [i for i, token in enumerate(tokens) if token.folded in MOVING]
    if not moving:
        return frozenset()
    asked = next((i for i, token in enumerate(tokens) if token.folded in AUXILIARY), len(tokens))
    return frozenset([i for i in moving if i > asked])


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
    if not unknown:
        return ()
    inside = covered_by(named) | unknown
    inside |= {i for i, token in enumerate(tokens) if token.folded in _POSSESSIVE and i - 1 in inside}
    altered: list[NamedMention] = []
    for name in named:
        if name.kinds.isdisjoint(_PREDICATIVE):
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
    names, times = [n.mention.text for n in parsed.names], [t.mention.text for t in parsed.times]
    unmatched = [m.text for m in parsed.unmatched]
    quoted = [f'"{text}"' for text in (*names, *times)]
    told = f"Found {', '.join(quoted) or 'nothing'}"
    if unmatched:
        told += f"; nothing matches {', '.join([repr(text) for text in unmatched])}"
    output = {
        "intent": parsed.intent.name,
        "names": names,
        "times": times,
        "unmatched": unmatched,
        "not_covered": [m.text for m in parsed.not_covered],
    }
    return Finding(told, output)
