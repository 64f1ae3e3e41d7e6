"""The commands of `ecp-server`."""

from __future__ import annotations

import gc
import importlib
import math
import os
import sys
from collections.abc import Mapping
from importlib.metadata import version
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Final

import click
from typing_extensions import override

from ecp_server import settings as setting
from ecp_server import threads
from ecp_server.settings import DAY_SECONDS, Settings, SettingsError

_DISTRIBUTION: Final = "enterprise-context-platform"
_SEED: Final = 2
"""Of rewordings; no factor of weighing was fitted to those of this one (scripts/calibrate.py)."""


class _Commands(click.Group):
    """A group some of whose commands live with what they work on, imported only when they are asked for."""

    def __init__(self, *arguments: Any, elsewhere: Mapping[str, str] | None = None, **options: Any) -> None:
        """``elsewhere`` are those commands by name, as MODULE:ATTRIBUTE."""
        super().__init__(*arguments, **options)
        self.elsewhere: Mapping[str, str] = elsewhere or {}

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self.elsewhere})

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.elsewhere:
            return super().get_command(ctx, cmd_name)
        module, _, name = self.elsewhere[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)  # noqa: S101 - `elsewhere` names commands
        return command


@click.group(cls=_Commands, elsewhere={"migrate": "ecp_server.wiring.commands:migrate"})
@click.version_option(package_name=_DISTRIBUTION)
def main() -> None:
    """ECP: which governed metric, members and days a business question means, and the proof."""
    # The one process that is started here, to try out policies, has nothing to do with gRPC, which else complains.
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")  # noqa: TID251 - set for gRPC, not read
    # As standard error does by itself: what was done is told, whatever the names in it.
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


@main.group(
    cls=_Commands,
    elsewhere={
        **{name: f"ecp_server.catalog.commands:{name}" for name in ("reference", "schema")},
        "check": "ecp_server.wiring.catalog_check:check",
        "import": "ecp_server.catalog.importers.commands:import_",
        **{name: f"ecp_server.wiring.catalog_commands:{name}" for name in ("history", "publish", "rollback")},
    },
)
def catalog() -> None:
    """Work with catalogs."""


@main.group(
    cls=_Commands,
    elsewhere={
        "list": "ecp_server.wiring.precedent_commands:list_",
        "revoke": "ecp_server.wiring.precedent_commands:revoke",
    },
)
def precedents() -> None:
    """Work with what corrections have taught departments."""


def _flags(command: Any) -> Any:
    """Give a command the flags that settings declare."""
    for name, field in reversed(Settings.model_fields.items()):
        if flag := setting.flag(field):
            help_text = f"{field.description} [{setting.variable(name)}]"
            command = click.option(flag, name, default=None, help=help_text, is_flag=field.annotation is bool)(command)
    return command


@main.command()
@_flags
def serve(**flags: object) -> None:
    """Start the server."""
    import uvloop  # noqa: PLC0415 - not on Windows, where the other commands work

    threads.share()
    uvloop.run(_serve(_load(**flags)))


def _load(**flags: object) -> Settings:
    try:
        return Settings.load(**flags)
    except SettingsError as error:
        raise click.UsageError(str(error)) from None


async def _serve(settings: Settings) -> None:
    # What starting makes stays: to look for garbage in it again and again is a tenth of the time that it takes. It is
    # looked for once, when everything is there (wiring.application).
    gc.disable()
    # Heavy imports are for this command alone.
    import structlog  # noqa: PLC0415

    from ecp_server import wiring  # noqa: PLC0415
    from ecp_server.catalog.errors import CatalogInvalid, CatalogMissing  # noqa: PLC0415
    from ecp_server.server import CannotListen, Server  # noqa: PLC0415
    from ecp_server.telemetry import logging  # noqa: PLC0415
    from ecp_server.telemetry.metrics import Instruments  # noqa: PLC0415
    from ecp_server.telemetry.tracing import tracing  # noqa: PLC0415

    logging.configure(log_format=settings.log_format, level=settings.log_level)
    for variable in setting.unknown_variables():
        structlog.get_logger().warning("unknown_setting", variable=variable)
    release = version(_DISTRIBUTION)
    instruments = Instruments(version=release)
    spans = tracing(endpoint=settings.otlp_endpoint, sample_ratio=settings.trace_sample_ratio, version=release)
    try:
        await Server(settings, await wiring.build(settings, instruments), instruments, spans).run()
    except SettingsError as error:
        raise click.UsageError(str(error)) from None
    except (CannotListen, CatalogInvalid, CatalogMissing) as error:
        raise click.ClickException(str(error)) from error
    except Exception:  # noqa: BLE001 - whatever it is, it must not reach the terminal as it is
        structlog.get_logger().exception("server_failed")
        raise click.exceptions.Exit(1) from None


@main.command()
@click.option("--target", help="HOST:PORT of the server [default: where ECP_LISTEN says].")
@click.option(
    "--timeout",
    "timeout_seconds",
    type=click.FloatRange(0, DAY_SECONDS, min_open=True),
    default=3.0,
    show_default=True,
    help="Seconds to wait.",
)
def health(target: str | None, timeout_seconds: float) -> None:
    """Ask a server whether it serves; exit code 0 says yes, 1 no."""
    import grpc  # noqa: PLC0415 - heavy, and for this command alone
    from grpc_health.v1 import health_pb2, health_pb2_grpc  # noqa: PLC0415

    if math.isnan(timeout_seconds):
        raise click.UsageError("--timeout must be a number of seconds")
    target = str(_load().listen) if target is None else target
    if not target.strip():  # such as that of an unset variable
        raise click.UsageError("--target is blank, and should be HOST:PORT")
    check = health_pb2.HealthCheckRequest()
    with grpc.insecure_channel(target) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        try:
            response = stub.Check(check, timeout=timeout_seconds)
        except grpc.RpcError as error:
            raise click.ClickException(f"no answer from the server: {error.code().name} ({target})") from None
    name = health_pb2.HealthCheckResponse.ServingStatus.Name(response.status)
    click.echo(name)
    if response.status != health_pb2.HealthCheckResponse.SERVING:
        raise click.exceptions.Exit(1)


@catalog.command()
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--category", help="Ask only the questions of this category.")
@click.option(
    "--reword",
    "rounds",
    type=click.IntRange(0, 100),
    default=0,
    show_default=True,
    help="Ask each question that came out right again in other words, so often in each way, and judge confidence.",
)
@click.option(
    "--report", "page", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="Write an HTML page."
)
def evaluate(directory: Path, category: str | None, rounds: int, page: Path | None) -> None:
    """Ask every question of DIRECTORY/golden.yaml and tell what does not come out as it says (docs/golden.md).

    The services run inside this command, over the catalog in DIRECTORY, and leave nothing behind.

    Exit codes: 0 everything came out as written down, 1 something did not, or the catalog cannot be served,
    2 there is no such directory, golden file or category, or a bad setting.
    """
    # Heavy imports are for this command alone; uvloop is not on Windows.
    import uvloop  # noqa: PLC0415

    from ecp_server import wiring  # noqa: PLC0415
    from ecp_server.catalog.errors import CatalogInvalid  # noqa: PLC0415
    from ecp_server.evaluation import calibration, report, run  # noqa: PLC0415
    from ecp_server.evaluation.golden import GoldenError, load_golden  # noqa: PLC0415
    from ecp_server.evaluation.page import Page, render_page  # noqa: PLC0415
    from ecp_server.telemetry import logging  # noqa: PLC0415

    async def evaluation() -> tuple[run.Evaluation, calibration.Calibration | None]:
        async with wiring.asking(directory) as ask:
            asked = await run.evaluate(golden, ask, category=category)
            if not rounds:
                return asked, None
            return asked, await calibration.calibrate(asked.outcomes, ask, seed=_SEED, rounds=rounds)

    try:
        golden = load_golden(directory / "golden.yaml")
        if category is not None and category not in golden.categories:
            raise click.UsageError(f"no category {category!r}; there are {', '.join(golden.categories)}")
        if page is not None and not page.parent.is_dir():
            raise click.UsageError(f"--report: no such directory: {page.parent}")
        logging.configure(log_format="auto", level="ERROR")
        evaluated, judged = uvloop.run(evaluation())
        click.echo(report.render(evaluated, judged))
        if page is not None:
            title = f"Golden questions of {directory.resolve().name}"
            text = render_page(Page(title, evaluated.catalog_version, evaluated, judged))
            page.write_text(text, encoding="utf-8")
    except (OSError, GoldenError, SettingsError) as error:
        raise click.UsageError(str(error)) from None
    except CatalogInvalid as error:
        raise click.ClickException(str(error)) from None
    if evaluated.accuracy < 1:
        raise click.exceptions.Exit(1)


@main.command()
def settings() -> None:
    """Print docs/settings.md: every setting, its variable, flag, default and meaning."""
    click.echo(setting.documentation(), nl=False)


if __name__ == "__main__":
    main()
