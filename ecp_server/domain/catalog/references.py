"""How assets are named."""

from __future__ import annotations

from enum import StrEnum

from typing_extensions import override

from ecp_server.domain.frozen import dataclass


class AssetKind(StrEnum):
    """The kind of an asset; a member lives in its dimension's document but is addressed on its own."""

    CONTEXT = "context"
    METRIC = "metric"
    TERM = "term"
    DIMENSION = "dimension"
    MEMBER = "member"
    CALENDAR = "calendar"
    KNOWN_ISSUE = "known_issue"
    CONTRACT = "contract"
    RULE = "rule"
    LINEAGE = "lineage"
    ENTITY = "entity"
    RELATION = "relation"
    PHRASE = "phrase"


@dataclass(frozen=True, slots=True, order=True)
class AssetRef:
    """Names one asset of a catalog."""

    kind: AssetKind
    id: str

    @override
    def __hash__(self) -> int:
        """Hash the id alone: assets are looked up by it, many times a question."""
        return hash(self.id)
