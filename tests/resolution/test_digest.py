"""The digest of a plan (plan.proto: SHA-256 of the plan in canonical form)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import date, timedelta
from enum import Enum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecp_server.domain.period import Grain, TimeBucket, TimeRange
from ecp_server.domain.plan import (
    Alignment,
    Computation,
    ExecutionPlan,
    Filter,
    FilterOperator,
    GroupBy,
    Measure,
    MemberBucket,
    Obligation,
    ObligationKind,
    OrderBy,
    SemanticQuery,
)
from ecp_server.resolution.digest import with_digest

PLAN = ExecutionPlan(
    queries=(
        SemanticQuery(
            id="actual",
            measures=(Measure("actual", "Sales.net", "net", "USD"),),
            group_by=(GroupBy("region", "Sales.area", "area", (MemberBucket("region.a", "A", ("1",)),)),),
            filters=(Filter("Sales.region", FilterOperator.EQUALS, ("JP",), "question", "region"),),
            time_ref="Sales.day",
            time_range=TimeRange(
                date(2024, 1, 1),
                date(2024, 2, 1),
                "January",
                "gregorian",
                Grain.MONTH,
                (TimeBucket(date(2024, 1, 1), date(2024, 2, 1), "January", partial=True),),
                "UTC",
            ),
            label="Net sales",
        ),
    ),
    computations=(Computation("variance", "actual - budget", "USD"),),
    alignment=Alignment(("region",), (OrderBy("actual", descending=True),), 5),
    obligations=(Obligation(ObligationKind.ROW_FILTER, "Sales.region", "house", "Why", "actual", ("JP",)),),
)
NAMES_FOR_PEOPLE = {
    "SemanticQuery.label",
    "TimeRange.label",
    "TimeBucket.label",
    "TimeBucket.partial",
    "MemberBucket.name",
    "Obligation.reason",
    "ExecutionPlan.digest",
}
"""``partial`` follows from the days and the clock; the rest only reads well."""


def digest(plan: ExecutionPlan) -> str:
    return with_digest(plan).digest


def changed(value: Any) -> Any:
    """Something else of the same type."""
    match value:
        case bool():
            return not value
        case Enum():
            return next(each for each in type(value) if each is not value)
        case int():
            return value + 1
        case str():
            return value + "x"
        case date():
            return value + timedelta(days=1)
        case _:
            return (*value, "x")


def variants(value: Any) -> Iterator[tuple[str, Any]]:
    """Every copy of a dataclass that differs in one field, however deep, with that field's name."""
    for field in fields(value):
        inner = getattr(value, field.name)
        name = f"{type(value).__name__}.{field.name}"
        if is_dataclass(inner):
            yield from ((deeper, replace(value, **{field.name: other})) for deeper, other in variants(inner))
        elif isinstance(inner, tuple) and inner and is_dataclass(inner[0]):
            yield from ((deeper, replace(value, **{field.name: (other,)})) for deeper, other in variants(inner[0]))
            yield name, replace(value, **{field.name: ()})
        else:
            yield name, replace(value, **{field.name: changed(inner)})


VARIANTS = list(variants(PLAN))


@pytest.mark.parametrize("at", range(len(VARIANTS)), ids=[f"{name}-{i}" for i, (name, _) in enumerate(VARIANTS)])
def test_everything_but_names_for_people_counts(at: int) -> None:
    name, other = VARIANTS[at]
    assert (digest(other) == digest(PLAN)) == (name in NAMES_FOR_PEOPLE)


def test_it_is_stable() -> None:
    """Callers keep digests: a change of the canonical form changes them all, so it must be meant."""
    expected = "fe96f66efdf1540aeca974ba42176965eb2b659630d1326177b333be1f9f0bf4"
    assert digest(PLAN) == digest(with_digest(PLAN)) == expected


@given(st.lists(st.text(max_size=3), max_size=4), st.lists(st.text(max_size=3), max_size=4))
def test_values_never_run_into_each_other(one: list[str], other: list[str]) -> None:
    def plan(values: list[str]) -> ExecutionPlan:
        condition = Filter("r", FilterOperator.EQUALS, tuple(values), "question")
        return ExecutionPlan((SemanticQuery("a", (), filters=(condition,)),))

    assert (digest(plan(one)) == digest(plan(other))) == (one == other)
