"""Closing the application releases everything, whatever fails on the way."""

from __future__ import annotations

from pathlib import Path
from unittest import mock

import pytest

from ecp_server import wiring
from ecp_server.settings import Settings
from ecp_server.telemetry.metrics import Instruments

STORES = ("_graph", "_vector", "_registry", "_policy", "_state", "_semantic")


async def test_a_store_that_cannot_be_closed_keeps_no_other_from_it(project_root: Path, tmp_path: Path) -> None:
    settings = Settings.load(catalog=project_root / "catalogs" / "sec_saas", state_url=f"sqlite:///{tmp_path}/state.db")
    application = await wiring.build(settings, Instruments())
    await application.start()
    closed: list[str] = []

    for name in STORES:
        store = getattr(application, name)

        async def close(name: str = name, store: object = store) -> None:
            closed.append(name)
            await type(store).close(store)  # type: ignore[attr-defined]  # each has it
            if name in ("_graph", "_policy"):
                raise OSError(name)

        setattr(application, name, mock.Mock(wraps=store, close=close))

    with pytest.raises(OSError, match="_policy"):
        await application.close()
    assert list(STORES) == closed
