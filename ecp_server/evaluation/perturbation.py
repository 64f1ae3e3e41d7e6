"""Questions reworded as people write them: with slips, in other letters, with words around them or missing a blank.

Most rewordings ask the same, so that the expectation holds on. Two do not: an unknown word before the metric makes it
something else, and an unknown place narrows what nobody has; an answer to those would be wrong.
"""

from __future__ import annotations

import string
from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from ecp_server.domain.frozen import dataclass
from ecp_server.evaluation.golden import Entry, Expectation

_SHORTEST_WORD: Final = 5
_UNKNOWN_KINDS: Final = ("adjusted", "blended", "organic", "projected", "weighted", "underlying", "annualised")
_UNKNOWN_PLACES: Final = ("for Contoso", "in Atlantis", "from Northwind", "with Fabrikam")
_AROUND: Final = (
    ("Hi, could you please tell me: ", ""),
    ("", " Thank you!"),
    ("Quick question - ", ""),
    ("I'd like to see ", ", please"),
    ("show me ", ""),
)


@dataclass(frozen=True, slots=True)
class Reworded:
    """A golden entry in other words."""

    entry: Entry
    kind: str
    same: bool
    """Whether it still asks the same; if not, no answer is right."""


def reworded(entry: Entry, metric_at: int | None, random: Random) -> tuple[Reworded, ...]:
    """Return an entry in each kind of other words that its question allows.

    ``metric_at`` is where the question names its metric, None where that is not known.
    """
    question = entry.question
    texts: dict[str, str] = {kind: way(question, random) for kind, way in _SAME.items()}
    found: list[Reworded] = []
    seen = {question}
    for kind, text in texts.items():  # two slips can come to what one was, or to none
        if text not in seen:
            seen.add(text)
            found.append(Reworded(_asking(entry, text), kind, same=True))
    if metric_at is not None:
        word = random.choice(_UNKNOWN_KINDS)
        other = f"{question[:metric_at]}{word} {question[metric_at:]}"
        found.append(Reworded(_asking(entry, other), "unknown kind", same=False))
        place = f"{question.rstrip('?.! ')} {random.choice(_UNKNOWN_PLACES)}"
        found.append(Reworded(_asking(entry, place), "unknown place", same=False))
    return tuple(found)


def _asking(entry: Entry, question: str) -> Entry:
    expect: Expectation = entry.expect.model_copy(
        # What is told of the words themselves differs; what they mean does not.
        update={"unmatched": None, "confidence": None, "ambiguities": None, "suggestions": None}
    )
    return entry.model_copy(update={"question": question, "expect": expect, "then": ()})


def _slip(question: str, random: Random) -> str:
    """Make one slip inside a word: a letter lost, doubled, swapped or wrong; never the first."""
    words = question.split(" ")
    long = [i for i, word in enumerate(words) if len(word) >= _SHORTEST_WORD and word.isalpha()]
    if not long:
        return question
    at = random.choice(long)
    word = words[at]
    place = random.randrange(1, len(word) - 1)
    slips = (
        word[:place] + word[place + 1 :],
        word[:place] + word[place] + word[place:],
        word[:place] + word[place + 1] + word[place] + word[place + 2 :],
        word[:place] + random.choice(string.ascii_lowercase) + word[place + 1 :],
    )
    return " ".join([*words[:at], random.choice(slips), *words[at + 1 :]])


def _slips(question: str, random: Random) -> str:
    return _slip(_slip(question, random), random)


def _letters(question: str, random: Random) -> str:
    return random.choice((question.lower(), question.upper()))


def _around(question: str, random: Random) -> str:
    before, after = random.choice(_AROUND)
    return f"{before}{question}{after}"


def _joined(question: str, random: Random) -> str:
    """Lose a blank between two words."""
    words = question.split(" ")
    pairs = [i for i in range(len(words) - 1) if words[i].isalpha() and words[i + 1].isalpha()]
    if not pairs:
        return question
    at = random.choice(pairs)
    return " ".join([*words[:at], words[at] + words[at + 1], *words[at + 2 :]])


def _signs(question: str, random: Random) -> str:
    return random.choice((question.rstrip("?.! "), f"{question}??", question.replace(" ", "  "), f"“{question}”"))


_SAME: Final[Mapping[str, Callable[[str, Random], str]]] = {
    "slip": _slip,
    "two slips": _slips,
    "letters": _letters,
    "words around": _around,
    "lost blank": _joined,
    "signs": _signs,
}
