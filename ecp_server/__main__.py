"""The commands of `ecp-server`."""

from __future__ import annotations

import importlib
from importlib.metadata import version
from typing import Any, Final

import click
from typing_extensions import override

from ecp_server import settings as setting
from ecp_server.settings import Settings, SettingsError

_DISTRIBUTION: Final = "enterprise-context-platform"
_LAZY: Final = {"catalog": "ecp_server.catalog.commands:catalog"}
"""Commands that live with what they work on, imported only when they are asked for."""


class _Commands(click.Group):
    """The commands of this file and the lazy ones."""

    @override
    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *_LAZY})

    @override
    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _LAZY:
            return super().get_command(ctx, cmd_name)
        module, _, name = _LAZY[cmd_name].partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)  # noqa: S101 - `_LAZY` names commands
        return command


@click.group(cls=_Commands)
@click.version_option(package_name=_DISTRIBUTION)
def main() -> None:
    """ECP: which governed metric, members and days a business question means, and the proof."""


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

    uvloop.run(_serve(_load(**flags)))


def _load(**flags: object) -> Settings:
    try:
        return Settings.load(**flags)
    except SettingsError as error:
        raise click.UsageError(str(error)) from None


async def _serve(settings: Settings) -> None:
    # Heavy imports are for this command alone.
    import structlog  # noqa: PLC0415

    from ecp_server import wiring  # noqa: PLC0415
    from ecp_server.catalog.errors import CatalogInvalid  # noqa: PLC0415
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
        await Server(settings, wiring.build(settings, instruments), instruments, spans).run()
    except (CannotListen, CatalogInvalid) as error:
        raise click.ClickException(str(error)) from error
    except Exception:  # noqa: BLE001 - whatever it is, it must not reach the terminal as it is
        structlog.get_logger().exception("server_failed")
        raise click.exceptions.Exit(1) from None


@main.command()
@click.option("--target", help="HOST:PORT of the server [default: where ECP_LISTEN says].")
@click.option("--timeout", "timeout_seconds", type=float, default=3.0, show_default=True, help="Seconds to wait.")
def health(target: str | None, timeout_seconds: float) -> None:
    """Ask a server whether it serves; exit code 0 says yes, 1 no."""
    import grpc  # noqa: PLC0415 - heavy, and for this command alone
    from grpc_health.v1 import health_pb2, health_pb2_grpc  # noqa: PLC0415

    check = health_pb2.HealthCheckRequest()
    with grpc.insecure_channel(target or str(_load().listen)) as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        try:
            response = stub.Check(check, timeout=timeout_seconds)
        except grpc.RpcError as error:
            raise click.ClickException(f"no answer from the server: {error.code().name}") from None
    name = health_pb2.HealthCheckResponse.ServingStatus.Name(response.status)
    click.echo(name)
    if response.status != health_pb2.HealthCheckResponse.SERVING:
        raise click.exceptions.Exit(1)


@main.command()
def settings() -> None:
    """Print docs/settings.md: every setting, its variable, flag, default and meaning."""
    click.echo(setting.documentation(), nl=False)


if __name__ == "__main__":
    main()
