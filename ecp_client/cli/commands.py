"""The commands of `ecp`; docs/command.md says how they are used."""

from dataclasses import asdict
from datetime import timedelta
from itertools import islice

import click

from ecp_client import Choice, HealthStatus, ProvenanceView, ResolutionStatus
from ecp_client.cli import show_catalog, show_figures, show_resolution
from ecp_client.cli.calling import Caller, in_a_name, of_server
from ecp_client.cli.exits import ExitCode
from ecp_client.cli.judging import corrections_of_subjects, corrections_of_words, verdict_of
from ecp_client.cli.questions import Question, of_question
from ecp_client.cli.safe import as_dict

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


def _filters(_context: click.Context, _option: click.Parameter, texts: tuple[str, ...]) -> dict[str, list[str]]:
    """Read what the figures are narrowed to: dimensions and their members."""
    filters: dict[str, list[str]] = {}
    for text in texts:
        dimension, equals, member = text.partition("=")
        if not (dimension and equals and member):
            raise click.BadParameter(f"{text!r} is not of the form DIMENSION=MEMBER, e.g. region=region.japan")
        filters.setdefault(dimension, []).append(member)
    return filters


def _age(_context: click.Context, _option: click.Parameter, minutes: float | None) -> timedelta | None:
    """Read how old a figure may be."""
    try:
        return None if minutes is None else timedelta(minutes=minutes)
    except (ValueError, OverflowError):  # nan, and what is beyond 2 million years
        raise click.BadParameter(f"{minutes} is no number of minutes") from None


@click.group(epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="enterprise-context-platform")
def ecp() -> None:
    """Ask business questions: what they mean, and the figures."""


@ecp.command()
@in_a_name
@click.option(
    "--filter",
    "filters",
    callback=_filters,
    multiple=True,
    metavar="DIMENSION=MEMBER",
    help="Narrow the figures, e.g. region=region.japan. May be given several times.",
)
@click.option("--limit", type=click.IntRange(1, 10_000), default=1000, show_default=True, help="Rows at most.")
@click.option(
    "--max-age", type=click.FloatRange(min=0), callback=_age, metavar="MINUTES",
    help="While the semantic layer is down: how old a figure may be. By default only fresh ones are given.",
)  # fmt: skip
@click.option("--csv", "as_csv", is_flag=True, help="Print the table alone, as CSV, with exact values.")
@click.option("--steps", is_flag=True, help="Show how the answer was found.")
@of_server
@of_question
def ask(
    at: Caller,
    question: Question,
    filters: dict[str, list[str]],
    limit: int,
    max_age: timedelta | None,
    *,
    as_csv: bool,
    steps: bool,
) -> None:
    """Answer QUESTION with figures, computed by the server, with what they mean and what to beware of.

    In a terminal an ambiguous question is asked back.
    """
    found = question.resolved(at)
    if found.status is ResolutionStatus.DISAMBIGUATION_REQUIRED or found.plan is None:
        shown = show_resolution.resolution(found)
        if as_csv and not at.json:  # whoever reads the table must not take this for one
            at.errors.print(shown)
        else:
            at.tell({"resolution": as_dict(found.proto)} if at.json else found.proto, shown)
        if found.status is ResolutionStatus.DISAMBIGUATION_REQUIRED:
            raise click.exceptions.Exit(ExitCode.CHOICE)
        return
    ran = at.client.execute(
        found.resolution_id,
        filters=filters,
        row_limit=limit,
        max_staleness=max_age,
        provenance=ProvenanceView.FULL if at.json else ProvenanceView.BASIC,
    )
    if as_csv and not at.json:
        click.echo(show_figures.csv_of(ran.table), nl=False)
        return
    both = {"resolution": as_dict(found.proto), "execution": as_dict(ran.proto)} if at.json else {}
    at.tell(both, show_figures.answer(found, ran, filters=filters, steps=steps))


@ecp.command()
@in_a_name
@click.option("--steps", is_flag=True, help="Show how the answer was found.")
@of_server
@of_question
def resolve(at: Caller, question: Question, *, steps: bool) -> None:
    """Tell what QUESTION means, and what to run for it.

    In a terminal an ambiguous question is asked back.
    """
    answer = question.resolved(at)
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
@click.argument("resolution_id", metavar="ID")
@click.option("--accept", is_flag=True, help="It was right.")
@click.option("--reject", is_flag=True, help="It was wrong.")
@click.option(
    "--correct",
    callback=corrections_of_words,
    multiple=True,
    metavar="WORDS=OPTION",
    help="These words of the question mean this, e.g. takings=net_revenue, or metric:net_revenue where an id is of "
    "several kinds. May be given several times.",
)
@click.option(
    "--choose",
    callback=corrections_of_subjects,
    multiple=True,
    metavar="SUBJECT=OPTION",
    help="This option of an ambiguity or assumption is right. May be given several times.",
)
@click.option("--comment", default="", help="A word for people, at most 2000 characters.")
@click.option("--key", default="", metavar="UUID", help="The same one twice records once. By default a new one.")
@in_a_name
@of_server
def feedback(
    at: Caller,
    resolution_id: str,
    correct: tuple[Choice, ...],
    choose: tuple[Choice, ...],
    comment: str,
    key: str,
    *,
    accept: bool,
    reject: bool,
) -> None:
    """Say whether the answer with this ID was right, and if not, what is.

    A correction teaches the department of whoever asked, who must be the user.
    """
    corrections = (*correct, *choose)
    verdict = verdict_of(accept=accept, reject=reject, corrected=bool(corrections))
    receipt = at.client.report_feedback(
        resolution_id, verdict, corrections=corrections, comment=comment, idempotency_key=key
    )
    at.tell(receipt.proto, show_resolution.judgement(receipt.feedback))


@ecp.command()
@of_server
def health(at: Caller) -> None:
    """Tell how the server and its stores fare; exit code 1 where it is unhealthy."""
    state = at.client.health()
    at.tell(state.proto, show_catalog.health(state, at.target))
    if state.status is HealthStatus.UNHEALTHY:
        raise click.exceptions.Exit(ExitCode.FAILED)
