"""Takes effect from precedents; they, who revoked them and why stay on record."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from ecp_server.domain.frozen import dataclass
from ecp_server.domain.records import AuditRecord, Precedent, PrecedentRecord, RevocationRecord
from ecp_server.stores.ports import State

METHOD: Final = "RevokePrecedent"
REVOKED: Final = "REVOKED"


@dataclass(frozen=True, slots=True)
class Revoked:
    """What became of precedents that were to be revoked."""

    precedents: tuple[Precedent, ...]
    """As they are now, in the order of the ids."""
    before: frozenset[str]
    """Ids of those that had been revoked before, and stay as they were."""
    unknown: tuple[str, ...]


async def revoke_precedents(state: State, ids: Sequence[str], *, revoker: str, reason: str) -> Revoked:
    """Revoke precedents, each with an audit record. Raises `StoreError`."""
    ids = list(dict.fromkeys(ids))
    known = await _by_id(state, ids)
    ours: dict[str, RevocationRecord] = {}
    for one_id, one in known.items():
        if one.revocation is None:
            ours[one_id] = RevocationRecord(one_id, revoker, reason, datetime.now(UTC))
            await state.record(_audit(one.record, ours[one_id]), ours[one_id])
    revoked = await _by_id(state, ids)
    return Revoked(
        tuple(revoked[one_id] for one_id in ids if one_id in revoked),
        # Somebody else may have been first since they were looked at.
        frozenset(one_id for one_id, one in revoked.items() if one.revocation != ours.get(one_id)),
        tuple(one_id for one_id in ids if one_id not in known),
    )


async def _by_id(state: State, ids: Sequence[str]) -> dict[str, Precedent]:
    found = await state.precedents(ids=ids, revoked=True, limit=len(ids))
    return {one.record.id: one for one in found}


def _audit(precedent: PrecedentRecord, revocation: RevocationRecord) -> AuditRecord:
    """Return the audit record of a revocation, under the precedent's id: of several at once only the first is kept."""
    return AuditRecord(
        id=precedent.id,
        time=revocation.create_time,
        request_id="",
        method=METHOD,
        subject=revocation.revoker,
        actor="",
        department=precedent.department,
        roles=(),
        verified=False,
        outcome=REVOKED,
        resolution_id=precedent.resolution_id,
        products=(precedent.option_id,),
    )
