"""What a catalog may hold but its author should know of."""

from __future__ import annotations

import pytest

from ecp_server.catalog.advice import advice
from tests.catalog.conftest import Load
from tests.catalog.samples import DIMENSION, METRIC, dimension, joined, metric

MARGIN = metric("semantic_ref: C.m", name="margin")
TERM = "kind: term\nid: t\nname: Margin\ndefinition: D\n"


@pytest.mark.parametrize(
    ("text", "warnings"),
    [
        (METRIC, []),
        (
            joined(
                metric("semantic_ref: C.m\nsynonyms: [net-sales]"),
                metric("semantic_ref: C.n\nacronyms: [Net Sales]", "n"),
            ),
            ["'M' stands for metric m, metric n", "'net-sales' stands for metric m, metric n"],
        ),
        (
            joined(metric("semantic_ref: C.m", "net_sales"), metric("semantic_ref: C.n", "n", "Net sales")),
            ["'Net sales' stands for metric n, metric net_sales"],
        ),
        (
            joined("{kind: context, id: fin, name: Finance}\n", "{kind: context, id: finance, name: Money}\n"),
            ["'Finance' stands for context fin, context finance"],
        ),
        (
            joined(
                dimension("id: d.a, name: Terminal, values: [a]"),
                "{kind: entity, id: e, name: terminal}\n",
                "{kind: context, id: c, synonyms: [TERMINAL]}\n",
            ),
            ["'Terminal' stands for context c, entity e, member d.a"],
        ),
        (
            joined(TERM, MARGIN),
            ["'margin' stands for metric m, term t"],
        ),
        (joined(TERM + "metric: m\n", MARGIN), []),
        (  # two names of one place, as imports have them
            joined(DIMENSION, DIMENSION.replace("id: d", "id: e")),
            [],
        ),
        (
            joined(DIMENSION, DIMENSION.replace("id: d", "id: e").replace("C.d", "C.e")),
            ["'A' stands for member d.a, member e.a", "'D' stands for dimension d, dimension e"],
        ),
        (
            joined(DIMENSION, DIMENSION.replace("id: d", "id: e").replace("[a]", "[b]")),
            ["'A' stands for member d.a, member e.a"],
        ),
        (
            joined(
                TERM + "variations: [{context: c, metric: m}]\n",
                MARGIN,
            ),
            [],
        ),
        (
            (
                "{kind: calendar, id: k1, type: gregorian, departments: [a, b]}\n---\n"
                "{kind: calendar, id: k2, type: gregorian, departments: [b]}\n"
            ),
            ["department b has more than one calendar: k1, k2"],
        ),
        (
            joined(
                metric("semantic_ref: C.m\nunit: USD\ntargets: {budget: n, plan: o, goal: m}"),
                metric("semantic_ref: C.n\nunit: EUR", "n", "N"),
                metric("semantic_ref: C.o", "o", "O"),
            ),
            ["metric m is in USD, its target budget in EUR"],
        ),
    ],
)
def test_advice(load: Load, text: str, warnings: list[str]) -> None:
    found = [warning for warning in advice(load(text)) if not warning.startswith("metrics without")]
    assert warnings == found
