"""The JSON Schema for editors."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from ecp_server.catalog.documents import MODELS
from ecp_server.catalog.schema import catalog_schema, schema_text


class AsEditorsRead(yaml.SafeLoader):
    """YAML with numbers and booleans as YAML 1.2 has them, which is how language servers read it; days stay text."""


AsEditorsRead.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith((":timestamp", ":bool"))]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
AsEditorsRead.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), list("tf"))


@pytest.fixture(scope="module")
def validator() -> Draft202012Validator:
    schema = catalog_schema()
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def documents(text: str) -> list[dict[str, Any]]:
    return [document for document in yaml.load_all(text, AsEditorsRead) if document is not None]


def test_the_committed_schema_is_the_current_one(project_root: Path) -> None:
    committed = (project_root / "docs/catalog.schema.json").read_text(encoding="utf-8")
    assert schema_text() == committed, "run `ecp-server catalog schema > docs/catalog.schema.json`"


def test_the_example_is_valid(project_root: Path, validator: Draft202012Validator) -> None:
    example = (project_root / "docs/catalog.example.yaml").read_text(encoding="utf-8")
    for document in documents(example):
        assert [] == list(validator.iter_errors(document))


@pytest.mark.parametrize("catalog", ["meridian", "sec_saas"])
def test_the_catalogs_that_travel_along_are_valid(
    project_root: Path, validator: Draft202012Validator, catalog: str
) -> None:
    files = [path for path in (project_root / "catalogs" / catalog).rglob("*.yaml") if path.name != "golden.yaml"]
    if not files:
        pytest.skip(f"no catalog {catalog}")
    for path in files:
        for document in documents(path.read_text(encoding="utf-8")):
            assert [] == list(validator.iter_errors(document)), f"{path}: {document.get('id')}"


def test_there_is_one_alternative_a_kind() -> None:
    schema = catalog_schema()
    parts = [schema["$defs"][part["$ref"].rpartition("/")[2]] for part in schema["oneOf"]]
    assert list(MODELS) == [part["properties"]["kind"]["const"] for part in parts]


@pytest.mark.parametrize(
    "text",
    [
        "{kind: table, id: t}",
        "{kind: entity, id: e}",
        "{kind: entity, id: e, name: E, colour: red}",
        "{kind: entity, id: a b, name: E}",
        "{kind: entity, id: e, name: ' '}",
        "{kind: metric, id: m, name: M, definition: D}",
        "{kind: metric, id: m, name: M, definition: D, semantic_ref: C.m, cumulative: {metric: m}}",
        "{kind: metric, id: m, name: M, definition: D, semantic_ref: C.m, certification_tier: 5}",
        "{kind: metric, id: m, name: M, definition: D, cumulative: {metric: m, window: 7}}",
        "{kind: term, id: t, name: T}",
        "{kind: calendar, id: c, type: fiscal_weeks, pattern: 4-4-4}",
        "{kind: lineage, id: l, edges: []}",
    ],
)
def test_what_loading_refuses_in_a_document_the_schema_refuses(validator: Draft202012Validator, text: str) -> None:
    (document,) = documents(text)
    assert not validator.is_valid(document)


@pytest.mark.parametrize(
    "text",
    [
        "{kind: metric, id: m, name: M, definition: D, semantic_ref: C.m, targets: {budget: b, plan: {metric: p}}}",
        "{kind: metric, id: m, name: M, definition: D, semantic_ref: C.m, scale: 0.01, meta: [1, {a: ~}]}",
        "{kind: metric, id: m, name: M, definition: D, cumulative: {metric: m, window: all}}",
        "{kind: known_issue, id: i, description: D, severity: low, scope: {from: 2024-01-31}}",
        "{kind: dimension, id: d, name: D, semantic_ref: C.d, members: [{id: d.a, name: A, values: [1, 2.5, yes]}]}",
        "{kind: dimension, id: d, name: D, bindings: [{cube: C, ref: C.d, values: {d.a: [1], d.b: {f: [x]}}}]}",
    ],
)
def test_short_forms_are_in_the_schema(validator: Draft202012Validator, text: str) -> None:
    (document,) = documents(text)
    assert [] == [error.message for error in validator.iter_errors(document)]


def test_keys_are_described() -> None:
    properties = json.loads(schema_text())["$defs"]["MetricDocument"]["properties"]
    assert "1 regulatory, 2 executive, 3 operational, 4 exploratory." == properties["certification_tier"]["description"]
