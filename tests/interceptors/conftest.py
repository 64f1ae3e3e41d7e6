"""Every test here sees the log."""

from collections.abc import Iterator

import pytest

from tests.logs import Lines, logged


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What was logged."""
    with logged() as lines:
        yield lines
