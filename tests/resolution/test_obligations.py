"""What one demand of policy does to one query (policy.md; plan.proto, Obligation)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecp_server.domain.errors import PolicyDenied
from ecp_server.domain.identity import Principal
from ecp_server.domain.plan import Filter, FilterOperator, GroupBy, Measure, MemberBucket, SemanticQuery
from ecp_server.domain.policy import Decision, Mask, RowFilter
from ecp_server.resolution.rights.obligations import ALLOWED_MEMBERS, Demand, Reader, apply, demands_on
from tests.resolution.samples import catalog, dimension, member, metric

SHOP = catalog(
    metric("sales", dimensions=("region", "product", "nowhere")),
    metric("plain"),
    dimension("region", row_level=True),
    dimension("product"),
    dimension("nowhere", semantic_ref=None, row_level=True),
    member("region.ab", "A", "B"),
    member("region.c", "C"),
    member("product.feed", "A"),
    member("nowhere.x", "X"),
)
ALLOW = Decision(allow=True, policy="house")


def reader(**allowed: tuple[str, ...]) -> Reader:
    return Reader(SHOP, (), Principal("ann", allowed_members=tuple(sorted(allowed.items()))))


def query(*filters: Filter, **more: Any) -> SemanticQuery:
    return SemanticQuery("actual", (Measure("actual", "Sales.sales", "sales"),), filters=filters, **more)


def equals(*values: str, dimension_id: str = "region", operator: FilterOperator = FilterOperator.EQUALS) -> Filter:
    return Filter(f"Sales.{dimension_id}", operator, values, "question", dimension_id)


def rows(*members: str, dimension_id: str = "region") -> Demand:
    return Demand("house", row_filter=RowFilter(dimension_id, members))


def mask(column: str) -> Demand:
    return Demand("house", mask=Mask(column, "null"))


def bucket(member_id: str, *values: str) -> MemberBucket:
    return MemberBucket(member_id, member_id, values)


def test_each_demand_counts_once_whoever_makes_it() -> None:
    filtering = Decision(allow=True, policy="house", row_filters=(RowFilter("region", ("region.ab",)),))
    masking = Decision(allow=True, policy="house", masks=(Mask("Sales.name", "hash"),))

    demands = demands_on([SHOP.metrics["sales"]], [filtering, masking, filtering], reader(region=("region.c",)))
    assert demands == (
        rows("region.ab"),
        Demand("house", mask=Mask("Sales.name", "hash")),
        Demand(ALLOWED_MEMBERS, row_filter=RowFilter("region", ("region.c",))),
    )


@pytest.mark.parametrize("restricted", [{"product": ("product.feed",)}, {"planet": ("planet.mars",)}])
def test_members_of_other_dimensions_than_those_with_row_level_security_demand_nothing(
    restricted: dict[str, tuple[str, ...]],
) -> None:
    assert demands_on([SHOP.metrics["sales"]], [ALLOW], reader(**restricted)) == ()


def test_a_metric_that_lacks_the_dimension_is_denied_and_a_mask_alone_denies_none() -> None:
    filtering = Decision(allow=True, policy="house", row_filters=(RowFilter("region", ("region.ab",)),))
    masking = Decision(allow=True, policy="house", masks=(Mask("Sales.name", "hash"),))

    assert len(demands_on([SHOP.metrics["plain"]], [masking], reader())) == 1
    with pytest.raises(PolicyDenied, match="Plain cannot be restricted"):
        demands_on([SHOP.metrics["sales"], SHOP.metrics["plain"]], [filtering], reader())


def test_a_row_filter_is_one_more_condition_and_an_obligation() -> None:
    rewritten, (obligation,) = apply(query(equals("B", "C")), [rows("region.ab")], reader())

    assert rewritten.filters[1] == Filter("Sales.region", FilterOperator.EQUALS, ("A", "B"), "house", "region")
    assert (obligation.ref, obligation.values, obligation.query_id) == ("Sales.region", ("A", "B"), "actual")


def test_a_dimension_that_the_cube_has_no_address_of_cannot_be_filtered() -> None:
    with pytest.raises(PolicyDenied):
        apply(query(), [rows("nowhere.x", dimension_id="nowhere")], reader())


def test_members_of_another_dimension_and_unknown_ones_allow_nothing() -> None:
    for members in ((), ("product.feed",), ("region.unknown",)):
        with pytest.raises(PolicyDenied):
            apply(query(), [rows(*members)], reader())
    _, (obligation,) = apply(query(), [rows("product.feed", "region.c")], reader())
    assert obligation.values == ("C",)


def test_conditions_on_other_dimensions_do_not_matter() -> None:
    """Their values may look alike."""
    for operator in (FilterOperator.EQUALS, FilterOperator.NOT_EQUALS):
        other = equals("A", "B", "Z", dimension_id="product", operator=operator)
        assert len(apply(query(other), [rows("region.ab")], reader())[0].filters) == 2
    assert len(apply(query(equals("Z", operator=FilterOperator.SET)), [rows("region.ab")], reader())[0].filters) == 2


values = st.sets(st.sampled_from("ABC"), min_size=1)
conditions = st.lists(
    st.tuples(st.sampled_from([FilterOperator.EQUALS, FilterOperator.NOT_EQUALS]), values), max_size=3
)


@given(conditions, st.lists(st.sampled_from(["region.ab", "region.c"]), min_size=1, max_size=3))
def test_it_is_denied_iff_no_value_meets_all_conditions(
    asked: list[tuple[FilterOperator, set[str]]], allowed: list[str]
) -> None:
    left = set("ABC")
    for operator, met in asked:
        left = left & met if operator is FilterOperator.EQUALS else left - met
    for member_id in allowed:
        left &= set(SHOP.members[member_id].values or ())
    question = query(*(equals(*sorted(met), operator=operator) for operator, met in asked))
    demands = [rows(member_id) for member_id in allowed]
    if left:
        assert len(apply(question, demands, reader())[1]) == len(allowed)
    else:
        with pytest.raises(PolicyDenied):
            apply(question, demands, reader())


def test_buckets_are_cut_to_what_may_be_seen_and_empty_ones_left_out() -> None:
    group = GroupBy("region", "", "area", (bucket("r1", "A", "C"), bucket("r2", "C"), bucket("r3", "B")))
    other = GroupBy("product", "", "", (bucket("p1", "C"),))
    rewritten, _ = apply(query(group_by=(group, other)), [rows("region.ab")], reader())

    assert [b.values for b in rewritten.group_by[0].buckets] == [("A",), ("B",)]
    assert rewritten.group_by[1] == other
    native = GroupBy("region", "Sales.area", "area")
    assert apply(query(group_by=(native,)), [rows("region.ab")], reader())[0].group_by == (native,)


def test_where_no_bucket_is_left_the_table_would_be_empty() -> None:
    group = GroupBy("region", "", "area", (bucket("r1", "C"),))

    with pytest.raises(PolicyDenied):
        apply(query(group_by=(group,)), [rows("region.ab")], reader())


@pytest.mark.parametrize(
    "asked",
    [
        query(equals("A")),
        query(group_by=(GroupBy("region", "Sales.region"),)),
        query(group_by=(GroupBy("region", "", "area", (bucket("r1", "A"),)),)),
        query(time_ref="Sales.region"),
    ],
)
def test_what_the_question_groups_filters_or_cuts_a_period_by_may_not_be_masked(asked: SemanticQuery) -> None:
    with pytest.raises(PolicyDenied, match="hidden"):
        apply(asked, [mask("Sales.region")], reader())


def test_a_level_has_an_address_of_its_own() -> None:
    by_area = query(group_by=(GroupBy("region", "Sales.area", "area"),))

    assert len(apply(by_area, [mask("Sales.region")], reader())[1]) == 1
    with pytest.raises(PolicyDenied):
        apply(by_area, [mask("Sales.area")], reader())
    without_address = query(group_by=(GroupBy("nowhere", "", "", (bucket("nowhere.x", "X"),)),))
    assert len(apply(without_address, [mask("")], reader())[1]) == 1


def test_policys_own_condition_is_not_the_questions() -> None:
    _, obligations = apply(query(), [rows("region.ab"), mask("Sales.region")], reader())

    assert [o.kind.name for o in obligations] == ["ROW_FILTER", "MASK"]
