"""The surface forms of a catalog: every way in which a question can name what the catalog has.

Looking a question up takes time linear in its length, whatever the size of the catalog.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from itertools import islice
from typing import Final

from ecp_server.domain.catalog import AssetKind, AssetRef, Catalog, PhraseMeaning
from ecp_server.domain.frozen import dataclass
from ecp_server.domain.text import Token, fold
from ecp_server.resolution.parsing.structure import GRAIN_ADVERBS
from ecp_server.resolution.parsing.words import COMPARING, FUNCTION, LIGHT
from ecp_server.resolution.spelling.corrections import Corrections
from ecp_server.resolution.spelling.endings import bare, is_verbal, lemma, singular
from ecp_server.resolution.time.lexemes import WORDS_OF_PERIODS


class SenseKind(IntEnum):
    """What a surface form can stand for."""

    METRIC = 1
    TERM = 2
    MEMBER = 3
    DIMENSION = 4
    LEVEL = 5
    ENTITY = 6
    TARGET = 7
    RELATION = 8
    NOT_COVERED = 9
    STOP = 10
    ENTITY_TYPE = 11


_ASSET_KINDS = {SenseKind.METRIC: AssetKind.METRIC, SenseKind.TERM: AssetKind.TERM}
"""What policy decides on."""
_GOVERNED = frozenset({*_ASSET_KINDS, SenseKind.TARGET})

Hidden = frozenset[tuple[SenseKind, str]]
"""Meanings that a principal may not discover: for its questions it is as if the catalog did not have them."""
NOTHING_HIDDEN: Final[Hidden] = frozenset()


class FormSource(IntEnum):
    """Where a surface form comes from, the strongest first."""

    NAME = 0
    SYNONYM = 1
    ACRONYM = 2
    PRECEDENT = 3
    """A department taught it; no catalog has it."""


@dataclass(frozen=True, slots=True)
class Sense:
    """One thing that a surface form stands for.

    ``id`` is a catalog id; for a level ``dimension/level``, for a target its name, for a relation its verb.
    """

    kind: SenseKind
    id: str
    source: FormSource
    form: str
    """The form as the catalog writes it, or as it was said by whoever taught it."""
    asset: AssetRef | None = None
    """The metric or term that it stands for; None for what policy does not decide on."""
    taught: bool = False
    """A precedent decides for it, whatever other names it has."""

    @property
    def governed(self) -> bool:
        """Tell whether policy decides, of it or of the metrics that it is a target of, if it may be shown."""
        return self.kind in _GOVERNED

    @property
    def meaning(self) -> tuple[SenseKind, str]:
        """Return what it stands for, by whichever of its forms."""
        return self.kind, self.id


class Exactness(IntEnum):
    """How the question's words compare with the form."""

    EXACT = 0
    INFLECTED = 1
    """Another number, or without accents."""
    VARIED = 2
    """Joined, parted or another form of the word: "netrevenue", "head count", "refunded"."""
    REORDERED = 3
    CORRECTED = 4
    """A slip is mended."""


@dataclass(frozen=True, slots=True)
class Span:
    """Tokens from ``first`` to ``last``, exclusive, and what they could stand for, each sense once."""

    first: int
    last: int
    senses: tuple[Sense, ...]
    exactness: Exactness
    kinds: frozenset[SenseKind]
    """The kinds of its senses."""
    source: FormSource
    """Where the strongest of its forms comes from."""

    @classmethod
    def of(cls, first: int, last: int, senses: tuple[Sense, ...], exactness: Exactness) -> Span:
        """Return a span of these senses."""
        return cls(first, last, senses, exactness, _kinds(senses), _strongest(senses))


@dataclass(frozen=True, slots=True)
class _Form:
    folded: str
    sense: Sense


_Meant = tuple[tuple[Sense, ...], Exactness, frozenset[SenseKind], FormSource]
"""What a span of some words has beside its place."""


@dataclass(frozen=True, slots=True)
class _Meanings:
    """What words stand for that differ in their endings alone."""

    exact: Mapping[str, _Meant]
    """What each form stands for that is written just so."""
    inflected: _Meant
    """What all of them stand for."""


class Lexicon:
    """All surface forms of one catalog."""

    def __init__(self, catalog: Catalog) -> None:
        self._forms: dict[str, list[_Form]] = {}
        self._meanings: dict[str, _Meanings] = {}
        self._prefixes: set[str] = set()
        self._words: dict[str, list[Sense]] = {}
        self._open: set[str] = set()
        """Words that are there for everybody, whatever policy hides."""
        self._joined: dict[str, list[_Form]] = {}
        self._bags: dict[tuple[str, ...], list[_Form]] = {}
        for sense in _senses(catalog):
            self._add(sense)
        weighty = self._words.keys() - LIGHT
        self._corrections = Corrections(weighty | _PERIOD_WORDS)
        self._verbs = _by_lemma(weighty)

    def _add(self, sense: Sense) -> None:
        folded = fold(sense.form)
        if not folded:
            return
        words = [singular(word) for word in folded.split(" ")]
        key = " ".join(words)
        forms = self._forms.setdefault(key, [])
        if any(f.folded == folded and f.sense.kind == sense.kind and f.sense.id == sense.id for f in forms):
            return
        form = _Form(folded, sense)
        forms.append(form)
        self._add_words(words, sense)
        for length in range(1, len(words)):
            self._prefixes.add(" ".join(words[:length]))
        if len(words) > 1:
            self._joined.setdefault(singular(folded.replace(" ", "")), []).append(form)
            if len(words) <= _MOST_REORDERED and not FUNCTION.intersection(words):
                self._bags.setdefault(tuple(sorted(words)), []).append(form)

    def _add_words(self, words: Iterable[str], sense: Sense) -> None:
        for word in words:
            governed = self._words.setdefault(word, [])
            if not sense.governed:
                self._open.add(word)
            elif not governed or governed[-1].meaning != sense.meaning:  # a sense has its forms one after the other
                governed.append(sense)

    def knows(self, word: str, hidden: Hidden = NOTHING_HIDDEN) -> bool:
        """Tell whether a folded word occurs in any form of what is not hidden."""
        return self._has(singular(word), hidden)

    def _has(self, word: str, hidden: Hidden) -> bool:
        if not hidden or word in self._open:
            return word in self._words
        return any(sense.meaning not in hidden for sense in self._words.get(word, ()))

    def having(self, words: Iterable[str], hidden: Hidden) -> Iterator[Sense]:
        """Yield for whom policy must be asked to know whether words are there: for some of what has them, if all is."""
        for word in words:
            if word not in self._open:
                having = (sense for sense in self._words.get(word, ()) if sense.meaning not in hidden)
                # More each time: of a word that much has that is hidden it must not take long to find what is not.
                yield from islice(having, _ASKED_ABOUT + len(hidden))

    def spans(self, tokens: Sequence[Token], hidden: Hidden = NOTHING_HIDDEN) -> list[Span]:
        """Return every run of tokens that is a form, overlapping ones included."""
        written = [token.folded for token in tokens]
        words = [singular(word) for word in written]
        found: list[Span] = []
        for first, word in enumerate(words):
            key, last = word, first + 1
            while True:
                if key in self._forms:
                    meanings = self._meanings.get(key) or self._find_meanings(key)
                    meant = meanings.exact.get(" ".join(written[first:last]), meanings.inflected)
                    # Where all that is written just so is hidden, that is as if nothing were.
                    ways = (Span(first, last, *meant), Span(first, last, *meanings.inflected)) if hidden else ()
                    left = [one for span in ways if (one := _left(span, hidden)) is not None]
                    found += left[:1] if hidden else [Span(first, last, *meant)]
                if last >= len(words) or key not in self._prefixes:
                    break
                key = f"{key} {words[last]}"
                last += 1
        return found

    def _find_meanings(self, key: str) -> _Meanings:
        meanings = self._meanings[key] = _meanings(self._forms[key])
        return meanings

    def loose_spans(self, tokens: Sequence[Token], hidden: Hidden = NOTHING_HIDDEN) -> list[Span]:
        """Return runs of tokens that are a form but for blanks ("netrevenue", "head count") or order ("revenue net").

        Meant for questions in which words are left that nothing matches.
        """
        words = [singular(token.folded) for token in tokens]
        written = [token.folded for token in tokens]
        found = [
            span
            for first in range(len(words))
            for span in (*self._joined_from(first, written, hidden), *self._reordered_from(first, words, hidden))
        ]
        return [left for span in found if (left := _left(span, hidden)) is not None] if hidden else found

    def _joined_from(self, first: int, written: Sequence[str], hidden: Hidden) -> Iterator[Span]:
        word = singular(written[first])
        if not self._has(word, hidden) and len(word) >= _SHORTEST_JOINED and (forms := self._joined.get(word)):
            yield Span.of(first, first + 1, _best(forms), Exactness.VARIED)
        pair = written[first : first + 2]
        joined = singular("".join(pair))
        if len(pair) > 1 and len(joined) >= _SHORTEST_JOINED and not FUNCTION.intersection(pair) and joined.isalpha():
            forms = self._forms.get(joined)
            if forms:
                yield Span.of(first, first + 2, _best(forms), Exactness.VARIED)

    def _reordered_from(self, first: int, words: Sequence[str], hidden: Hidden) -> Iterator[Span]:
        for last in range(first + 1, min(len(words), first + _MOST_REORDERED) + 1):
            if words[last - 1] not in self._words or words[last - 1] in FUNCTION:
                return
            run = words[first:last]
            forms = self._bags.get(tuple(sorted(run)))
            written = self._forms.get(" ".join(run), ())
            if forms and all(form.sense.meaning in hidden for form in written):
                yield Span.of(first, last, _best(forms), Exactness.REORDERED)

    def correct(self, word: str, hidden: Hidden = NOTHING_HIDDEN) -> frozenset[str]:
        """Return the words of the catalog, or of periods, that are nearest to a folded one (`Corrections`).

        It is written for one where there is but one. A word that the catalog has is spelt right, whatever it means.
        """
        if self.knows(word, hidden) or word in _PERIOD_WORDS:
            return frozenset()
        return self._corrections.nearest(singular(word), self._there(hidden))

    def perhaps(self, word: str, hidden: Hidden = NOTHING_HIDDEN) -> frozenset[str]:
        """Return the words of the catalog that a folded one may be written for; if one, good enough to suggest."""
        if self.knows(word, hidden):
            return frozenset()
        return self._corrections.perhaps(singular(word), self._there(hidden))

    def other_form(self, word: str, hidden: Hidden = NOTHING_HIDDEN) -> frozenset[str]:
        """Return the catalog's words that a folded one is another form of ("refunded", "refunds")."""
        if self.knows(word, hidden):
            return frozenset()
        found = self._verbs.get(lemma(word) or bare(singular(word)), ())
        return frozenset([o for o in found if (is_verbal(word) or is_verbal(o)) and self._has(o, hidden)])

    def _there(self, hidden: Hidden) -> Callable[[str], bool]:
        return lambda word: word in _PERIOD_WORDS or self._has(word, hidden)


def _left(span: Span, hidden: Hidden) -> Span | None:
    """Return a span without what is hidden, as if the catalog did not have it; None where nothing is left."""
    senses = tuple([sense for sense in span.senses if sense.meaning not in hidden])
    return Span.of(span.first, span.last, senses, span.exactness) if senses else None


_ASKED_ABOUT: Final = 20
"""Of what has a word, so many are asked about first: in most cases one of them may be shown."""
_SHORTEST_JOINED: Final = 6
_MOST_REORDERED: Final = 4
_SHORTEST_VERB: Final = 4
_PERIOD_WORDS: Final = frozenset(
    word for word in (*WORDS_OF_PERIODS, *GRAIN_ADVERBS, *COMPARING) if len(word) >= _SHORTEST_VERB
)
"""Words of no catalog that a slip may be in, too."""


def _meanings(forms: Sequence[_Form]) -> _Meanings:
    written = dict.fromkeys(form.folded for form in forms)
    exact = {word: _meant(_best([f for f in forms if f.folded == word]), Exactness.EXACT) for word in written}
    return _Meanings(exact, _meant(_best(forms), Exactness.INFLECTED))


def _meant(senses: tuple[Sense, ...], exactness: Exactness) -> _Meant:
    return senses, exactness, _kinds(senses), _strongest(senses)


def _kinds(senses: tuple[Sense, ...]) -> frozenset[SenseKind]:
    return frozenset([sense.kind for sense in senses])


def _strongest(senses: tuple[Sense, ...]) -> FormSource:
    return min([sense.source for sense in senses])


def _best(forms: Sequence[_Form]) -> tuple[Sense, ...]:
    """Return what forms stand for, each meaning once, by the strongest of its forms."""
    best: dict[tuple[SenseKind, str], Sense] = {}
    for sense in sorted((form.sense for form in forms), key=lambda s: s.source):
        best.setdefault((sense.kind, sense.id), sense)
    return tuple(best.values())


def _by_lemma(words: Iterable[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for word in words:
        if word.isalpha() and len(word) >= _SHORTEST_VERB:
            stem = lemma(word) or bare(word)
            found[stem] = (*found.get(stem, ()), word)
    return found


def _senses(catalog: Catalog) -> Iterator[Sense]:
    yield from _measured(catalog)
    yield from _sliced(catalog)
    yield from _related(catalog)
    for phrase in catalog.phrases:
        kind = SenseKind.STOP if phrase.meaning is PhraseMeaning.STOP else SenseKind.NOT_COVERED
        yield Sense(kind, phrase.text, FormSource.NAME, phrase.text)


def _measured(catalog: Catalog) -> Iterator[Sense]:
    for metric in catalog.metrics.values():
        yield from _named(SenseKind.METRIC, metric.id, (metric.name, metric.id), metric.synonyms, metric.acronyms)
        for target in metric.targets:
            yield from _named(SenseKind.TARGET, target.name, (target.name,), target.synonyms)
    for term in catalog.terms.values():
        yield from _named(SenseKind.TERM, term.id, (term.name, term.id), term.synonyms, term.acronyms)


def _sliced(catalog: Catalog) -> Iterator[Sense]:
    for dimension in catalog.dimensions.values():
        yield from _named(SenseKind.DIMENSION, dimension.id, (dimension.name, dimension.id), dimension.synonyms)
        for level in dimension.levels:
            yield from _named(SenseKind.LEVEL, f"{dimension.id}/{level.id}", (level.name, level.id), ())
    for member in catalog.members.values():
        yield from _named(SenseKind.MEMBER, member.id, (member.name, member.id), member.synonyms)


def _related(catalog: Catalog) -> Iterator[Sense]:
    for entity in catalog.entities.values():
        yield from _named(SenseKind.ENTITY, entity.id, (entity.name, entity.id), entity.synonyms)
    for entity_type in dict.fromkeys(entity.type for entity in catalog.entities.values() if entity.type):
        yield Sense(SenseKind.ENTITY_TYPE, entity_type, FormSource.NAME, entity_type)
    for relation in catalog.relations.values():
        yield from _named(SenseKind.RELATION, relation.verb, (relation.verb,), relation.synonyms)


def _named(
    kind: SenseKind, asset_id: str, names: Iterable[str], synonyms: Iterable[str], acronyms: Iterable[str] = ()
) -> Iterator[Sense]:
    asset = AssetRef(_ASSET_KINDS[kind], asset_id) if kind in _ASSET_KINDS else None
    for name in names:
        yield Sense(kind, asset_id, FormSource.NAME, name, asset)
    for synonym in synonyms:
        yield Sense(kind, asset_id, FormSource.SYNONYM, synonym, asset)
    for acronym in acronyms:
        yield Sense(kind, asset_id, FormSource.ACRONYM, acronym, asset)
