"""The glossary, the metrics and the lineage, as one user may see them (catalog.proto)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecp_server.domain.catalog import Catalog, Context, LineageLink, TermVariation
from ecp_server.domain.errors import ConceptNotFound, InvalidQuery
from ecp_server.domain.identity import Principal
from ecp_server.domain.lineage import Lineage, NodeType
from ecp_server.resolution.browsing.browser import MetricQuery
from ecp_server.resolution.browsing.pages import Page, next_token, read_token
from tests.resolution.desk import Desk
from tests.resolution.samples import ANALYST, catalog, metric, term

POLICY = """
package ecp.policy

decisions[p.id] := {"allow": allowed(p), "policy": "house"} if some p in input.products

default allowed(_) := true

allowed(p) := false if p.owner == "secret"

allowed(p) := false if { p.kind == "table"; startswith(p.id, "secret.") }
"""
FINANCE = Principal(subject="fay", department="fin", roles=("explorer",))


@pytest.fixture(name="catalog")
def shop() -> Catalog:
    return catalog(
        Context("fin", "Finance"),
        metric("sales", domain="money", dimensions=("region",), computed_from=("mart.sales.amount",)),
        metric("orders", domain="trade", certification_tier=2, definition="Signed orders of customers."),
        metric("returns", domain="trade", certification_tier=3, dimensions=("region",), synonyms=("send backs",)),
        metric("bonus", domain="money", owner="secret", computed_from=("mart.sales.amount",)),
        metric("salary", domain="money", computed_from=("secret.payroll.amount",)),
        term("revenue", TermVariation("fin", "Net", "After refunds.", "sales"), definition="Income.", domain="money"),
        LineageLink("secret.erp.amount", "mart.sales.amount", "Hush", from_system="SAP"),
        policies={"house.rego": POLICY},
    )


async def listed(desk: Desk, token: str = "", **query: Any) -> list[str]:
    found = await desk.browser.list_metrics(MetricQuery(**query), Page(10, token), ANALYST)
    assert found.total_size >= len(found.metrics)
    return [each.id for each in found.metrics]


async def test_metrics_are_listed_by_tier_then_id_without_those_that_are_hidden(desk: Desk) -> None:
    assert await listed(desk) == ["salary", "sales", "orders", "returns"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"dimension": "region"}, ["sales", "returns"]),
        ({"domain": "trade"}, ["orders", "returns"]),
        ({"max_certification_tier": 2}, ["salary", "sales", "orders"]),
        ({"words": "signed ORDERS"}, ["orders"]),
        ({"words": "send-backs"}, ["returns"]),
        ({"words": "signed unicorns"}, []),
        ({"dimension": "region", "domain": "trade"}, ["returns"]),
        ({"dimension": "nothing"}, []),
    ],
)
async def test_each_filter_narrows_the_list(desk: Desk, query: dict[str, Any], expected: list[str]) -> None:
    assert await listed(desk, **query) == expected


async def test_pages_follow_each_other_to_the_end(desk: Desk) -> None:
    seen: list[str] = []
    token = ""
    while True:
        found = await desk.browser.list_metrics(MetricQuery(), Page(3, token), ANALYST)
        seen += [each.id for each in found.metrics]
        assert found.total_size == 4
        if not (token := found.next_page_token):
            break
    assert seen == ["salary", "sales", "orders", "returns"]


async def test_a_token_of_another_request_is_refused(desk: Desk) -> None:
    token = (await desk.browser.list_metrics(MetricQuery(), Page(1), ANALYST)).next_page_token

    for other in ({"domain": "money"}, {"words": "x"}, {"max_certification_tier": 3}):
        with pytest.raises(InvalidQuery):
            await listed(desk, token, **other)


async def test_the_glossary_is_searched_for_one_user(desk: Desk) -> None:
    async def found(text: str, domain: str = "", principal: Principal = ANALYST) -> Sequence[Any]:
        return (await desk.browser.search_glossary(text, domain, Page(10), principal)).terms

    entries = {entry.id: entry for entry in await found("revenue", principal=FINANCE)}
    assert (entries["revenue"].definition, entries["revenue"].metric_id) == ("After refunds.", "sales")
    assert (await found("revenue"))[0].definition == "Income."
    assert (await found("revenue"))[0].score == 1.0
    assert "bonus" not in {entry.id for entry in await found("bonus")}
    assert {entry.domain for entry in await found("signed orders", "trade")} == {"trade"}
    first = await desk.browser.search_glossary("sales", "", Page(1), ANALYST)
    second = await desk.browser.search_glossary("sales", "", Page(1, first.next_page_token), ANALYST)
    assert first.terms[0].id != second.terms[0].id


async def walked(desk: Desk, target: str, **more: Any) -> Lineage:
    options: dict[str, Any] = {"depth": 3, "downstream": False, "max_nodes": 100, "principal": ANALYST}
    return await desk.browser.lineage(target, **options | more)


async def test_hidden_nodes_of_the_lineage_keep_their_place_and_lose_their_names(desk: Desk) -> None:
    up, down = await walked(desk, "sales"), await walked(desk, "mart.sales.amount", downstream=True)

    assert [(n.id, n.type, n.name) for n in up.nodes][2] == ("restricted:1", NodeType.RESTRICTED, "")
    assert [(e.start, e.end, e.transformation) for e in up.edges if "restricted" in e.start] == [
        ("restricted:1", "mart.sales.amount", "")
    ]
    assert {n.id for n in down.nodes} == {"mart.sales.amount", "sales", "restricted:1"}
    assert "bonus" not in str(down)
    assert "Hush" not in str(up)


@pytest.mark.parametrize("target", ["nothing", "bonus", "secret.erp.amount", "table:secret.payroll", ""])
async def test_a_node_that_is_not_there_and_one_that_is_hidden_look_the_same(desk: Desk, target: str) -> None:
    with pytest.raises(ConceptNotFound, match=f"the lineage has no node “{target}”"):
        await walked(desk, target)


async def test_the_lineage_is_cut_at_the_depth_and_number_asked_for(desk: Desk) -> None:
    assert [n.depth for n in (await walked(desk, "sales", depth=1)).nodes] == [0, 1]
    cut = await walked(desk, "sales", max_nodes=2)
    assert (len(cut.nodes), cut.truncated) == (2, True)


@given(st.integers(0, 2**31), st.lists(st.text(max_size=4), max_size=3))
def test_a_token_brings_back_its_page_for_its_own_request_only(offset: int, scope: list[str]) -> None:
    token = next_token(offset, offset + 1, *scope)

    assert read_token(token, *scope) == offset
    with pytest.raises(InvalidQuery):
        read_token(token, *scope, "more")
    assert next_token(offset, offset, *scope) == ""
    assert read_token("", *scope) == 0


@given(st.text(max_size=30))
def test_no_other_text_is_a_token(token: str) -> None:
    if token:
        with pytest.raises(InvalidQuery):
            read_token(token, "scope")
