"""What every Graph must answer (ports.Graph; catalog.md, Known issue, Lineage)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import date

import pytest

from ecp_server.domain.catalog import (
    AssetKind,
    AssetRef,
    Catalog,
    Cumulative,
    Derived,
    DerivedInput,
    IssueScope,
    KnownIssue,
    LineageLink,
    Member,
    MemberVariation,
    Metric,
    Relation,
    Severity,
    Term,
    TermVariation,
)
from ecp_server.domain.concepts import Hop
from ecp_server.domain.errors import StoreQueryFailed
from ecp_server.domain.lineage import Lineage, LineageEdge, LineageNode, NodeType
from ecp_server.stores.ports import MAX_PATHS, Graph, IssueLink, Variations
from tests.conformance.graphs import GRAPHS, published
from tests.held import Held
from tests.servers import finished


def _issue(name: str, scope: IssueScope | None = None, *, active: bool = True) -> KnownIssue:
    return KnownIssue(name, f"About {name}.", Severity.LOW, scope or IssueScope(), active=active)


FINANCE = TermVariation("finance", "Net revenue", "Recognized revenue.", "net_revenue", date(2020, 1, 1))
SALES = TermVariation("sales", "Gross revenue", "Invoiced revenue.", "gross_revenue")
APAC_FINANCE = MemberVariation("finance", ("JP", "CN"))

CATALOG = Catalog(
    version="v1",
    metrics={
        m.id: m
        for m in (
            Metric("net_revenue", "Net revenue", "", computed_from=("mart.revenue.amount",)),
            Metric("headcount", "Headcount", "", computed_from=("table:mart.staff",)),
            Metric(
                "per_head",
                "Revenue per head",
                "",
                derived=Derived(
                    "revenue / heads", (DerivedInput("net_revenue", "revenue"), DerivedInput("headcount", "heads"))
                ),
            ),
            Metric("running_per_head", "Running", "", cumulative=Cumulative("per_head")),
            Metric("unsourced", "Unsourced", ""),
        )
    },
    terms={"revenue": Term("revenue", "Revenue", variations=(SALES, FINANCE)), "plain": Term("plain", "Plain", "P")},
    members={"region.apac": Member("region.apac", "region", "APAC", variations=(APAC_FINANCE,))},
    known_issues={
        i.id: i
        for i in (
            _issue("on_staff", IssueScope(tables=frozenset({"mart.staff"}))),
            _issue("on_net", IssueScope(metrics=frozenset({"net_revenue", "per_head"}), members=("region.apac",))),
            _issue("on_gl", IssueScope(tables=frozenset({"raw.gl"}))),
            _issue("on_loader", IssueScope(metrics=frozenset({"unsourced"}), tables=frozenset({"raw.loads"}))),
            _issue("everywhere", IssueScope(start=date(2024, 1, 1))),
            _issue("nowhere", IssueScope(metrics=frozenset(), tables=frozenset())),
            _issue("closed", IssueScope(metrics=frozenset({"net_revenue"})), active=False),
        )
    },
    lineage=(
        LineageLink("raw.gl.amount", "mart.revenue.amount", "Currency conversion", from_system="SAP ERP"),
        LineageLink("raw.gl.rate", "mart.revenue.rate"),
        LineageLink("raw.loads", "raw.gl", "Nightly load", start_type="table", end_type="table"),
        LineageLink("raw.hr.person", "mart.staff.person"),
        LineageLink("table:mart.staff", "net_revenue", "Allocation", end_type="metric"),
    ),
    relations={
        r.id: r
        for r in (
            Relation("r1", "team.markets", "person.sarah", "reports_to"),
            Relation("r2", "team.markets", "product.terminal", "owns"),
            Relation("r3", "team.risk", "person.sarah", "reports_to"),
            Relation("r4", "team.risk", "product.terminal", "uses"),
            Relation("r5", "team.markets", "product.terminal", "funds"),
        )
    },
)

CYCLIC = Catalog(
    version="v2",
    metrics={"m": Metric("m", "M", "", computed_from=("a.x",))},
    known_issues={"on_b": _issue("on_b", IssueScope(tables=frozenset({"b"})))},
    lineage=(LineageLink("b.x", "a.x"), LineageLink("a.x", "b.x"), LineageLink("a.x", "a.x")),
)

_TEAMS = [f"team.{number:02}" for number in range(12)]
DENSE = Catalog(
    version="v3",
    relations={f"{a}-{b}": Relation(f"{a}-{b}", a, b, "works_with") for a in _TEAMS for b in _TEAMS if a < b},
)
"""Every team works with every other: the number of simple paths is a factorial."""


@pytest.fixture(scope="module")
def neo4j(neo4j_server: str) -> str:
    """The URL of a Neo4j server in which the three catalogs and nothing else are published."""
    finished(published(neo4j_server, CATALOG, CYCLIC, DENSE))
    return neo4j_server


@pytest.fixture(params=GRAPHS)
async def graph(request: pytest.FixtureRequest) -> AsyncIterator[Graph]:
    """Each adapter that this environment can run, with the three catalogs."""
    url = "" if request.param == "embedded" else request.getfixturevalue(request.param)
    store = GRAPHS[request.param](url, Held(CATALOG, CYCLIC, DENSE))
    yield store
    await store.close()


async def _lineage(
    graph: Graph, target: str, depth: int = 3, *, downstream: bool = False, max_nodes: int = 200, version: str = "v1"
) -> Lineage:
    lineage = await graph.lineage(version, target, depth=depth, downstream=downstream, max_nodes=max_nodes)
    assert lineage is not None
    return lineage


def _depths(lineage: Lineage) -> list[tuple[str, int]]:
    return [(node.id, node.depth) for node in lineage.nodes]


def _pairs(lineage: Lineage) -> list[tuple[str, str]]:
    return [(edge.start, edge.end) for edge in lineage.edges]


def _ways(links: Sequence[IssueLink]) -> list[tuple[str, str, str, str]]:
    return [(link.issue.id, link.metric, link.via, link.subject) for link in links]


async def test_probe_and_a_second_close_succeed(graph: Graph) -> None:
    await graph.probe()
    await graph.close()
    await graph.close()


async def test_an_unknown_version_is_a_failed_query(graph: Graph) -> None:
    with pytest.raises(StoreQueryFailed):
        await graph.variations("v0", [])


async def test_variations_come_in_the_order_of_the_catalog_and_unknown_ids_are_left_out(graph: Graph) -> None:
    revenue, plain = AssetRef(AssetKind.TERM, "revenue"), AssetRef(AssetKind.TERM, "plain")
    apac = AssetRef(AssetKind.MEMBER, "region.apac")
    unknown = [AssetRef(AssetKind.TERM, "nothing"), AssetRef(AssetKind.MEMBER, "revenue")]
    metric = AssetRef(AssetKind.METRIC, "net_revenue")

    found = await graph.variations("v1", [revenue, plain, apac, metric, *unknown])

    assert found == {
        revenue: Variations(terms=(SALES, FINANCE)),
        plain: Variations(),
        apac: Variations(members=(APAC_FINANCE,)),
    }


async def test_an_issue_concerns_its_metric_those_computed_from_it_and_those_of_its_tables(graph: Graph) -> None:
    links = await graph.known_issues("v1", ["per_head", "net_revenue", "per_head", "nothing"])

    assert _ways(links) == [
        ("everywhere", "net_revenue", "any", ""),
        ("everywhere", "per_head", "any", ""),
        ("on_gl", "net_revenue", "table", "raw.gl"),
        ("on_gl", "per_head", "table", "raw.gl"),
        ("on_loader", "net_revenue", "table", "raw.loads"),
        ("on_loader", "per_head", "table", "raw.loads"),
        ("on_net", "net_revenue", "metric", "net_revenue"),
        ("on_net", "per_head", "metric", "per_head"),
        ("on_staff", "net_revenue", "table", "mart.staff"),
        ("on_staff", "per_head", "table", "mart.staff"),
    ]
    assert links[0].issue == CATALOG.known_issues["everywhere"]


async def test_what_a_metric_is_derived_from_counts_through_any_number_of_metrics(graph: Graph) -> None:
    links = await graph.known_issues("v1", ["running_per_head"])

    assert ("on_net", "running_per_head", "derived_from", "net_revenue") in _ways(links)


async def test_a_metric_without_sources_meets_only_issues_that_name_it_or_nothing(graph: Graph) -> None:
    links = await graph.known_issues("v1", ["unsourced"])

    assert _ways(links) == [("everywhere", "unsourced", "any", ""), ("on_loader", "unsourced", "metric", "unsourced")]


async def test_lineage_walks_upstream_through_inputs_sources_and_systems(graph: Graph) -> None:
    lineage = await _lineage(graph, "net_revenue", 2)

    assert lineage == Lineage(
        "net_revenue",
        (
            LineageNode("net_revenue", NodeType.METRIC, "Net revenue", 0),
            LineageNode("mart.revenue.amount", NodeType.COLUMN, "mart.revenue.amount", 1),
            LineageNode("table:mart.staff", NodeType.TABLE, "mart.staff", 1),
            LineageNode("mart.staff.person", NodeType.COLUMN, "mart.staff.person", 1),
            LineageNode("raw.gl.amount", NodeType.COLUMN, "raw.gl.amount", 2),
            LineageNode("raw.hr.person", NodeType.COLUMN, "raw.hr.person", 2),
            LineageNode("table:raw.gl", NodeType.TABLE, "raw.gl", 2),
        ),
        (
            LineageEdge("mart.revenue.amount", "net_revenue"),
            LineageEdge("raw.gl.amount", "mart.revenue.amount", "Currency conversion"),
            LineageEdge("raw.hr.person", "mart.staff.person"),
            LineageEdge("table:mart.staff", "net_revenue", "Allocation"),
        ),
        truncated=True,
    )


async def test_the_way_ends_where_nothing_is_left_and_nothing_is_truncated(graph: Graph) -> None:
    lineage = await _lineage(graph, "net_revenue", 3)

    assert _depths(lineage)[-2:] == [("system:SAP ERP", 3), ("table:raw.loads", 3)]
    assert not lineage.truncated
    assert lineage.nodes[-2] == LineageNode("system:SAP ERP", NodeType.SYSTEM, "SAP ERP", 3)
    assert LineageEdge("table:raw.loads", "table:raw.gl", "Nightly load") in lineage.edges


async def test_owning_a_column_is_no_hop(graph: Graph) -> None:
    """A table has its columns that lead on at its own depth; a column its table; no edge says so."""
    downstream = await _lineage(graph, "table:raw.gl", 1, downstream=True)
    upstream = await _lineage(graph, "raw.gl.rate", 1)

    assert _depths(downstream) == [
        ("table:raw.gl", 0),
        ("raw.gl.amount", 0),
        ("raw.gl.rate", 0),
        ("mart.revenue.amount", 1),
        ("mart.revenue.rate", 1),
    ]
    assert _pairs(downstream) == [
        ("raw.gl.amount", "mart.revenue.amount"),
        ("raw.gl.rate", "mart.revenue.rate"),
    ]
    assert downstream.truncated
    assert _depths(upstream) == [("raw.gl.rate", 0), ("table:raw.gl", 0), ("table:raw.loads", 1)]
    assert _pairs(upstream) == [("table:raw.loads", "table:raw.gl")]
    assert not upstream.truncated


async def test_the_owner_of_a_column_does_not_lead_to_its_other_columns(graph: Graph) -> None:
    lineage = await _lineage(graph, "mart.revenue.amount", 20)

    assert "raw.gl.rate" not in {node.id for node in lineage.nodes}


async def test_a_table_that_an_edge_names_leads_on_by_its_columns_later_than_as_an_owner(graph: Graph) -> None:
    """`table:raw.gl` owns the target at depth 0 and is reached again, as a whole, through `table:raw.loads`."""
    lineage = await _lineage(graph, "table:raw.loads", 20, downstream=True)

    assert _depths(lineage)[:4] == [
        ("table:raw.loads", 0),
        ("table:raw.gl", 1),
        ("raw.gl.amount", 1),
        ("raw.gl.rate", 1),
    ]
    assert ("running_per_head", 5) in _depths(lineage)


async def test_lineage_downstream_of_a_system_ends_at_metrics(graph: Graph) -> None:
    lineage = await _lineage(graph, "system:SAP ERP", 20, downstream=True)

    assert _depths(lineage) == [
        ("system:SAP ERP", 0),
        ("raw.gl.amount", 1),
        ("mart.revenue.amount", 2),
        ("net_revenue", 3),
        ("per_head", 4),
        ("running_per_head", 5),
    ]
    assert LineageEdge("net_revenue", "per_head", "revenue / heads") in lineage.edges


@pytest.mark.parametrize("max_nodes", [1, 4, 6, 7])
async def test_max_nodes_keeps_the_nearest_and_says_that_there_is_more(graph: Graph, max_nodes: int) -> None:
    whole = await _lineage(graph, "system:SAP ERP", 20, downstream=True)
    part = await _lineage(graph, "system:SAP ERP", 20, downstream=True, max_nodes=max_nodes)

    assert part.nodes == whole.nodes[:max_nodes]
    kept = {node.id for node in part.nodes}
    assert part.edges == tuple(edge for edge in whole.edges if {edge.start, edge.end} <= kept)
    assert part.truncated is (max_nodes < len(whole.nodes))


async def test_a_node_without_edges_stands_alone_and_an_unknown_one_is_none(graph: Graph) -> None:
    assert await _lineage(graph, "unsourced") == Lineage(
        "unsourced", (LineageNode("unsourced", NodeType.METRIC, "Unsourced", 0),), ()
    )
    assert await graph.lineage("v1", "nothing", depth=3, downstream=False, max_nodes=200) is None
    assert await graph.lineage("v1", "raw.gl", depth=3, downstream=False, max_nodes=200) is None


async def test_cycles_end(graph: Graph) -> None:
    lineage = await _lineage(graph, "m", 20, version="v2")

    assert _depths(lineage) == [("m", 0), ("a.x", 1), ("b.x", 2)]
    assert _pairs(lineage) == [("a.x", "a.x"), ("a.x", "b.x"), ("a.x", "m"), ("b.x", "a.x")]
    assert not lineage.truncated
    assert _ways(await graph.known_issues("v2", ["m"])) == [("on_b", "m", "table", "b")]


async def test_paths_go_over_relations_in_either_direction_shortest_first(graph: Graph) -> None:
    paths = await graph.paths("v1", "person.sarah", depth=2)

    markets = Hop("person.sarah", "reports_to", "team.markets")
    risk = Hop("person.sarah", "reports_to", "team.risk")
    assert paths == (
        (markets,),
        (risk,),
        (markets, Hop("team.markets", "funds", "product.terminal")),
        (markets, Hop("team.markets", "owns", "product.terminal")),
        (risk, Hop("team.risk", "uses", "product.terminal")),
    )


async def test_paths_visit_nothing_twice_and_end(graph: Graph) -> None:
    paths = await graph.paths("v1", "product.terminal", depth=20)

    assert max(len(path) for path in paths) == 3
    assert all(len({hop.end for hop in path} | {"product.terminal"}) == len(path) + 1 for path in paths)
    assert await graph.paths("v1", "nobody", depth=3) == ()


async def test_paths_are_bounded(graph: Graph) -> None:
    paths = await graph.paths("v3", "team.00", depth=11)

    assert len(paths) == MAX_PATHS
    assert [len(path) for path in paths] == sorted(len(path) for path in paths)
