"""compose.yaml: what can be told of it without Docker."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml


@pytest.fixture
def services(project_root: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((project_root / "compose.yaml").read_text(encoding="utf-8"))["services"]
    return found


def test_every_image_is_pinned_to_a_version(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert re.fullmatch(r"[a-z0-9/]+:v?[0-9]+\.[0-9]+\.[0-9]+[a-z0-9-]*", service["image"]), name


def test_nothing_listens_beyond_this_machine(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert all(port.startswith("127.0.0.1:") for port in service["ports"]), name


def test_the_versions_are_those_of_the_servers_that_tests_use(
    services: dict[str, Any], project_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(project_root / "scripts"))
    from engines.command import ENGINES  # type: ignore[import-not-found]  # noqa: PLC0415 - a folder beside scripts

    for engine in ENGINES:
        version = re.findall(r"[0-9]+\.[0-9]+(?:\.[0-9]+)?", engine.version)[-1]
        assert version in services[engine.name]["image"], engine.name
    for name in [name for name in sys.modules if name.partition(".")[0] == "engines"]:
        monkeypatch.delitem(sys.modules, name)
