"""What a question is about, and what it gets where it names no metric, term or entity (design, section 6)."""

from __future__ import annotations

import pytest

from ecp_server.domain.catalog import Catalog, Classification, Level, Phrase, PhraseMeaning, Target
from tests.resolution.conftest import Desks
from tests.resolution.desk import Desk
from tests.resolution.reading import concepts, measures, not_found, options, unmatched
from tests.resolution.samples import catalog, dimension, member, metric


@pytest.fixture(name="catalog")
def shop() -> Catalog:
    return catalog(
        metric("sales", dimensions=("region", "product"), targets=(Target("budget", "lesser"),)),
        metric("lesser", certification_tier=2, dimensions=("region",)),
        metric("least", certification_tier=4, dimensions=("product",)),
        metric("other", certification_tier=3, dimensions=("region", "product")),
        metric("apple_count", dimensions=("product",)),
        metric("hidden", classification=Classification.CONFIDENTIAL, dimensions=("region", "product")),
        dimension("region", levels=(Level("area", "Area"),)),
        member("region.japan", "JP", level="area"),
        dimension("product"),
        member("product.feed", "feed"),
        member("product.twin", "1"),
        member("region.twin", "2", level="area"),
        Phrase("net sales retention", PhraseMeaning.NOT_COVERED),
        Phrase("acme inc", PhraseMeaning.STOP),
    )


@pytest.mark.parametrize("question", ["show me the data", "what are the figures?", "the of and", "give us everything"])
async def test_only_function_and_generic_words_ask_for_the_metric_by_tier_then_id(desk: Desk, question: str) -> None:
    assert options(await desk.ask(question)) == {"metric": ["apple_count", "sales", "lesser", "other", "least"]}


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("japan", ["sales", "lesser", "other"]),
        ("by region", ["sales", "lesser", "other"]),
        ("by area", ["sales", "lesser", "other"]),
        ("areas", ["sales", "lesser", "other"]),
        ("feed in japan last month", ["sales", "other"]),
        ("feed by region", ["sales", "other"]),
        ("twin", ["apple_count", "sales", "lesser", "other", "least"]),
    ],
)
async def test_members_and_dimensions_alone_ask_for_a_metric_that_has_them(
    desk: Desk, question: str, expected: list[str]
) -> None:
    assert options(await desk.ask(question))["metric"] == expected


async def test_the_metric_that_was_chosen_stands_for_no_words(desk: Desk) -> None:
    found = await desk.ask("japan last month", ("metric", "lesser"))

    assert measures(found) == {"actual": "lesser"}
    assert sorted(concepts(found)) == ["last_month", "lesser", "region.japan"]
    (concept,) = (c for c in found.concepts if c.id == "lesser")
    assert (concept.mention.start, concept.mention.end, concept.mention.text) == (0, 0, "")


@pytest.mark.parametrize(
    "question",
    ["last month", "this month", "in 2024", "vs last month", "by month", "compare", "last month vs budget", "budget"],
)
async def test_periods_comparison_and_grouping_words_alone_match_nothing(desk: Desk, question: str) -> None:
    assert not_found(await desk.ask(question)).unmatched == ()


@pytest.mark.parametrize("question", ["bitcoin in japan", "bitcoin by region", "show me bitcoin"])
async def test_with_unknown_content_words_and_no_metric_nothing_is_found(desk: Desk, question: str) -> None:
    assert [mention.text for mention in not_found(await desk.ask(question)).unmatched] == ["bitcoin"]


async def test_an_unknown_word_apart_from_the_metric_is_told_and_lowers_confidence(desk: Desk) -> None:
    plain, more = await desk.ask("sales last month"), await desk.ask("sales last month for the newsletter")

    assert unmatched(more) == ["newsletter"]
    assert plain.confidence is not None
    assert more.confidence is not None
    assert more.confidence.overall < plain.confidence.overall


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("adjusted sales last month", ["adjusted"]),
        ("japan adjusted sales", ["adjusted"]),
        ("sales dilution last month", ["dilution"]),
        ("Oracle's sales last month", ["Oracle"]),
        ("Oracle’s adjusted japan sales", ["Oracle", "adjusted"]),
        ("net sales retention in japan", ["net sales retention"]),
    ],
)
async def test_an_unknown_word_inside_the_noun_phrase_makes_it_another_metric(
    desk: Desk, question: str, words: list[str]
) -> None:
    problem = not_found(await desk.ask(question))

    assert [mention.text for mention in problem.unmatched] == words
    if "retention" not in question:
        assert "sales" in {option.id for option in problem.suggestions}


@pytest.mark.parametrize("question", ["sales of the newsletter", "newsletter, sales", "newsletter in sales"])
async def test_other_words_end_the_noun_phrase(desk: Desk, question: str) -> None:
    assert concepts(await desk.ask(question)) == ["sales"]


async def test_a_stop_phrase_means_nothing_and_alters_nothing(desk: Desk) -> None:
    found = await desk.ask("What were Acme Inc's sales last month?")

    assert (concepts(found), unmatched(found)) == (["sales", "last_month"], [])


async def test_a_question_that_only_what_is_hidden_would_fit_finds_nothing(desks: Desks) -> None:
    secret = catalog(metric("salary", classification=Classification.RESTRICTED))

    for question in ("show me the data", "salary", "what is the definition of salary"):
        assert not_found(await (await desks(secret)).ask(question)).suggestions == ()
