"""What loads although it may look odd, and how errors are told together (catalog.md, Rules of loading)."""

from __future__ import annotations

import pytest

from tests.catalog.conftest import ErrorsOf, Files, Load
from tests.catalog.samples import DIMENSION, METRIC, dimension, joined, metric

ALLOWED = {
    "meta on any document": "kind: entity\nid: e\nname: E\nmeta: {on: [1, {deep: ~}]}",
    "meta on a member": dimension("id: d.a, name: A, values: [a], meta: {x: y}"),
    "two assets that share a name": joined(METRIC, metric("semantic_ref: C.n", "n")),
    "members of different dimensions that share a name": joined(
        DIMENSION,
        "{kind: dimension, id: e, name: E, semantic_ref: C.e, members: [{id: e.a, name: A, values: [a]}]}\n",
    ),
    "the same id for different kinds": joined(METRIC, "{kind: entity, id: m, name: M}\n"),
    "contexts without documents": (
        "kind: term\nid: t\nname: T\nvariations: [{context: nowhere, name: A}]\n---\n"
        "kind: context\nid: c\nparent: elsewhere\n---\n"
        "kind: calendar\nid: k\ntype: gregorian\ndepartments: [anywhere]"
    ),
    "tables and columns without documents": (
        "kind: known_issue\nid: i\ndescription: D\nseverity: low\nscope: {tables: [a.b]}\n---\n"
        + metric("semantic_ref: C.m\ncomputed_from: [a.b.c]")
    ),
    "the gregorian calendar without a document": metric("semantic_ref: C.m\ncalendar: gregorian"),
    "variations of one context one after the other": (
        "kind: term\nid: t\nname: T\nvariations:\n  - {context: c, name: A, valid_to: 2024-01-01}\n"
        "  - {context: c, name: B, valid_from: 2024-01-01}"
    ),
    "a member with children only": dimension("id: d.a, name: A", "id: d.b, name: B, values: [b], parent: d.a"),
    "an id with any printable character": "kind: entity\nid: 'fibo:BP/Ä-é.(x)@'\nname: E",
    "an id of 200 characters": f"kind: entity\nid: {'x' * 200}\nname: E",
    "percentage points added to a percentage": joined(
        metric("derived: {expression: a + b, inputs: [{metric: a, alias: a}, {metric: b, alias: b}]}"),
        metric("semantic_ref: C.a\nunit: percent", "a"),
        metric("semantic_ref: C.b\nunit: percentage_points", "b"),
    ),
    "sums where a unit is not known": joined(
        metric(
            "derived: {expression: a + b - a / b + -(a + 1), inputs: [{metric: a, alias: a}, {metric: b, alias: b}]}"
        ),
        metric("semantic_ref: C.a\nunit: usd", "a"),
        metric("semantic_ref: C.b", "b"),
    ),
    "the alias left out": joined(
        metric("derived: {expression: sales * 2, inputs: [{metric: sales}]}"), metric("semantic_ref: C.s", "sales")
    ),
}


@pytest.mark.parametrize("text", ALLOWED.values(), ids=ALLOWED)
def test_no_error(load: Load, text: str) -> None:
    assert load(text).version


def test_all_errors_of_all_files_are_told_at_once_by_file_and_line(errors_of: ErrorsOf) -> None:
    files: Files = {
        "b.yaml": "# comment\n---\nkind: metric\nid: m\nunits: USD\ndimensions: [x, y]\n---\nkind: entity\nid: [\n---\n"
        "kind: term\nid: t\nname: T\ndefinition: D\nmetric: m\nparent: t2\n",
        "sub/a.yml": dimension("id: d.a, name: 7", "id: x.b, name: 7, values: [b]"),
        "policies/p.rego": b"package x \xff",
    }
    assert [
        "b.yaml:3: metric m: definition: is required",
        "b.yaml:3: metric m: name: is required",
        "b.yaml:3: metric m: one of semantic_ref, derived, cumulative is required",
        "b.yaml:5: metric m: units: unknown key",
        "b.yaml:9: is not YAML: did not find expected node content",
        "b.yaml:16: term t: parent: there is no term 't2'",
        "policies/p.rego:1: is not UTF-8",
        "sub/a.yml:6: member d.a: members[0]: values, variations or children are required",
        "sub/a.yml:7: member x.b: members[1].id: the id of a member of d starts with `d.`",
        "sub/a.yml:7: member x.b: members[1].name: '7' is the name of d.a too",
    ] == errors_of(files)


def test_what_a_document_with_errors_defines_is_not_missing(errors_of: ErrorsOf) -> None:
    text = joined(metric("nonsense: 1"), "kind: term\nid: t\nname: T\ndefinition: D\nmetric: m\n")
    assert [
        "a.yaml:1: metric m: one of semantic_ref, derived, cumulative is required",
        "a.yaml:5: metric m: nonsense: unknown key",
    ] == errors_of(text)


def test_what_an_unreadable_document_may_define_is_not_missing(errors_of: ErrorsOf) -> None:
    text = joined(metric("synonyms: [x"), "kind: term\nid: t\nname: T\ndefinition: D\nmetric: m\n")
    assert ["a.yaml:5: is not YAML: did not find expected ',' or ']'"] == errors_of(text)


def test_what_an_unreadable_file_may_define_is_not_missing(errors_of: ErrorsOf) -> None:
    text = "kind: term\nid: t\nname: T\ndefinition: D\nmetric: m\n"
    assert ["b.yaml:2: is not UTF-8"] == errors_of({"a.yaml": text, "b.yaml": b"kind: metric\nid: m \xff\n"})
