"""What of a figure belongs to no member that a grouping lists: it is in none of the rows, which must be told.

Values that the catalog knows are none of it: where no bucket holds one, the resolution says so (catalog.md, Dimension).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import Final

from ecp_server.domain.catalog import Dimension
from ecp_server.domain.plan import PLAN, Filter, FilterOperator, GroupBy, SemanticQuery
from ecp_server.domain.semantic import DimensionType, Relationship, SemanticModel
from ecp_server.execution.draft import Draft
from ecp_server.resolution.selecting.membership import readings_in

_MAX_VALUES: Final = 1000
"""Of one filter (plan.proto)."""


def beyond(group: GroupBy, query: SemanticQuery, draft: Draft) -> tuple[Filter, ...]:
    """Return the conditions of rows whose value in a grouping is none of the catalog's; () where there can be none.

    There are none where the values are restricted, by the question, the request or a policy: those are known ones.
    """
    cube = query.measures[0].ref.partition(".")[0]
    dimension = draft.definitions.dimensions[group.dimension]
    ref = dimension.ref_for(cube)
    if group.ref or ref is None or _multiplies(ref, draft.definitions.model):
        return ()
    if any(f.ref == ref and f.operator is not FilterOperator.NOT_EQUALS for f in query.filters):
        return ()
    listed = [value for bucket in group.buckets for value in bucket.values]
    modelled = draft.definitions.model.dimension(ref)
    kind = modelled.type if modelled is not None else DimensionType.STRING
    known = tuple(dict.fromkeys(v for v in (*listed, *_known(dimension, cube, draft)) if _is_one(v, kind)))
    return tuple(
        Filter(ref, FilterOperator.NOT_EQUALS, known[at : at + _MAX_VALUES], PLAN, dimension.id)
        for at in range(0, len(known), _MAX_VALUES)
    )


def _known(dimension: Dimension, cube: str, draft: Draft) -> Iterator[str]:
    """Yield what members stand for in a cube, in any reading."""
    bound = readings_in(dimension, cube)
    for member_id in dimension.members:
        member = draft.definitions.members[member_id]
        own: Sequence[Sequence[str]] = (member.values or (), *(variation.values for variation in member.variations))
        for values in bound[member_id].values() if member_id in bound else own:
            yield from values


def _is_one(value: str, kind: DimensionType) -> bool:
    """Tell whether a dimension of this type can hold a value; others cannot be compared with it."""
    return kind is DimensionType.STRING or (kind is DimensionType.NUMBER and _is_number(value))


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


def _multiplies(ref: str, model: SemanticModel) -> bool:
    """Tell whether a row may have several values of a dimension, so that one of them may be of a listed member."""
    cube, _, name = ref.partition(".")
    modelled = model.cubes.get(cube)
    if modelled is None or name not in modelled.dimensions:
        return False
    elsewhere = any(part.cube not in ("", cube) for part in modelled.dimensions[name].references)
    return elsewhere and any(join.relationship is Relationship.ONE_TO_MANY for join in modelled.joins)
