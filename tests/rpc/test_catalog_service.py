"""CatalogService over a real channel: pages that add up, filters that hold, lineage in both directions."""

from __future__ import annotations

from typing import Any

import pytest

from ecp.v1 import catalog_pb2, types_pb2
from tests.rpc.refusals import refused
from tests.running import Running, user

pytestmark = pytest.mark.asyncio(loop_scope="module")

NODE = types_pb2.LineageNodeType.Name


async def search(server: Running, query: str, **more: Any) -> catalog_pb2.SearchGlossaryResponse:
    outcome = await server.ask(server.catalog.SearchGlossary, catalog_pb2.SearchGlossaryRequest(query=query, **more))
    assert isinstance(outcome.response, catalog_pb2.SearchGlossaryResponse), outcome
    return outcome.response


async def listing(server: Running, **more: Any) -> catalog_pb2.ListMetricsResponse:
    outcome = await server.ask(server.catalog.ListMetrics, catalog_pb2.ListMetricsRequest(**more))
    assert isinstance(outcome.response, catalog_pb2.ListMetricsResponse), outcome
    return outcome.response


async def lineage(server: Running, target: str, **more: Any) -> types_pb2.Lineage:
    outcome = await server.ask(server.catalog.GetLineage, catalog_pb2.GetLineageRequest(target=target, **more))
    assert isinstance(outcome.response, catalog_pb2.GetLineageResponse), outcome
    return outcome.response.lineage


def ids(page: Any) -> list[str]:
    found = page.terms if isinstance(page, catalog_pb2.SearchGlossaryResponse) else page.metrics
    return [one.id for one in found]


async def pages(ask: Any, size: int) -> list[Any]:
    """Return all pages of a list."""
    found = [await ask(page_size=size)]
    while found[-1].next_page_token:
        found.append(await ask(page_size=size, page_token=found[-1].next_page_token))
    return found


@pytest.mark.parametrize("size", [1, 3, 7, 100])
async def test_pages_of_a_search_add_up(server: Running, size: int) -> None:
    whole = await search(server, "customers", page_size=100)
    found = await pages(lambda **page: search(server, "customers", **page), size)
    assert ids(whole) == [i for page in found for i in ids(page)]
    assert all(len(page.terms) == size for page in found[:-1])
    assert len(found[-1].terms) <= size
    scores = [term.score for term in whole.terms]
    assert scores == sorted(scores, reverse=True)
    assert 0 < min(scores) <= max(scores) <= 1


async def test_search_without_page_size_gives_ten(server: Running) -> None:
    assert ids(await search(server, "customers", page_size=10)) == ids(await search(server, "customers"))


async def test_search_finds_by_name_by_spelling_and_by_meaning(server: Running) -> None:
    assert "revenue" == ids(await search(server, "revenue"))[0]
    assert "headcount" in ids(await search(server, "hedcount"))[:3]
    assert "headcount" in ids(await search(server, "how many people work here"))[:5]


async def test_term_reads_as_the_users_department_defines_it(server: Running) -> None:
    def first(response: catalog_pb2.SearchGlossaryResponse) -> types_pb2.GlossaryTerm:
        return response.terms[0]

    nobody = first(await search(server, "revenue"))
    assert ("revenue", "", ["finance", "sales"]) == (
        nobody.id,
        nobody.metric_id,
        [v.context for v in nobody.variations],
    )
    finance = first(await search(server, "revenue", user_context=user(department="Accounting")))
    assert ("net_revenue", ["sales"]) == (finance.metric_id, [v.context for v in finance.variations])
    sales = first(await search(server, "revenue", user_context=user(department="sales_apac")))
    assert ("gross_revenue", "Gross revenue") == (sales.metric_id, sales.name)


async def test_domain_narrows_a_search(server: Running) -> None:
    found = await search(server, "revenue", domain="customer", page_size=100)
    assert {"customer"} == {term.domain for term in found.terms}
    assert [] == ids(await search(server, "revenue", domain="no such domain"))


@pytest.mark.parametrize("size", [1, 7, 100, 1000])
async def test_pages_of_metrics_add_up_in_order_of_tier_then_id(server: Running, size: int) -> None:
    whole = await listing(server, page_size=1000)
    found = await pages(lambda **page: listing(server, **page), size)
    assert ids(whole) == [i for page in found for i in ids(page)]
    assert {len(whole.metrics)} == {page.total_size for page in found}
    order = [(metric.certification_tier, metric.id) for metric in whole.metrics]
    assert sorted(order) == order
    assert len(set(ids(whole))) == whole.total_size >= 25


FILTERS: dict[str, tuple[dict[str, Any], Any]] = {
    "dimension": ({"dimension": "function"}, lambda m: "function" in m.dimensions),
    "domain": ({"domain": "people"}, lambda m: m.domain == "people"),
    "tier": ({"max_certification_tier": 2}, lambda m: m.certification_tier <= 2),
    "strictest tier": ({"max_certification_tier": 1}, lambda m: m.certification_tier == 1),
    "all of them": (
        {"dimension": "region", "domain": "finance", "max_certification_tier": 1},
        lambda m: "region" in m.dimensions and m.domain == "finance" and m.certification_tier == 1,
    ),
    "none fits": ({"domain": "no such domain"}, lambda _: False),
}


@pytest.mark.parametrize(("filters", "fits"), FILTERS.values(), ids=FILTERS)
async def test_filters_of_a_list_hold_for_all_and_only(server: Running, filters: dict[str, Any], fits: Any) -> None:
    everything = await listing(server, page_size=1000)
    found = await listing(server, page_size=1000, **filters)
    assert [metric.id for metric in everything.metrics if fits(metric)] == ids(found)
    assert len(found.metrics) == found.total_size
    paged = await pages(lambda **page: listing(server, **filters, **page), 2)
    assert ids(found) == [i for page in paged for i in ids(page)]


async def test_words_narrow_a_list(server: Running) -> None:
    assert {"net_revenue", "gross_revenue"} <= set(ids(await listing(server, query="Revenue")))
    assert ["arr"] == ids(await listing(server, query="ARR yearly"))
    assert [] == ids(await listing(server, query="revenue zzz"))


async def test_answer_inside_resolve_goes_on_as_a_list(server: Running) -> None:
    answer = (await server.resolve("which metrics are available by region?")).response.metrics
    listed = await listing(server, dimension="region", page_size=1000)
    assert ids(answer) == ids(listed)[:50]
    assert listed.total_size == answer.total_size


async def test_lineage_walks_upstream_to_the_source_system(server: Running) -> None:
    found = await lineage(server, "net_revenue", depth=20)
    nodes = {node.id: (NODE(node.type).removeprefix("LINEAGE_NODE_TYPE_"), node.depth) for node in found.nodes}
    assert ("METRIC", 0) == nodes["net_revenue"]
    assert ("COLUMN", 1) == nodes["analytics.finance.fact_revenue_daily.net_amount"]
    assert ("COLUMN", 2) == nodes["raw.ledger.postings.amount"]
    assert ("SYSTEM", 3) == nodes["system:Ledgerline ERP"]
    assert not found.truncated
    edges = {(edge.from_id, edge.to_id): edge.transformation for edge in found.edges}
    into = ("raw.ledger.postings.amount", "analytics.finance.fact_revenue_daily.net_amount")
    assert "Revenue accounts, converted to USD at the day's rate" == edges[into]
    assert all(start in nodes and end in nodes for start, end in edges)


async def test_lineage_walks_downstream_to_the_metrics(server: Running) -> None:
    found = await lineage(server, "raw.ledger.postings.amount", downstream=True, depth=20)
    metrics = {node.id for node in found.nodes if node.type == types_pb2.LINEAGE_NODE_TYPE_METRIC}
    assert {"net_revenue", "gross_profit", "gross_margin", "operating_margin"} <= metrics
    assert "active_customers" not in metrics


async def test_lineage_of_a_table_leads_on_from_its_columns(server: Running) -> None:
    found = await lineage(server, "table:analytics.finance.fact_revenue_daily", downstream=True)
    assert {"net_revenue", "gross_revenue", "refunds"} <= {node.id for node in found.nodes}


async def test_lineage_ends_at_the_depth_and_says_so(server: Running) -> None:
    walks = [await lineage(server, "gross_margin", depth=depth) for depth in (1, 2, 3)]
    assert [1, 2, 3] == [max(node.depth for node in walk.nodes) for walk in walks]
    assert all(walk.truncated for walk in walks)
    assert walks[-1] == await lineage(server, "gross_margin")  # three hops where none are named
    assert not (await lineage(server, "gross_margin", depth=20)).truncated


async def test_lineage_ends_at_the_number_of_nodes_and_says_so(server: Running) -> None:
    whole = await lineage(server, "gross_margin", depth=20)
    for most in (1, 2, 5, len(whole.nodes)):
        found = await lineage(server, "gross_margin", depth=20, max_nodes=most)
        assert list(whole.nodes)[:most] == list(found.nodes)
        assert (most < len(whole.nodes)) == found.truncated


async def test_what_may_not_be_seen_is_a_node_without_a_name(server: Running) -> None:
    """The tables of the payroll are for two roles alone; that executives are paid is no secret."""
    hidden = await lineage(server, "executive_compensation", depth=20)
    shown = await lineage(server, "executive_compensation", depth=20, user_context=user("", "hr_admin"))
    assert [("METRIC", 0), ("RESTRICTED", 1), ("RESTRICTED", 2), ("SYSTEM", 3)] == [
        (NODE(node.type).removeprefix("LINEAGE_NODE_TYPE_"), node.depth) for node in hidden.nodes
    ]
    assert len(shown.edges) == len(hidden.edges)
    assert "payroll" not in str(hidden)
    assert "Members of the executive committee" not in str(hidden)  # how one hidden column is made of another
    assert "analytics.people.payroll_monthly.executive_total" in {node.id for node in shown.nodes}


@pytest.mark.parametrize(
    "target", ["table:raw.payroll.runs", "raw.payroll.runs.amount", "table:analytics.people.payroll_monthly"]
)
@pytest.mark.parametrize("downstream", [False, True])
async def test_lineage_of_what_may_not_be_seen_does_not_exist(server: Running, target: str, downstream: bool) -> None:  # noqa: FBT001 - a column
    request = catalog_pb2.GetLineageRequest(target=target, downstream=downstream)
    hidden = await server.ask(server.catalog.GetLineage, request)
    unknown = await server.ask(server.catalog.GetLineage, catalog_pb2.GetLineageRequest(target="nothing"))
    assert refused(unknown, "NOT_FOUND", "CONCEPT_NOT_FOUND") == refused(hidden, "NOT_FOUND", "CONCEPT_NOT_FOUND")
    assert unknown.message == hidden.message.replace(target, "nothing")
    assert unknown.details["ConceptNotFoundDetail"] == hidden.details["ConceptNotFoundDetail"]
    assert (await lineage(server, target, downstream=downstream, user_context=user("", "executive"))).target == target
