"""The Open Policy Agent, built from its Go module."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import ProxyHandler, Request, build_opener

from engines.daemon import daemon_runs, kept_port, start_daemon, stop_daemon
from engines.engine import Instance, progress, run

_VERSION = "v1.22.3"
_MODULE = "github.com/open-policy-agent/opa"

# Who asks must show the token; health is for everybody, as probes want it.
_AUTHORIZATION = """
package system.authz

default allow := false

allow if input.identity == opa.runtime().env.OPA_TOKEN

allow if input.path == ["health"]
"""


class Opa:
    """The `Engine` of ECP_POLICY_URL. Wants Go."""

    name = "opa"
    version = f"OPA {_VERSION.removeprefix('v')}"

    def fetch(self, downloads: Path) -> None:
        """See `Engine`."""
        if _program(downloads).exists():
            return
        progress(self.name, "building it, which takes some minutes")
        # Without what fetches bundles from registries of containers, a fifth of the build.
        options = ("-trimpath", "-ldflags=-s -w", "-tags=opa_no_oci")
        environment = {**os.environ, "GOBIN": str(_program(downloads).parent), "CGO_ENABLED": "0"}
        run(["go", "install", *options, f"{_MODULE}@{_VERSION}"], timeout_seconds=1200, env=environment)

    def start(self, downloads: Path, instance: Instance) -> None:
        """See `Engine`."""
        instance.remember(program=str(_program(downloads)))
        if self.running(downloads, instance):
            return
        if instance.fact("token") is None:
            instance.remember(token=secrets.token_hex(16))
        authorization = instance.folder / "authz.rego"
        authorization.write_text(_AUTHORIZATION, encoding="utf-8")
        port = kept_port(instance)
        guarded = ("--authentication=token", "--authorization=basic")
        quiet = ("--log-level=error", "--disable-telemetry")
        start_daemon(
            instance,
            [_program(downloads), "run", "--server", f"--addr=127.0.0.1:{port}", *guarded, *quiet, authorization],
            answers=lambda: _healthy(port),
            environment={"OPA_TOKEN": instance.fact("token")},
        )

    def stop(self, downloads: Path, instance: Instance) -> None:
        """See `Engine`."""
        stop_daemon(instance)

    def running(self, downloads: Path, instance: Instance) -> bool:
        """See `Engine`."""
        return daemon_runs(instance)

    def environment(self, instance: Instance) -> Mapping[str, str]:
        """See `Engine`: the URL, its password the token that may do everything, and the program, to start others."""
        token, port = instance.fact("token"), instance.fact("port")
        url = f"http://:{token}@127.0.0.1:{port}"
        return {"ECP_TEST_OPA_URL": url, "ECP_TEST_OPA_PROGRAM": instance.fact("program")}


def _healthy(port: int) -> bool:
    request = Request(f"http://127.0.0.1:{port}/health")
    try:
        with build_opener(ProxyHandler({})).open(request, timeout=2) as answer:
            return bool(answer.status == HTTPStatus.OK)
    except (HTTPError, URLError, OSError):
        return False


def _program(downloads: Path) -> Path:
    return downloads / _VERSION / "opa"
