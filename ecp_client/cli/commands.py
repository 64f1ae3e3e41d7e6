"""The commands of `ecp`; docs/command.md says how they are used."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date, datetime
from itertools import islice

import click

from ecp_client import HealthStatus, ProvenanceView, Resolution, ResolutionStatus
from ecp_client.cli import show_catalog, show_resolution
from ecp_client.cli.calling import Caller, in_a_name, of_server
from ecp_client.cli.choosing import settled
from ecp_client.cli.exits import ExitCode

_EPILOG = "Exit codes: " + ", ".join(
    f"{code.value} {said}"
    for code, said in {
        ExitCode.OK: "answered",
        ExitCode.FAILED: "failed",
        ExitCode.USAGE: "a wrong option",
        ExitCode.CHOICE: "needs a choice",
        ExitCode.NOT_FOUND: "not found",
        ExitCode.DOES_NOT_FIT: "does not fit together, or expired",
        ExitCode.DENIED: "denied",
        ExitCode.UNREACHABLE: "no server, or not now",
    }.items()
)


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


def _choices(_context: click.Context, _option: click.Parameter, texts: tuple[str, ...]) -> dict[str, str]:
    """Read what is chosen: subjects and their options."""
    choices = {}
    for text in texts:
        subject, equals, option = text.partition("=")
        if not (subject and equals and option):
            raise click.BadParameter(f"{text!r} is not of the form SUBJECT=OPTION, e.g. calendar=gregorian")
        choices[subject] = option
    return choices


@click.group(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="enterprise-context-platform")
def ecp() -> None:
    """Ask what a business question means, before touching the data."""


@ecp.command()
@click.argument("question", nargs=-1, required=True)
@in_a_name
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
@click.option("--steps", is_flag=True, help="Show how the answer was found.")
@of_server
def resolve(
    at: Caller,
    question: tuple[str, ...],
    as_of: date | None,
    time_zone: str,
    context: str,
    choose: dict[str, str],
    resume: str,
    *,
    no_input: bool,
    steps: bool,
) -> None:
    """Tell what QUESTION means, and what to run for it.

    In a terminal an ambiguous question is asked back.
    """
    concept = " ".join(question)

    def ask(choices: Mapping[str, str], resumed: str) -> Resolution:
        return at.client.resolve(
            concept,
            as_of=None if resumed else as_of,
            time_zone=time_zone,
            choices=choices,
            resume=resumed,
            definition_context=context,
            provenance=ProvenanceView.FULL if at.json else ProvenanceView.BASIC,
        )

    answer = ask(choose, resume)
    if at.interactive and not no_input:
        answer = settled(answer, at, ask)
    at.tell(answer.proto, show_resolution.resolution(answer, steps=steps))
    if answer.status is ResolutionStatus.DISAMBIGUATION_REQUIRED:
        raise click.exceptions.Exit(ExitCode.CHOICE)


@ecp.command()
@click.argument("words", nargs=-1, required=True)
@in_a_name
@click.option("--domain", default="", help="Only this domain.")
@click.option("--limit", type=click.IntRange(1, 100), default=10, show_default=True, help="At most this many.")
@of_server
def glossary(at: Caller, words: tuple[str, ...], domain: str, limit: int) -> None:
    """Find terms and metrics by WORDS, by their meaning and spelling."""
    page = at.client.search_glossary(" ".join(words), domain=domain, page_size=limit)
    at.tell(page.proto, show_catalog.glossary(page.terms))


@ecp.command()
@click.argument("words", nargs=-1)
@in_a_name
@click.option("--domain", default="", help="Only this domain.")
@click.option("--dimension", default="", help="Only metrics that can be sliced by it.")
@click.option(
    "--tier", type=click.IntRange(1, 4), default=4, show_default=True, help="Only this tier or a stricter one."
)
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="At most this many.")
@of_server
def metrics(at: Caller, words: tuple[str, ...], domain: str, dimension: str, tier: int, limit: int) -> None:
    """List the metrics that one may see, or those with these WORDS in name or definition."""
    found = at.client.list_metrics(
        " ".join(words), domain=domain, dimension=dimension, max_certification_tier=tier, page_size=min(limit + 1, 1000)
    )
    listed = list(islice(found, limit + 1))
    more = "There are more: --limit N shows them." if len(listed) > limit else ""
    shown = listed[:limit]
    at.tell({"metrics": [asdict(metric) for metric in shown]}, show_catalog.metrics(shown, more))


@ecp.command()
@click.argument("node")
@in_a_name
@click.option("--downstream", is_flag=True, help="What is made of it, instead of what it is made of.")
@click.option("--depth", type=click.IntRange(1, 20), default=3, show_default=True, help="Hops to walk.")
@of_server
def lineage(at: Caller, node: str, depth: int, *, downstream: bool) -> None:
    """Show where NODE comes from, as a tree: a metric's id, a column, table:NAME or system:NAME."""
    found = at.client.get_lineage(node, depth=depth, downstream=downstream)
    at.tell(found.proto, show_catalog.lineage(found.lineage, downstream=downstream))


@ecp.command()
@click.argument("resolution_id", metavar="ID")
@in_a_name
@of_server
def show(at: Caller, resolution_id: str) -> None:
    """Show a recorded resolution again, with how it was found. The user must be the one who asked."""
    found = at.client.get_resolution(resolution_id, provenance=ProvenanceView.FULL if at.json else ProvenanceView.BASIC)
    at.tell(found.proto, show_resolution.record(found))


@ecp.command()
@of_server
def health(at: Caller) -> None:
    """Tell how the server and its stores fare; exit code 1 where it is unhealthy."""
    state = at.client.health()
    at.tell(state.proto, show_catalog.health(state, at.target))
    if state.status is HealthStatus.UNHEALTHY:
        raise click.exceptions.Exit(ExitCode.FAILED)
