"""What a department was taught: after exact names and the user's variation, before tiers (design, section 2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import count
from typing import Any

import pytest

from ecp_server.domain.catalog import Context, TermVariation
from ecp_server.domain.concepts import ConceptKind
from ecp_server.domain.identity import Principal
from ecp_server.domain.resolution import Resolution
from tests.conformance.states import AUDIT, FEEDBACK, PRECEDENT
from tests.resolution.conftest import Desks
from tests.resolution.desk import Desk
from tests.resolution.reading import assumptions, concepts, options
from tests.resolution.samples import catalog, dimension, member, metric, term

PIA = Principal(subject="pia", department="plan", roles=("explorer",))
METRIC, TERM, MEMBER = ConceptKind.METRIC, ConceptKind.TERM, ConceptKind.MEMBER
CONTEXTS = (Context("fin", "Finance"), Context("plan", "Planning", parent="fin"), Context("ops", "Operations"))
A, B, C = metric("alpha"), metric("beta", certification_tier=2), metric("gamma", certification_tier=4)

_numbers = count()


async def taught(desk: Desk, words: str, *meanings: tuple[ConceptKind, str], department: str = "plan") -> None:
    """Have a department taught what words mean."""
    for kind, option_id in meanings:
        name = str(next(_numbers))
        feedback = replace(FEEDBACK, id=f"fee-{name}")
        precedent = replace(PRECEDENT, id=f"pre-{name}", department=department, words=words, mention=words)
        precedent = replace(precedent, kind=kind, option_id=option_id, feedback_id=feedback.id)
        await desk.state.record(replace(AUDIT, id=f"audit-{name}"), feedback, precedent)
    desk.precedents.forget(department)


async def answer(
    desks: Desks, documents: Sequence[Any], words: str, *meanings: tuple[ConceptKind, str], **more: Any
) -> Resolution:
    """Ask for words last month after they were taught to mean something."""
    desk = await desks(catalog(*CONTEXTS, *documents))
    await taught(desk, words, *meanings)
    return await desk.ask(f"{words} last month", principal=PIA, **more)


NOT_TAUGHT = {
    "the name of a metric": ([A, B], "alpha", "alpha"),
    "the name of a term with a metric of its own": ([A, B, term("income", metric="alpha")], "income", "alpha"),
    "the name of a term of the glossary": ([A, B, term("income")], "income", "income"),
    "the user's variation": ([A, B, term("income", TermVariation("plan", metric="alpha"))], "income", "alpha"),
    "the variation of the department above": (
        [A, B, term("income", TermVariation("fin", metric="alpha"))],
        "income",
        "alpha",
    ),
    "the user's variation of a synonym": (
        [A, B, term("income", TermVariation("plan", metric="alpha"), synonyms=("take",))],
        "take",
        "alpha",
    ),
}


@pytest.mark.parametrize(("documents", "words", "expected"), NOT_TAUGHT.values(), ids=NOT_TAUGHT)
async def test_what_is_said_exactly_or_by_the_department_is_not_taught(
    desks: Desks, documents: Sequence[Any], words: str, expected: str
) -> None:
    found = await answer(desks, documents, words, (METRIC, "beta"))

    assert concepts(found)[0] == expected
    assert "corrected" not in found.concepts[0].reason
    assert words not in assumptions(found)


TAUGHT = {
    "nothing": [A, B, C],
    "a synonym": [metric("alpha", synonyms=("take",)), B, C],
    "a synonym of a metric of a stricter tier": [
        metric("alpha", synonyms=("take",)),
        metric("beta", certification_tier=4, synonyms=("take",)),
        C,
    ],
    "an acronym": [metric("alpha", acronyms=("take",)), B, C],
    "the default of a term": [A, B, C, term("take", TermVariation("ops", metric="gamma"), default="alpha")],
    "several variations of others": [
        A,
        B,
        C,
        term("take", TermVariation("ops", metric="alpha"), TermVariation("people", metric="gamma")),
    ],
    "the only variation of others": [A, B, C, term("take", TermVariation("ops", metric="alpha"))],
    "a member's synonym": [A, B, C, dimension("region"), member("region.x", "X", synonyms=("take",))],
}


@pytest.mark.parametrize("documents", TAUGHT.values(), ids=TAUGHT)
async def test_what_else_would_decide_gives_way(desks: Desks, documents: Sequence[Any]) -> None:
    found = await answer(desks, documents, "take", (METRIC, "beta"))

    assert concepts(found)[0] == "beta"
    assert found.concepts[0].reason.startswith("In plan, “take” was corrected to mean ")
    assert "take" in assumptions(found)
    again = await answer(desks, documents, "take", (METRIC, "beta"), (METRIC, "gamma"))
    assert options(again)["take"][:2] == ["beta", "gamma"]


NAMED_ALIKE: tuple[Any, ...] = (metric("alpha", name="Take"), metric("beta", name="Take"), C)


@pytest.mark.parametrize(
    ("meanings", "expected"),
    [
        ([], None),
        ([(METRIC, "beta")], "beta"),
        ([(METRIC, "gamma")], None),
        ([(METRIC, "alpha"), (METRIC, "beta")], None),
    ],
)
async def test_of_metrics_with_one_name_a_lesson_picks_one_of_them(
    desks: Desks, meanings: list[tuple[ConceptKind, str]], expected: str | None
) -> None:
    found = await answer(desks, NAMED_ALIKE, "take", *meanings)
    if expected is None:
        assert options(found) == {"take": ["alpha", "beta"]}
    else:
        assert concepts(found)[0] == expected


INCOMES: dict[str, tuple[Any, list[str]]] = {
    "by the department above": (
        term("income", TermVariation("fin", metric="alpha"), TermVariation("ops", metric="beta")),
        ["alpha"],
    ),
    "by its default": (term("income", TermVariation("ops", metric="beta"), default="alpha"), ["alpha"]),
    "by nothing": (
        term("income", TermVariation("ops", metric="alpha"), TermVariation("people", metric="beta")),
        ["alpha", "beta"],
    ),
}


@pytest.mark.parametrize(("income", "expected"), INCOMES.values(), ids=INCOMES)
async def test_words_that_mean_a_term_mean_what_it_does_for_the_user(
    desks: Desks, income: Any, expected: list[str]
) -> None:
    found = await answer(desks, [A, metric("beta"), income], "take", (TERM, "income"))
    if len(expected) > 1:
        assert options(found) == {"take": expected}
        assert found.ambiguities[0].message == "“take” can mean Alpha, Beta. Which one?"
    else:
        assert concepts(found)[:1] == expected


async def test_of_members_that_share_a_synonym_a_lesson_picks_one(desks: Desks) -> None:
    sliced = metric("alpha", dimensions=("region", "city"))
    places: list[Any] = [
        dimension("region"),
        dimension("city"),
        member("region.x", "X", synonyms=("north",)),
        member("city.y", "Y", synonyms=("north",)),
    ]
    desk = await desks(catalog(*CONTEXTS, sliced, *places))
    asked = "alpha in north last month"
    assert options(await desk.ask(asked, principal=PIA)) == {"north": ["region.x", "city.y"]}
    await taught(desk, "north", (MEMBER, "city.y"))
    found = await desk.ask(asked, principal=PIA)
    assert "city.y" in concepts(found)
    assert "region.x" not in concepts(found)


async def test_the_department_above_teaches_itself_alone(desks: Desks) -> None:
    desk = await desks(catalog(*CONTEXTS, A, B))
    await taught(desk, "take", (METRIC, "beta"), department="fin")
    assert (await desk.ask("take last month", principal=PIA)).problem is not None
    found = await desk.ask("take last month", principal=replace(PIA, department="fin"))
    assert concepts(found)[0] == "beta"


async def test_the_caller_s_choice_goes_before_lessons(desks: Desks) -> None:
    documents: list[Any] = [A, B, C, term("take", TermVariation("ops", metric="alpha"), default="gamma")]
    desk = await desks(catalog(*CONTEXTS, *documents))
    await taught(desk, "take", (METRIC, "beta"))
    found = await desk.ask("take last month", ("take", "alpha"), principal=PIA)
    assert concepts(found)[0] == "alpha"
    assert found.concepts[0].reason == "The caller chose it among the meanings of “take”"


async def test_a_longer_name_hides_a_taught_word_inside_of_it(desks: Desks) -> None:
    desk = await desks(catalog(*CONTEXTS, metric("alpha", name="Net take"), B))
    await taught(desk, "take", (METRIC, "beta"))
    found = await desk.ask("net take and take last month", principal=PIA)
    assert concepts(found)[:2] == ["alpha", "beta"]


async def test_what_the_catalog_has_not_teaches_nothing(desks: Desks) -> None:
    gone = ((METRIC, "gone"), (MEMBER, "gone"), (TERM, "alpha@ops"), (ConceptKind.COMPARISON, "target.gone"))
    found = await answer(desks, [A, B], "take", *gone, (METRIC, "beta"))
    assert concepts(found)[0] == "beta"
