"""What a catalog leaves out or says in vain."""

from __future__ import annotations

import pytest

from ecp_server.catalog.oversights import oversights
from tests.catalog.conftest import Load
from tests.catalog.samples import dimension, joined, metric

GOOD = "owner: o\ntime_dimension: C.day\nsemantic_ref: C.m\n"
ISSUE = "{{kind: known_issue, id: i, description: D, severity: low, scope: {{{}}}}}\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (metric(GOOD), []),
        (
            metric("semantic_ref: C.m"),
            ["metrics without an owner: m", "metrics without a time dimension: m"],
        ),
        (
            joined(
                metric(GOOD),
                metric("owner: o\nderived: {expression: a * 2, inputs: [{metric: m, alias: a}]}", "n", "N"),
            ),
            [],
        ),
        (
            joined(*(metric("semantic_ref: C.m\ntime_dimension: C.d\n", f"m{n:02}", f"M{n}") for n in range(12))),
            ["metrics without an owner: m00, m01, m02, m03, m04, m05, m06, m07, m08, m09 and 2 more"],
        ),
        (
            dimension(
                "id: d.a, name: A, values: [x, y]", "id: d.b, name: B, values: [y, z]", "id: d.c, name: C, values: [w]"
            ),
            ["members d.a and d.b share y"],
        ),
        (
            dimension(
                "id: d.a, name: A, variations: [{context: c, values: [x]}, {context: e, values: [y]}]",
                "id: d.b, name: B, variations: [{context: c, values: [x]}, {context: e, values: [z]}]",
            ),
            ["members d.a and d.b share x in c"],
        ),
        (
            dimension(
                "id: d.a, name: A, values: [x], valid_to: 2024-01-01",
                "id: d.b, name: B, values: [x], valid_from: 2024-01-01",
                "id: d.c, name: C, values: [x], valid_from: 2023-12-31, valid_to: 2024-01-01",
            ),
            ["members d.a and d.c share x"],
        ),
        (
            dimension("id: d.a, name: A, values: [x]", "id: d.b, name: B, parent: d.a, values: [x]"),
            [],
        ),
        (
            dimension(
                "id: d.a, name: A, level: one, values: [x]",
                "id: d.b, name: B, level: two, values: [x]",
                more="levels: [{id: one, name: One}, {id: two, name: Two}]\n",
            ),
            [],
        ),
        (
            joined(metric(GOOD + "computed_from: [s.t.c]\n"), ISSUE.format("tables: [s.t]")),
            [],
        ),
        (
            joined(
                metric(GOOD + "computed_from: [s.t.c]\n"),
                "{kind: lineage, id: l, edges: [{from: raw.u.c, to: s.t.c}]}\n",
                ISSUE.format("tables: [raw.u]"),
            ),
            [],
        ),
        (
            joined(metric(GOOD + "computed_from: [s.t.c]\n"), ISSUE.format("tables: [s.other]")),
            ["known issue i can never fire: no metric is computed from s.other"],
        ),
        (ISSUE.format("from: 2024-01-01"), []),
        (
            joined(
                "{kind: term, id: retention, name: Retention, definition: D}\n",
                "{kind: phrase, text: retention, meaning: not_covered}\n",
            ),
            [
                "term retention can be reached by no question: each of its names is a phrase or a small word",
            ],
        ),
        (
            joined(
                "{kind: term, id: retention, name: Retention, synonyms: [kept], definition: D}\n",
                "{kind: phrase, text: retention, meaning: not_covered}\n",
            ),
            [],
        ),
        ("{kind: term, id: now, name: NOW, definition: D}\n", []),
        (
            "{kind: term, id: now, name: now, definition: D}\n",
            ["term now can be reached by no question: each of its names is a phrase or a small word"],
        ),
    ],
)
def test_oversights(load: Load, text: str, told: list[str]) -> None:
    assert told == list(oversights(load(text)))
