"""What fault tests share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def catalog(project_root: Path) -> Path:
    """A catalog without policies of its own, which starts fastest."""
    return project_root / "catalogs" / "sec_saas"
