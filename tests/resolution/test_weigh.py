"""How far an answer can be relied on: less for whatever speaks against it (design, section 2: weigh)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecp_server.domain.catalog import Catalog, Contract, IssueScope, QualityRule, ServiceLevel, Severity
from ecp_server.domain.concepts import Ambiguity, Assumption, ConceptKind, Mention, Option, ResolvedConcept
from ecp_server.domain.period import Grain
from ecp_server.domain.resolution import Confidence, ConfidenceLevel, Resolution, Warning  # noqa: A004
from ecp_server.resolution.draft import Draft, Parsed, Selection, Slice, SlicedMetric
from ecp_server.resolution.weigh import weigh
from ecp_server.stores.registry.embedded import EmbeddedRegistry
from tests.held import Held
from tests.resolution.conftest import Desks
from tests.resolution.samples import catalog, draft, issue, metric, term

WORD = Mention("word", 0, 4)
ELSEWHERE = IssueScope(metrics=frozenset({"other"}))
STRONG = ServiceLevel(freshness_hours=1, availability_pct=100, completeness_pct=100)
GUARDED = (QualityRule("not null", Severity.HIGH),)


def contract(contract_id: str, table: str, sla: ServiceLevel = STRONG, rules: Any = GUARDED) -> Contract:
    return Contract(contract_id, (table,), sla, rules)


SHOP = catalog(
    metric("strong", computed_from=("t.strong.x",)),
    metric("weak", computed_from=("t.weak.x",)),
    metric("two", computed_from=("t.strong.x", "t.weak.x")),
    metric("none"),
    metric("monthly", computed_from=("t.late.x",), time_grain=Grain.MONTH),
    metric("daily", computed_from=("t.late.x",)),
    contract("strong", "t.strong"),
    contract("weak", "t.weak", ServiceLevel(freshness_hours=24, availability_pct=90, completeness_pct=80), ()),
    contract("late", "t.late", ServiceLevel(freshness_hours=24)),
)


async def confidence(of: Draft, about: Catalog = SHOP) -> Confidence:
    registry = EmbeddedRegistry(Held(about))
    weighed, _ = await weigh(of, registry)
    await registry.close()
    assert weighed.confidence is not None
    return weighed.confidence


def asking(*metrics: str, **more: Any) -> Draft:
    """A draft that reads these metrics."""
    parts = tuple(Slice(m, (SlicedMetric(m, SHOP.metrics[m]),), SHOP.metrics[m], None) for m in metrics)
    return replace(draft(SHOP), selection=Selection(slices=parts, **more))


def concept(match: float) -> ResolvedConcept:
    return ResolvedConcept(ConceptKind.METRIC, WORD, "m", "M", "because", match)


def assumption(*alternatives: str) -> Assumption:
    return Assumption("a", Option("x", "X"), "because", tuple(Option(a, a) for a in alternatives))


async def test_a_plain_question_over_guarded_fresh_and_complete_data_is_reliable() -> None:
    found = await confidence(asking("strong", concepts=(concept(1.0),)))

    assert (found.level, found.definition, found.data_quality, found.completeness) == (ConfidenceLevel.HIGH, 1, 1, 1)
    assert 0.99 < found.overall <= 1


async def test_without_a_contract_there_are_no_promises_and_a_little_less_trust() -> None:
    found = await confidence(asking("none"))

    assert (found.data_quality, found.freshness, found.completeness) == (None, None, None)
    assert found.overall < (await confidence(asking("strong"))).overall


async def test_the_weakest_of_several_contracts_counts() -> None:
    weak, two, both = [await confidence(asking(*m)) for m in (["weak"], ["two"], ["strong", "weak"])]

    assert weak == two == both
    assert weak.overall < (await confidence(asking("strong"))).overall


async def test_what_no_contract_covers_is_trusted_no_more_beside_what_one_does() -> None:
    alone, beside = await confidence(asking("none")), await confidence(asking("none", "strong"))

    assert beside.overall <= alone.overall


async def test_a_day_late_matters_to_daily_figures_more_than_to_monthly_ones() -> None:
    daily, monthly = await confidence(asking("daily")), await confidence(asking("monthly"))

    assert daily.freshness == 0.5
    assert monthly.freshness is not None
    assert monthly.freshness > 0.9


async def test_tables_without_strict_rules_are_of_less_quality() -> None:
    lenient = contract("strong", "t.strong", rules=(QualityRule("nice to have", Severity.LOW),))
    about = catalog(*SHOP.metrics.values(), lenient)

    assert (await confidence(asking("strong"), about)).data_quality == 0.95


SEVERITIES = list(Severity)


def warning(severity: Severity) -> Warning:
    return Warning("w", "known_issue", severity, "told")


async def test_the_graver_a_warning_the_less_the_confidence() -> None:
    overall = [
        (await confidence(replace(asking("strong"), warnings=(warning(severity),)))).overall for severity in SEVERITIES
    ]
    assert overall == sorted(overall, reverse=True)
    assert len(set(overall)) == len(overall)


async def test_an_assumption_without_alternatives_costs_nothing() -> None:
    plain = await confidence(asking("strong"))

    assert await confidence(asking("strong", assumptions=(assumption(),))) == plain
    assert (await confidence(asking("strong", assumptions=(assumption("y"),)))).overall < plain.overall


async def test_an_open_choice_leaves_the_chance_of_the_options() -> None:
    def asked(count: int) -> Draft:
        options = tuple(Option(str(i), str(i)) for i in range(count))
        return asking(ambiguities=(Ambiguity("a", WORD, options, "Which?"),))

    two, five = await confidence(asked(2)), await confidence(asked(5))
    assert (two.definition, five.definition) == (0.5, 0.2)
    assert five.level is ConfidenceLevel.LOW


@pytest.mark.parametrize(
    ("match", "level"), [(1.0, ConfidenceLevel.HIGH), (0.7, ConfidenceLevel.MEDIUM), (0.5, ConfidenceLevel.LOW)]
)
async def test_the_level_says_the_figure_in_a_word(match: float, level: ConfidenceLevel) -> None:
    assert (await confidence(asking("strong", concepts=(concept(match),)))).level is level


matches = st.floats(0.5, 1)


@given(
    st.lists(matches, max_size=4),
    st.lists(st.sampled_from(SEVERITIES), max_size=5),
    st.integers(0, 4),
    st.integers(0, 4),
    st.sampled_from(["strong", "weak", "two", "none"]),
    st.sampled_from(["match", "warning", "unmatched", "assumption"]),
)
async def test_confidence_lies_between_0_and_1_and_nothing_against_an_answer_raises_it(
    found: list[float], severities: list[Severity], unmatched: int, assumed: int, read: str, more: str
) -> None:
    def weighed(extra: str) -> Draft:
        concepts = tuple(concept(m) for m in (*found, *([0.9] if extra == "match" else [])))
        of = asking(read, concepts=concepts, assumptions=(assumption("y"),) * (assumed + (extra == "assumption")))
        warnings = tuple(warning(s) for s in (*severities, *([Severity.LOW] if extra == "warning" else [])))
        return replace(of, warnings=warnings, parsed=Parsed(unmatched=(WORD,) * (unmatched + (extra == "unmatched"))))

    before, after = await confidence(weighed("")), await confidence(weighed(more))
    assert 0 <= after.overall <= before.overall <= 1


async def test_typos_plurals_and_synonyms_are_relied_on_less_in_this_order(desks: Desks) -> None:
    desk = await desks(catalog(metric("sales", synonyms=("takings",)), term("gaap"), issue("i", scope=ELSEWHERE)))

    async def overall(question: str) -> float:
        answered: Resolution = await desk.ask(question)
        assert answered.confidence is not None
        return answered.confidence.overall

    exact, singular, synonym, typo = [
        await overall(f"{word} last month") for word in ("sales", "sale", "takings", "salse")
    ]
    assert exact > singular > synonym > typo
