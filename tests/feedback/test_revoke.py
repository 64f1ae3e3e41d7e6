"""Revoking precedents while others do."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from ecp_server.domain.records import AuditRecord
from ecp_server.feedback.revoke import METHOD, Revoked, revoke_precedents
from ecp_server.stores.state.embedded import EmbeddedState
from tests.conformance.states import AUDIT, FEEDBACK, PRECEDENT, StateUnderTest


def _revocations(path: Path) -> list[AuditRecord]:
    return [one for one in StateUnderTest("embedded", str(path)).audit() if one.method == METHOD]


async def test_of_several_who_revoke_at_once_one_does_and_the_audit_names_no_other(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    states = [EmbeddedState(path) for _ in range(4)]
    others = [replace(PRECEDENT, id=f"pre-{number}") for number in range(5)]
    await states[0].record(AUDIT, FEEDBACK, *others)
    ids = [one.id for one in others]

    async def revoke(number: int) -> Revoked:
        return await revoke_precedents(states[number], ids, revoker=f"user-{number}", reason="wrong")

    found = await asyncio.gather(*(revoke(number) for number in range(len(states))))
    for state in states:
        await state.close()
    revokers = [one.revocation.revoker for one in found[0].precedents if one.revocation]
    assert len(ids) == len(revokers)
    assert sorted(revokers) == sorted(one.subject for one in _revocations(path))
    for number, revoked in enumerate(found):
        others_did = {one_id for one_id, who in zip(ids, revokers, strict=True) if who != f"user-{number}"}
        assert others_did == revoked.before
