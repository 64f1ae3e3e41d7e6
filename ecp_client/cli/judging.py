"""A judgement on the command line: what is right, in which words."""

import click

from ecp_client import Choice, ConceptKind, FeedbackVerdict

_KINDS = {kind.value: kind for kind in ConceptKind if kind is not ConceptKind.UNSPECIFIED}


def corrections_of_words(
    _context: click.Context, _option: click.Parameter, texts: tuple[str, ...]
) -> tuple[Choice, ...]:
    """Read what words of the question mean."""
    return tuple(_of_words(text) for text in texts)


def corrections_of_subjects(
    _context: click.Context, _option: click.Parameter, texts: tuple[str, ...]
) -> tuple[Choice, ...]:
    """Read what is right of ambiguities and assumptions."""
    found = []
    for text in texts:
        subject, equals, option = text.partition("=")
        if not (subject and equals and option):
            raise click.BadParameter(f"{text!r} is not of the form SUBJECT=OPTION, e.g. revenue=net_revenue")
        found.append(Choice(subject_id=subject, option_id=option))
    return tuple(found)


def verdict_of(*, accept: bool, reject: bool, corrected: bool) -> FeedbackVerdict:
    """Return the one verdict that the options say. Raises `click.UsageError` where they say none, or several."""
    said = [accept, reject, corrected]
    if sum(said) != 1:
        raise click.UsageError("say one of --accept, --reject, and what is right: --correct or --choose")
    verdicts = (FeedbackVerdict.ACCEPTED, FeedbackVerdict.REJECTED, FeedbackVerdict.CORRECTED)
    return verdicts[said.index(True)]


def _of_words(text: str) -> Choice:
    words, equals, meaning = text.rpartition("=")
    if not (words.strip() and equals and meaning):
        raise click.BadParameter(f'{text!r} is not of the form WORDS=OPTION, e.g. "takings=net_revenue"')
    kind, colon, option = meaning.partition(":")
    if colon and option and kind in _KINDS:
        return Choice(mention=words, option_id=option, kind=_KINDS[kind])
    return Choice(mention=words, option_id=meaning)
