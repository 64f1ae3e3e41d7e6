"""What a graph store keeps as JSON, and reads back strictly."""

from __future__ import annotations

import json
from typing import Any, Final, TypeVar

from pydantic import TypeAdapter, ValidationError

from ecp_server.domain.catalog import KnownIssue, MemberVariation, TermVariation
from ecp_server.domain.errors import StoreQueryFailed
from ecp_server.domain.provenance import StoreKind

T = TypeVar("T")

TERM_VARIATIONS: Final = TypeAdapter(tuple[TermVariation, ...])
MEMBER_VARIATIONS: Final = TypeAdapter(tuple[MemberVariation, ...])
_ISSUE: Final = TypeAdapter(KnownIssue)


def written(adapter: TypeAdapter[T], value: T) -> str:
    """Return a value as JSON, the same for equal values."""
    return json.dumps(adapter.dump_python(value, mode="json"), ensure_ascii=False, sort_keys=True)


def written_issue(issue: KnownIssue) -> str:
    """Return an issue as JSON; its sets are sorted, so that equal issues read the same."""
    document: dict[str, Any] = _ISSUE.dump_python(issue, mode="json")
    scope = document["scope"]
    for name in ("metrics", "tables"):
        scope[name] = None if scope[name] is None else sorted(scope[name])
    return json.dumps(document, ensure_ascii=False, sort_keys=True)


def read_back(adapter: TypeAdapter[T], text: str) -> T:
    """Return the value. Raises `StoreQueryFailed` where the text is not what `written` writes."""
    try:
        return adapter.validate_json(text, strict=True)
    except ValidationError as error:
        raise StoreQueryFailed(StoreKind.GRAPH) from error


def read_issue(text: str) -> KnownIssue:
    """Return the issue. Raises `StoreQueryFailed` where the text is not what `written_issue` writes."""
    return read_back(_ISSUE, text)
