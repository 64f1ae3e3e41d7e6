"""The same answers whatever the stores: meridian's golden questions over embedded ones, real servers, and a mixture."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pytest
from typing_extensions import override

from ecp_server.catalog.load import load_catalog
from ecp_server.evaluation.golden import Golden, load_golden
from ecp_server.evaluation.reply import Figures, Json, Refusal, Reply
from ecp_server.evaluation.report import render
from ecp_server.evaluation.run import evaluate
from ecp_server.rpc.ask import Asking
from ecp_server.settings import Settings
from ecp_server.wiring.postgresql import schemas
from ecp_server.wiring.publishing import publishing
from tests.conformance.graphs import emptied
from tests.golden.differences import comparable, content, different
from tests.running import Running, running
from tests.servers import finished, migrated, neo4j_server, opa_server, postgres, postgres_database, postgres_server

__all__ = ["neo4j_server", "opa_server", "postgres", "postgres_database", "postgres_server"]

REAL: Final = {
    "graph_url": "neo4j_server",
    "vector_url": "postgres",
    "registry_url": "postgres",
    "state_url": "postgres",
    "policy_url": "opa_server",
}
"""The fixture that gives the URL of each store that can be a server; golden questions are not about figures."""

ADAPTERS: Final = {
    "graph": ("embedded", "neo4j"),
    "vector": ("embedded", "pgvector"),
    "registry": ("embedded", "postgres"),
    "policy": ("embedded", "opa"),
    "state": ("embedded", "postgres"),
    "semantic": ("duckdb", "duckdb"),
}
"""What answers for each store in this process, and where it is a server."""

STORE_SETS: Final[Mapping[str, Mapping[str, str]]] = {
    "real": REAL,
    "mixed": {name: REAL[name] for name in ("graph_url", "vector_url")},
}


class Noting(Asking):
    """Asks, and notes what was asked and what came back."""

    def __init__(self, stub: Any, *, timeout_seconds: float) -> None:
        super().__init__(stub, timeout_seconds=timeout_seconds)
        self.noted: list[tuple[Json, Any]] = []

    @override
    async def __call__(self, request: Json) -> Reply:
        reply = await super().__call__(request)
        self.noted.append((comparable(request), content(reply)))
        return reply

    @override
    async def execute(self, resolution_id: str) -> Figures | Refusal:
        reply = await super().execute(resolution_id)
        self.noted.append(({}, content(reply)))
        return reply


def adapters(server: Running) -> set[tuple[str, str]]:
    """Return which adapters were asked, by store, as the metrics count them."""
    samples = server.sampled("ecp_store_query_duration_seconds_count")
    return {(labels["store"], labels["adapter"]) for labels, count in samples if count}


Answers = Sequence[tuple[Json, Any]]
"""What was asked, and what came back."""


async def answers(catalog: Path, state: Path, **settings: str) -> tuple[Answers, set[tuple[str, str]]]:
    """Ask every golden question; all must come out as written down. Tells which adapters answered, too."""
    golden: Golden = load_golden(catalog / "golden.yaml")
    # A server beside the tests is slower than one that has its machine for itself; what is tested is what it says.
    patient = {"store_timeout_seconds": "30", "log_level": "ERROR"} | settings
    async with running(catalog, state, **patient) as server:
        ask = Noting(server.resolving, timeout_seconds=60)
        evaluation = await evaluate(golden, ask)
        asked = adapters(server)
    if evaluation.accuracy != 1.0:
        pytest.fail(render(evaluation), pytrace=False)
    return ask.noted, asked


@pytest.fixture(scope="module")
def meridian(project_root: Path) -> Path:
    return project_root / "catalogs" / "meridian"


@pytest.fixture(scope="module")
def embedded(meridian: Path, tmp_path_factory: pytest.TempPathFactory) -> Answers:
    found, asked = finished(answers(meridian, tmp_path_factory.mktemp("embedded")))
    assert asked == {(store, inside) for store, (inside, _) in ADAPTERS.items()}
    return found


@pytest.mark.parametrize("stores", STORE_SETS.values(), ids=STORE_SETS)
@pytest.mark.timeout(300)
async def test_answers_are_identical_but_for_timings_and_names_of_adapters(
    stores: Mapping[str, str],
    embedded: Answers,
    meridian: Path,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    chosen = {setting: str(request.getfixturevalue(fixture)) for setting, fixture in stores.items()}
    if "policy_url" in chosen:
        chosen["policy_push"] = "true"
    await prepared(meridian, Settings.load({f"ECP_{name.upper()}": value for name, value in chosen.items()}))
    real, asked = await answers(meridian, tmp_path, **chosen)
    assert asked == {
        (store, outside if f"{store}_url" in stores else inside) for store, (inside, outside) in ADAPTERS.items()
    }
    differences = [path for pair in zip(embedded, real, strict=True) for path in different(*pair)]
    assert differences == []


async def prepared(catalog: Path, settings: Settings) -> None:
    """Make the schemas, and publish the catalog to whatever is a server."""
    assert settings.graph_url is not None
    await emptied(settings.graph_url.get_secret_value())
    for _, endpoint, schema in schemas(settings):
        await migrated(endpoint.url, schema)
    loaded = await asyncio.to_thread(load_catalog, catalog)
    async with publishing(settings, "for a test") as stores:
        published = [done.store async for done in stores.publish(loaded, lambda *_: None)]
    assert "graph" in published
