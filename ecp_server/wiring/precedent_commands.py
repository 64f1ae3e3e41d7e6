"""`ecp-server precedents list`, `revoke`."""

from __future__ import annotations

import asyncio
import getpass
import json
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, Final

import click

from ecp_server.domain.errors import StoreError
from ecp_server.domain.records import Precedent
from ecp_server.domain.text import fold
from ecp_server.feedback.revoke import revoke_precedents
from ecp_server.settings import Settings, SettingsError
from ecp_server.stores.ports import State
from ecp_server.wiring.postgresql import endpoint_of
from ecp_server.wiring.state import state_file, state_store

MAX_REASON: Final = 2000
_HEADINGS: Final = ("ID", "DEPARTMENT", "WORDS", "MEAN", "REPORTED BY", "ON", "REVOKED")


@click.command("list")
@click.option("--department", "-d", help="Only this one's.")
@click.option("--revoked", is_flag=True, help="Also those that are revoked, with who did it and why.")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 100_000), help="How many at most.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
def list_(*, department: str | None, revoked: bool, limit: int, as_json: bool) -> None:
    """List what corrections have taught departments, the newest first.

    Reads the state that the server uses (ECP_STATE_URL).

    Exit codes: 0 listed, 1 the store failed, 2 a bad setting.
    """
    _run(lambda state: _list(state, department, revoked=revoked, limit=limit, as_json=as_json))


@click.command()
@click.argument("ids", metavar="ID...", nargs=-1, required=True)
@click.option("--reason", required=True, help="Why; it is kept.")
@click.option("--by", "revoker", help="Who revokes; it is kept. By default the name of the user who runs this.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for scripts.")
def revoke(ids: tuple[str, ...], *, reason: str, revoker: str | None, as_json: bool) -> None:
    """Revoke the precedents with these IDs: servers do not go by them any more, ten seconds later at most.

    They stay listed, with who revoked them and why. One that is revoked already stays as it is.

    Exit codes: 0 all of them are revoked, 1 one is unknown or the store failed, 2 a bad setting or option.
    """
    if not reason.strip() or len(reason) > MAX_REASON:
        raise click.UsageError(f"--reason must have 1 to {MAX_REASON} characters")
    who = revoker if revoker is not None else _user()
    if not who.strip():
        raise click.UsageError("--by must say who revokes")
    _run(lambda state: _revoke(state, ids, who, reason, as_json=as_json))


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # no such name, as in some containers
        return ""


def _run(command: Callable[[State], Coroutine[Any, Any, None]]) -> None:
    try:
        asyncio.run(_with_state(Settings.load(), command))
    except SettingsError as error:
        raise click.UsageError(str(error)) from None
    except StoreError as error:
        raise click.ClickException(error.message) from None


async def _with_state(settings: Settings, command: Callable[[State], Coroutine[Any, Any, None]]) -> None:
    async with _opened(settings) as state:
        await command(state)


@asynccontextmanager
async def _opened(settings: Settings) -> AsyncIterator[State]:
    if endpoint_of(settings.state_url, settings.state_password_file) is None:
        path = state_file(settings)
        if not await asyncio.to_thread(path.exists):
            raise click.ClickException(f"no server has kept anything in {path} yet (ECP_STATE_URL)")
    state = state_store(settings)
    try:
        yield state
    finally:
        await state.close()


async def _list(state: State, department: str | None, *, revoked: bool, limit: int, as_json: bool) -> None:
    departments = None if department is None else sorted({department, fold(department)})
    found = await state.precedents(departments=departments, revoked=revoked, limit=limit + 1)
    listed = found[:limit]
    if as_json:
        click.echo(_json({"precedents": [_document(one) for one in listed], "more": len(found) > limit}))
        return
    _show(listed, revoked=revoked)
    if len(found) > limit:
        click.echo("There are more: --limit N shows them.", err=True)


async def _revoke(state: State, ids: Sequence[str], revoker: str, reason: str, *, as_json: bool) -> None:
    found = await revoke_precedents(state, ids, revoker=revoker, reason=reason)
    if as_json:
        click.echo(_json({"precedents": [_document(one) for one in found.precedents], "unknown": list(found.unknown)}))
    else:
        for one in found.precedents:
            told = "was revoked before" if one.record.id in found.before else "revoked"
            click.echo(f"{one.record.id}  {told}  “{_safe(one.record.mention)}” in {_safe(one.record.department)}")
    if found.unknown:
        raise click.ClickException(f"no such precedent: {', '.join(map(_safe, found.unknown))}")


def _show(found: Sequence[Precedent], *, revoked: bool) -> None:
    if not found:
        click.echo("no precedents")
        return
    columns = len(_HEADINGS) if revoked else len(_HEADINGS) - 1
    rows = [_HEADINGS[:columns], *[_row(one)[:columns] for one in found]]
    widths = [max(len(row[column]) for row in rows) for column in range(columns)]
    for row in rows:
        click.echo("  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip())


def _row(one: Precedent) -> tuple[str, ...]:
    record, revocation = one.record, one.revocation
    ended = ""
    if revocation is not None:
        ended = f"{_moment(revocation.create_time)} by {_safe(revocation.revoker)}: {_safe(revocation.reason)}"
    return (
        record.id,
        _safe(record.department),
        _safe(record.mention),
        f"{record.kind.name.lower()} {_safe(record.option_id)}",
        _safe(record.reporter) or "-",
        _moment(record.create_time),
        ended,
    )


def _document(one: Precedent) -> dict[str, Any]:
    record, revocation = one.record, one.revocation
    ended = revocation and {
        "by": revocation.revoker,
        "reason": revocation.reason,
        "time": revocation.create_time.isoformat(),
    }
    return {
        "id": record.id,
        "department": record.department,
        "mention": record.mention,
        "words": record.words,
        "kind": record.kind.name,
        "option_id": record.option_id,
        "resolution_id": record.resolution_id,
        "reported_by": record.reporter,
        "create_time": record.create_time.isoformat(),
        "revocation": ended,
    }


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2)  # with escapes: a terminal obeys some characters


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC")


def _safe(text: str) -> str:
    """Return what somebody wrote so that no terminal obeys it, in one line."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)
