"""`ecp-server catalog …`: what the authors of catalogs need."""

from __future__ import annotations

from pathlib import Path

import click

from ecp_server.catalog.advice import advice
from ecp_server.catalog.errors import CatalogInvalid
from ecp_server.catalog.load import load_catalog
from ecp_server.catalog.reference import reference as reference_page
from ecp_server.catalog.schema import schema_text
from ecp_server.domain.catalog import Catalog


@click.command()
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
def check(directory: Path) -> None:
    """Tell everything that is wrong with the catalog in DIRECTORY, as FILE:LINE: ASSET: MESSAGE.

    Warnings tell of what is allowed but leads to questions being asked back.

    Exit codes: 0 the catalog can be served, 1 it cannot, 2 there is no such directory.
    """
    try:
        loaded = load_catalog(directory)
    except CatalogInvalid as invalid:
        for error in invalid.errors:
            click.echo(error)
        click.echo(_count(len(invalid.errors), "error"))
        raise click.exceptions.Exit(1) from None
    warnings = list(advice(loaded))
    for warning in warnings:
        click.echo(f"warning: {warning}")
    click.echo(f"{_summary(loaded)}; {_count(len(warnings), 'warning')}; version {loaded.version}")


@click.command()
def schema() -> None:
    """Print the JSON Schema of catalog documents, for editors."""
    click.echo(schema_text(), nl=False)


@click.command()
def reference() -> None:
    """Print docs/catalog-reference.md: every kind of document and its keys."""
    click.echo(reference_page(), nl=False)


def _summary(loaded: Catalog) -> str:
    kinds = {
        "metric": loaded.metrics,
        "term": loaded.terms,
        "dimension": loaded.dimensions,
        "member": loaded.members,
        "known issue": loaded.known_issues,
    }
    return ", ".join(_count(len(assets), kind) for kind, assets in kinds.items())


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
