"""The policy of a catalog that brings none (policy.md), the same for every engine."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources


def builtin_policies() -> Mapping[str, str]:
    """Return its Rego text by file name."""
    text = resources.files(__package__).joinpath("builtin.rego").read_text(encoding="utf-8")
    return {"builtin.rego": text}
