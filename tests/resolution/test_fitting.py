"""Names that several dimensions share: the one that the metrics have is meant, and one place is one thing."""

from __future__ import annotations

from ecp_server.domain.catalog import Binding, Dimension, Member, Metric
from ecp_server.resolution.selecting.fitting import fitting_dimensions, fitting_members

DIMENSIONS = {
    "place": Dimension("place", "Place", "places.name"),
    "order__place": Dimension("order__place", "Place", "places.name"),
    "shelf": Dimension("shelf", "Place", "shelves.name"),
    "bound": Dimension("bound", "Place", "places.name", (Binding("orders", "orders.place"),)),
}


def metric(*dimensions: str) -> Metric:
    return Metric("m", "M", "A metric.", semantic_ref="orders.m", dimensions=dimensions)


def fitting(ids: list[str], *metrics: Metric) -> list[str]:
    return fitting_dimensions(ids, DIMENSIONS, metrics, ["orders"] if metrics else [])


def test_dimensions_that_the_metrics_lack_are_not_meant() -> None:
    assert ["shelf"] == fitting(["place", "shelf"], metric("shelf"))
    assert ["order__place"] == fitting(
        ["place", "order__place"], metric("place", "order__place"), metric("order__place")
    )


def test_where_none_fits_all_are_left_to_be_told_of() -> None:
    assert ["place", "shelf"] == fitting(["place", "shelf"], metric("region"))


def test_one_place_under_two_names_is_one_thing_the_metrics_first() -> None:
    assert ["place"] == fitting(["order__place", "place"], metric("place", "order__place"))
    assert ["order__place"] == fitting(["order__place", "place"], metric("order__place", "place"))


def test_two_places_stay_two() -> None:
    assert ["place", "shelf"] == fitting(["shelf", "place"], metric("place", "shelf"))
    assert ["place", "bound"] == fitting(["place", "bound"], metric("place", "bound"))


def test_without_a_metric_nothing_is_told_apart() -> None:
    assert ["place", "order__place"] == fitting(["place", "order__place"])


def test_members_are_one_where_values_and_place_are() -> None:
    here = Member("place.x", "place", "X", values=("x",))
    there = Member("order__place.x", "order__place", "X", values=("x",))
    other = Member("order__place.y", "order__place", "X", values=("y",))
    both = [metric("place", "order__place")]
    assert [here] == fitting_members([there, here], DIMENSIONS, both, ["orders"])
    assert [here, other] == fitting_members([other, here], DIMENSIONS, both, ["orders"])
    assert [there] == fitting_members([here, there], DIMENSIONS, [metric("order__place")], ["orders"])
