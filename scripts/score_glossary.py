#!/usr/bin/env python3
"""Score the search of ecp_server against the open glossary set, by the rules of its README, without a server.

Usage: scripts/score_glossary.py [--without-vectors] [--rows] [folder of the evaluation data]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import statistics
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ecp_server.catalog.shelf import CatalogShelf
from ecp_server.domain.catalog import Catalog, Term
from ecp_server.domain.errors import StoreUnavailable
from ecp_server.domain.provenance import StoreKind
from ecp_server.resolution.searching.search import search
from ecp_server.resolution.searching.search_index import KINDS, SearchIndex
from ecp_server.stores.registry.embedded import EmbeddedRegistry
from ecp_server.stores.vector.embedded import EmbeddedVector
from ecp_server.stores.vector.embeddings import Matrix, StaticEmbeddings

DATA: Final = Path(__file__).resolve().parents[2] / "shared" / "data"
PAGE: Final = 10


@dataclass(frozen=True, slots=True)
class Answer:
    """What one query found: the rank of the first expected term, from 0, None beyond the page."""

    kind: str
    query: str
    rank: int | None
    first: str
    milliseconds: float


class NoEmbeddings:
    """A model that does not answer."""

    model: Final = "none"
    dimensions: Final = 1

    async def embed(self, texts: Sequence[str]) -> Matrix:
        """See `Embeddings`."""
        del texts
        raise StoreUnavailable(StoreKind.VECTOR)

    async def close(self) -> None:
        """Nothing to release."""


def terms(folder: Path) -> Catalog:
    """Return the catalog of the set's terms."""
    rows = _rows(folder, "glossary_terms")
    return Catalog("glossary", terms={row["id"]: _term(row) for row in rows})


async def answers(folder: Path, *, vectors: bool = True) -> list[Answer]:
    """Ask every open query."""
    catalog = terms(folder)
    shelf = CatalogShelf(catalog)
    registry = EmbeddedRegistry(shelf)
    vector = EmbeddedVector(shelf, StaticEmbeddings() if vectors else NoEmbeddings())
    index = await asyncio.to_thread(SearchIndex, catalog)
    await registry.prepare(catalog)
    with contextlib.suppress(StoreUnavailable):
        await vector.prepare(catalog)
    found: list[Answer] = []
    for row in _rows(folder, "glossary_queries"):
        started = time.perf_counter()
        result = await search(row["query"], index=index, registry=registry, vector=vector, kinds=KINDS, limit=PAGE)
        milliseconds = (time.perf_counter() - started) * 1e3
        ids = [hit.ref.id for hit in result.hits]
        rank = next((rank for rank, term in enumerate(ids) if term in row["expected"]), None)
        found.append(Answer(row["kind"], row["query"], rank, ids[0] if ids else "", milliseconds))
    await vector.close()
    await registry.close()
    return found


def recall(found: Sequence[Answer], within: int) -> float:
    """Return the share of queries whose first ``within`` terms hold an expected one."""
    return sum(answer.rank is not None and answer.rank < within for answer in found) / len(found)


def _term(row: dict[str, Any]) -> Term:
    return Term(
        row["id"],
        row["name"],
        row["definition"] or row["name"],
        synonyms=tuple(row["synonyms"]),
        acronyms=tuple(row["abbreviations"]),
        domain=row["domain"] or row["source"],
    )


def _rows(folder: Path, name: str) -> list[dict[str, Any]]:
    lines = (folder / "evaluation" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def main() -> None:
    """Print recall by kind of query and the time of a search; with --rows, what was not first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=DATA)
    parser.add_argument("--rows", action="store_true", help="show the queries whose first term was not expected")
    parser.add_argument("--without-vectors", action="store_true", help="as when the vector store is down")
    arguments = parser.parse_args()
    found = asyncio.run(answers(arguments.folder, vectors=not arguments.without_vectors))
    groups: defaultdict[str, list[Answer]] = defaultdict(list)
    for answer in found:
        groups[answer.kind].append(answer)
        if arguments.rows and answer.rank != 0:
            print(f"{answer.kind:28} {answer.query!r}: rank {answer.rank}, first {answer.first}")
    for name, group in [*sorted(groups.items()), ("all", found)]:
        print(f"{name:28} {len(group):4} queries  at 1 {recall(group, 1):.3f}  at 5 {recall(group, 5):.3f}")
    print(f"median {statistics.median(answer.milliseconds for answer in found):.1f} ms")


if __name__ == "__main__":
    main()
