"""A text is read stretch by stretch: that must come to the same as reading it whole."""

from __future__ import annotations

import ast
import importlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecp_server.domain.text import Token, tokenize
from ecp_server.evaluation.golden import load_golden
from ecp_server.resolution import time
from ecp_server.resolution.time import find_times, grammar, lexemes
from ecp_server.resolution.time.grammar import read_stretch
from ecp_server.resolution.time.lexemes import word_set
from ecp_server.resolution.time.stretches import OTHER, PERIOD_WORDS, Key, stretches

_MODULES = {file.stem: ast.parse(file.read_text(encoding="utf-8")) for file in Path(time.__file__).parent.glob("*.py")}
_RULES = sorted(
    name
    for name, module in _MODULES.items()
    if any(isinstance(node, ast.alias | ast.ClassDef) and node.name == "Scan" for node in ast.walk(module))
)
"""The modules that read a row of words."""
_FOREIGN = ("revenue", "apac", "gadget", "umsätze", OTHER)
_FIGURES = word_set("2024 2023 24 5 12 31 q3 fy24 3rd 30d 1h19 , . / - 's ' $ % ? < > ≤ ≥ =")
_WRITTEN = (*sorted(PERIOD_WORDS), *_FOREIGN * 20, *sorted(_FIGURES) * 5)


def test_modules_of_rules_are_found() -> None:
    assert {"lexemes", "numbers", "relative", "ranges", "plausibility", "grammar"} <= set(_RULES)


@pytest.mark.parametrize("name", _RULES)
def test_a_rule_spells_out_only_words_that_its_module_exports_or_all_share(name: str) -> None:
    assert set() == {*_words(_MODULES[name])} - _exported(name) - lexemes.WORDS


@pytest.mark.parametrize("name", [name for name in _RULES if name != "grammar"])  # it has the tables of all others
def test_a_module_of_rules_exports_every_word_of_its_tables(name: str) -> None:
    tables = [value for constant, value in vars(_module(name)).items() if not constant.startswith("__")]

    assert set() == {word for word in _held(tables) if word.isalpha()} - _exported(name) - lexemes.WORDS


@pytest.mark.parametrize("name", _RULES)
def test_every_exported_word_is_known(name: str) -> None:
    assert set() == {word for word in _exported(name) if word.isalpha()} - PERIOD_WORDS


def test_a_word_beside_a_stretch_is_none_that_a_rule_knows() -> None:
    assert OTHER not in PERIOD_WORDS


def test_examples_of_rules_and_tests_read_the_same_whole(project_root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    golden = [load_golden(file) for file in sorted((project_root / "catalogs").glob("*/golden.yaml"))]
    tests = [ast.parse(file.read_text(encoding="utf-8")) for file in sorted(Path(__file__).parent.glob("test_*.py"))]
    texts = [
        *(entry.question for file in golden for entry in file.questions),
        *(text for name in _RULES for text in _examples_in_docstrings(_MODULES[name])),
        *(text for module in tests for text in _texts(module)),
    ]

    _assert_read_the_same_whole(texts, monkeypatch)


def test_public_sets_read_the_same_whole(evaluation_data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = [evaluation_data / "evaluation" / name for name in ("time.jsonl", "fiscal.jsonl")]
    rows = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
    texts = [
        text
        for row in rows
        for text in (row["expression"], f"revenue {row['expression']}", row.get("sentence"))
        if text
    ]

    _assert_read_the_same_whole(texts, monkeypatch)


@pytest.mark.parametrize(
    ("text", "periods"),
    [
        ("revenue in march 2024 for apac", 1),
        ("2023, foo 2024", 2),
        ("compare revenue 2022 to 2023", 2),
        ("revenue 2022 to 2023", 1),
        ("next week, say on Wednesday", 1),
        ("next week revenue on Wednesday", 1),
        ("now revenue last month", 1),
    ],
)
def test_what_stands_between_stretches_decides(text: str, periods: int) -> None:
    assert len(find_times(tokenize(text))) == periods


def test_a_stretch_is_told_from_the_same_words_elsewhere() -> None:
    alone, beside, compared = (
        [key for _, key in stretches(tokenize(text), frozenset({"may"}))]
        for text in ("may", "may revenue", "compare revenue may")
    )

    assert len({*alone, *beside, *compared}) == 3


@given(st.lists(st.tuples(st.sampled_from(_WRITTEN), st.sampled_from((" ", " ", " ", "-", "", "  "))), max_size=12))
def test_stretches_hold_what_the_whole_text_holds(pieces: list[tuple[str, str]]) -> None:
    tokens = tokenize("".join(word + gap for word, gap in pieces))
    ((_, whole),) = _whole(tokens, PERIOD_WORDS)

    by_stretch = [
        (start + first, start + end, expression)
        for start, key in stretches(tokens, PERIOD_WORDS | _FIGURES)
        for first, end, expression in read_stretch(*key)
    ]

    assert tuple(by_stretch) == read_stretch.__wrapped__(*whole)


def _assert_read_the_same_whole(texts: Sequence[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Read texts by stretches, of which none is kept and then each, and with nothing cut or kept."""
    tokens = [tokenize(text) for text in texts]
    read_stretch.cache_clear()
    first = [find_times(row) for row in tokens]
    again = [find_times(row) for row in tokens]
    monkeypatch.setattr(grammar, "stretches", _whole)
    monkeypatch.setattr(grammar, "_MOST_KEPT_WORDS", -1)
    whole = [find_times(row) for row in tokens]

    assert sum(map(bool, whole)) > 100
    assert [text for text, *read in zip(texts, first, again, whole, strict=True) if read != [read[-1]] * 3] == []


def _whole(tokens: Sequence[Token], _starts: object) -> list[tuple[int, Key]]:
    """Take a text as one stretch."""
    gaps = (0, *[after.start - before.end for before, after in pairwise(tokens)])[: len(tokens)]
    return [(0, (tuple(token.folded for token in tokens), gaps, False))]


def _module(name: str) -> ModuleType:
    return importlib.import_module(f"{time.__name__}.{name}")


def _exported(name: str) -> frozenset[str]:
    words: frozenset[str] = getattr(_module(name), "WORDS", frozenset())
    return words


def _held(value: object) -> Iterator[str]:
    """Yield the texts in a table, or in tables."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        yield from _held([*value.keys(), *value.values()])
    elif isinstance(value, AbstractSet | list | tuple):
        for item in value:
            yield from _held(item)


def _words(module: ast.Module) -> Iterator[str]:
    """Yield the words that the code of a module spells out."""
    return (word for text in _texts(module) for word in text.split() if word.isalpha() and word == word.lower())


def _texts(module: ast.Module) -> Iterator[str]:
    """Yield the texts in code: all but those that describe it and the names of slots."""
    aside = {id(node.value) for node in ast.walk(module) if isinstance(node, ast.Expr)}
    for node in ast.walk(module):
        if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "__slots__" for t in node.targets):
            aside |= {id(name) for name in ast.walk(node.value)}
    for node in ast.walk(module):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in aside:
            yield node.value


def _examples_in_docstrings(module: ast.Module) -> Iterator[str]:
    """Yield what docstrings quote."""
    for node in ast.walk(module):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef):
            yield from re.findall(r'"([^"]+)"', ast.get_docstring(node) or "")
