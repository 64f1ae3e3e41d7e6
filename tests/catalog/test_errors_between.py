"""What is wrong between documents (catalog.md, Rules of loading): where it is told, and in which words."""

from __future__ import annotations

import pytest

from tests.catalog.conftest import ErrorsOf
from tests.catalog.samples import DIMENSION, METRIC, Case, dimension, joined, metric

IDS: dict[str, Case] = {
    "an id with white space": (
        "kind: entity\nid: a b\nname: E",
        "a.yaml:2: entity a b: id: should be 1 to 200 printable characters without white space",
    ),
    "an empty id": (
        "kind: entity\nid: ''\nname: E",
        "a.yaml:2: entity: id: should be 1 to 200 printable characters without white space",
    ),
    "an id of 201 characters": (
        f"kind: entity\nid: {'x' * 201}\nname: E",
        f"a.yaml:2: entity {'x' * 201}: id: should be 1 to 200 printable characters without white space",
    ),
    "an id with a character that shows nothing": (
        'kind: entity\nid: "a\\u200b"\nname: E',
        "a.yaml:2: entity a\u200b: id: should be 1 to 200 printable characters without white space",
    ),
    "the same id twice": (
        joined(METRIC, METRIC),
        "a.yaml:3: metric m: id: is defined twice, first in the document at a.yaml:1",
    ),
    "the same member twice": (
        dimension("id: d.a, name: A, values: [a]", "id: d.a, name: B, values: [b]"),
        "a.yaml:7: member d.a: members[1].id: is defined twice, first in the document at a.yaml:1",
    ),
    "the same phrase twice": (
        joined(
            "kind: phrase\ntext: Churned ARR\nmeaning: stop\n",
            "kind: phrase\ntext: churned-arr\nmeaning: not_covered\n",
        ),
        "a.yaml:6: phrase churned-arr: text: is defined twice, first in the document at a.yaml:1",
    ),
    "two manifests": (
        joined("kind: manifest\nformat: 1\n", "kind: manifest\nformat: 1\n"),
        "a.yaml:4: manifest: is defined twice, first in the document at a.yaml:1",
    ),
    "a member that is not called after its dimension": (
        dimension("id: e.a, name: A, values: [a]"),
        "a.yaml:6: member e.a: members[0].id: the id of a member of d starts with `d.`",
    ),
}

DANGLING: dict[str, Case] = {
    "dimension of a metric": (
        metric("semantic_ref: C.m\ndimensions: [x]"),
        "a.yaml:6: metric m: dimensions[0]: there is no dimension 'x'",
    ),
    "calendar of a metric": (
        metric("semantic_ref: C.m\ncalendar: x"),
        "a.yaml:6: metric m: calendar: there is no calendar 'x'",
    ),
    "member that a metric is not available for": (
        metric("semantic_ref: C.m\nnot_available_for: [d.x]"),
        "a.yaml:6: metric m: not_available_for[0]: there is no member 'd.x'",
    ),
    "target": (
        metric("semantic_ref: C.m\ntargets: {budget: x}"),
        "a.yaml:6: metric m: targets.budget: there is no metric 'x'",
    ),
    "target written out": (
        metric("semantic_ref: C.m\ntargets:\n  budget:\n    metric: x"),
        "a.yaml:7: metric m: targets.budget: there is no metric 'x'",
    ),
    "input of a derived metric": (
        metric("derived:\n  expression: a\n  inputs: [{metric: x, alias: a}]"),
        "a.yaml:7: metric m: derived.inputs[0].metric: there is no metric 'x'",
    ),
    "metric of a running total": (
        metric("cumulative: {metric: x}"),
        "a.yaml:5: metric m: cumulative.metric: there is no metric 'x'",
    ),
    "metric of a term": (
        "kind: term\nid: t\nname: T\ndefinition: D\nmetric: x",
        "a.yaml:5: term t: metric: there is no metric 'x'",
    ),
    "default of a term": (
        "kind: term\nid: t\nname: T\ndefinition: D\ndefault: x",
        "a.yaml:5: term t: default: there is no metric 'x'",
    ),
    "parent of a term": (
        "kind: term\nid: t\nname: T\ndefinition: D\nparent: x",
        "a.yaml:5: term t: parent: there is no term 'x'",
    ),
    "metric of a term's variation": (
        "kind: term\nid: t\nname: T\nvariations:\n  - {context: c, metric: x}",
        "a.yaml:5: term t: variations[0].metric: there is no metric 'x'",
    ),
    "child of a member": (
        dimension("id: d.a, name: A, children: [d.x]"),
        "a.yaml:6: member d.a: members[0].children[0]: there is no member 'd.x'",
    ),
    "parent of a member": (
        dimension("id: d.a, name: A, values: [a], parent: d.x"),
        "a.yaml:6: member d.a: members[0].parent: there is no member 'd.x'",
    ),
    "calendar of a member": (
        dimension("id: d.a, name: A, values: [a], calendar: x"),
        "a.yaml:6: member d.a: members[0].calendar: there is no calendar 'x'",
    ),
    "level of a member": (
        dimension("id: d.a, name: A, values: [a], level: x"),
        "a.yaml:6: member d.a: members[0].level: names no level of the dimension: 'x'",
    ),
    "default level": (
        dimension("id: d.a, name: A, values: [a]", more="default_level: x\n"),
        "a.yaml:5: dimension d: default_level: names no level of the dimension: 'x'",
    ),
    "member in the values of a binding": (
        dimension(
            "id: d.a, name: A, values: [a]", more="bindings:\n  - cube: C\n    ref: C.d\n    values:\n      d.x: [v]\n"
        ),
        "a.yaml:9: dimension d: bindings[0].values.d.x: there is no member 'd.x'",
    ),
    "metric in an issue's scope": (
        "kind: known_issue\nid: i\ndescription: D\nseverity: low\nscope: {metrics: [x]}",
        "a.yaml:5: known_issue i: scope.metrics[0]: there is no metric 'x'",
    ),
    "member in an issue's scope": (
        "kind: known_issue\nid: i\ndescription: D\nseverity: low\nscope: {members: [d.x]}",
        "a.yaml:5: known_issue i: scope.members[0]: there is no member 'd.x'",
    ),
    "metric of a rule": (
        "kind: rule\nid: r\nexpression: value > 0\nseverity: low\nmetrics: [x]",
        "a.yaml:5: rule r: metrics[0]: there is no metric 'x'",
    ),
    "member that a rule expects": (
        "kind: rule\nid: r\nexpression: value > 0\nseverity: low\nexpect_members: [d.x]",
        "a.yaml:5: rule r: expect_members[0]: there is no member 'd.x'",
    ),
    "dimension in a rule's expression": (
        "kind: rule\nid: r\nexpression: row.x > 0\nseverity: low",
        "a.yaml:3: rule r: expression: there is no dimension 'x'",
    ),
    "end of a relation": (
        "kind: relation\nid: r\nfrom: x\nto: y\nverb: owns",
        "a.yaml:3: relation r: from: there is no entity or member or metric 'x'",
        "a.yaml:4: relation r: to: there is no entity or member or metric 'y'",
    ),
    "metric in the lineage": (
        "kind: lineage\nid: l\nedges:\n  - {from: a.b, to: x, to_type: metric}",
        "a.yaml:4: lineage l: edges[0].to: there is no metric 'x'",
    ),
    "member of another dimension": (
        joined(
            DIMENSION,
            "kind: dimension\nid: e\nname: E\nsemantic_ref: C.e\n"
            "members:\n  - {id: e.a, name: A, values: [a], parent: d.a}\n",
        ),
        "a.yaml:8: member e.a: members[0].parent: 'd.a' is no member of the dimension e",
    ),
    "child in a dimension whose id begins alike": (
        joined(
            dimension("id: d.all, name: All, children: [d.e.a]"),
            "{kind: dimension, id: d.e, name: E, semantic_ref: C.e, members: [{id: d.e.a, name: A, values: [a]}]}\n",
        ),
        "a.yaml:6: member d.all: members[0].children[0]: 'd.e.a' is no member of the dimension d",
    ),
    "values of a binding for a member of another dimension": (
        joined(
            "kind: dimension\nid: e\nname: E\nbindings:\n  - {cube: C, ref: C.d, values: {d.a: [v]}}\n",
            DIMENSION,
        ),
        "a.yaml:5: dimension e: bindings[0].values.d.a: 'd.a' is no member of the dimension e",
    ),
}

CONTRADICTIONS: dict[str, Case] = {
    "two members of one name": (
        dimension("id: d.a, name: Asia-Pacific, values: [a]", "id: d.b, name: asia pacific, values: [b]"),
        "a.yaml:7: member d.b: members[1].name: 'asia pacific' is the name of d.a too",
    ),
    "two levels of one id": (
        dimension("id: d.a, name: A, values: [a]", more="levels: [{id: l}, {id: l}]\n"),
        "a.yaml:5: dimension d: levels[1]: a second level 'l'",
    ),
    "two bindings to one cube": (
        dimension("id: d.a, name: A, values: [a]", more="bindings: [{cube: C, ref: C.x}, {cube: C, ref: C.y}]\n"),
        "a.yaml:5: dimension d: bindings[1]: a second binding to cube 'C'",
    ),
    "two default calendars": (
        joined(
            "kind: calendar\nid: c1\ntype: gregorian\ndefault: yes\n",
            "kind: calendar\nid: c2\ntype: gregorian\ndefault: true\n",
        ),
        "a.yaml:9: calendar c2: default: c1 is the default calendar already",
    ),
    "two variations of one context": (
        (
            "kind: term\nid: t\nname: T\nvariations:\n  - {context: c, name: A, valid_to: 2024-01-02}\n"
            "  - {context: c, name: B, valid_from: 2024-01-01}"
        ),
        "a.yaml:6: term t: variations[1]: a variation before this one holds in c on the same days",
    ),
    "a variation that ends before it begins": (
        dimension(
            "id: d.a, name: A, variations: [{context: c, values: [a], valid_from: 2024-01-01, valid_to: 2024-01-01}]"
        ),
        "a.yaml:6: member d.a: members[0].variations[0]: ends on 2024-01-01, which is not after its start, 2024-01-01",
    ),
    "a member that ends before it begins": (
        dimension("id: d.a, name: A, values: [a], valid_from: 2024-01-02, valid_to: 2024-01-01"),
        "a.yaml:6: member d.a: members[0]: ends on 2024-01-01, which is not after its start, 2024-01-02",
    ),
    "a target that ends before it begins": (
        metric("semantic_ref: C.m\ntargets: {b: {metric: m, valid_from: 2024-01-02, valid_to: 2024-01-01}}"),
        "a.yaml:6: metric m: targets.b: ends on 2024-01-01, which is not after its start, 2024-01-02",
    ),
    "an issue that ends before it begins": (
        "kind: known_issue\nid: i\ndescription: D\nseverity: low\nscope: {from: 2024-01-02, to: 2024-01-01}",
        "a.yaml:5: known_issue i: scope: ends on 2024-01-01, which is not after its start, 2024-01-02",
    ),
}

CYCLES: dict[str, Case] = {
    "contexts": (
        joined(
            "kind: context\nid: a\nparent: b\n",
            "kind: context\nid: b\nparent: c\n",
            "kind: context\nid: c\nparent: b\n",
        ),
        "a.yaml:6: context b: id: is part of a cycle: b > c > b",
    ),
    "terms": (
        "kind: term\nid: t\nname: T\ndefinition: D\nparent: t",
        "a.yaml:2: term t: id: is part of a cycle: t > t",
    ),
    "members, by parents": (
        dimension("id: d.a, name: A, values: [a], parent: d.b", "id: d.b, name: B, values: [b], parent: d.a"),
        "a.yaml:6: member d.a: members[0].id: is part of a cycle: d.a > d.b > d.a",
    ),
    "members, by a child that is the parent": (
        dimension("id: d.a, name: A, values: [a], children: [d.b], parent: d.b", "id: d.b, name: B, values: [b]"),
        "a.yaml:6: member d.a: members[0].id: is part of a cycle: d.a > d.b > d.a",
    ),
    "members, by one that is not there": (
        dimension("id: d.a, name: A, values: [a], children: [d.x], parent: d.x"),
        "a.yaml:6: member d.a: members[0].children[0]: there is no member 'd.x'",
        "a.yaml:6: member d.a: members[0].id: is part of a cycle: d.a > d.x > d.a",
        "a.yaml:6: member d.a: members[0].parent: there is no member 'd.x'",
    ),
    "derived and cumulative metrics": (
        joined(
            metric("derived: {expression: a, inputs: [{metric: n, alias: a}]}"),
            metric("cumulative: {metric: m}", "n"),
        ),
        "a.yaml:2: metric m: id: is part of a cycle: m > n > m",
    ),
}

EXPRESSIONS: dict[str, Case] = {
    "a function in a derived metric": (
        metric("derived: {expression: max(a), inputs: [{metric: n, alias: a}]}")
        + "---\n"
        + metric("semantic_ref: C.n", "n"),
        "a.yaml:5: metric m: derived.expression: '(' is not supported here",
    ),
    "an alias of no input": (
        metric("derived: {expression: a - b, inputs: [{metric: n, alias: a}]}")
        + "---\n"
        + metric("semantic_ref: C.n", "n"),
        "a.yaml:5: metric m: derived.expression: 'b' is the alias of no input",
    ),
    "an alias given twice": (
        metric(
            "derived:\n  expression: a\n  inputs:\n"
            "    - {metric: n, alias: a}\n    - {metric: n, alias: a, offset: 1 month}"
        )
        + "---\n"
        + metric("semantic_ref: C.n", "n"),
        "a.yaml:9: metric m: derived.inputs[1]: a second input is called 'a'",
    ),
    "a derived metric of numbers alone": (
        metric("derived: {expression: 1 + 1, inputs: [{metric: n, alias: a}]}")
        + "---\n"
        + metric("semantic_ref: C.n", "n"),
        "a.yaml:5: metric m: derived.expression: uses none of the inputs",
    ),
    "an alias that is no name": (
        metric("derived: {expression: a, inputs: [{metric: n, alias: a-b}]}")
        + "---\n"
        + metric("semantic_ref: C.n", "n"),
        "a.yaml:5: metric m: derived.inputs[0].alias: should match pattern '^[A-Za-z_][A-Za-z0-9_]*$'",
    ),
    "arithmetic in a rule": (
        "kind: rule\nid: r\nexpression: value + 1 > 0\nseverity: low",
        "a.yaml:3: rule r: expression: '+' is not supported here",
    ),
    "a sum of different units": (
        joined(
            metric("derived: {expression: a + 2 * b - (c), inputs: [{metric: a}, {metric: b}, {metric: c}]}"),
            metric("semantic_ref: C.a\nunit: USD", "a"),
            metric("semantic_ref: C.b\nunit: count", "b"),
            metric("semantic_ref: C.c\nunit: EUR", "c"),
        ),
        "a.yaml:5: metric m: derived.expression: adds or subtracts USD and EUR",
    ),
}

GROUPS: dict[str, dict[str, Case]] = {
    "ids": IDS,
    "dangling reference": DANGLING,
    "contradiction": CONTRADICTIONS,
    "cycle": CYCLES,
    "unsupported expression": EXPRESSIONS,
}
CASES = {f"{group}: {name}": case for group, cases in GROUPS.items() for name, case in cases.items()}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_error(errors_of: ErrorsOf, case: Case) -> None:
    text, *expected = case
    assert sorted(expected) == sorted(errors_of(text))
