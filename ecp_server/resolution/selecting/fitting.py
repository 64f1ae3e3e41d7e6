"""Which of the dimensions that share a name the metrics have; one that leads to the same place twice is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ecp_server.domain.catalog import Dimension, Member, Metric


def fitting_dimensions(
    ids: Sequence[str], dimensions: Mapping[str, Dimension], metrics: Sequence[Metric], cubes: Sequence[str]
) -> list[str]:
    """Return the dimensions that all metrics have, as the first of them orders them; all as they are where none fits.

    Of several at the same addresses in the ``cubes`` of the metrics the first is taken: they ask the same.
    """
    fitting = _fitting(list(dict.fromkeys(ids)), metrics)
    return list({_place(dimensions[each], cubes): each for each in reversed(fitting)}.values())[::-1]


def fitting_members(
    members: Sequence[Member], dimensions: Mapping[str, Dimension], metrics: Sequence[Metric], cubes: Sequence[str]
) -> list[Member]:
    """Return the members whose dimensions all metrics have; all where none fits.

    Of several with the same values at the same addresses the first is taken.
    """
    if len(members) == 1:
        return list(members)
    order = _fitting(list(dict.fromkeys(member.dimension for member in members)), metrics)
    fitting = [member for dimension in order for member in members if member.dimension == dimension]
    alike = {
        (_place(dimensions[member.dimension], cubes), member.values, member.variations): member
        for member in reversed(fitting)
    }
    return list(alike.values())[::-1]


def _fitting(ids: list[str], metrics: Sequence[Metric]) -> list[str]:
    fitting = [each for each in ids if all(each in metric.dimensions for metric in metrics)]
    if not fitting or not metrics:
        return ids
    return sorted(fitting, key=metrics[0].dimensions.index)


def _place(dimension: Dimension, cubes: Sequence[str]) -> tuple[str | None, ...]:
    """Return its addresses in the cubes; itself where there are none to look in, or it has no address in one."""
    refs = tuple(dimension.ref_for(cube) for cube in cubes)
    return refs if refs and None not in refs else (dimension.id,)
