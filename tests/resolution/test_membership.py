"""What members stand for (catalog.md, Dimension and Effective dates)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import pytest

from ecp_server.domain.catalog import Binding, Dimension, Member, MemberVariation
from ecp_server.domain.period import TimeRange
from ecp_server.resolution.draft import SlicedMember
from ecp_server.resolution.selecting.membership import bound_values, last_day, member_values, readings_in
from tests.resolution.samples import dimension, member

FIN, SALES = MemberVariation("fin", ("JP", "AU")), MemberVariation("sales", ("JP",))
YEAR_2023 = TimeRange(date(2023, 1, 1), date(2024, 1, 1), "2023")


def values(of: Member, *contexts: str, period: TimeRange | None = YEAR_2023) -> tuple[str, ...] | list[str]:
    """The values, or the ids of the options."""
    read = member_values(of, of.variations, contexts, period)
    return read.values if isinstance(read, SlicedMember) else [option.id for option in read]


def test_the_nearest_context_decides_before_the_members_own_values() -> None:
    apac = member("region.apac", "XX", variations=(SALES, FIN))

    assert values(apac, "fin") == ("JP", "AU")
    assert values(apac, "sales", "fin") == ("JP",)
    assert values(apac, "people", "fin") == ("JP", "AU")
    assert values(apac, "people") == ("XX",)
    assert values(apac) == ("XX",)


def test_the_reading_names_the_context_that_decided() -> None:
    apac = member("region.apac", "XX", variations=(SALES,))

    assert member_values(apac, apac.variations, ("sales",), None) == SlicedMember(apac, ("JP",), "sales")
    assert member_values(apac, apac.variations, (), None) == SlicedMember(apac, ("XX",), "")


def test_without_own_values_the_only_variation_holds_for_everybody() -> None:
    apac = member("region.apac", variations=(SALES,))

    assert member_values(apac, apac.variations, (), None) == SlicedMember(apac, ("JP",), "sales")


def test_variations_that_agree_need_no_question() -> None:
    assert values(member("region.apac", variations=(SALES, MemberVariation("fin", ("JP",))))) == ("JP",)


def test_where_variations_disagree_the_caller_is_asked() -> None:
    assert values(member("region.apac", variations=(SALES, FIN))) == ["region.apac@sales", "region.apac@fin"]


def test_a_variation_without_a_context_holds_where_no_other_does() -> None:
    union = member("region.all", variations=(FIN, MemberVariation("", ("JP", "KR"))))

    assert values(union) == ("JP", "KR")
    assert values(union, "fin") == ("JP", "AU")


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        (date(2023, 4, 1), ("old",)),
        (date(2023, 4, 2), ("new",)),
        (date(2024, 1, 1), ("new",)),
        (None, ("new",)),
    ],
)
def test_what_holds_on_the_last_day_of_the_period_applies(end: date | None, expected: tuple[str, ...]) -> None:
    """valid_from is inclusive, valid_to exclusive; a period without an end ends with what holds last."""
    changed = date(2023, 4, 1)
    old = MemberVariation("fin", ("old",), valid_to=changed)
    new = MemberVariation("fin", ("new",), valid_from=changed)

    for variations in ((old, new), (new, old)):
        emea = member("region.emea", variations=variations)
        assert values(emea, "fin", period=TimeRange(date(2022, 1, 1), end, "")) == expected


def test_where_no_variation_holds_any_more_there_is_nothing_to_choose() -> None:
    assert values(member("region.old", variations=(MemberVariation("fin", ("X",), valid_to=date(2020, 1, 1)),))) == []


def test_the_last_day_is_the_eve_of_the_end() -> None:
    assert last_day(YEAR_2023) == date(2023, 12, 31)
    assert last_day(TimeRange(date(2023, 1, 1), None, "")) is None
    assert last_day(None) is None


APAC = member("region.apac", "JP", "AU")
BY_CONTEXT = {"fin": ("APAC_FIN",), "sales": ("APAC_SALES",)}


def bound(by_context: Mapping[str, tuple[str, ...]], variation: str = "", *contexts: str) -> tuple[str, ...] | None:
    region: Dimension = dimension("region", bindings=(Binding("Plan", "Plan.area", {"region.apac": by_context}),))
    return bound_values(SlicedMember(APAC, ("JP", "AU"), variation), region, "Plan", contexts)


def test_a_cube_may_call_members_otherwise_by_context() -> None:
    assert bound(BY_CONTEXT, "", "fin") == ("APAC_FIN",)
    assert bound(BY_CONTEXT, "", "people", "sales") == ("APAC_SALES",)


def test_the_reading_that_was_taken_decides_before_the_users_contexts() -> None:
    assert bound(BY_CONTEXT, "sales", "fin") == ("APAC_SALES",)


def test_equal_values_of_all_contexts_need_no_question_and_different_ones_do() -> None:
    assert bound({"fin": ("APAC",), "sales": ("APAC",)}) == ("APAC",)
    assert bound(BY_CONTEXT) is None
    assert bound({"": ("ANY",), **BY_CONTEXT}) == ("ANY",)


def test_a_cube_that_calls_them_nothing_else_has_the_members_own_values() -> None:
    region = dimension("region", bindings=(Binding("Plan", "Plan.area", {"region.emea": BY_CONTEXT}),))
    sliced = SlicedMember(APAC, ("JP", "AU"), "")

    assert bound_values(sliced, region, "Plan", ()) == bound_values(sliced, region, "Sales", ()) == ("JP", "AU")


def test_each_cube_has_names_of_its_own() -> None:
    plan, staff = Binding("Plan", "Plan.area", {"region.apac": {"": ("P",)}}), Binding("Staff", "Staff.area")
    region = dimension("region", bindings=(staff, plan))
    sliced = SlicedMember(APAC, ("JP", "AU"), "")

    assert [bound_values(sliced, region, cube, ()) for cube in ("Plan", "Staff")] == [("P",), ("JP", "AU")]
    assert [readings_in(region, cube) for cube in ("Plan", "Staff", "Sales")] == [plan.values, {}, {}]
