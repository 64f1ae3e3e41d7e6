"""How far confidence can be believed: counted from what was answered, of questions in other words."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ecp_server.evaluation.calibration import Calibration, Judged, wilson
from ecp_server.evaluation.golden import Entry
from ecp_server.evaluation.perturbation import reworded


def judged(*answers: tuple[float, bool]) -> Calibration:
    return Calibration(tuple(Judged("slip", "q", confidence, right) for confidence, right in answers), 0)


@pytest.mark.parametrize(
    ("right", "of", "bound"),
    [(0, 0, 0.0), (0, 10, 0.0), (10, 10, 0.722), (95, 100, 0.888), (990, 1000, 0.982)],
)
def test_the_bound_is_wilsons(right: int, of: int, bound: float) -> None:
    """Against the figures of Wilson's interval without continuity correction, as R's prop.test gives them."""
    assert wilson(right, of) == pytest.approx(bound, abs=1e-3)


@given(st.integers(0, 500), st.integers(0, 500))
def test_the_bound_lies_between_nothing_and_the_share(right: int, wrong: int) -> None:
    of = right + wrong
    assert 0 <= wilson(right, of) <= (right / of if of else 0.0) + 1e-12


def test_bins_hold_every_answer_once_and_tell_how_many_are_right() -> None:
    found = judged((0.0, False), (0.2, True), (0.9, True), (0.95, False), (1.0, True))

    assert [(b.low, b.high, b.count, b.right) for b in found.bins] == [
        (0.0, 0.3, 2, 1),
        (0.9, 0.95, 1, 1),
        (0.95, 1.0, 2, 1),
    ]
    assert len(found.sure) == 3
    assert found.sure_share == pytest.approx(2 / 3)
    assert judged().bins == ()
    assert (judged().error, judged().sure_share, judged().lower_bound) == (0.0, 0.0, 0.0)


def test_the_error_is_how_far_confidence_and_accuracy_lie_apart() -> None:
    assert judged((0.8, True), (0.8, True)).error == pytest.approx(0.2)
    assert judged((1.0, True)).error == 0


ENTRY = Entry.model_validate(
    {
        "id": "e",
        "category": "c",
        "question": "What was net revenue in Germany last quarter?",
        "as_of": "2025-01-15T12:00:00Z",
        "expect": {"status": "RESOLVED", "metrics": ["net_revenue"], "unmatched": [], "confidence": {"at_least": 0.5}},
    }
)


@given(st.integers(0, 10_000))
@example(6692)  # two slips of it come to what one was
def test_rewordings_keep_what_is_meant_and_drop_what_is_told_of_the_words(seed: int) -> None:
    found = reworded(ENTRY, 9, Random(seed))  # noqa: S311 - no secret

    assert {each.kind for each in found if not each.same} == {"unknown kind", "unknown place"}
    assert len({each.entry.question for each in found} | {ENTRY.question}) == len(found) + 1
    assert all(each.entry.expect.metrics == ("net_revenue",) for each in found)
    assert all(each.entry.expect.unmatched is None and each.entry.expect.confidence is None for each in found)


def test_without_a_known_metric_nothing_is_put_before_it() -> None:
    assert all(each.same for each in reworded(ENTRY, None, Random(1)))  # noqa: S311 - no secret


def test_the_same_seed_makes_the_same_words() -> None:
    once, again = (reworded(ENTRY, 9, Random(7)) for _ in range(2))  # noqa: S311 - no secret
    assert once == again
