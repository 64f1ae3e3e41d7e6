"""Reading an engine's answer: what is not exactly as policy.md says allows nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecp_server.domain.policy import Decision, Product
from ecp_server.stores.policy.contract import Answer, batches, read_answer, strict_json

REPLIES = {
    "true as text": '{"m": {"allow": "true", "policy": "p"}}',
    "true as a number": '{"m": {"allow": 1, "policy": "p"}}',
    "true as a float": '{"m": {"allow": 1.0, "policy": "p"}}',
    "true in a list": '{"m": {"allow": [true], "policy": "p"}}',
    "allow twice": '{"m": {"allow": false, "allow": true, "policy": "p"}}',
    "policy twice": '{"m": {"allow": true, "policy": "p", "policy": "p"}}',
    "a key twice further down": (
        '{"m": {"allow": true, "policy": "p", "row_filters": [{"dimension": "a", "dimension": "b", "members": []}]}}'
    ),
    "NaN": '{"m": {"allow": true, "policy": "p", "reason": NaN}}',
    "Infinity": '{"m": {"allow": Infinity, "policy": "p"}}',
    "an unknown key": '{"m": {"allow": true, "policy": "p", "allowed": true}}',
    "a key in another case": '{"m": {"Allow": true, "policy": "p"}}',
    "a policy called like what a question asks for": '{"m": {"allow": true, "policy": "question"}}',
    "no policy": '{"m": {"allow": true}}',
    "an empty decision": '{"m": {}}',
    "a bare true": '{"m": true}',
    "null for an optional part": '{"m": {"allow": true, "policy": "p", "may": null}}',
    "a list where an object belongs": '{"m": {"allow": true, "policy": "p", "masks": [["email", "null"]]}}',
    "an unknown mask": '{"m": {"allow": true, "policy": "p", "masks": [{"column": "email", "method": null}]}}',
    "half a warning": '{"m": {"allow": true, "policy": "p", "warnings": [{"message": "x"}]}}',
}


@pytest.mark.parametrize("reply", REPLIES.values(), ids=REPLIES.keys())
def test_a_malformed_decision_is_left_out_and_told(reply: str) -> None:
    assert Answer({}, malformed=("m",)) == read_answer(strict_json(reply), ["m"])


@pytest.mark.parametrize(
    "reply",
    [
        "null",
        "true",
        "[]",
        '"allow"',
        "NaN",
        '{"m": {"allow": true, "policy": "p"}, "m": {"allow": true, "policy": "p"}}',
    ],
)
def test_where_products_cannot_be_told_apart_all_are_denied(reply: str) -> None:
    assert Answer({}, malformed=("m", "n")) == read_answer(strict_json(reply), ["m", "n"])


def test_one_malformed_decision_leaves_the_others() -> None:
    answer = read_answer(
        {"good": {"allow": True, "policy": "p"}, "bad": {"allow": 1, "policy": "p"}}, ["good", "bad", "missing"]
    )
    assert Answer({"good": Decision(True, "p")}, malformed=("bad",)) == answer


def test_a_product_nobody_asked_for_is_not_in_the_answer() -> None:
    assert Answer({}) == read_answer({"other": {"allow": True, "policy": "p"}}, ["m"])


@pytest.mark.parametrize("text", ["", "{", "{'m': 1}", '{"m": 1} trailing', "undefined", "[" * 100_000])
def test_what_is_no_json_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        strict_json(text)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.sampled_from(["allow", "policy"]), inner),
    max_leaves=8,
)


@given(_JSON)
def test_nothing_but_a_true_in_its_place_allows(value: object) -> None:
    answer = read_answer(strict_json(json.dumps({"m": value})), ["m"])
    assert isinstance(value, dict) or answer == Answer({}, malformed=("m",))
    assert not answer.decisions or (isinstance(value, dict) and value["allow"] is answer.decisions["m"].allow)


@given(st.lists(st.builds(Product, st.sampled_from("abcde"), st.sampled_from(["metric", "term"]))), st.integers(1, 4))
def test_batches_hold_every_product_once_and_no_id_twice(products: list[Product], size: int) -> None:
    cut = batches(products, size)
    assert sorted(set(products), key=repr) == sorted((p for batch in cut for p in batch), key=repr)
    assert all(0 < len(batch) <= size and len({p.id for p in batch}) == len(batch) for batch in cut)
