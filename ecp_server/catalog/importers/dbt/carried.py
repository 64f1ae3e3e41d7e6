"""What is wanted of a metric, and what it is once it is carried over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from ecp_server.catalog.documents.base import span
from ecp_server.catalog.importers.dbt.elements import DAY, GRAINS
from ecp_server.catalog.importers.dbt.spec import Filter, Measure, MeasureInput, Meta, Metric, MetricType, SemanticModel

GRAINS_OF_CATALOGS: Final = GRAINS[DAY:]
"""The granularities that catalogs know too."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds of a metric where the project does not say."""

    domain: str = ""
    tier: int = 4
    owner: str = ""
    period: str = ""
    """What a question that names no period is about; "": all time."""


@dataclass(frozen=True, slots=True)
class Carried:
    """A metric as the catalog has it."""

    document: Mapping[str, Any]
    models: tuple[SemanticModel, ...]
    """Those whose rows it is computed from."""
    start: date | None = None
    """The first day of the data, where that is known."""

    @property
    def id(self) -> str:
        """Return its id."""
        return str(self.document["id"])

    @property
    def unit(self) -> str:
        """Return its unit; "" where it is not known."""
        return str(self.document.get("unit", ""))


@dataclass(frozen=True, slots=True)
class Wanted:
    """A metric that is to be carried, perhaps over fewer rows and then under an id of its own."""

    metric: Metric
    id: str
    name: str
    filters: tuple[Filter, ...] = ()

    @property
    def all_filters(self) -> tuple[Filter, ...]:
        """Return its own filters, and those of what it is wanted for."""
        return (*self.metric.filters, *self.filters)


class NotCarried(Exception):
    """Why a metric is not carried."""


def created(measure: Measure) -> Metric:
    """Return the metric of a measure that says `create_metric`."""
    return Metric(
        name=measure.name,
        type=MetricType.SIMPLE,
        place=measure.place,
        label=measure.label,
        description=measure.description,
        measure=MeasureInput(measure.name),
        meta=Meta(measure.meta.owner, measure.meta.group, measure.meta.catalog),
    )


def models_of(inputs: Sequence[Carried]) -> tuple[SemanticModel, ...]:
    """Return the models that metrics are computed from, each once."""
    return tuple({model.name: model for carried in inputs for model in carried.models}.values())


def length(text: str) -> str:
    """Return a length of time as catalogs write it. Raises `NotCarried` where they know no such unit."""
    try:
        span(text)
    except ValueError:
        raise NotCarried(
            f"reaches over {text!r}, which is no number of days, weeks, months, quarters or years"
        ) from None
    return text


def time_aggregation(model: SemanticModel, measure: Measure) -> str:
    """Return how a measure adds up over time; "" is as usual."""
    if measure.non_additive is None:
        return ""
    if measure.non_additive.groupings:
        raise NotCarried(
            f"takes the last or first {measure.non_additive.dimension} of each {measure.non_additive.groupings[0]}"
        )
    if measure.non_additive.dimension != (measure.time_dimension or model.time_dimension):
        raise NotCarried(f"does not add up over {measure.non_additive.dimension}, which is not its own time dimension")
    return "last" if measure.non_additive.choice == "max" else "first"
