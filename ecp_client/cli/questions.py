"""A question on the command line: the options that say how it is meant, and asking it until it is settled."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import wraps
from typing import Any, TypeVar

import click

from ecp_client import ProvenanceView, Resolution
from ecp_client.cli.calling import Caller
from ecp_client.cli.choosing import settled

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and how it is meant."""

    concept: str
    as_of: date | None
    time_zone: str
    context: str
    choices: Mapping[str, str]
    resume: str
    ask_back: bool

    def resolved(self, at: Caller) -> Resolution:
        """Return what it means, after whatever it leaves open has been asked back."""

        def ask(choices: Mapping[str, str], resumed: str) -> Resolution:
            return at.client.resolve(
                self.concept,
                as_of=None if resumed else self.as_of,
                time_zone=self.time_zone,
                choices=choices,
                resume=resumed,
                definition_context=self.context,
                provenance=ProvenanceView.FULL if at.json else ProvenanceView.BASIC,
            )

        answer = ask(self.choices, self.resume)
        return settled(answer, at, ask) if at.interactive and self.ask_back else answer


def of_question(command: F) -> F:
    """Give a command the question and its options, and pass them on as a `Question`."""

    @click.argument("question", nargs=-1, required=True)
    @click.option("--as-of", callback=_moment, metavar="DATE", help="The day that “last quarter” is seen from.")
    @click.option("--time-zone", default="", help="IANA zone whose day it is; by default the catalog's.")
    @click.option("--context", default="", help="Whose definitions apply, where not the department's.")
    @click.option(
        "--choose",
        callback=_choices,
        multiple=True,
        metavar="SUBJECT=OPTION",
        help="Settle an ambiguity, or change what was taken for granted.",
    )
    @click.option("--resume", default="", metavar="ID", help="The resolution that the choices answer: its clock holds.")
    @click.option("--no-input", is_flag=True, help="Never ask back; exit code 3 where a choice is needed.")
    @wraps(command)
    def questioned(
        at: Caller,
        *args: Any,
        question: tuple[str, ...],
        as_of: date | None,
        time_zone: str,
        context: str,
        choose: dict[str, str],
        resume: str,
        no_input: bool,
        **kwargs: Any,
    ) -> None:
        asked = Question(" ".join(question), as_of, time_zone, context, choose, resume, not no_input)
        command(at, asked, *args, **kwargs)

    return questioned  # type: ignore[return-value]  # click reads its options, not its signature


def _choices(_context: click.Context, _option: click.Parameter, texts: tuple[str, ...]) -> dict[str, str]:
    """Read what is chosen: subjects and their options."""
    choices = {}
    for text in texts:
        subject, equals, option = text.partition("=")
        if not (subject and equals and option):
            raise click.BadParameter(f"{text!r} is not of the form SUBJECT=OPTION, e.g. calendar=gregorian")
        choices[subject] = option
    return choices


def _moment(_context: click.Context, _option: click.Parameter, text: str | None) -> date | None:
    """Read a day, or a moment with its zone, in ISO 8601."""
    if text is None:
        return None
    for read in (date.fromisoformat, datetime.fromisoformat):
        try:
            moment = read(text)
        except ValueError:
            continue
        if isinstance(moment, datetime) and moment.utcoffset() is None:
            raise click.BadParameter(f"{text!r} has no zone: 2025-01-15T12:00:00+01:00, or the day alone")
        return moment
    raise click.BadParameter(f"{text!r} is no day such as 2025-01-15, nor a moment such as 2025-01-15T12:00:00+01:00")
