"""What Retry-After says, in both its forms and in none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from ecp_server.domain.errors import StoreThrottled
from ecp_server.domain.provenance import StoreKind
from ecp_server.interceptors.status import status_of
from ecp_server.stores.retry_after import LONGEST_SECONDS, retry_after_seconds


def in_seconds(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(("header", "seconds"), [("0", 0), ("7", 7), ("0060", 60), ("86400", LONGEST_SECONDS)])
def test_a_number_is_of_seconds_up_to_an_hour(header: str, seconds: float) -> None:
    assert seconds == retry_after_seconds(header)


def test_a_number_without_end_can_be_told_to_callers() -> None:
    error = StoreThrottled(StoreKind.SEMANTIC, retry_after_seconds=retry_after_seconds("9" * 5000))
    assert "UNAVAILABLE" == status_of(error, "id").code.name


def test_a_date_is_a_moment() -> None:
    soon = retry_after_seconds(in_seconds(60))
    assert soon is not None
    assert 58 < soon <= 60
    assert 0 == retry_after_seconds(in_seconds(-60))
    assert LONGEST_SECONDS == retry_after_seconds(in_seconds(1e8))
    assert 0 == retry_after_seconds("Wed, 21 Oct 2015 07:28:00 -0000")


@pytest.mark.parametrize(
    "header", ["", "-1", "1.5", "soon", "\u00b2", "\u0663", "Wed, 99 Oct 2015 07:28:00 GMT", "Wed, "]
)
def test_anything_else_says_nothing(header: str) -> None:
    assert retry_after_seconds(header) is None
