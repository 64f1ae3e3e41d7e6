"""`ecp-server catalog schema`, `reference`: what the authors of catalogs read."""

from __future__ import annotations

import click

from ecp_server.catalog.reference import reference as reference_page
from ecp_server.catalog.schema import schema_text


@click.command()
def schema() -> None:
    """Print the JSON Schema of catalog documents, for editors."""
    click.echo(schema_text(), nl=False)


@click.command()
def reference() -> None:
    """Print docs/catalog-reference.md: every kind of document and its keys."""
    click.echo(reference_page(), nl=False)
