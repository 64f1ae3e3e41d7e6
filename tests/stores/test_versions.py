"""Indexes of catalog versions: built once, kept while their catalog is held."""

from __future__ import annotations

import asyncio

import pytest

from ecp_server.domain.catalog import Catalog
from ecp_server.domain.errors import StoreQueryFailed
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.versions import Versions
from tests.held import Held

ONE, TWO, THREE = (Catalog(version) for version in ("v1", "v2", "v3"))


class Builder:
    """Builds the index "of VERSION", when it may."""

    def __init__(self) -> None:
        self.built: list[str] = []
        self.may_go_on = asyncio.Event()
        self.may_go_on.set()
        self.fails = False

    async def __call__(self, catalog: Catalog) -> str:
        self.built.append(catalog.version)
        await self.may_go_on.wait()
        if self.fails:
            raise ValueError(catalog.version)
        return f"of {catalog.version}"


@pytest.fixture
def builder() -> Builder:
    return Builder()


@pytest.fixture
def held() -> Held:
    return Held(ONE, TWO)


@pytest.fixture
def indexes(held: Held, builder: Builder) -> Versions[str]:
    return Versions(held, StoreKind.GRAPH, builder)


async def test_an_index_is_built_once_however_many_ask_at_the_same_time(
    indexes: Versions[str], builder: Builder
) -> None:
    answers = await asyncio.gather(*(indexes.of("v1") for _ in range(5)), indexes.prepare(ONE))

    assert answers == ["of v1"] * 6
    assert await indexes.of("v1") == await indexes.prepare(ONE) == "of v1"
    assert builder.built == ["v1"]


async def test_a_version_that_is_not_held_has_no_index(indexes: Versions[str]) -> None:
    with pytest.raises(StoreQueryFailed):
        await indexes.of("v3")
    with pytest.raises(StoreQueryFailed):
        indexes.ready("v3")


async def test_a_catalog_is_prepared_before_it_is_held(indexes: Versions[str], builder: Builder, held: Held) -> None:
    assert await indexes.prepare(THREE) == "of v3"
    held.add(THREE)
    assert await indexes.of("v3") == "of v3"
    assert builder.built == ["v3"]


async def test_an_index_goes_with_its_catalog_when_the_next_is_built(indexes: Versions[str], held: Held) -> None:
    await indexes.of("v1")
    held.drop("v1")
    await indexes.of("v2")

    with pytest.raises(StoreQueryFailed):
        await indexes.of("v1")
    assert indexes.latest == "of v2"


async def test_a_caller_who_gives_up_does_not_stop_the_build(indexes: Versions[str], builder: Builder) -> None:
    builder.may_go_on.clear()
    impatient = asyncio.create_task(indexes.of("v1"))
    patient = asyncio.create_task(indexes.of("v1"))
    await asyncio.sleep(0)
    impatient.cancel()
    builder.may_go_on.set()

    assert await patient == "of v1"
    assert impatient.cancelled()
    assert builder.built == ["v1"]


async def test_what_is_not_ready_is_started_and_not_waited_for(indexes: Versions[str], builder: Builder) -> None:
    assert indexes.latest is None
    assert indexes.ready("v1") is None
    assert indexes.ready("v1") is None
    assert await indexes.of("v1") == "of v1"
    assert indexes.ready("v1") == indexes.latest == "of v1"
    assert builder.built == ["v1"]


async def test_a_failed_build_raises_and_is_tried_again_when_asked_for(
    indexes: Versions[str], builder: Builder
) -> None:
    builder.fails = True
    with pytest.raises(ValueError, match="v1"):
        await indexes.of("v1")

    builder.fails = False
    assert await indexes.of("v1") == "of v1"


async def test_questions_do_not_start_a_failed_build_again_at_once(
    indexes: Versions[str], builder: Builder, monkeypatch: pytest.MonkeyPatch
) -> None:
    builder.fails = True
    with pytest.raises(ValueError, match="v1"):
        await indexes.prepare(ONE)
    assert indexes.ready("v1") is None
    assert builder.built == ["v1"]

    monkeypatch.setattr(indexes, "_retry_at", 0.0)
    builder.fails = False
    assert indexes.ready("v1") is None
    assert await indexes.of("v1") == "of v1"
    assert builder.built == ["v1", "v1"]


async def test_closing_ends_builds_and_forgets_everything(indexes: Versions[str], builder: Builder) -> None:
    await indexes.of("v1")
    builder.may_go_on.clear()
    waiting = asyncio.create_task(indexes.of("v2"))
    await asyncio.sleep(0)
    await indexes.close()

    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert indexes.latest is None
