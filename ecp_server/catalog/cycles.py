"""Finds cycles among things that name each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence


def cycles(graph: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, ...]]:
    """Yield the cycles that a depth-first walk closes, each from where it was entered; none where there is no cycle.

    Names that are no key have nothing after them. Linear in the size of the graph; any depth.
    """
    done: set[str] = set()
    for root in graph:
        trail: dict[str, Iterator[str]] = {}  # the names from the root to the one at hand, and what is left to try
        current: str | None = None if root in done else root
        if current is not None:
            trail[current] = iter(graph[current])
        while current is not None:
            following = next(trail[current], None)
            if following is None:
                done.add(current)
                del trail[current]
                current = next(reversed(trail), None)
            elif following in trail:
                names = list(trail)
                yield tuple(names[names.index(following) :])
            elif following not in done:
                current = following
                trail[current] = iter(graph.get(current, ()))
