"""The last good answers: bounded, and none that is too old."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from ecp_server.domain.figures import FigureQuery, Figures
from ecp_server.execution.kept import KeptAnswers

DAY = timedelta(days=1)


def figures(*values: str) -> list[Figures]:
    return [Figures(("a.b",), tuple((value,) for value in values), FigureQuery(("a.b",)))]


def key(name: str) -> tuple[str, str]:
    return name, "decision"


def test_answers_are_those_kept_last() -> None:
    kept = KeptAnswers()
    kept.keep(key("one"), figures("old"))
    kept.keep(key("one"), figures("new"))
    found = kept.recall(key("one"), DAY)
    assert found is not None
    assert tuple(figures("new")) == found.figures
    assert kept.recall(("one", "another decision"), DAY) is None


def test_what_is_too_old_is_not_given() -> None:
    kept = KeptAnswers()
    kept.keep(key("one"), figures("x"))
    assert kept.recall(key("one"), timedelta(0)) is None


def test_the_longest_unused_goes_first() -> None:
    kept = KeptAnswers(max_bytes=40_000)
    for name in "abc":
        kept.keep(key(name), figures("x" * 10_000))
    kept.recall(key("a"), DAY)
    kept.keep(key("d"), figures("x" * 10_000))
    assert [True, False, True, True] == [kept.recall(key(name), DAY) is not None for name in "abcd"]
    assert kept.size <= 40_000


def test_what_is_too_large_alone_is_not_kept_and_pushes_nothing_out() -> None:
    kept = KeptAnswers(max_bytes=40_000)
    kept.keep(key("a"), figures("x"))
    kept.keep(key("b"), figures("x" * 50_000))
    assert kept.recall(key("a"), DAY) is not None
    assert kept.recall(key("b"), DAY) is None


def test_many_keys_stay_within_bounds() -> None:
    kept = KeptAnswers(max_bytes=100_000)
    for number in range(10_000):
        kept.keep(key(str(number)), [Figures(("a.b",), ((Decimal(number),),), FigureQuery(("a.b",)))])
        assert kept.size <= 100_000
