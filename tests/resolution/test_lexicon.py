"""The surface forms of a catalog: what a question can name, and how its words may differ from the catalog's."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecp_server.domain.catalog import Entity, Level, Phrase, PhraseMeaning, Relation, Target
from ecp_server.domain.text import tokenize
from ecp_server.resolution.lexicon import Exactness, FormSource, Lexicon, SenseKind, Span
from ecp_server.resolution.parsing.structure import GRAIN_ADVERBS
from ecp_server.resolution.parsing.words import COMPARING
from ecp_server.resolution.spelling.corrections import only
from ecp_server.resolution.time.lexemes import WORDS_OF_PERIODS
from tests.resolution.samples import catalog, dimension, member, metric, term

SHOP = catalog(
    metric("net_sales", synonyms=("takings",), acronyms=("NS",), targets=(Target("budget", "plan", ("the plan",)),)),
    metric("net_sales_growth"),
    metric("stock_price"),
    metric("prize"),
    metric("sku42x"),
    metric("fees"),
    metric("net_fees"),
    term("gaap", synonyms=("Accounting Principles",)),
    dimension("region", levels=(Level("area", "Area"),)),
    member("region.cote", "CI", name="Côte d’Ivoire"),
    member("region.now", "NW", name="NOW"),
    Entity("team.a", "A Team", type="team"),
    Relation("r", "team.a", "region.now", "owns", ("belongs to",)),
    Phrase("net sales retention", PhraseMeaning.NOT_COVERED),
    Phrase("please kindly", PhraseMeaning.STOP),
)
LEXICON = Lexicon(SHOP)


def spans(text: str) -> list[Span]:
    return LEXICON.spans(tokenize(text))


def senses(text: str) -> set[tuple[str, str]]:
    """What the whole text stands for."""
    whole = [span for span in spans(text) if (span.first, span.last) == (0, len(tokenize(text)))]
    return {(sense.kind.name, sense.id) for span in whole for sense in span.senses}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("net sales", ("METRIC", "net_sales")),
        ("net_sales", ("METRIC", "net_sales")),
        ("NET-Sales", ("METRIC", "net_sales")),
        ("Takings", ("METRIC", "net_sales")),
        ("ns", ("METRIC", "net_sales")),
        ("budget", ("TARGET", "budget")),
        ("the plan", ("TARGET", "budget")),
        ("accounting principles", ("TERM", "gaap")),
        ("region", ("DIMENSION", "region")),
        ("area", ("LEVEL", "region/area")),
        ("cote d’ivoire", ("MEMBER", "region.cote")),
        ("Cote d'Ivoire", ("MEMBER", "region.cote")),
        ("CÔTE D’IVOIRE", ("MEMBER", "region.cote")),
        ("co\u0302te d’ivoire", ("MEMBER", "region.cote")),
        ("region.cote", ("MEMBER", "region.cote")),
        ("a team", ("ENTITY", "team.a")),
        ("team", ("ENTITY_TYPE", "team")),
        ("belongs to", ("RELATION", "owns")),
        ("net sales retention", ("NOT_COVERED", "net sales retention")),
        ("please kindly", ("STOP", "please kindly")),
        ("sales", None),
        ("", None),
    ],
)
def test_names_match_after_folding(text: str, expected: tuple[str, str] | None) -> None:
    """catalog.md, Rules of loading: NFC, case folding, folding of hyphens, underscores and spaces."""
    assert senses(text) == ({expected} if expected else set())


@pytest.mark.parametrize(("text", "exactness"), [("net sales", Exactness.EXACT), ("net sale", Exactness.INFLECTED)])
def test_a_plural_or_singular_is_the_same_name_but_told_apart(text: str, exactness: Exactness) -> None:
    (span,) = (span for span in spans(text) if span.last == 2)
    assert span.exactness is exactness


@pytest.mark.parametrize("word", ["regions", "areas", "prizes", "teams"])
def test_plurals_stand_for_the_same(word: str) -> None:
    assert senses(word) == senses(word.removesuffix("s"))


def test_an_exact_form_hides_inflected_ones() -> None:
    fees = Lexicon(catalog(metric("fee"), metric("fees")))

    (plural,) = fees.spans(tokenize("fees"))
    (singular,) = fees.spans(tokenize("fee"))
    assert [sense.id for sense in plural.senses] == ["fees"]
    assert [sense.id for sense in singular.senses] == ["fee"]


def test_every_run_of_words_that_is_a_form_is_found_overlapping_or_not() -> None:
    assert [(span.first, span.last) for span in spans("net sales growth")] == [(0, 2), (0, 3)]
    assert [(span.first, span.last) for span in spans("net fees")] == [(0, 2), (1, 2)]


def test_a_prefix_of_a_form_is_no_form() -> None:
    assert spans("net") == spans("accounting") == []


def test_a_thing_that_a_form_names_twice_is_one_sense_by_its_strongest_source() -> None:
    twice = Lexicon(catalog(metric("sales", synonyms=("sales", "Sales!"), acronyms=("SALES",))))

    (span,) = twice.spans(tokenize("sales"))
    assert [(sense.id, sense.source) for sense in span.senses] == [("sales", FormSource.NAME)]


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("takngs", "taking"),
        ("taknigs", "taking"),
        ("takinggs", "taking"),
        ("tbkings", "taking"),
        ("wakings", None),
        ("atkings", "taking"),
        ("accuontign", "accounting"),
        ("accomting", "accounting"),
        ("accounted", None),
        ("pricnples", "principle"),
        ("febuary", "february"),
        ("quater", "quarter"),
        ("mnth", "month"),
        ("moth", "month"),
        ("weak", None),
        ("monthly", None),
        ("regoin", "region"),
        ("takxyngs", None),
        ("taknig", "taking"),
        ("takings", None),
        ("taking", None),
        ("arae", "area"),
        ("nte", None),
        ("price", None),
        ("sku42y", None),
        ("sku43x", None),
        ("42424", None),
        ("fess", None),
    ],
)
def test_slips_are_mended_and_nothing_else(word: str, expected: str | None) -> None:
    """A missing, added, wrong or swapped letter. Codes, numbers, short words and words of the catalog stay."""
    assert only(LEXICON.correct(word)) == expected


def test_where_two_words_are_as_near_nothing_is_mended() -> None:
    assert Lexicon(catalog(metric("stare"), metric("store"))).correct("stire") == {"stare", "store"}


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("price", None),
        ("priced", "price"),
        ("pricing", "price"),
        ("account", "accounting"),
        ("owned", None),
        ("takings", None),
        ("feeing", None),
        ("prized", "prize"),
    ],
)
def test_another_form_of_a_verb_is_the_word_of_the_catalog(word: str, expected: str | None) -> None:
    assert only(LEXICON.other_form(word)) == expected


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("netsales", {("net_sales", Exactness.VARIED)}),
        ("netsalesgrowth", {("net_sales_growth", Exactness.VARIED)}),
        ("stock prices", set()),
        ("pri ze", set()),
        ("tak ings", {("net_sales", Exactness.VARIED)}),
        ("sales net", {("net_sales", Exactness.REORDERED)}),
        ("growth of net sales", set()),
        ("growth net sales", {("net_sales_growth", Exactness.REORDERED)}),
        ("team a", set()),
        ("sku 42x", set()),
    ],
)
def test_a_name_may_be_joined_parted_or_in_another_order(text: str, found: set[tuple[str, Exactness]]) -> None:
    """But not with function words in it, and not what is a form as it stands."""
    loose = LEXICON.loose_spans(tokenize(text))
    whole = [span for span in loose if (span.first, span.last) == (0, len(tokenize(text)))]
    assert {(sense.id, span.exactness) for span in whole for sense in span.senses} == found


OF_PERIODS = {*WORDS_OF_PERIODS, *GRAIN_ADVERBS, *COMPARING}
letters = st.text(string.ascii_lowercase, min_size=1, max_size=12)


@given(st.text(max_size=40))
def test_correcting_never_fails_and_gives_a_word_of_the_catalog_or_of_periods(word: str) -> None:
    assert all(LEXICON.knows(corrected) or corrected in OF_PERIODS for corrected in LEXICON.correct(word))


@given(letters, st.integers(0, 12), st.sampled_from(string.ascii_lowercase))
def test_a_changed_letter_in_the_only_long_word_is_mended(word: str, position: int, letter: str) -> None:
    name = "zq" + word + "zq"
    place = 1 + min(position, len(name) - 2)
    wrong = name[:place] + letter + name[place + 1 :]
    expected = None if wrong == name else name
    assert only(Lexicon(catalog(metric("m1", name=name))).correct(wrong)) == expected


@given(st.text(max_size=60))
def test_any_text_is_looked_up_and_spans_lie_inside_it(text: str) -> None:
    tokens = tokenize(text)
    for span in LEXICON.spans(tokens):
        assert 0 <= span.first < span.last <= len(tokens)
        assert span.senses


def test_each_kind_of_sense_is_an_asset_of_policy_or_none() -> None:
    kinds = {sense.kind: sense.asset for span in spans("net sales gaap region now") for sense in span.senses}
    assert {kind.name for kind, asset in kinds.items() if asset is not None} == {"METRIC", "TERM"}
    assert kinds[SenseKind.DIMENSION] is None
