"""One run of the command: whom it asks, in whose name, and where it prints."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from typing import Any, TypeVar

import click
from google.protobuf.message import Message
from rich.console import Console, RenderableType

from ecp_client import Client, EcpError
from ecp_client.cli.failures import exit_code, explained, json_of
from ecp_client.cli.safe import as_json

TARGET = "127.0.0.1:50051"
TIMEOUT_SECONDS = 10.0
PIPE_WIDTH = 120
"""Columns where the output is no terminal."""

F = TypeVar("F", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Caller:
    """What a command needs to ask and to tell."""

    client: Client
    target: str
    json: bool
    console: Console
    errors: Console

    @property
    def interactive(self) -> bool:
        """Whether somebody is there who can be asked."""
        return self.console.is_terminal and sys.stdin.isatty() and not self.json

    def tell(self, message: Message | dict[str, Any], shown: RenderableType) -> None:
        """Print a response: as JSON where that is asked for, else as it is ``shown``."""
        if self.json:
            click.echo(as_json(message))
        elif self.console.is_terminal:
            self.console.print(shown, crop=False)  # lines that figures make too long are the terminal's to break
        else:
            with self.console.capture() as printed:
                self.console.print(shown, crop=False)
            click.echo("\n".join(line.rstrip() for line in printed.get().splitlines()))


@contextmanager
def calling(
    target: str,
    *,
    tls: bool,
    timeout: float,
    json_output: bool,
    user: str = "",
    department: str = "",
    role: tuple[str, ...] = (),
) -> Iterator[Caller]:
    """Connect, and turn what goes wrong into a word on what to do and an exit code."""
    console, errors = _console(), _console(stderr=True)
    with Client.connect(
        target, insecure=not tls, timeout_seconds=timeout, user_id=user, department=department, roles=role
    ) as client:
        try:
            yield Caller(client, target, json_output, console, errors)
        except EcpError as error:
            if json_output:
                click.echo(as_json(json_of(error)))
            else:
                errors.print(explained(error, target))
            raise click.exceptions.Exit(exit_code(error)) from None
        except ValueError as mistake:  # the client's word for what it cannot send
            raise click.UsageError(str(mistake)) from None


def _console(*, stderr: bool = False) -> Console:
    console = Console(stderr=stderr, markup=False, emoji=False, highlight=False)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    return console


def _named(_context: click.Context, _option: click.Parameter, target: str) -> str:
    """Refuse a server without a name, such as that of an unset variable."""
    if not target.strip():
        raise click.BadParameter("it is blank, and should be HOST:PORT")
    return target


def of_server(command: F) -> F:
    """Give a command the options that say whom it asks, and pass on a `Caller` as ``at``."""

    @click.option(
        "--target", envvar="ECP_TARGET", default=TARGET, callback=_named, show_default=True, show_envvar=True,
        help="HOST:PORT to ask.",
    )  # fmt: skip
    @click.option("--tls", is_flag=True, help="Encrypt, and check the server's certificate.")
    @click.option(
        "--timeout", type=click.FloatRange(min=0, min_open=True), default=TIMEOUT_SECONDS, show_default=True,
        help="Seconds to wait, retries included.",
    )  # fmt: skip
    @click.option("--json", "json_output", is_flag=True, help="Print the response as JSON, for scripts.")
    @wraps(command)
    def connected(
        *args: Any,
        target: str,
        tls: bool,
        timeout: float,
        json_output: bool,
        user: str = "",
        department: str = "",
        role: tuple[str, ...] = (),
        **kwargs: Any,
    ) -> None:
        with calling(
            target,
            tls=tls,
            timeout=timeout,
            json_output=json_output,
            user=user,
            department=department,
            role=role,
        ) as at:
            command(at, *args, **kwargs)

    return connected  # type: ignore[return-value]  # click reads its options, not its signature


def in_a_name(command: F) -> F:
    """Give a command the options that say who asks."""
    for option in (
        click.option("--role", multiple=True, help="What policies judge by, e.g. analyst. May be given several times."),
        click.option("--department", "-d", default="", help="Whose definitions apply, e.g. finance."),
        click.option("--user", "-u", default="", help="Who asks: a user id."),
    ):
        command = option(command)
    return command
