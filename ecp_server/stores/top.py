"""The best of many scores."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def best(scores: NDArray[np.float32], limit: int) -> NDArray[np.intp]:
    """Return the positions of the ``limit`` highest scores, best first, ties by position; O(n) for a small limit."""
    if limit <= 0:
        return np.empty(0, dtype=np.intp)
    if limit < len(scores):
        # Everything that ties with the last one is sorted too, so that the cut does not depend on the partition.
        least = np.partition(scores, len(scores) - limit)[len(scores) - limit]
        positions = np.flatnonzero(scores >= least)
    else:
        positions = np.arange(len(scores))
    return positions[np.argsort(-scores[positions], kind="stable")][:limit]
