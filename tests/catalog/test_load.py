"""Loading leaves the process as it was."""

from __future__ import annotations

import gc

import pytest

from ecp_server.catalog.errors import CatalogInvalid
from tests.catalog.conftest import Load
from tests.catalog.samples import METRIC


@pytest.mark.parametrize("enabled", [True, False])
def test_garbage_collection_is_on_or_off_as_before(load: Load, *, enabled: bool) -> None:
    before = gc.isenabled()
    try:
        (gc.enable if enabled else gc.disable)()
        load(METRIC)
        assert enabled == gc.isenabled()
        with pytest.raises(CatalogInvalid):
            load("kind: metric")
        assert enabled == gc.isenabled()
    finally:
        (gc.enable if before else gc.disable)()
