"""How assets are named."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple


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


class AssetRef(NamedTuple):
    """Names one asset of a catalog. Tuples are hashed and compared without Python's code, many times a question."""

    kind: AssetKind
    id: str
