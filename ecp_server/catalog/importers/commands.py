"""`ecp-server catalog import …`: catalogs from what a company already has."""

from __future__ import annotations

import os
from pathlib import Path

import click

from ecp_server.catalog.importers.dbt.carried import Defaults
from ecp_server.catalog.importers.dbt.convert import MANIFEST, REPORT, Imported, convert
from ecp_server.catalog.importers.dbt.data import MOST_MEMBERS
from ecp_server.catalog.importers.output import ForeignFile, Written, stands_foreign, write_files
from ecp_server.catalog.importers.report import ImportFailed

DATA = "data"
"""Where a catalog's tables are, unless a setting says otherwise."""

_MOST_MEMBERS = 10_000


@click.group("import")
def import_() -> None:
    """Write catalog files from what a company already has."""


@import_.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--output",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="The catalog's folder; files in it that no import wrote stay as they are.",
)
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the models' tables (CSV, Parquet, DuckDB), so that figures can be computed without a warehouse.",
)
@click.option("--domain", default="", help="Domain of metrics whose group the project does not say.")
@click.option("--tier", default=4, show_default=True, type=click.IntRange(1, 4), help="Certification tier of metrics.")
@click.option(
    "--default-period", "period", default="", help='Period of questions that name none, e.g. "last 12 months".'
)
@click.option("--owner", default="", help="Owner of metrics whose owner the project does not say.")
@click.option(
    "--members",
    "most_members",
    default=MOST_MEMBERS,
    show_default=True,
    type=click.IntRange(0, _MOST_MEMBERS),
    help="Values of a dimension, in the data, that become members at most; 0: none, and no value stands in a file.",
)
def dbt(
    path: Path, output: Path, data: Path | None, domain: str, tier: int, owner: str, period: str, most_members: int
) -> None:
    """Import the semantic models and metrics of the dbt project at PATH: a folder, a YAML file or a manifest.

    Exit codes: 0 imported (what could not be carried over is told, and stands in import-report.txt), 1 what was given
    cannot be read, or somebody else's file stands in the way: nothing was written then, 2 a bad argument.
    """
    try:
        imported = convert(path, Defaults(domain, tier, owner, period), data, most_members=most_members, without=output)
        if not imported.metrics:
            raise click.ClickException(f"no metric was found in {path}, or none can be carried over{_told(imported)}")
        link = _link(output, data)
        written = _write(output, imported)
        if link is not None:
            (output / DATA).symlink_to(link, target_is_directory=True)
    except ImportFailed as failed:
        for problem in failed.problems:
            click.echo(str(problem))
        raise click.ClickException(f"{_count(len(failed.problems), 'problem')}; nothing was written") from None
    except (ForeignFile, OSError) as error:
        raise click.ClickException(f"{error}; nothing was written") from None
    _tell(imported, written)


def _write(output: Path, imported: Imported) -> Written:
    files = dict(imported.files)
    if stands_foreign(output, MANIFEST, "dbt"):
        del files[MANIFEST]  # the catalog has a manifest of its own
    return write_files(output, files, kind="dbt", instead="change the dbt project, not this file")


def _link(output: Path, data: Path | None) -> Path | None:
    """Return what `data` in the catalog has to lead to; None where it does. Raises `ForeignFile`."""
    if data is None:
        return None
    place = output / DATA
    if place.exists() and place.resolve() == data.resolve():
        return None
    if place.exists() or place.is_symlink():
        raise ForeignFile(f"{DATA} is there already, and is not {data}")
    return Path(os.path.relpath(data.resolve(), output.resolve()))


def _tell(imported: Imported, written: Written) -> None:
    click.echo(
        f"{_count(imported.metrics, 'metric')}, {_count(imported.dimensions, 'dimension')}, "
        f"{_count(imported.members, 'member')}, {_count(imported.cubes, 'cube')}; "
        f"{_count(len(written.changed), 'file')} written, {len(written.unchanged)} unchanged, "
        f"{len(written.removed)} removed"
    )
    if imported.not_carried:
        click.echo(f"{len(imported.not_carried)} not carried over ({REPORT}):{_told(imported)}")


def _told(imported: Imported) -> str:
    return "".join(f"\n  {line}" for line in imported.not_carried)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
