"""What cannot be read is told with file and line, all at once, and nothing is written; hostile input is harmless."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from ecp_server.catalog.importers.dbt.sql import SqlError, SqlReader
from tests.catalog.importers.dbt.projects import LEGACY, failed, imported, manifest

MODEL = "semantic_models:\n  - name: m\n    model: ref('m')\n"

WRONG: Mapping[str, tuple[str, str]] = {
    "no YAML": ("semantic_models: [", "models/schema.yml:1: is not YAML: did not find expected node content"),
    "a tag": (
        "metrics:\n  - !!python/object:os.system {name: x, type: conversion}\n",
        "models/schema.yml:2: the tag tag:yaml.org,2002:python/object:os.system is not supported",
    ),
    "a key twice": (f"{MODEL}    model: ref('n')\n", "models/schema.yml:4: the key 'model' is given twice"),
    "a list where a mapping belongs": (
        "- metrics:\n",
        "models/schema.yml:1: a file of a dbt project is a mapping, e.g. of semantic_models and metrics",
    ),
    "a mapping where a list belongs": ("metrics:\n  x: 1\n", "models/schema.yml:1: metrics should be a list"),
    "no mapping in a list": ("metrics:\n  - x\n", "models/schema.yml:2: an entry of metrics should be a mapping"),
    "no name": ("metrics:\n  - type: simple\n    type_params: {}\n", "models/schema.yml:2: name is required"),
    "a bad name": (
        "metrics:\n  - name: 'a b'\n    type: simple\n    type_params: {}\n",
        "models/schema.yml:2: 'a b' is no name: letters, digits and underscores, a letter first",
    ),
    "no type": ("metrics:\n  - name: x\n    type_params: {}\n", "models/schema.yml:2: metric x: type is required"),
    "an unknown type": (
        "metrics:\n  - name: x\n    type: guess\n    type_params: {}\n",
        "models/schema.yml:3: metric x: 'guess' is no type of metric: simple, ratio, derived, cumulative, conversion",
    ),
    "a list for a label": (
        "metrics:\n  - name: x\n    type: conversion\n    label: [x]\n",
        "models/schema.yml:4: metric x: label should be text",
    ),
    "no ref": (
        "semantic_models:\n  - name: m\n    model: orders; drop table x\n",
        "models/schema.yml:3: semantic model m: 'orders; drop table x' should name a model, as ref('orders') does",
    ),
    "an unknown entity type": (
        f"{MODEL}    entities: [{{name: e, type: secondary}}]\n",
        "models/schema.yml:4: entity e: 'secondary' is no type of entity: primary, unique, foreign, natural",
    ),
    "an unknown granularity": (
        f"{MODEL}    dimensions: [{{name: d, type: time, type_params: {{time_granularity: parsec}}}}]\n",
        "models/schema.yml:4: dimension d: 'parsec' is no granularity of MetricFlow",
    ),
    "a metric twice": (
        "metrics:\n  - {name: x, type: conversion, type_params: {}}\n  - {name: x, type: conversion, type_params: {}}\n",
        "models/schema.yml:3: metric x: is defined twice, first at models/schema.yml:2",
    ),
    "a measure twice": (
        f"{MODEL}    measures: [{{name: x, agg: sum}}]\n  - name: n\n    model: ref('n')\n    measures: [{{name: x, agg: sum}}]\n",
        "models/schema.yml:7: measure x: is defined twice, first at models/schema.yml:4",
    ),
    "half a ratio": (
        "metrics:\n  - {name: x, type: ratio, type_params: {numerator: y}}\n",
        "models/schema.yml:2: metric x: a ratio has a numerator and a denominator",
    ),
    "a simple metric of no model": (
        "metrics:\n  - {name: x, type: simple, agg: sum, expr: a}\n",
        "models/schema.yml:2: metric x: a simple metric stands within its model, or has type_params",
    ),
    "meta that the catalog does not take": (
        LEGACY.replace("    label: Revenue\n", "    label: Revenue\n    meta: {ecp: {classification: secret}}\n", 1),
        "metrics/orders.yaml:6: metric revenue: classification: should be 'public', 'internal', 'confidential' or 'restricted'",
    ),
}


@pytest.mark.parametrize(("text", "expected"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_with_its_place(text: str, expected: str, tmp_path: Path) -> None:
    assert [expected] == failed(tmp_path, text)


def test_everything_is_told_at_once(tmp_path: Path) -> None:
    assert [
        "models/a.yml:1: is not YAML: did not find expected node content",
        "models/b.yml:2: metric x: type is required",
        "models/c.yml:1: is not UTF-8",
    ] == failed_with_bytes(tmp_path)


def failed_with_bytes(tmp_path: Path) -> list[str]:
    files = {"models/a.yml": "metrics: [", "models/b.yml": "metrics:\n  - {name: x}\n"}
    (tmp_path / "project/models").mkdir(parents=True)
    (tmp_path / "project/models/c.yml").write_bytes(b"metrics: \xff\n")
    return failed(tmp_path, files)


MANIFESTS: Mapping[str, tuple[str, str]] = {
    "no JSON": ('{"metrics": [\n}', "target/semantic_manifest.json:2: is not JSON: Expecting value"),
    "a list": ("[]", "target/semantic_manifest.json: a manifest is an object with semantic_models and metrics"),
    "too deep": ("[" * 100_000, "target/semantic_manifest.json: is nested deeper than 40"),
    "deep within": (
        json.dumps({"metrics": json.loads("[" * 60 + "]" * 60)}),
        "target/semantic_manifest.json: is nested deeper than 40",
    ),
    "no relation": (
        '{"semantic_models": [{"name": "m", "node_relation": {}}]}',
        "target/semantic_manifest.json: semantic model m: node_relation.alias is required",
    ),
    "a relation that breaks out": (
        '{"semantic_models": [{"name": "m", "node_relation": {"alias": "a; drop table b", "schema_name": "s"}}]}',
        "target/semantic_manifest.json: semantic model m: 'a; drop table b' is no name of a table or schema",
    ),
}


@pytest.mark.parametrize(("text", "expected"), MANIFESTS.values(), ids=MANIFESTS)
def test_what_is_wrong_with_a_manifest(text: str, expected: str, tmp_path: Path) -> None:
    assert [expected] == failed(tmp_path, {"target/semantic_manifest.json": text})


def test_a_file_without_semantics_is_not_looked_into(tmp_path: Path) -> None:
    files = {"models/schema.yml": LEGACY, "profiles.yml": "a: [", "models/sources.yml": "sources: {{{"}
    assert 7 == imported(tmp_path, files).metrics


def test_what_packages_and_dbt_wrote_is_not_the_project(tmp_path: Path) -> None:
    files = {"models/schema.yml": LEGACY, "dbt_packages/x/m.yml": LEGACY, ".venv/m.yml": LEGACY, "target/m.yml": LEGACY}
    assert 7 == imported(tmp_path, files).metrics


def test_links_and_pipes_are_not_followed(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    (tmp_path / "project/loop").symlink_to(tmp_path / "project")
    assert 7 == imported(tmp_path, LEGACY).metrics
    os.mkfifo(tmp_path / "project/pipe.yml")
    assert ["pipe.yml: is not a regular file"] == failed(tmp_path, LEGACY)


def test_a_file_that_is_too_large_is_not_read(tmp_path: Path) -> None:
    assert ["models/large.yml: is larger than 4 MB"] == failed(tmp_path, {"models/large.yml": "#" * (5 * 1024 * 1024)})


def test_aliases_do_not_blow_up(tmp_path: Path) -> None:
    bomb = "metrics:\n  - &a {name: x, type: derived}\n" + "".join(
        f"  - &{chr(98 + i)} {{config: [{', '.join([f'*{chr(97 + i)}'] * 9)}]}}\n" for i in range(12)
    )
    (message,) = failed(tmp_path, bomb)
    assert "stands for more than" in message


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    assert ["models/schema.yml:1: is nested deeper than 40"] == failed(tmp_path, "metrics: " + "[" * 100_000)


HOSTILE: Mapping[str, str] = {
    "open parentheses": "(" * 7_999,
    "closed parentheses": "(" * 101 + "1" + ")" * 101,
    "brackets": "[" * 7_000,
    "negations": "not " * 1_990 + "x",
    "minus signs": "- " * 3_990 + "1",
    "cases": "case when a then " * 460 + "1",
    "sums": "1+" * 3_990 + "1",
    "too long": "x" * 8_001,
    "a NUL": "a\x00b",
    "quotes": "'" * 7_999,
    "a function without end": "f(" * 99 + "1",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_sql_is_refused_at_once(text: str) -> None:
    began = time.process_time()
    with SqlReader() as sql, pytest.raises(SqlError):
        sql.expression(text)
    # The parser takes time in the square of the nesting: without bounds the first of these takes minutes.
    assert time.process_time() - began < 5


def test_expressions_are_read_byte_for_byte() -> None:
    with SqlReader() as sql:
        expression = sql.expression("'ü€' || \"Größe\" || name")
        assert "'ü€' || <\"Größe\"> || <name>" == expression.with_columns(lambda _, text: f"<{text}>")


def test_a_large_manifest_is_read(tmp_path: Path) -> None:
    metrics = json.loads(manifest())["metrics"]
    many = [{**metrics[0], "name": f"revenue_{number}"} for number in range(1_000)]
    assert 1_000 == imported(tmp_path, {"target/semantic_manifest.json": manifest(metrics=many)}).metrics
