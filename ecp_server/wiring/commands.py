"""`ecp-server migrate`: what prepares the stores of a server."""

from __future__ import annotations

import asyncio
from typing import Final

import click

from ecp_server.domain.errors import StoreError
from ecp_server.settings import Settings, SettingsError
from ecp_server.wiring.postgresql import schemas

_MIGRATE_SECONDS: Final = 600.0
"""For one statement: a change of a large table takes its time."""


@click.command()
@click.option("--dry-run", is_flag=True, help="Only tell what would be applied.")
def migrate(*, dry_run: bool) -> None:
    """Make or update the schemas of the stores that are in PostgreSQL; servers may go on running.

    Uses the URLs that the server uses (ECP_STATE_URL and others), whose user must be allowed to create schemas.

    Exit codes: 0 every schema is up to date, 1 one could not be made so, 2 a bad setting.
    """
    try:
        asyncio.run(_migrate(Settings.load(), dry_run=dry_run))
    except SettingsError as error:
        raise click.UsageError(str(error)) from None


async def _migrate(settings: Settings, *, dry_run: bool) -> None:
    found = list(schemas(settings))
    if not found:
        click.echo("no store is in PostgreSQL: nothing to do")
        return
    # Heavy, and for this command alone.
    from psycopg import Error  # noqa: PLC0415

    from ecp_server.stores.postgresql.migrations import NewerSchema, migrated  # noqa: PLC0415
    from ecp_server.stores.postgresql.pool import Database  # noqa: PLC0415

    for store, endpoint, schema in found:
        name = store.name.lower()
        database = Database(endpoint, store, size=1, timeout_seconds=_MIGRATE_SECONDS, read_only=False)
        try:
            applied = await migrated(database, schema, dry_run=dry_run)
        except NewerSchema:
            raise click.ClickException(f"{name}: a newer release has changed the schema; use that one") from None
        except StoreError as error:
            raise click.ClickException(error.message) from None
        except Error as error:
            raise click.ClickException(f"{name}: {error.diag.message_primary or type(error).__name__}") from None
        for migration in applied:
            click.echo(f"{name}: {'would apply' if dry_run else 'applied'} {migration.number:04}_{migration.name}")
        if not applied:
            click.echo(f"{name}: up to date")
