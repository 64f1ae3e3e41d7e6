"""What corrections of an answer teach, and what is wrong with those that cannot be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ecp_server.domain.concepts import ConceptKind
from ecp_server.domain.errors import FieldViolation, InvalidChoice
from ecp_server.domain.feedback import Correction, Judged
from ecp_server.domain.frozen import dataclass, replace
from ecp_server.domain.text import Token, tokenize
from ecp_server.resolution.lessons import words_of
from ecp_server.resolution.lexicon import Sense
from ecp_server.resolution.prepared import PreparedCatalog
from ecp_server.resolution.rights.senses import VisibleSenses
from ecp_server.resolution.rights.visibility import Visibility
from ecp_server.resolution.teachable import MAX_WORDS, TEACHABLE, may_be_taught, meaning_of, places_of

CORRECTIONS = "feedback.corrections"


@dataclass(frozen=True, slots=True)
class Checked:
    """A correction with its kind, and the words that it gives a meaning; "" where it is about none."""

    correction: Correction
    mention: str
    words: str


async def checked(
    corrections: Sequence[Correction], judged: Judged, prepared: PreparedCatalog, visibility: Visibility
) -> tuple[Checked, ...]:
    """Return the corrections, with what each teaches.

    What policy hides from the one whose answer it is does not exist here either. Raises `InvalidChoice`, naming every
    field that is wrong, and `PolicyUnavailable`.
    """
    tokens = tokenize(judged.text)
    kinds = await _kinds(corrections, prepared, visibility)
    violations: list[FieldViolation] = []
    found: list[Checked] = []
    for i, correction in enumerate(corrections):
        by_subject = bool(correction.subject_id)
        one = _of_subject(correction, judged, prepared) if by_subject else _of_mention(correction, tokens, kinds)
        if not isinstance(one, FieldViolation) and any(_of_the_same(one, other) for other in found):
            one = FieldViolation("subject_id" if by_subject else "mention", "is corrected twice")
        if isinstance(one, FieldViolation):
            violations.append(replace(one, field=f"{CORRECTIONS}[{i}].{one.field}"))
        else:
            found.append(one)
    if violations:
        raise InvalidChoice("; ".join(f"{v.field} {v.description}" for v in violations[:5]), tuple(violations))
    return tuple(found)


def _of_the_same(one: Checked, other: Checked) -> bool:
    """Tell whether two corrections are of the same subject or the same words."""
    subject = one.correction.subject_id
    return (subject != "" and subject == other.correction.subject_id) or (one.words != "" and one.words == other.words)


def _of_subject(correction: Correction, judged: Judged, prepared: PreparedCatalog) -> Checked | FieldViolation:
    """Check the choice of another option of an ambiguity or assumption; the answer says which there are."""
    offer = judged.offers.get(correction.subject_id)
    if offer is None:
        return FieldViolation("subject_id", "names no ambiguity or assumption of the resolution")
    kind = offer.options.get(correction.option_id)
    if kind is None:
        return FieldViolation("option_id", "names no option of it")
    if correction.kind not in (ConceptKind.UNSPECIFIED, kind):
        return FieldViolation("kind", "is not that of the option")
    if not kind and meaning_of(ConceptKind.DIMENSION, correction.option_id, prepared, "") is not None:
        kind = ConceptKind.DIMENSION  # whose reading of it: an option that is no concept itself
    tokens = tokenize(offer.mention)
    teaches = kind in TEACHABLE and 0 < len(tokens) <= MAX_WORDS and may_be_taught(0, len(tokens), tokens)
    words = words_of(tokens) if teaches else ""
    return Checked(replace(correction, kind=kind), offer.mention if teaches else "", words)


def _of_mention(
    correction: Correction, tokens: Sequence[Token], kinds: Mapping[str, Sequence[ConceptKind]]
) -> Checked | FieldViolation:
    """Check another meaning of words of the question."""
    words = words_of(tokenize(correction.mention))
    if (wrong := _wrong_words(words, tokens)) is not None:
        return FieldViolation("mention", wrong)
    known = kinds[correction.option_id]
    if not known:
        return FieldViolation("option_id", "names nothing in the catalog that words can be taught to mean")
    if (wrong := _wrong_kind(correction.kind, known)) is not None:
        return FieldViolation("kind", wrong)
    return Checked(replace(correction, kind=correction.kind or known[0]), correction.mention, words)


def _wrong_words(words: str, tokens: Sequence[Token]) -> str | None:
    """Tell why words cannot be given a meaning; None where they can."""
    if words.count(" ") >= MAX_WORDS:
        return f"must have at most {MAX_WORDS} words"
    places = list(places_of(words, tokens)) if words else []
    if not places:
        return "is not in the question"
    if not any(may_be_taught(first, last, tokens) for first, last in places):
        return "has no word that could be a name: periods and the like cannot be taught"
    return None


def _wrong_kind(kind: ConceptKind, known: Sequence[ConceptKind]) -> str | None:
    """Tell why an option is not of a kind; None where it is, or where no kind is said and there is but one."""
    if kind:
        return None if kind in known else "is not that of option_id"
    return None if len(known) == 1 else f"must say which: {', '.join(each.name for each in known)}"


async def _kinds(
    corrections: Sequence[Correction], prepared: PreparedCatalog, visibility: Visibility
) -> Mapping[str, Sequence[ConceptKind]]:
    """Return what each option id of a mention stands for, of what may be shown; policy is asked once for all."""
    found: dict[str, list[tuple[ConceptKind, Sense]]] = {}
    for correction in corrections:
        if not correction.subject_id:
            found[correction.option_id] = list(_senses(correction.option_id, prepared))
    senses = [sense for pairs in found.values() for _, sense in pairs]
    visible = VisibleSenses(prepared, visibility)
    await visible.ask(senses)
    return {option_id: [kind for kind, sense in pairs if visible.shows(sense)] for option_id, pairs in found.items()}


def _senses(option_id: str, prepared: PreparedCatalog) -> Iterator[tuple[ConceptKind, Sense]]:
    for kind in TEACHABLE:
        meaning = meaning_of(kind, option_id, prepared, "")
        if meaning is not None:
            yield kind, meaning.sense
