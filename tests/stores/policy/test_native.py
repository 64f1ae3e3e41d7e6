"""The input reaches the native engine as it was, whatever its texts hold."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from ecp_server.stores.policy.engine import Engine, EvaluationFailed
from ecp_server.stores.policy.native import Piece, completed, frame, piece

ECHO = Engine({"echo.rego": "package ecp.policy\n\ndecisions := input\n"})


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"text": "", "list": [], "object": {}},
        {"yes": True, "no": False, "one": 1, "nothing": 0, "below": -7, "many": 123_456_789},
        {"nested": {"list": [[1, "a"], [], [{"b": [True]}]]}},
        {"quote": 'a "b" \\ c', "line": "a\nb\tc", "nul": "a\x00b", "letters": "Zoë 日本 🙂", "slash": "a/b"},
        {'key "quoted"': {"kéy": 1}, "": "empty key"},
        {"list": [f"item {i}" for i in range(300)]},
    ],
)
def test_it_comes_back_as_it_was(document: dict[str, Any]) -> None:
    assert document == ECHO.evaluate(document)


@pytest.mark.parametrize("value", [1.5, None, ("tuple",), b"bytes"])
def test_what_the_contract_does_not_have_is_no_input(value: object) -> None:
    with pytest.raises(EvaluationFailed):
        ECHO.evaluate({"value": value})
    assert ECHO.evaluate({"value": 1}) == {"value": 1}


def test_a_piece_stands_for_what_it_was_made_of() -> None:
    product = {"id": 'm "q" é', "tags": ["a", "b"], "tier": 2, "open": True, "none": [], "inner": {"x": {}}}
    made = piece(product)
    for others in ([], [product], [made, piece({"id": "other"})]):
        expected = [product, *(product if other is made else other for other in others)]
        expected = [{"id": "other"} if isinstance(other, Piece) else other for other in expected]
        assert ECHO.evaluate({"products": [made, *others], "n": 1}) == {"products": expected, "n": 1}
    with pytest.raises(ValueError, match="has no place"):
        piece({"value": 1.5})


def test_other_threads_get_right_decisions_too() -> None:
    """Engines of their own, side by side: the lock is held while an input is made and given up while it is judged."""

    def judged(number: int) -> bool:
        engine = Engine({"echo.rego": "package ecp.policy\n\ndecisions := input\n"})
        return all(engine.evaluate({"n": number, "i": i}) == {"n": number, "i": i} for i in range(50))

    with ThreadPoolExecutor(4) as threads:
        assert all(threads.map(judged, range(4)))


def test_what_is_given_up_is_freed() -> None:
    """An input that fails half-way leaves nothing that a later one would show."""
    for _ in range(200):
        with pytest.raises(EvaluationFailed):
            ECHO.evaluate({"first": "x" * 10_000, "then": None})
    assert ECHO.evaluate({"only": "y"}) == {"only": "y"}


def test_a_frame_is_completed_by_the_items_that_it_lacks() -> None:
    asked = {"action": "resolve", "principal": {"roles": ['a "b"']}}
    opened = frame(asked, "products")
    for products in ([], [{"id": "a"}], [{"id": "a"}, {"id": "b", "tags": ["x"]}]):
        assert ECHO.evaluate(completed(opened, [piece(product) for product in products])) == asked | {
            "products": products
        }


EVALUATIONS = 300
MAX_KIB = 2.0
"""Of memory that an evaluation may keep, noise included."""
GROWTH = f"""
import grpc, numpy  # whichever comes first must not matter
from pathlib import Path
from ecp_server.domain.identity import Principal
from ecp_server.domain.policy import Action
from ecp_server.stores.policy.contract import input_document
from ecp_server.stores.policy.engine import Engine

def resident_kib():
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4

product = dict(kind="metric", certification_tier=1, classification="internal", domain="d", owner="o", pii_columns=[])
document = input_document(Action.DISCOVER, Principal(), ())
document["products"] = [product | dict(id=str(i), dimensions=["region", "segment"]) for i in range(16)]
engine = Engine({{file.name: file.read_text() for file in Path("catalogs/meridian/policies").glob("*.rego")}})
for number in range(20 + {EVALUATIONS}):
    if number == 20:
        before = resident_kib()
    assert len(engine.evaluate(document)) == 16
print((resident_kib() - before) / {EVALUATIONS})
"""


@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
def test_evaluations_keep_no_memory(project_root: Path) -> None:
    """In a process of its own: the order in which native libraries are loaded decides."""
    done = subprocess.run([sys.executable, "-c", GROWTH], cwd=project_root, capture_output=True, text=True, check=True)
    assert float(done.stdout) < MAX_KIB
