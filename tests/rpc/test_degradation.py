"""A store that is down and has a stand-in: the answer comes, and says what stood in (design, section 8)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ecp.v1 import catalog_pb2, provenance_pb2, types_pb2
from tests.running import Running, running

FULL = provenance_pb2.PROVENANCE_VIEW_FULL


@pytest.fixture
async def without_vectors(project_root: Path, tmp_path: Path) -> AsyncIterator[Running]:
    """A server whose vector store does not answer any more."""
    async with running(project_root / "catalogs" / "meridian", tmp_path) as server:
        await server.application._vector.close()
        yield server


def told(degradations: Any) -> list[tuple[types_pb2.Store.ValueType, str]]:
    assert all(impaired.reason and impaired.HasField("since") for impaired in degradations)
    return [(impaired.store, impaired.fallback) for impaired in degradations]


async def test_keyword_search_stands_in_for_vectors_and_that_is_told(without_vectors: Running) -> None:
    server = without_vectors
    search = catalog_pb2.SearchGlossaryRequest(query="revenue")
    found = (await server.ask(server.catalog.SearchGlossary, search)).response
    assert [(types_pb2.STORE_VECTOR, "keyword_search")] == told(found.degradations)
    assert "revenue" == found.terms[0].id


async def test_suggestions_without_vectors_are_recorded_as_such(without_vectors: Running) -> None:
    server = without_vectors
    refused = await server.resolve("non-GAAP gross margin")
    detail = refused.details["ConceptNotFoundDetail"]
    assert "gross_margin" in [option.id for option in detail.suggestions]
    kept = (await server.recorded(detail.resolution_id, provenance_view=FULL)).response.response
    assert [(types_pb2.STORE_VECTOR, "keyword_search")] == told(kept.degradations)
    (suggest,) = [step for step in kept.provenance.steps if step.id == "suggest"]
    assert provenance_pb2.STEP_STATUS_DEGRADED == suggest.status
    (call,) = [call for call in suggest.store_calls if call.store == types_pb2.STORE_VECTOR]
    assert "STORE_UNAVAILABLE" == call.outcome


async def test_what_needs_no_vectors_is_not_degraded(without_vectors: Running) -> None:
    answered = await without_vectors.resolve("net revenue last quarter")
    assert ("OK", []) == (answered.code, list(answered.response.degradations))
