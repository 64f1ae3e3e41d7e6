"""Columns of texts hold what any reader of JSON understands."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from ecp_server.domain.records import AuditRecord
from ecp_server.stores.state.rows import insert_audit


@given(st.lists(st.text()), st.lists(st.text()), st.lists(st.text()))
def test_texts_are_stored_as_the_standard_library_writes_them(
    roles: list[str], policies: list[str], products: list[str]
) -> None:
    record = AuditRecord(
        id="1",
        time=datetime.now(UTC),
        request_id="r",
        method="Resolve",
        subject="s",
        actor="",
        department="",
        roles=tuple(roles),
        verified=False,
        outcome="RESOLVED",
        resolution_id="2",
        catalog_version="v",
        policies=tuple(policies),
        products=tuple(products),
        plan_digest="",
    )
    row = insert_audit(record).parameters
    assert {json.dumps(roles), json.dumps(policies), json.dumps(products)} <= set(row)
