"""`ecp-server catalog check`: everything that is wrong with a catalog, its policies included."""

from __future__ import annotations

import asyncio
from pathlib import Path

import click

from ecp_server.catalog.advice import advice
from ecp_server.catalog.errors import CatalogInvalid
from ecp_server.catalog.load import load_catalog
from ecp_server.domain.catalog import Catalog
from ecp_server.settings import Settings, SettingsError
from ecp_server.wiring.policy import try_policies


@click.command()
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
def check(directory: Path) -> None:
    """Tell everything that is wrong with the catalog in DIRECTORY, as FILE:LINE: ASSET: MESSAGE.

    Warnings tell of what is allowed but leads to questions being asked back. Policies are compiled and tried too,
    unless they are for OPA (ECP_POLICY_URL), which tries them itself.

    Exit codes: 0 the catalog can be served, 1 it cannot, 2 a bad setting or no such directory.
    """
    try:
        settings = Settings.load()
    except SettingsError as error:
        raise click.UsageError(str(error)) from None
    try:
        loaded = load_catalog(directory)
        asyncio.run(try_policies(settings, loaded))
    except CatalogInvalid as invalid:
        for fault in invalid.errors:
            click.echo(fault)
        click.echo(_count(len(invalid.errors), "error"))
        raise click.exceptions.Exit(1) from None
    warnings = list(advice(loaded))
    for warning in warnings:
        click.echo(f"warning: {warning}")
    click.echo(f"{_summary(loaded)}; {_count(len(warnings), 'warning')}; version {loaded.version}")


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
