"""Mentions and their positions; parsing never fails (design, sections 2 and 6)."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecp_server.domain.catalog import Entity, Level, Metric, Phrase, PhraseMeaning, Relation, Target
from ecp_server.domain.concepts import Intent, Mention
from ecp_server.domain.period import Grain
from ecp_server.resolution.draft import Parsed
from ecp_server.resolution.lexicon import Exactness, SenseKind
from ecp_server.resolution.parse import parse
from ecp_server.resolution.prepared import Preparation
from tests.resolution.samples import catalog, dimension, draft, member, metric, parsed, term

SHOP = catalog(
    metric("sales", targets=(Target("budget", "planned"),)),
    metric("net_sales"),
    metric("revenue_growth"),
    metric("planned"),
    term("gaap"),
    dimension("region", levels=(Level("country", "Country"),)),
    member("region.japan", "JP"),
    member("region.emoji", "E", name="Smile 😀 Land"),
    Entity("person.ann", "Ann", type="person"),
    Entity("team.a", "Alpha", type="team"),
    Relation("r", "team.a", "person.ann", "led_by", ("led by",)),
    Phrase("net sales retention", PhraseMeaning.NOT_COVERED),
    Phrase("acme", PhraseMeaning.STOP),
)
WORDS = """
sales net_sales net sales retention japan region by per top 5 lowest vs budget excluding not acme gaap ann team led last
month 2024 Q3 share of percentage trend over time how did grow which what is where from adjusted 😀 ’s 's monthly each -
, ? & . the of in Ω
"""


def mentions(found: Parsed) -> list[Mention]:
    named = [name.mention for name in (*found.names, *found.altered)]
    return [*named, *(time.mention for time in found.times), *found.unmatched, *found.not_covered]


@given(st.one_of(st.text(max_size=120), st.lists(st.sampled_from(WORDS.split()), max_size=14).map(" ".join)))
def test_any_text_is_parsed_and_every_mention_is_a_slice_of_it(text: str) -> None:
    for mention in mentions(parsed(SHOP, text)):
        assert mention.text == text[mention.start : mention.end] != ""


@given(st.text(max_size=60), st.text(max_size=60))
def test_mentions_begin_in_order_and_names_times_and_unmatched_words_do_not_overlap(before: str, after: str) -> None:
    found = parsed(SHOP, f"{before} net sales in Japan {after} adjusted 2024")

    runs = sorted({*mentions(found)}, key=lambda mention: mention.start)
    assert all(one.end <= other.start for one, other in pairwise(runs))


def test_positions_are_code_points_whatever_their_width() -> None:
    """types.proto, Mention: in Unicode code points of the question as sent."""
    found = parsed(SHOP, "🎉🎉 Net\u200bworth; 😀 net sales in Smile 😀 Land 𐐷yz?")

    assert [(n.mention.text, n.mention.start) for n in found.names] == [("net sales", 16), ("Smile 😀 Land", 29)]
    assert [(m.text, m.start, m.end) for m in found.unmatched] == [("Net\u200bworth", 3, 12), ("𐐷yz", 42, 45)]


def test_neighbouring_unknown_words_are_one_mention_and_signs_part_them() -> None:
    found = parsed(SHOP, "big quarterly blue, sky of sales")

    assert [m.text for m in found.unmatched] == ["big", "blue", "sky"]
    assert [m.text for m in parsed(SHOP, "rocket fuel, moon").unmatched] == ["rocket fuel", "moon"]


@pytest.mark.parametrize("word", ["show", "please", "the", "data", "12", "vs", "which", "3.5", "%", "?!", "throughout"])
def test_function_generic_and_structural_words_and_figures_are_no_content(word: str) -> None:
    assert parsed(SHOP, f"{word} sales").unmatched == ()


@pytest.mark.parametrize(
    "bound",
    ["over 1000000", "above $5m", ">= 10%", "> 1,000.50", "more than 5", "at least 12", "fewer than 3", "below €1.5"],
)
def test_a_bound_on_figures_is_told_and_makes_the_metric_no_other_one(bound: str) -> None:
    for question in (f"sales {bound}", f"regions with sales {bound} in Japan", f"sales by region {bound}"):
        found = parsed(SHOP, question)

        assert [m.text for m in found.unmatched] == [bound]
        assert found.altered == ()


@pytest.mark.parametrize(
    "words",
    ["over the last 4 quarters", "in 2019", "at 5", "rather than 5", "over the 12", "for more than the past year"],
)
def test_what_sets_no_bound_on_figures_is_not_told(words: str) -> None:
    assert parsed(SHOP, f"sales {words}").unmatched == ()


@pytest.mark.parametrize(
    ("question", "told", "period"),
    [
        ("sales in December of every year", "every year", "December"),
        ("sales in Q4 of each year by region", "each year", "Q4"),
        ("Q4 sales each year", "each year", "Q4"),
        ("sales of the last month of each quarter", "each quarter", "the last month"),
        ("sales last week every month", "every month", "last week"),
        ("sales every December", "every", "December"),
        ("sales each Monday", "each", "Monday"),
        ("sales of each Q4 by region", "each", "Q4"),
        ("sales on the first of each month", "each month", "the first"),
    ],
)
def test_a_period_that_recurs_is_told_and_is_no_breakdown_of_one(question: str, told: str, period: str) -> None:
    found = parsed(SHOP, question)

    assert [m.text for m in found.unmatched] == [told]
    assert [t.mention.text for t in found.times] == [period]
    assert (Grain.NONE, ()) == (found.grain, found.altered)


@pytest.mark.parametrize(
    ("question", "grain"),
    [
        ("sales in 2024 each month", Grain.MONTH),
        ("sales last quarter every week", Grain.WEEK),
        ("sales each quarter", Grain.QUARTER),
        ("sales of the last 8 months each quarter", Grain.QUARTER),
        ("sales in December by year", Grain.YEAR),
    ],
)
def test_each_part_of_a_longer_period_is_a_breakdown(question: str, grain: Grain) -> None:
    found = parsed(SHOP, question)

    assert (grain, ()) == (found.grain, found.unmatched)


@pytest.mark.parametrize("date", ["2024-02-30", "2023-02-29", "30/02/2024", "31.4.2024", "31/04/24"])
def test_a_date_that_no_year_has_is_told(date: str) -> None:
    found = parsed(SHOP, f"sales {date}")

    assert [m.text for m in found.unmatched] == [date]
    assert [n.mention.text for n in found.altered] == ["sales"]
    assert [m.text for m in parsed(SHOP, f"sales from {date} to 2024-03-05").unmatched] == [date]


@pytest.mark.parametrize("figures", ["2024-02-29", "29/2/2024", "2024 50 12", "7.6.5.4", "10.0.12", "20240230"])
def test_figures_that_are_a_date_or_may_be_none_are_not_told(figures: str) -> None:
    assert parsed(SHOP, f"sales {figures}").unmatched == ()


@pytest.mark.parametrize(
    ("question", "told"),
    [
        ("sales on 3 May 2024 at 14:00", ["14:00"]),
        ("sales in japan between 9:00 and 17:30", ["9:00", "17:30"]),
        ("sales yesterday 9:30:15", ["9:30:15"]),
        ("sales yesterday at 9:30pm", ["9:30pm"]),
        ("sales yesterday at 9 am", ["9 am"]),
        ("sales at 9 p.m. yesterday", ["9 p.m"]),
        ("sales at 5 o'clock yesterday", ["5 o'clock"]),
        ("sales 2024-13", ["13"]),
        ("top 0 sales by region", ["0"]),
        ("bottom 5000 regions by sales", ["5000"]),
    ],
)
def test_numbers_that_no_plan_keeps_are_told(question: str, told: list[str]) -> None:
    assert [m.text for m in parsed(SHOP, question).unmatched] == told


@pytest.mark.parametrize(
    "question",
    ["1. sales in 2024 2. sales in 2023", "1) sales in 2024 2) sales in 2023", "sales 3:2", "how am I doing in sales"],
)
def test_numbers_of_a_list_and_ratios_are_no_times_of_day(question: str) -> None:
    assert parsed(SHOP, question).unmatched == ()


def test_a_verb_of_movement_asks_how_after_an_auxiliary_and_is_content_without() -> None:
    assert parsed(SHOP, "how much did sales grow").unmatched == ()
    assert [m.text for m in parsed(SHOP, "sales improve").unmatched] == ["improve"]
    assert [n.mention.text for n in parsed(SHOP, "sales improve").altered] == ["sales"]
    assert [n.mention.text for n in parsed(SHOP, "did revenue growth fall").names] == ["revenue growth"]


def test_a_mended_word_is_told_and_keeps_its_own_letters() -> None:
    found = parsed(SHOP, "net slaes in japann")

    assert [(n.mention.text, n.exactness) for n in found.names] == [
        ("net slaes", Exactness.CORRECTED),
        ("japann", Exactness.CORRECTED),
    ]
    assert found.unmatched == ()


@pytest.mark.parametrize(
    ("text", "altered"),
    [
        ("adjusted sales", ["sales"]),
        ("sales retention", ["sales"]),
        ("adjusted japan sales", ["sales"]),
        ("Oracle's sales", ["sales"]),
        ("Oracle’s japan sales", ["sales"]),
        ("sales of Oracle", []),
        ("Oracle, sales", []),
        ("Oracle last month sales", []),
        ("japan's sales", []),
        ("adjusted japan", []),
        ("highest sales", []),
        ("adjusted gaap", ["gaap"]),
        ("adjusted sales and sales", ["sales"]),
    ],
)
def test_an_unknown_word_in_a_noun_phrase_alters_the_metric_or_term_in_it(text: str, altered: list[str]) -> None:
    assert [name.mention.text for name in parsed(SHOP, text).altered] == altered


def test_what_the_catalog_does_not_cover_is_told_and_hides_the_name_in_it() -> None:
    found = parsed(SHOP, "net sales retention of acme")

    assert [m.text for m in found.not_covered] == ["net sales retention"]
    assert found.names == ()


def test_a_kind_of_thing_is_a_mention_only_beside_a_relation() -> None:
    assert [n.senses[0].kind for n in parsed(SHOP, "sales of the team").names] == [SenseKind.METRIC]
    assert [n.senses[0].kind for n in parsed(SHOP, "teams led by ann").names] == [
        SenseKind.ENTITY_TYPE,
        SenseKind.RELATION,
        SenseKind.ENTITY,
    ]


def test_what_is_hidden_is_not_there_at_all_and_shorter_names_take_its_place() -> None:
    asked = draft(SHOP, "net sales in japan")
    hidden = frozenset({(SenseKind.METRIC, "net_sales")})
    found, finding = parse(type(asked)(asked.question, asked.prepared, (), asked.today, "UTC", hidden=hidden))

    assert [n.mention.text for n in found.parsed.names] == ["sales", "japan"]
    assert [m.text for m in found.parsed.unmatched] == ["net"]
    assert "net_sales" not in f"{finding.reasoning}{finding.output}"


def test_the_step_tells_its_intent_names_periods_and_what_nothing_matches() -> None:
    _, finding = parse(draft(SHOP, "sales vs budget last month for fun"))

    assert finding.reasoning == 'Found "sales", "budget", "last month"; nothing matches \'fun\''
    assert finding.output == {
        "intent": Intent.COMPARISON.name,
        "names": ["sales", "budget"],
        "times": ["last month"],
        "unmatched": ["fun"],
        "not_covered": [],
    }


def test_preparing_keeps_the_latest_catalogs_and_prepares_each_once() -> None:
    preparation = Preparation()
    first = preparation.of(SHOP)
    assert preparation.of(SHOP) is first

    for number in range(4):
        preparation.of(catalog(Metric("m", "M", ""), version=f"other{number}"))
    assert preparation.of(SHOP) is not first


def test_metrics_are_prepared_by_tier_then_id_and_by_target() -> None:
    about = catalog(
        metric("b", certification_tier=2, targets=(Target("budget", "a"),)),
        metric("a", certification_tier=2),
        metric("c", targets=(Target("budget", "a"),)),
    )
    prepared = Preparation().of(about)

    assert [m.id for m in prepared.metrics_by_tier] == ["c", "a", "b"]
    assert [m.id for m in prepared.metrics_by_target["budget"]] == ["c", "b"]


@pytest.mark.parametrize("figures", ["12345", "202413", "1850"])
def test_figures_that_are_no_period_are_told(figures: str) -> None:
    """They were dropped, and the default period answered with full confidence."""
    found = parsed(SHOP, f"sales {figures}")

    assert [m.text for m in found.unmatched] == [figures]
    assert () == found.altered


def test_two_words_that_are_a_name_together_are_not_mended_one_by_one() -> None:
    about = catalog(
        metric("sales"), dimension("company"), member("company.crowd", name="CrowdStrike", synonyms=("CRWD", "Crowds"))
    )
    found = parsed(about, "sales of Crowd Strike")

    assert [(n.mention.text, n.exactness) for n in found.names][1:] == [("Crowd Strike", Exactness.VARIED)]
    assert found.unmatched == ()


def test_an_acronym_with_dots_names_what_it_names_without() -> None:
    about = catalog(
        metric("sales"), dimension("region"), member("region.us", "US", name="United States", synonyms=("US",))
    )
    found = parsed(about, "sales in the U.S. and not to us")

    assert [(n.mention.text, n.exactness) for n in found.names][1:] == [("U.S.", Exactness.EXACT)]


def test_a_number_that_a_name_ends_with_begins_no_period_and_others_listed_with_it_are_told() -> None:
    about = catalog(metric("sales"), dimension("model"), member("model.m3", name="Model 3"))
    found = parsed(about, "sales of Model 3 and 4 June 2024")
    alone = parsed(about, "sales of Model 3 June 2024")

    assert [m.text for m in parsed(about, "sales of Model 3, 4 and 5 last month").unmatched] == ["4", "5"]
    assert [t.mention.text for t in found.times] == ["4 June 2024"]
    assert ([n.mention.text for n in alone.names], [t.mention.text for t in alone.times]) == (
        ["sales", "Model 3"],
        ["June 2024"],
    )
