"""UUIDv7 (RFC 9562, section 5.7), and ids of requests."""

from __future__ import annotations

import time
from uuid import RFC_4122, UUID

from ecp_server.domain.ids import request_id, uuid7


def test_ids_have_the_version_and_variant_of_uuid7() -> None:
    parsed = UUID(uuid7())
    assert parsed.version == 7
    assert parsed.variant == RFC_4122


def test_ids_begin_with_the_milliseconds_since_the_epoch() -> None:
    before = time.time_ns() // 1_000_000
    stamped = UUID(uuid7()).int >> 80
    assert before <= stamped <= time.time_ns() // 1_000_000


def test_no_id_comes_twice() -> None:
    """More than one reserve of random bytes is used up."""
    assert len({uuid7() for _ in range(5_000)}) == 5_000


def test_a_request_has_128_bits_of_its_own() -> None:
    ids = {request_id() for _ in range(5_000)}
    assert len(ids) == 5_000
    assert all(len(bytes.fromhex(each)) == 16 for each in ids)
