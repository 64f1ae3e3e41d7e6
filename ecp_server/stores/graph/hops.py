"""Simple paths over the relations of a catalog: the same enumeration for every engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from ecp_server.domain.concepts import Hop

HopsFrom = Mapping[str, Sequence[Hop]]


def hops_from(relations: Iterable[Hop]) -> HopsFrom:
    """Return each node's hops in either direction, by end and verb; a hop reads in the direction that it is walked."""
    hops: dict[str, set[Hop]] = {}
    for relation in relations:
        hops.setdefault(relation.start, set()).add(relation)
        hops.setdefault(relation.end, set()).add(Hop(relation.end, relation.relation, relation.start))
    return {node: sorted(found, key=lambda hop: (hop.end, hop.relation)) for node, found in hops.items()}


def simple_paths(hops: HopsFrom, start: str, depth: int) -> Iterator[tuple[Hop, ...]]:
    """Yield simple paths, shortest first, then by the ids and verbs along them; lazily, for there may be very many."""
    level: list[tuple[Hop, ...]] = [()]
    for _ in range(depth):
        longer: list[tuple[Hop, ...]] = []
        for path in level:
            visited = {start, *(hop.end for hop in path)}
            for hop in hops.get(path[-1].end if path else start, ()):
                if hop.end not in visited:
                    longer.append((*path, hop))
                    yield longer[-1]
        if not longer:
            return
        level = longer
