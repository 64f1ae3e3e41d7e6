"""The catalog in force follows its directory."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from ecp_server.catalog import watch as watch_module
from ecp_server.catalog.files import directory_state
from ecp_server.catalog.load import load_catalog
from ecp_server.catalog.shelf import CatalogShelf
from ecp_server.catalog.watch import CatalogWatch
from ecp_server.domain.catalog import Catalog
from tests.catalog.conftest import write
from tests.catalog.samples import METRIC
from tests.logs import Lines, logged

BROKEN = "kind: metric\nid: m\n"
OTHER = METRIC.replace("name: M", "name: Other")


@pytest.fixture
def lines() -> Iterator[Lines]:
    with logged(level="INFO") as lines:
        yield lines


@asynccontextmanager
async def watched(directory: Path, *, poll_seconds: float = 60.0) -> AsyncIterator[tuple[CatalogShelf, CatalogWatch]]:
    """Watch a directory that holds a catalog; within a minute only notifications show a change."""
    state = directory_state(directory)
    shelf = CatalogShelf(load_catalog(directory))
    watch = CatalogWatch(directory, shelf, state, poll_seconds=poll_seconds, debounce_seconds=0.05)
    watch.start()
    try:
        yield shelf, watch
    finally:
        await watch.close()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(20):
        while not condition():  # noqa: ASYNC110 - what a test waits for signals nothing
            await asyncio.sleep(0.01)


async def changed(directory: Path, text: str, condition: Callable[[], object]) -> None:
    """Write the catalog until the watch, which takes a moment to begin, has noticed."""
    async with asyncio.timeout(20):
        while not condition():
            write(directory, text)
            await asyncio.sleep(0.3)


async def test_a_valid_change_is_put_in_force(tmp_path: Path, lines: Lines) -> None:
    write(tmp_path, METRIC)
    async with watched(tmp_path) as (shelf, watch):
        before = shelf.current.version
        await changed(tmp_path, OTHER, lambda: shelf.current.version != before)
        assert "Other" == shelf.current.metrics["m"].name
        assert shelf.held(before) is not None
        assert (shelf.current.version, shelf.loaded_at, None) == (
            watch.status.version,
            watch.status.loaded_at,
            watch.status.error,
        )
        await until(lambda: lines("catalog_loaded", version=shelf.current.version))


async def test_a_broken_change_leaves_the_old_catalog_in_force_until_it_is_mended(tmp_path: Path, lines: Lines) -> None:
    write(tmp_path, METRIC)
    async with watched(tmp_path) as (shelf, watch):
        before = shelf.current
        await changed(tmp_path, BROKEN, lambda: watch.status.error)
        assert before is shelf.current
        assert "a.yaml:1: metric m: definition: is required (and 2 more)" == watch.status.error
        rejected = lines("catalog_rejected")[0]
        assert (before.version, 3) == (rejected["in_force"], rejected["errors"])
        assert "a.yaml:1: metric m: name: is required" in rejected["first_errors"]
        await changed(tmp_path, METRIC, lambda: watch.status.error is None)
        assert before is shelf.current


async def test_a_catalog_that_a_listener_refuses_is_not_put_in_force(tmp_path: Path, lines: Lines) -> None:
    write(tmp_path, METRIC)
    async with watched(tmp_path) as (shelf, watch):

        def refuse(catalog: Catalog) -> None:
            if catalog.metrics["m"].name == "Other":
                raise RuntimeError("out of order")

        shelf.subscribe(refuse)
        await changed(tmp_path, OTHER, lambda: watch.status.error)
        assert ("M", "internal error") == (shelf.current.metrics["m"].name, watch.status.error)
        assert "out of order" in lines("catalog_rejected")[0]["exception"]


async def test_without_notifications_a_change_is_found_by_looking(
    tmp_path: Path, lines: Lines, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none_to_be_had(*_: object, **__: object) -> AsyncIterator[set[object]]:
        raise OSError(28, "inotify watch limit reached")
        yield set()

    monkeypatch.setattr(watch_module, "awatch", none_to_be_had)
    write(tmp_path, METRIC)
    async with watched(tmp_path, poll_seconds=0.05) as (shelf, _):
        await until(lambda: lines("catalog_not_watched", reason="OSError"))
        write(tmp_path, OTHER)
        await until(lambda: shelf.current.metrics["m"].name == "Other")


async def test_a_directory_that_goes_and_comes_back_is_found_again(tmp_path: Path, lines: Lines) -> None:
    directory = write(tmp_path / "catalog", METRIC)
    async with watched(directory, poll_seconds=0.1) as (shelf, watch):
        shutil.rmtree(directory)
        # On the way there it may be seen with some of its files.
        await until(lambda: watch.status.error == f".: no such directory: {directory}")
        await until(lambda: lines("catalog_not_watched"))
        write(directory, OTHER)
        await until(lambda: shelf.current.metrics["m"].name == "Other")
        assert watch.status.error is None


async def test_a_link_set_to_another_directory_is_followed(tmp_path: Path) -> None:
    """As git-sync puts a new checkout in place."""
    write(tmp_path / "one", METRIC)
    write(tmp_path / "two", OTHER)
    link = tmp_path / "current"
    link.symlink_to("one")
    async with watched(link, poll_seconds=0.1) as (shelf, _):
        (tmp_path / "new").symlink_to("two")
        (tmp_path / "new").rename(link)
        await until(lambda: shelf.current.metrics["m"].name == "Other")


async def test_nothing_is_loaded_where_nothing_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, METRIC)
    async with watched(tmp_path) as (_, watch):
        monkeypatch.setattr(watch_module, "load_catalog", pytest.fail)
        await watch.refresh()
        assert watch.status.error is None


async def test_without_a_state_the_directory_is_read_when_watching_starts(tmp_path: Path) -> None:
    """A change between loading and watching is not missed."""
    shelf = CatalogShelf(load_catalog(write(tmp_path, METRIC)))
    write(tmp_path, OTHER)
    watch = CatalogWatch(tmp_path, shelf)
    watch.start()
    await until(lambda: shelf.current.metrics["m"].name == "Other")
    await watch.close()


async def test_a_load_under_way_when_watching_ends_has_no_effect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = CatalogShelf(load_catalog(write(tmp_path, METRIC)))
    loading, go_on, done = threading.Event(), threading.Event(), threading.Event()

    def slowly(directory: Path) -> Catalog:
        loading.set()
        assert go_on.wait(20)
        done.set()
        return load_catalog(directory)

    monkeypatch.setattr(watch_module, "load_catalog", slowly)
    write(tmp_path, OTHER)
    watch = CatalogWatch(tmp_path, shelf)
    watch.start()
    await until(loading.is_set)
    await watch.close()
    go_on.set()
    await until(done.is_set)
    assert "M" == shelf.current.metrics["m"].name


async def test_closing_ends_the_task_and_can_be_repeated(tmp_path: Path) -> None:
    write(tmp_path, METRIC)
    tasks: set[asyncio.Task[Any]] = asyncio.all_tasks()
    async with watched(tmp_path) as (_, watch):
        assert 1 == len(asyncio.all_tasks() - tasks)
        await watch.close()
        assert asyncio.all_tasks() == tasks
