"""What a Cube says of its model (`/v1/meta`): the members that queries may name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from ecp_server.domain.errors import StoreQueryFailed
from ecp_server.domain.frozen import dataclass
from ecp_server.domain.provenance import StoreKind
from ecp_server.domain.semantic import DimensionType

_COUNTS = frozenset({"count", "countDistinct", "countDistinctApprox"})


class _Member(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    name: str
    type: str
    agg_type: str = Field(default="", alias="aggType")
    visible: bool = Field(default=True, alias="isVisible")
    meta: Any = None


class _Cube(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)

    measures: list[_Member]
    dimensions: list[_Member]


class MetaReply(BaseModel):
    """The reply of `/v1/meta`, as far as it is read."""

    model_config = ConfigDict(extra="ignore", strict=True)

    cubes: list[_Cube]


@dataclass(frozen=True, slots=True)
class CubeMeasureInfo:
    """One measure."""

    is_number: bool
    counts: bool
    """It is 0 over no rows, where others are null."""


@dataclass(frozen=True, slots=True)
class CubeDimensionInfo:
    """One dimension."""

    type: DimensionType
    days_only: bool
    """Its values are days, which no zone moves."""


@dataclass(frozen=True, slots=True)
class CubeMeta:
    """The members by address."""

    measures: Mapping[str, CubeMeasureInfo]
    dimensions: Mapping[str, CubeDimensionInfo]

    def measure(self, address: str) -> CubeMeasureInfo:
        """Return a measure. Raises `StoreQueryFailed` where there is none."""
        if address not in self.measures:
            raise StoreQueryFailed(StoreKind.SEMANTIC)
        return self.measures[address]

    def dimension(self, address: str) -> CubeDimensionInfo:
        """Return a dimension. Raises `StoreQueryFailed` where there is none."""
        if address not in self.dimensions:
            raise StoreQueryFailed(StoreKind.SEMANTIC)
        return self.dimensions[address]


def cube_meta(reply: MetaReply) -> CubeMeta:
    """Return what queries may name; dimensions of types that no catalog knows (geo) are left out."""
    measures = {
        m.name: CubeMeasureInfo(m.type == "number", m.agg_type in _COUNTS)
        for cube in reply.cubes
        for m in cube.measures
        if m.visible
    }
    dimensions = {
        d.name: CubeDimensionInfo(DimensionType(d.type), _days_only(d.meta))
        for cube in reply.cubes
        for d in cube.dimensions
        if d.visible and d.type in set(DimensionType)
    }
    return CubeMeta(measures, dimensions)


def _days_only(meta: object) -> bool:
    # Cube before 0.32 writes the keys of `meta` in camel case.
    return isinstance(meta, dict) and True in {meta.get("days_only"), meta.get("daysOnly")}
