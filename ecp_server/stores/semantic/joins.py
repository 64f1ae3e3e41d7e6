"""Which cubes a query joins, from which one on, and whose rows come out of that more than once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from ecp_server.domain.frozen import dataclass
from ecp_server.domain.semantic import CubeJoin, Relationship, SemanticModel


@dataclass(frozen=True, slots=True)
class Edge:
    """A left join from one cube to the next."""

    start: str
    join: CubeJoin


@dataclass(frozen=True, slots=True)
class JoinTree:
    """Left joins from a root, each after the one that it starts from."""

    root: str
    edges: tuple[Edge, ...] = ()

    def multiplies(self, cube: str) -> bool:
        """Tell whether a row of the cube may come out of the joins more than once."""
        seen = {cube}
        pending = deque([cube])
        while pending:
            at = pending.popleft()
            for to, many in self._neighbours(at):
                if to not in seen:
                    if many:
                        return True
                    seen.add(to)
                    pending.append(to)
        return False

    def _neighbours(self, cube: str) -> Iterator[tuple[str, bool]]:
        """Yield the cubes joined with one, and whether many of their rows meet one of its rows."""
        for edge in self.edges:
            if edge.start == cube:
                yield edge.join.to, edge.join.relationship is Relationship.ONE_TO_MANY
            elif edge.join.to == cube:
                yield edge.start, edge.join.relationship is Relationship.MANY_TO_ONE


def join_tree(model: SemanticModel, cubes: Sequence[str]) -> JoinTree | None:
    """Return the joins that bring the cubes together, None where there are none.

    As Cube does it: joins lead from the cube that declares them; the root is the cube from which the others are reached
    over the fewest joins, the first of ``cubes`` where several are.
    """
    trees = [tree for root in dict.fromkeys(cubes) if (tree := _from(model, root, cubes)) is not None]
    return min(trees, key=lambda tree: len(tree.edges), default=None)


def _from(model: SemanticModel, root: str, cubes: Sequence[str]) -> JoinTree | None:
    paths: dict[str, tuple[Edge, ...]] = {root: ()}
    pending = deque([root])
    while pending:
        at = pending.popleft()
        for join in model.cubes[at].joins:
            if join.to not in paths:
                paths[join.to] = (*paths[at], Edge(at, join))
                pending.append(join.to)
    if any(cube not in paths for cube in cubes):
        return None
    return JoinTree(root, tuple(dict.fromkeys(edge for cube in cubes for edge in paths[cube])))
