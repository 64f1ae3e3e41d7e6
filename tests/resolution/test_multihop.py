"""Relations of the ontology lead from what is named to what is looked for (catalog.md, relation)."""

from __future__ import annotations

import pytest

from ecp_server.domain.catalog import Catalog, Entity, Relation
from ecp_server.domain.concepts import Hop
from ecp_server.domain.resolution import Resolution
from tests.resolution.desk import Desk
from tests.resolution.reading import concepts, filters, not_found, query_of, refused
from tests.resolution.samples import catalog, dimension, member, metric


@pytest.fixture(name="catalog")
def company() -> Catalog:
    return catalog(
        metric("sales", dimensions=("product",)),
        metric("headcount", unit="count"),
        dimension("product"),
        member("product.feed", "feed"),
        member("product.box", "box"),
        member("product.pen", "pen"),
        Entity("person.sarah", "Sarah Chen", "person"),
        Entity("person.omar", "Omar", "person"),
        Entity("team.markets", "Markets", "team"),
        Entity("team.tools", "Tools", "team"),
        Relation("r1", "team.markets", "person.sarah", "reports_to", ("reporting to", "under")),
        Relation("r2", "team.tools", "person.omar", "reports_to"),
        Relation("r3", "team.markets", "product.feed", "owns", ("owned by",)),
        Relation("r4", "team.markets", "product.box", "owns"),
        Relation("r5", "team.tools", "product.pen", "owns"),
        Relation("r6", "person.omar", "person.sarah", "reports_to"),
        Relation("r7", "team.tools", "headcount", "watches"),
    )


def paths(found: Resolution) -> dict[str, tuple[Hop, ...]]:
    return {concept.id: concept.path for concept in found.concepts if concept.path}


async def test_members_at_the_end_of_the_way_filter_and_carry_the_way(desk: Desk) -> None:
    found = await desk.ask("sales of products owned by teams reporting to Sarah Chen last month")

    assert filters(found) == {"product": ["box", "feed"]}
    assert paths(found)["product.feed"] == (
        Hop("person.sarah", "reports_to", "team.markets"),
        Hop("team.markets", "owns", "product.feed"),
    )
    assert "reached over 2 relations" in next(c.reason for c in found.concepts if c.id == "product.feed")
    assert "person.sarah" in concepts(found)


async def test_one_relation_is_one_hop(desk: Desk) -> None:
    assert filters(await desk.ask("sales of products owned by Tools last month")) == {"product": ["pen"]}


async def test_things_between_must_be_of_the_kind_that_is_said(desk: Desk) -> None:
    """Omar reports to Sarah as well, but is no team."""
    assert [c.id for c in (await desk.ask("teams reporting to Sarah Chen")).concepts if c.path] == ["team.markets"]
    assert [c.id for c in (await desk.ask("person reporting to Sarah Chen")).concepts if c.path] == ["person.omar"]


async def test_entities_that_are_reached_answer_without_figures(desk: Desk) -> None:
    found = await desk.ask("which teams report under Sarah Chen")

    assert (found.plan, paths(found)) == (None, {"team.markets": (Hop("person.sarah", "reports_to", "team.markets"),)})


async def test_members_that_are_reached_without_a_metric_are_the_answer(desk: Desk) -> None:
    found = await desk.ask("which products are owned by Tools?")

    assert (found.plan, found.ambiguities, list(paths(found))) == (None, (), ["product.pen"])


async def test_a_way_that_leads_nowhere_is_not_found(desk: Desk) -> None:
    problem = not_found(await desk.ask("sales of products owned by Sarah Chen last month"))

    assert [mention.text for mention in problem.unmatched] == ["products"]


async def test_a_member_that_is_reached_must_fit_the_metric(desk: Desk) -> None:
    assert "cannot be sliced" in refused(await desk.ask("headcount of products owned by Markets last month")).message


async def test_a_relation_that_relates_nothing_is_told(desk: Desk) -> None:
    """Design, section 6: nothing is dropped."""
    found = await desk.ask("sales last month, owned by")

    assert [mention.text for mention in found.unmatched] == ["owned by"]


async def test_an_entity_beside_a_metric_that_no_relation_ties_to_it_does_not_fit(desk: Desk) -> None:
    problem = refused(await desk.ask("sales of Markets last month"))

    assert problem.fits == ("product",)
    assert "Markets" in problem.message


@pytest.mark.parametrize("question", ["for each product owned by Markets", "by product owned by Markets"])
async def test_what_is_looked_for_can_be_grouped_by(desk: Desk, question: str) -> None:
    found = await desk.ask(f"sales {question} last month")

    assert filters(found) == {"product": ["box", "feed"]}
    assert [grouping.dimension for grouping in query_of(found).group_by] == ["product"]


@pytest.mark.parametrize("listed", ["Markets or Tools", "Markets and the Tools"])
async def test_of_several_starts_each_is_an_alternative(desk: Desk, listed: str) -> None:
    found = await desk.ask(f"sales of products owned by {listed} last month")

    assert filters(found) == {"product": ["box", "feed", "pen"]}
    assert {"team.markets", "team.tools"} <= set(concepts(found))


async def test_entities_that_are_reached_slice_no_figures(desk: Desk) -> None:
    problem = refused(await desk.ask("sales of the team that owns feed last month"))

    assert (problem.fits, problem.message) == (("product",), "Sales cannot be sliced by Markets")
    assert "Tools" in refused(await desk.ask("sales of products owned by Markets last month, Tools")).message


@pytest.mark.parametrize(("question", "found"), [("under Sarah Chen", ["person.omar"]), ("reporting to Omar", [])])
async def test_between_things_of_one_kind_the_subject_stands_before_the_verb(
    desk: Desk, question: str, found: list[str]
) -> None:
    """Sarah does not report to Omar because he reports to her."""
    answer = await desk.ask(f"person {question}")

    assert [c.id for c in answer.concepts if c.path] == found
    assert (answer.problem is None) is bool(found)


async def test_relations_lead_from_metrics_too(desk: Desk) -> None:
    found = await desk.ask("which team watches headcount")

    assert (found.plan, list(paths(found))) == (None, ["team.tools"])


async def test_what_relations_lead_to_is_no_side_of_a_comparison(desk: Desk) -> None:
    """It was summed up with the other side."""
    problem = refused(await desk.ask("sales of products owned by Markets vs pen last month"))

    assert "cannot be held against" in problem.message
    compared = await desk.ask("sales of products owned by Markets last month vs the previous month")
    assert filters(compared) == {"product": ["box", "feed"]}
