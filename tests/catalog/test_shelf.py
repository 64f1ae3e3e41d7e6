"""The catalog in force and the few before it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from ecp_server.catalog.errors import CatalogError, CatalogInvalid
from ecp_server.catalog.shelf import CatalogShelf
from ecp_server.domain.catalog import Catalog, Catalogs


def test_the_last_four_are_held() -> None:
    shelf = CatalogShelf(Catalog("v1"))
    for version in ("v2", "v3", "v4", "v5"):
        assert shelf.swap(Catalog(version))
    as_port: Catalogs = shelf
    assert "v5" == as_port.current.version
    assert [None, "v2", "v3", "v4", "v5", None] == [
        held and held.version for held in map(as_port.held, ("v1", "v2", "v3", "v4", "v5", "v6"))
    ]


def test_the_version_in_force_is_not_put_in_force_again() -> None:
    shelf = CatalogShelf(first := Catalog("v1"))
    since = shelf.loaded_at
    assert not shelf.swap(Catalog("v1"))
    assert (first, since) == (shelf.current, shelf.loaded_at)


def test_an_earlier_version_comes_back() -> None:
    shelf = CatalogShelf(Catalog("v1"))
    shelf.swap(Catalog("v2"))
    again = Catalog("v1")
    assert shelf.swap(again)
    assert shelf.current is shelf.held("v1") is again
    assert shelf.held("v2") is not None


def test_it_tells_since_when_a_catalog_is_in_force() -> None:
    before = datetime.now(UTC)
    shelf = CatalogShelf(Catalog("v1"))
    first = shelf.loaded_at
    shelf.swap(Catalog("v2"))
    assert before <= first <= shelf.loaded_at <= datetime.now(UTC)


def test_listeners_are_ready_before_a_catalog_is_in_force() -> None:
    shelf = CatalogShelf(Catalog("v1"))
    seen: list[tuple[str, str]] = []
    shelf.subscribe(lambda catalog: seen.append((catalog.version, shelf.current.version)))
    shelf.swap(Catalog("v2"))
    assert [("v1", "v1"), ("v2", "v1")] == seen


def test_a_listener_can_refuse_a_catalog() -> None:
    def refuse(catalog: Catalog) -> None:
        if catalog.version == "v2":
            raise CatalogInvalid((CatalogError("policies/p.rego", 3, "", "does not parse"),))

    shelf = CatalogShelf(Catalog("v1"))
    shelf.subscribe(refuse)
    with pytest.raises(CatalogInvalid, match=r"^policies/p\.rego:3: does not parse$"):
        shelf.swap(Catalog("v2"))
    assert ("v1", None) == (shelf.current.version, shelf.held("v2"))
