"""Cube's YAML data model as its authors write it, as far as both engines support it."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, Field
from pydantic_core import PydanticCustomError

from ecp_server.domain.semantic import DimensionType, MeasureType, Relationship

_RELATIONSHIPS: Final = {
    "belongs_to": "many_to_one",
    "belongsTo": "many_to_one",
    "has_many": "one_to_many",
    "hasMany": "one_to_many",
    "has_one": "one_to_one",
    "hasOne": "one_to_one",
}
"""Their older names."""


def _default_source(name: str) -> str:
    if name != "default":
        raise PydanticCustomError("data_source", "only the data source default is supported")
    return name


Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=200)]
Text = Annotated[str, Field(pattern=r"\S")]


class Part(BaseModel):
    """A part of the model; keys that it does not know change what it means, and are errors."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class Described(Part):
    """What members and cubes may say to people; figures do not depend on it."""

    title: str | None = None
    description: str | None = None
    public: bool | None = None
    shown: bool | None = None
    meta: Any = None

    def is_public(self, *, by_default: bool = True) -> bool:
        """Return whether queries may name it."""
        said = self.public if self.public is not None else self.shown
        return said if said is not None else by_default


Label = Annotated[str, Field(pattern=r"^[^'\\]*$")]
"""Text that Cube may put between quotes as it is, which it does."""


class CasePart(Part):
    """`when` and `else` of a dimension."""

    class Branch(Part):
        """A condition and its label."""

        sql: Text
        label: Label

    class Otherwise(Part):
        """The label where no condition holds."""

        label: Label

    when: tuple[Branch, ...] = Field(min_length=1)
    otherwise: Otherwise | None = Field(default=None, alias="else")


class DimensionPart(Described):
    """One dimension."""

    name: Name
    type: DimensionType
    sql: Text | None = None
    case: CasePart | None = None
    primary_key: bool = False
    format: Any = None


class FilterPart(Part):
    """A condition of a measure."""

    sql: Text


class MeasurePart(Described):
    """One measure."""

    name: Name
    type: MeasureType
    sql: Text | None = None
    filters: tuple[FilterPart, ...] = ()
    format: Any = None
    drill_members: Any = None


class JoinPart(Part):
    """A join to another cube."""

    name: Name
    relationship: str
    sql: Text

    def kind(self) -> Relationship | None:
        """Return the relationship, None where it is none of the three."""
        name = _RELATIONSHIPS.get(self.relationship, self.relationship)
        return Relationship(name) if name in set(Relationship) else None


class CubePart(Described):
    """One cube. What only makes Cube faster (refresh_key, pre_aggregations) changes no figure, and is passed over."""

    name: Name
    sql_table: Annotated[str, Field(pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*){0,2}$")] | None = None
    sql: Text | None = None
    data_source: Annotated[str, AfterValidator(_default_source)] = "default"
    dimensions: tuple[DimensionPart, ...] = ()
    measures: tuple[MeasurePart, ...] = ()
    joins: tuple[JoinPart, ...] = ()
    refresh_key: Any = None
    pre_aggregations: Any = None
