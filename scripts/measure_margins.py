#!/usr/bin/env python3
"""Measure what the thresholds of suggesting and choosing let through, on open sets and a catalog's golden questions.

Suggestions: how near what golden questions expect to be suggested is to the words that nothing matched, against how
near anything is to words of other fields (the open glossary queries) and to letters without a meaning.

Choosing: how far the taken meaning of each settled golden mention lies before its runner-up, and how far the rivals
of each mention that is asked back lie apart. `choosing.MARGIN` must part the two.

Usage: scripts/measure_margins.py [--catalog DIR] [folder of the evaluation data]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import string
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from ecp_server.catalog.load import load_catalog
from ecp_server.catalog.shelf import CatalogShelf
from ecp_server.domain.identity import Principal
from ecp_server.domain.resolution import Question
from ecp_server.evaluation.golden import Golden, load_golden
from ecp_server.evaluation.run import evaluate
from ecp_server.resolution.draft import Draft
from ecp_server.resolution.parse import parse
from ecp_server.resolution.prepared import Preparation
from ecp_server.resolution.searching.search import search
from ecp_server.resolution.searching.search_index import KINDS, SearchIndex
from ecp_server.resolution.selecting.choosing import MARGIN
from ecp_server.resolution.suggest import FLOOR, searched
from ecp_server.stores.ports import Hit
from ecp_server.stores.registry.embedded import EmbeddedRegistry
from ecp_server.stores.vector.embedded import EmbeddedVector
from ecp_server.stores.vector.embeddings import StaticEmbeddings
from ecp_server.telemetry import logging
from ecp_server.wiring import asking

ROOT: Final = Path(__file__).resolve().parents[1]
DATA: Final = ROOT.parent / "shared" / "data"
FLOORS: Final = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4)
NONSENSE: Final = 300
SUGGESTED: Final = 20
MOST_SHOWN: Final = 5


class Searcher:
    """The search over one catalog."""

    def __init__(self, folder: Path) -> None:
        self.catalog = load_catalog(folder)
        shelf = CatalogShelf(self.catalog)
        self._registry = EmbeddedRegistry(shelf)
        self._vector = EmbeddedVector(shelf, StaticEmbeddings())
        self._index = SearchIndex(self.catalog)

    async def prepare(self) -> None:
        """Make what the stores need."""
        await self._registry.prepare(self.catalog)
        await self._vector.prepare(self.catalog)

    def words(self, text: str) -> str:
        """Return the words of a question that are searched by where it matches nothing."""
        asked = Question(text, Principal(), datetime.now(UTC))
        draft = Draft(asked, Preparation().of(self.catalog), (), asked.as_of.date(), "UTC")
        return searched(parse(draft)[0])

    async def hits(self, text: str) -> Sequence[Hit]:
        """Return what is near to a text."""
        found = await search(
            text, index=self._index, registry=self._registry, vector=self._vector, kinds=KINDS, limit=SUGGESTED
        )
        return found.hits

    async def close(self) -> None:
        """Release the stores."""
        await self._vector.close()
        await self._registry.close()


async def suggestions(searcher: Searcher, wanted: Sequence[tuple[str, Sequence[str]]], folder: Path) -> None:
    """Print, for each floor, which share of the right suggestions is kept, and of which texts any is made."""
    right: list[float] = []
    for text, expected in wanted:
        scores = {hit.ref.id: hit.score for hit in (await searcher.hits(searcher.words(text)))[:MOST_SHOWN]}
        right += [scores.get(each, 0.0) for each in expected]
    lines = (folder / "evaluation" / "glossary_queries.jsonl").read_text(encoding="utf-8").splitlines()
    foreign = [await nearest(searcher, json.loads(line)["query"]) for line in lines]
    letters = random.Random(1)  # noqa: S311 - no secret
    nonsense = [await nearest(searcher, _nonsense(letters)) for _ in range(NONSENSE)]
    print(f"suggestions: {len(right)} expected, {len(foreign)} texts of other fields, {len(nonsense)} of nonsense")
    print("  floor   expected kept   other fields with any   nonsense with any")
    for floor in FLOORS:
        shares = (_share(scores, floor) for scores in (right, foreign, nonsense))
        mark = "  <- suggest.FLOOR" if floor == FLOOR else ""
        print(f"  {floor:.2f} " + "".join(f"{share:18.3f}" for share in shares) + mark)


def _share(scores: Sequence[float], floor: float) -> float:
    return sum(score >= floor for score in scores) / max(1, len(scores))


async def nearest(searcher: Searcher, text: str) -> float:
    """Return how near the nearest asset is."""
    hits = await searcher.hits(text)
    return hits[0].score if hits else 0.0


def _nonsense(letters: random.Random) -> str:
    return " ".join(
        "".join(letters.choice(string.ascii_lowercase) for _ in range(letters.randint(4, 9))) for _ in range(2)
    )


async def asked(folder: Path, golden: Golden) -> tuple[list[tuple[str, Sequence[str]]], list[float], list[float]]:
    """Ask the golden questions; return refused texts with expected suggestions, and the margins of choices."""
    wanted: list[tuple[str, Sequence[str]]] = []
    settled: list[float] = []
    open_: list[float] = []
    async with asking(folder) as ask:
        evaluation = await evaluate(golden, ask)
    for outcome in evaluation.outcomes:
        body: dict[str, Any] = getattr(outcome.turns[0].reply, "body", {})
        if outcome.entry.expect.suggestions:
            wanted.append((outcome.entry.question, outcome.entry.expect.suggestions))
        for concept in body.get("concepts", ()):
            others = [option.get("confidence", 0.0) for option in concept.get("alternatives", ())]
            if others:
                settled.append(concept.get("confidence", 0.0) - max(others))
        for ambiguity in body.get("ambiguities", ()):
            scores = sorted((option.get("confidence", 0.0) for option in ambiguity["options"]), reverse=True)
            if len(scores) > 1 and scores[0]:
                open_.append(scores[0] - scores[1])
    return wanted, settled, open_


async def measure(catalog: Path, folder: Path) -> None:
    """Print both measurements."""
    logging.configure(log_format="auto", level="ERROR")
    golden = load_golden(catalog / "golden.yaml")
    wanted, settled, rivals = await asked(catalog, golden)
    searcher = Searcher(catalog)
    await searcher.prepare()
    await suggestions(searcher, wanted, folder)
    await searcher.close()
    print(f"choosing, margin {MARGIN}: {len(settled)} settled mentions had runners-up, {len(rivals)} were asked back,")
    print(f"  the matches of whose first two options differ by {max(rivals, default=0.0):.3f} at most")


def main() -> None:
    """Measure one catalog."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=DATA)
    parser.add_argument("--catalog", type=Path, default=ROOT / "catalogs" / "meridian")
    arguments = parser.parse_args()
    asyncio.run(measure(arguments.catalog, arguments.folder))


if __name__ == "__main__":
    main()
