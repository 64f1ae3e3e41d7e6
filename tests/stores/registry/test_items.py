"""Catalogs as items, and back."""

from __future__ import annotations

import random
from dataclasses import fields, replace
from pathlib import Path

import pytest

from ecp_server.catalog.load import load_catalog
from ecp_server.domain.catalog import Catalog, LineageLink
from ecp_server.stores.registry.items import Item, Key, UnknownFormat, catalog_of, items


@pytest.fixture(params=["meridian", "sec_saas"])
def catalog(request: pytest.FixtureRequest, project_root: Path) -> Catalog:
    return load_catalog(project_root / "catalogs" / request.param)


def test_a_catalog_comes_back_as_it_was_in_its_order_whatever_the_order_of_its_items(catalog: Catalog) -> None:
    found = list(items(catalog))
    random.Random(7).shuffle(found)  # noqa: S311 - any order
    again = catalog_of(catalog.version, found)
    assert again == catalog
    for field in fields(catalog):
        before, after = getattr(catalog, field.name), getattr(again, field.name)
        assert list(before) == list(after) if isinstance(before, dict) else before == after, field.name


def test_keys_are_unique_and_digests_tell_contents_apart(catalog: Catalog) -> None:
    found = list(items(catalog))
    assert len({item.key for item in found}) == len(found)
    for first, second in zip(found, items(catalog), strict=True):
        assert first == second


def test_several_links_between_the_same_ends_are_told_apart() -> None:
    links = (LineageLink("a", "b"), LineageLink("a", "b", "sum"), LineageLink("a", "c"))
    catalog = Catalog("v", lineage=links)
    assert len({item.key for item in items(catalog)}) == 5
    assert catalog_of("v", items(catalog)) == catalog


def test_a_catalog_without_anything_comes_back() -> None:
    assert catalog_of("v", items(Catalog("v"))) == Catalog("v")


@pytest.mark.parametrize("body", [b'{"id":"x"}', b"[]", b'{"id":"x","name":1,"definition":""}'])
def test_what_is_no_asset_is_refused(body: bytes) -> None:
    with pytest.raises(UnknownFormat):
        catalog_of("v", [Item(Key("metric", "x"), body, b"")])


def test_a_kind_that_this_release_does_not_know_is_refused() -> None:
    with pytest.raises(UnknownFormat):
        catalog_of("v", [Item(Key("hologram", "x"), b"{}", b"")])


def test_a_field_that_would_be_lost_is_refused(catalog: Catalog) -> None:
    first, *others = items(catalog)
    newer = replace(first, body=first.body.replace(b"{", b'{"unheard_of":1,', 1), digest=b"another")
    with pytest.raises(UnknownFormat):
        catalog_of("v", [newer, *others])
