"""Whatever stands in a catalog's directory, loading it gives a catalog or all its errors, never another exception."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ecp_server.catalog.documents import MODELS
from ecp_server.catalog.errors import CatalogInvalid
from ecp_server.catalog.load import load_catalog
from ecp_server.catalog.schema import catalog_schema
from tests.catalog.conftest import write

EXAMPLE = (Path(__file__).parents[2] / "docs/catalog.example.yaml").read_text(encoding="utf-8")
DOCUMENTS: list[dict[str, Any]] = list(yaml.load_all(EXAMPLE, yaml.BaseLoader))

PARTS = catalog_schema()["$defs"].values()
KEYS = sorted({"nonsense", *(key for part in PARTS for key in part.get("properties", ()))} - {"kind", "id"})
WORDS = st.sampled_from(
    [
        *("", "~", "NO", "0", "-1", "1e999", "NaN", "9" * 5000, "2024-13-01", "2024-01-01", "7 days", "UTC", "a - b"),
        *("region", "region.apac", "net_revenue", "revenue / heads", "value > 0", "row.region > 1", "4-4-5", "all"),
        *("\u0000", "\u200b", "\ud800", "x" * 300, "(" * 99, "table:", "last", "gregorian", "fiscal_weeks", "sunday"),
        *MODELS,
    ]
) | st.text(max_size=8)
ANYTHING = st.recursive(
    st.none() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS) | WORDS, inner, max_size=4),
    max_leaves=6,
)
MADE_UP = st.builds(
    lambda kind, name, more: {"kind": kind, "id": name, **more},
    st.sampled_from(list(MODELS)),
    WORDS,
    st.dictionaries(st.sampled_from(KEYS), ANYTHING, max_size=6),
)


def check(files: dict[str, str | bytes]) -> None:
    with TemporaryDirectory() as directory, suppress(CatalogInvalid):
        assert load_catalog(write(Path(directory), files)).version


def written(documents: list[Any]) -> bytes:
    # Safe for any text: characters that YAML lacks are escaped, or refused by the reader.
    return yaml.safe_dump_all(documents, allow_unicode=False).encode("utf-8", "surrogatepass")


@st.composite
def mutated(draw: st.DrawFn) -> list[Any]:
    """Draw the example with one to three values replaced, added or removed at any depth."""
    documents = [dict(document) for document in draw(st.permutations(DOCUMENTS))]
    for _ in range(draw(st.integers(1, 3))):
        at: Any = draw(st.sampled_from(documents))
        while True:
            place = draw(st.sampled_from(sorted(at) if isinstance(at, dict) else range(len(at)))) if at else None
            inner = at[place] if place is not None else None
            if not isinstance(inner, dict | list) or draw(st.booleans()):
                break
            at[place] = at = inner.copy()
        if isinstance(at, dict) and draw(st.booleans()):
            place = draw(st.sampled_from(KEYS))
        if place is not None:
            at[place] = draw(ANYTHING)
    return documents


@given(mutated())
def test_mutated_documents(documents: list[Any]) -> None:
    check({"a.yaml": written(documents)})


@given(st.lists(MADE_UP, max_size=3))
def test_made_up_documents(documents: list[Any]) -> None:
    check({"a.yaml": written(documents)})


@given(st.integers(0, len(EXAMPLE)), st.integers(0, 40), st.text(alphabet="-:[]{}&*!|>'\"#% \n\tab~", max_size=12))
def test_mutated_text(start: int, length: int, inserted: str) -> None:
    check({"a.yaml": EXAMPLE[:start] + inserted + EXAMPLE[start + length :]})


@given(st.binary(max_size=80))
def test_any_bytes(content: bytes) -> None:
    check({"a.yaml": content, "policies/p.rego": content, "semantic/s.yml": content})


@pytest.mark.parametrize("depth", [39, 40, 5_000])
def test_any_depth(depth: int) -> None:
    check({"a.yaml": f"kind: entity\nid: e\nname: E\nmeta: {'[' * depth}{']' * depth}"})
