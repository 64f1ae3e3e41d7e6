"""What of the semantic model a plan reads, so that it can be told where that is another one now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ecp_server.domain.catalog import Catalog
from ecp_server.domain.plan import ExecutionPlan, SemanticQuery
from ecp_server.domain.semantic import Cube, MemberRef, SemanticModel, measures_in


def cubes_read(plan: ExecutionPlan, definitions: Catalog, model: SemanticModel) -> Mapping[str, Cube | None]:
    """Return the cubes that figures of a plan come from, by name; None for those that the model lacks.

    They are those that it names, those that their members refer to, and those that may join several of them.
    """
    names: dict[str, None] = {}
    for query in plan.queries:
        used = _used(_addresses(query, definitions), model)
        names |= _joined(used, model) if len(used) > 1 else used
    return {name: model.cubes.get(name) for name in names}


def modelled_otherwise(plan: ExecutionPlan, then: Catalog, now: Catalog) -> bool:
    """Tell whether a cube that figures of the plan come from is another one now than when it was made."""
    if now is then or now.model is then.model:
        return False
    read = cubes_read(plan, then, then.model)
    return any(cube != now.model.cubes.get(name) for name, cube in read.items())


def _addresses(query: SemanticQuery, definitions: Catalog) -> Iterator[str]:
    cube = query.measures[0].ref.partition(".")[0]
    yield query.time_ref
    for measure in query.measures:
        yield measure.ref
        metric = definitions.metrics.get(measure.metric_id)
        yield (metric.time_dimension or "") if metric is not None else ""
    for group in query.group_by:
        dimension = definitions.dimensions.get(group.dimension)
        yield group.ref or (dimension.ref_for(cube) if dimension is not None else None) or ""
    yield from (condition.ref for condition in query.filters)


def _used(addresses: Iterator[str], model: SemanticModel) -> dict[str, None]:
    """Return the cubes of members, and of all that these refer to."""
    cubes: dict[str, None] = {}
    seen: set[str] = set()
    pending = [address for address in addresses if address]
    while pending:
        address = pending.pop()
        if address not in seen:
            seen.add(address)
            cube, _, member = address.partition(".")
            cubes[cube] = None
            pending += [ref.address for ref in _references(model.cubes.get(cube), member)]
    return cubes


def _references(cube: Cube | None, member: str) -> Iterator[MemberRef]:
    if cube is None:
        return
    if member in cube.dimensions:
        yield from cube.dimensions[member].references
    if member in cube.measures:
        measure = cube.measures[member]
        for sql in (measure.sql, *measure.filters):
            yield from sql.references if sql is not None else ()
        yield from measures_in(measure.expression) if measure.expression is not None else ()


def _joined(cubes: Mapping[str, None], model: SemanticModel) -> dict[str, None]:
    """Return the cubes, and all that can be joined from them."""
    reached = dict(cubes)
    pending = list(cubes)
    while pending:
        cube = model.cubes.get(pending.pop())
        for join in cube.joins if cube is not None else ():
            if join.to not in reached:
                reached[join.to] = None
                pending.append(join.to)
    return reached
