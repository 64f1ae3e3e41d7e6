"""Words that rank, and words that ask for a share or a trend."""

from __future__ import annotations

import pytest

from ecp_server.domain.catalog import Catalog, Target
from ecp_server.domain.concepts import Intent
from ecp_server.domain.text import tokenize
from ecp_server.resolution.parsing.superlatives import MOST_KEPT, find_ranking, find_share, find_trend
from tests.resolution.desk import Desk
from tests.resolution.reading import concepts, plan_of, unmatched
from tests.resolution.samples import catalog, dimension, member, metric

NOTHING: frozenset[int] = frozenset()


@pytest.mark.parametrize(
    ("words", "descending", "limit"),
    [
        ("top 5 regions", True, 5),
        ("the five largest regions", True, 5),
        ("bottom three regions", False, 3),
        ("highest region", True, 1),
        ("region with the lowest", False, 1),
        ("top regions", True, 0),
        ("rank regions", True, 0),
        ("regions ranked", True, 0),
        ("which region sold most", True, 1),
        ("twenty best", True, 20),
        ("top 0", True, 0),
        (f"top {MOST_KEPT}", True, MOST_KEPT),
        (f"top {MOST_KEPT + 1}", True, 0),
        ("which region missed it the most", False, 1),
        ("regions furthest below, worst first", False, 1),
    ],
)
def test_a_superlative_says_the_order_and_how_many(words: str, *, descending: bool, limit: int) -> None:
    found = find_ranking(tokenize(words), NOTHING)

    assert found is not None
    assert (found.descending, found.limit) == (descending, limit)


def test_words_that_belong_to_a_name_rank_nothing() -> None:
    tokens = tokenize("best buy sales")

    assert find_ranking(tokens, frozenset({0, 1})) is None
    assert find_ranking(tokens, NOTHING) is not None
    assert find_ranking(tokenize("sales of regions"), NOTHING) is None


def test_a_number_that_belongs_to_a_period_is_no_number_of_rows() -> None:
    tokens = tokenize("top 2024 sales")
    found = find_ranking(tokens, frozenset({1}))

    assert found is not None
    assert (found.limit, found.positions) == (0, frozenset({0}))


@pytest.mark.parametrize(
    ("words", "position"),
    [
        ("share of japan", 0),
        ("what percentage of sales", 1),
        ("the share price", None),
        ("share of", 0),
        ("of share", None),
    ],
)
def test_a_share_is_one_of_something(words: str, position: int | None) -> None:
    assert find_share(tokenize(words), NOTHING) == position


@pytest.mark.parametrize(
    ("words", "positions"),
    [
        ("sales trend", {1}),
        ("sales over time", {1, 2}),
        ("how did sales develop", {3}),
        ("develop sales", set()),
        ("over the time", set()),
    ],
)
def test_a_trend_is_asked_for_by_its_word_or_by_how(words: str, positions: set[int]) -> None:
    assert find_trend(tokenize(words), NOTHING) == positions


@pytest.fixture(name="catalog")
def shop() -> Catalog:
    return catalog(
        metric("sales", dimensions=("region",), targets=(Target("budget", "planned"), Target("forecast", "planned"))),
        metric("planned", dimensions=("region",)),
        dimension("region"),
        member("region.japan", "JP"),
    )


async def test_what_is_ranked_is_grouped_by(desk: Desk) -> None:
    found = await desk.ask("top 5 regions by sales last month")

    assert found.intent is Intent.RANKING
    assert concepts(found) == ["region", "sales", "last_month"]
    alignment = plan_of(found).alignment
    assert (alignment.keys, alignment.limit) == (("region",), 5)
    assert [(o.column, o.descending) for o in alignment.order_by] == [("actual", True)]


async def test_with_nothing_to_rank_the_word_is_told_and_makes_the_metric_no_other(desk: Desk) -> None:
    """Design, section 6: nothing is dropped."""
    found = await desk.ask("highest sales last month")

    assert found.intent is Intent.METRIC
    assert unmatched(found) == ["highest"]
    assert plan_of(found).alignment.order_by == ()


@pytest.mark.parametrize(("words", "column"), [("budget", "variance"), ("budget and forecast", "variance_budget")])
async def test_what_missed_its_target_is_ordered_by_the_shortfall(desk: Desk, words: str, column: str) -> None:
    found = await desk.ask(f"which region's sales missed {words} most last month")

    assert found.intent is Intent.COMPARISON
    (order,) = plan_of(found).alignment.order_by
    assert (order.column, order.descending, plan_of(found).alignment.limit) == (column, False, 1)
