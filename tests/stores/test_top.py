"""The best of many scores."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ecp_server.stores.top import best


@given(st.lists(st.sampled_from([-1.0, 0.0, 0.25, 0.5, 0.5000001, 1.0])), st.integers(0, 12))
def test_the_best_are_those_of_a_full_sort_above_0_ties_by_position(scores: list[float], limit: int) -> None:
    ranked = sorted(range(len(scores)), key=lambda position: (-scores[position], position))

    found = best(np.array(scores), limit)

    assert found.tolist() == [position for position in ranked if scores[position] > 0][:limit]
