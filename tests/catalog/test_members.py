"""What follows from a member's family (catalog.md, Dimension): parents, children, values."""

from __future__ import annotations

from datetime import date

from ecp_server.domain.catalog import MemberVariation
from tests.catalog.conftest import Load
from tests.catalog.samples import dimension


def test_a_parent_gets_the_children_that_name_it_after_those_that_it_names(load: Load) -> None:
    members = load(
        dimension(
            "id: d.a, name: A, values: [a], parent: d.all",
            "id: d.all, name: All, children: [d.b]",
            "id: d.b, name: B, values: [b]",
        )
    ).members
    assert ("d.b", "d.a") == members["d.all"].children
    assert "d.all" == members["d.b"].parent


def test_of_two_members_that_name_a_child_none_becomes_its_parent(load: Load) -> None:
    members = load(
        dimension(
            "id: d.x, name: X, children: [d.a]",
            "id: d.y, name: Y, children: [d.a, d.b]",
            "id: d.a, name: A, values: [a]",
            "id: d.b, name: B, values: [b], parent: d.x",
        )
    ).members
    assert (None, "d.x") == (members["d.a"].parent, members["d.b"].parent)
    assert ("a", "b") == members["d.x"].values == members["d.y"].values


def test_values_default_to_the_union_of_the_children_at_any_depth(load: Load) -> None:
    members = load(
        dimension(
            "id: d.world, name: World, children: [d.east, d.west]",
            "id: d.east, name: East, children: [d.a, d.b]",
            "id: d.west, name: West, values: [b, c]",
            "id: d.a, name: A, values: [a]",
            "id: d.b, name: B, values: [b]",
        )
    ).members
    assert ("a", "b") == members["d.east"].values
    assert ("a", "b", "c") == members["d.world"].values


def test_own_values_and_variations_are_kept(load: Load) -> None:
    members = load(
        dimension(
            "id: d.a, name: A, values: [x], children: [d.c]",
            "id: d.b, name: B, variations: [{context: f, values: [y]}], children: [d.c]",
            "id: d.c, name: C, values: [z]",
        )
    ).members
    assert (("x",), ()) == (members["d.a"].values, members["d.a"].variations)
    assert (None, (MemberVariation("f", ("y",)),)) == (members["d.b"].values, members["d.b"].variations)


def test_the_union_is_made_in_each_context_that_a_child_knows(load: Load) -> None:
    contexts = "kind: context\nid: treasury\nparent: finance\n---\n"
    world = load(
        contexts
        + dimension(
            "id: d.world, name: World, children: [d.a, d.b, d.c]",
            "id: d.a, name: A, variations: [{context: finance, values: [a1]}, {context: sales, values: [a2]}]",
            "id: d.b, name: B, values: [b], variations: [{context: treasury, values: [b1]}]",
            "id: d.c, name: C, variations: [{context: finance, values: [c]}]",
        )
    ).members["d.world"]
    assert world.values is None
    assert (
        MemberVariation("finance", ("a1", "b", "c")),
        MemberVariation("sales", ("a2", "b", "c")),
        MemberVariation("treasury", ("a1", "b1", "c")),
    ) == world.variations


def test_a_context_that_a_child_knows_nothing_in_has_no_union(load: Load) -> None:
    world = load(
        dimension(
            "id: d.world, name: World, children: [d.a, d.b]",
            "id: d.a, name: A, variations: [{context: f, values: [a1]}, {context: s, values: [a2]}]",
            "id: d.b, name: B, variations: [{context: f, values: [b1]}, {context: t, values: [b2]}]",
        )
    ).members["d.world"]
    assert (MemberVariation("f", ("a1", "b1")),) == world.variations


def test_the_union_follows_the_dates_of_children_and_of_their_variations(load: Load) -> None:
    union = load(
        dimension(
            "id: d.union, name: Union, children: [d.a, d.b, d.c]",
            "id: d.a, name: A, values: [a]",
            "id: d.b, name: B, values: [b], valid_to: 2020-02-01",
            "id: d.c, name: C, variations: [{context: f, values: [c1], valid_to: 2022-01-01},"
            " {context: f, values: [c2], valid_from: 2022-01-01}]",
        )
    ).members["d.union"]
    assert union.values is None
    brexit, change = date(2020, 2, 1), date(2022, 1, 1)
    stretches = ((("a", "b", "c1"), None, brexit), (("a", "c1"), brexit, change), (("a", "c2"), change, None))
    assert (
        tuple(MemberVariation(c, v, start, end) for c in ("f", "") for v, start, end in stretches) == union.variations
    )


def test_before_a_member_exists_it_adds_nothing(load: Load) -> None:
    members = load(
        dimension(
            "id: d.more, name: More, children: [d.all]",
            "id: d.all, name: All, children: [d.a]",
            "id: d.a, name: A, values: [a], valid_from: 2020-02-01",
        )
    ).members
    start = date(2020, 2, 1)
    assert (MemberVariation("", ("a",), start),) == members["d.all"].variations == members["d.more"].variations
