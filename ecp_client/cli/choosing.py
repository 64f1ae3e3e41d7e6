"""Asks a person what the server cannot decide, until the question is settled."""

from collections.abc import Callable, Mapping

import click

from ecp_client import Ambiguity, Resolution, ResolutionStatus
from ecp_client.cli.calling import Caller
from ecp_client.cli.exits import ExitCode
from ecp_client.cli.show_resolution import to_choose

GIVE_UP = "q"

Resume = Callable[[Mapping[str, str], str], Resolution]
"""Asks again with these choices, resuming the resolution of that id."""


def settled(answer: Resolution, at: Caller, resume: Resume) -> Resolution:
    """Return the answer after everything that it asks has been chosen.

    Raises `click.exceptions.Exit` where the person gives up.
    """
    while answer.status is ResolutionStatus.DISAMBIGUATION_REQUIRED and answer.ambiguities:
        choices = {question.id: _choice(question, at) for question in answer.ambiguities}
        answer = resume(choices, answer.resolution_id)
    return answer


def _choice(question: Ambiguity, at: Caller) -> str:
    at.console.print(to_choose(question))
    numbers = [str(number) for number in range(1, len(question.options) + 1)]
    try:
        picked = click.prompt(
            f"Which one, or {GIVE_UP} to give up", type=click.Choice([*numbers, GIVE_UP]), show_choices=False
        )
    except click.Abort:  # Ctrl-C, or the end of the input
        picked = GIVE_UP
    at.console.print()
    if picked == GIVE_UP:
        raise click.exceptions.Exit(ExitCode.CHOICE)
    return question.options[int(picked) - 1].id
