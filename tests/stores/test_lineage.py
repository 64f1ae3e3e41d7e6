"""The lineage of a catalog as nodes and edges (catalog.md, Lineage)."""

from __future__ import annotations

import pytest

from ecp_server.domain.catalog import Catalog, Cumulative, Derived, DerivedInput, LineageLink, Metric
from ecp_server.domain.lineage import LineageEdge, NodeType
from ecp_server.stores.lineage import edges, node_id, node_name, node_type, owner, source_table


@pytest.mark.parametrize(
    ("name", "stated", "expected"),
    [
        ("mart.fact.amount", "column", "mart.fact.amount"),
        ("mart.fact", "table", "table:mart.fact"),
        ("table:mart.fact", "table", "table:mart.fact"),
        ("table:mart.fact", "column", "table:mart.fact"),
        ("system:SAP", "column", "system:SAP"),
        ("SAP ERP", "system", "system:SAP ERP"),
        ("net_revenue", "metric", "net_revenue"),
    ],
)
def test_an_end_is_a_column_unless_typed_or_written_so(name: str, stated: str, expected: str) -> None:
    assert node_id(name, stated) == expected


def test_a_column_belongs_to_the_table_of_its_id_without_the_last_dot_and_name() -> None:
    assert owner("a.b.c") == "table:a.b"
    assert owner("amount") is None
    assert source_table("a.b.c") == source_table("table:a.b") == "a.b"
    assert source_table("amount") == "amount"
    assert node_name("system:SAP ERP") == "SAP ERP"


def test_ends_are_told_apart_by_prefix_and_by_the_metrics_that_there_are() -> None:
    catalog = Catalog("v", metrics={"m": Metric("m", "M", "")})

    types = [node_type(node, catalog) for node in ("m", "table:t", "system:s", "c", "no_metric")]

    assert types == [NodeType.METRIC, NodeType.TABLE, NodeType.SYSTEM, NodeType.COLUMN, NodeType.COLUMN]


def test_documents_systems_sources_and_inputs_are_edges() -> None:
    ratio = Derived("a / b", (DerivedInput("a", "a"), DerivedInput("b", "b"), DerivedInput("a", "before")))
    catalog = Catalog(
        "v",
        metrics={
            "a": Metric("a", "A", "", computed_from=("t.x", "table:u")),
            "b": Metric("b", "B", "", cumulative=Cumulative("a")),
            "r": Metric("r", "R", "", derived=ratio),
        },
        lineage=(LineageLink("s.x", "t.x", "copy", from_system="SAP"), LineageLink("t", "a", "sum", "table", "metric")),
    )

    assert edges(catalog) == (
        LineageEdge("system:SAP", "s.x"),
        LineageEdge("s.x", "t.x", "copy"),
        LineageEdge("table:t", "a", "sum"),
        LineageEdge("t.x", "a"),
        LineageEdge("table:u", "a"),
        LineageEdge("a", "b", "running total"),
        LineageEdge("a", "r", "a / b"),
        LineageEdge("b", "r", "a / b"),
    )


def test_equal_edges_are_one_and_those_that_say_how_are_kept() -> None:
    links = (LineageLink("x", "y"), LineageLink("x", "y", "b"), LineageLink("x", "y", "a"), LineageLink("x", "y", "b"))

    assert edges(Catalog("v", lineage=links)) == (LineageEdge("x", "y", "b"), LineageEdge("x", "y", "a"))
