"""The same project, whichever way it is written, is the same catalog."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ecp_server.catalog.importers.dbt.carried import Defaults
from ecp_server.catalog.importers.dbt.convert import REPORT, convert
from tests.catalog.importers.dbt.projects import LATEST, LEGACY, imported, loaded, manifest


def test_both_notations_are_the_same_catalog(tmp_path: Path) -> None:
    legacy = imported(tmp_path / "a", LEGACY)
    latest = imported(tmp_path / "b", LATEST)
    assert loaded(legacy, tmp_path / "a").metrics == loaded(latest, tmp_path / "b").metrics
    assert {path: text for path, text in legacy.files.items() if path.startswith("dimensions/")} == {
        path: text for path, text in latest.files.items() if path.startswith("dimensions/")
    }
    assert ("Everything was carried over.\n",) * 2 == (legacy.files[REPORT], latest.files[REPORT])


def test_a_manifest_is_the_same_catalog_over_the_tables_that_it_names(tmp_path: Path) -> None:
    legacy = imported(tmp_path / "a", LEGACY)
    of_manifest = imported(tmp_path / "b", {"target/semantic_manifest.json": manifest()})
    with_schema = {path: text.replace("wh.marts.", "") for path, text in of_manifest.files.items() if path != REPORT}
    assert with_schema == {path: text for path, text in legacy.files.items() if path != REPORT}


def test_a_manifest_can_be_given_itself(tmp_path: Path) -> None:
    folder = tmp_path / "target"
    folder.mkdir()
    (folder / "semantic_manifest.json").write_text(manifest(), encoding="utf-8")
    assert 7 == convert(folder / "semantic_manifest.json", Defaults(), None).metrics


@pytest.mark.parametrize("text", ["", "{}", '{"semantic_models": [], "metrics": []}', '{"metrics": null}'])
def test_an_empty_manifest_has_no_metrics(text: str, tmp_path: Path) -> None:
    result = imported(tmp_path, {"target/semantic_manifest.json": text})
    assert (0, 0, ()) == (result.metrics, result.cubes, result.not_carried)


def test_older_manifests_write_filters_and_references_otherwise(tmp_path: Path) -> None:
    older = json.loads(manifest())
    (large,) = [metric for metric in older["metrics"] if metric["name"] == "large_revenue"]
    large["filter"] = {"where_sql_template": "{{ dimension('is_large', entity_path=['order']) }}"}
    result = imported(tmp_path, {"target/semantic_manifest.json": json.dumps(older)})
    assert (
        result.files["metrics/orders.yaml"]
        == (imported(tmp_path / "new", {"target/semantic_manifest.json": manifest()}).files["metrics/orders.yaml"])
    )


def test_newer_manifests_hold_aggregations_in_metrics(tmp_path: Path) -> None:
    newer = json.loads(manifest())
    for model in newer["semantic_models"]:
        model["measures"] = []
    for metric in newer["metrics"]:
        params = metric["type_params"]
        if metric["type"] == "simple":
            aggregations = {"orders": ("count", "1"), "buyers": ("count_distinct", "customer_id")}
            agg, expr = aggregations.get(metric["name"], ("sum", "amount"))
            params["measure"] = None
            params["metric_aggregation_params"] = {
                "semantic_model": "orders",
                "agg": agg,
                "expr": expr,
                "agg_time_dimension": "ordered_at",
                "non_additive_dimension": None,
            }
        if metric["type"] == "cumulative":
            params["measure"] = None
            params["cumulative_type_params"] = {"grain_to_date": "month", "window": None, "metric": {"name": "revenue"}}
    result = imported(tmp_path / "b", {"target/semantic_manifest.json": json.dumps(newer)})
    legacy = imported(tmp_path / "a", LEGACY)
    renamed = {m.id: m.semantic_ref for m in loaded(result, tmp_path / "b").metrics.values()}
    assert renamed == {m.id: m.semantic_ref for m in loaded(legacy, tmp_path / "a").metrics.values()}
    assert () == result.not_carried


def test_a_manifest_knows_where_things_came_from(tmp_path: Path) -> None:
    given = json.loads(manifest())
    given["metrics"].append(
        {
            "name": "visits_to_buys",
            "type": "conversion",
            "type_params": {"conversion_type_params": {"entity": "customer"}},
            "metadata": {"repo_file_path": "models/web.yml", "file_slice": {"start_line_number": 12}},
        }
    )
    result = imported(tmp_path, {"target/semantic_manifest.json": json.dumps(given)})
    assert 1 == len(result.not_carried)
    assert result.not_carried[0].startswith("models/web.yml:12: metric visits_to_buys: is a conversion metric")


def test_shorthand_and_switches_of_the_latest_notation(tmp_path: Path) -> None:
    text = LATEST.replace("{enabled: true, name: customers}", "false")
    result = imported(tmp_path, text)
    assert ("models/schema.yml:46: model dim_customers: its semantic model is switched off",) == result.not_carried
    on = imported(tmp_path / "on", text.replace("semantic_model: false", "semantic_model: true"))
    assert "semantic/dim_customers.yml" in on.files


def test_descriptions_take_their_doc_blocks_in(tmp_path: Path) -> None:
    text = LEGACY.replace("What was paid for orders.", "\"{{ doc('revenue') }}\"")
    files = {"models/schema.yml": text, "models/docs.md": "{% docs revenue %}\nPaid, in USD.\n{% enddocs %}"}
    assert "Paid, in USD." == loaded(imported(tmp_path, files), tmp_path).metrics["revenue"].definition
    missing = imported(tmp_path / "b", {"models/schema.yml": text})
    assert ("models/schema.yml:50: metric revenue: the block 'revenue' of its description is in no Markdown file",) == (
        missing.not_carried
    )


def test_merge_keys_are_put_in_as_yaml_says(tmp_path: Path) -> None:
    text = LEGACY.replace("      - name: revenue\n", "      - &sum\n        name: revenue\n", 1).replace(
        "      - name: buyers\n        agg: count_distinct\n        expr: customer_id\n",
        "      - <<: *sum\n        name: buyers\n        expr: tax\n",
    )
    assert "orders.buyers" == loaded(imported(tmp_path, text), tmp_path).metrics["buyers"].semantic_ref
    assert "- name: buyers\n        type: sum\n" in imported(tmp_path, text).files["semantic/orders.yml"]
