"""The policy contract as JSON (policy.md): the input of an evaluation, and the strict reading of its answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

from ecp_server.domain.frozen import dataclass, replace
from ecp_server.domain.identity import Principal
from ecp_server.domain.plan import SOURCES
from ecp_server.domain.policy import Action, Decision, Mask, PolicyWarning, Product, RowFilter

Item = TypeVar("Item")

INPUT_VERSION: Final = 1

_NO_VALUE: Final = object()
"""Stands for what has no clear value: an object with a key twice, NaN, Infinity. No type of the contract fits it."""


class PolicyInvalid(Exception):
    """A policy that the engine cannot use; the message names the place, and may be shown to operators."""


class _Malformed(Exception):
    """A decision that is not as the contract says."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The decisions of one evaluation, and the ids of the products whose decision is malformed, hence denied."""

    decisions: Mapping[str, Decision]
    malformed: tuple[str, ...] = ()


def input_document(action: Action, principal: Principal, products: Iterable[Product]) -> dict[str, Any]:
    """Return ``input`` of an evaluation."""
    return {
        "version": INPUT_VERSION,
        "action": action.value,
        "principal": {
            "subject": principal.subject,
            "actor": principal.actor,
            "department": principal.department,
            "roles": list(principal.roles),
            "allowed_members": {dimension: list(members) for dimension, members in principal.allowed_members},
            "verified": principal.verified,
            "scopes": list(principal.scopes),
        },
        "products": [product_document(product) for product in products],
    }


def product_document(product: Product) -> dict[str, Any]:
    """Return one of the products of an input."""
    return {
        "id": product.id,
        "kind": product.kind,
        "certification_tier": product.certification_tier,
        "classification": product.classification,
        "domain": product.domain,
        "owner": product.owner,
        "dimensions": list(product.dimensions),
        "pii_columns": list(product.pii_columns),
    }


def batches(products: Iterable[Product], size: int) -> list[list[Product]]:
    """Cut products into batches of at most ``size`` in which no id occurs twice: an answer has one decision an id."""
    layers: list[dict[str, Product]] = []
    for product in dict.fromkeys(products):
        layer = next((layer for layer in layers if product.id not in layer), None)
        if layer is None:
            layer = {}
            layers.append(layer)
        layer[product.id] = product
    return [list(layer.values())[i : i + size] for layer in layers for i in range(0, len(layer), size)]


def merged(answers: Iterable[tuple[Sequence[Product], Mapping[str, Decision]]]) -> dict[str, Decision]:
    """Join the answers of several batches; where an id was judged more than once, all that was said of it holds."""
    decisions: dict[str, Decision | None] = {}
    for batch, answer in answers:
        for product in batch:
            decision = answer.get(product.id)
            if product.id in decisions:
                decision = _both(decisions[product.id], decision)
            decisions[product.id] = decision
    return {product: decision for product, decision in decisions.items() if decision is not None}


def _both(one: Decision | None, other: Decision | None) -> Decision | None:
    if one is None or other is None:
        return None
    if not (one.allow and other.allow):
        return other if one.allow else one
    return replace(
        one,
        row_filters=tuple(dict.fromkeys(one.row_filters + other.row_filters)),
        masks=tuple(dict.fromkeys(one.masks + other.masks)),
        warnings=tuple(dict.fromkeys(one.warnings + other.warnings)),
    )


def strict_json(text: str | bytes) -> Any:
    """Parse JSON so that nothing ambiguous looks like a value: doubled keys and NaN fit no type.

    Raises `ValueError` where it is no JSON.
    """
    try:
        return json.loads(text, object_pairs_hook=_unambiguous, parse_constant=lambda _: _NO_VALUE)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def read_answer(answer: object, products: Collection[str]) -> Answer:
    """Read the value of ``data.ecp.policy.decisions`` for the products with these ids; None where it is undefined.

    A product without a decision is left out, and so is one whose decision is malformed: both are denied.
    """
    if not isinstance(answer, dict):
        return Answer({}, malformed=tuple(products))
    decisions: dict[str, Decision] = {}
    malformed: list[str] = []
    for product in products:
        if product not in answer:
            continue
        try:
            decisions[product] = _decision(answer[product])
        except _Malformed:
            malformed.append(product)
    return Answer(decisions, tuple(malformed))


def _unambiguous(pairs: list[tuple[str, Any]]) -> object:
    fields = dict(pairs)
    return fields if len(fields) == len(pairs) else _NO_VALUE


def _decision(value: object) -> Decision:
    fields = _fields(value, _REQUIRED_OF_DECISION, _DECISION)
    allow = fields["allow"]
    policy = _text(fields["policy"])
    if not isinstance(allow, bool) or policy in SOURCES:
        raise _Malformed
    return Decision(
        allow=allow,
        policy=policy,
        reason=_text(fields.get("reason", "")),
        may=_list(fields.get("may", []), _text),
        row_filters=_list(fields.get("row_filters", []), _row_filter),
        masks=_list(fields.get("masks", []), _mask),
        warnings=_list(fields.get("warnings", []), _warning),
    )


_REQUIRED_OF_DECISION: Final = frozenset(("allow", "policy"))
_DECISION: Final = _REQUIRED_OF_DECISION.union(("reason", "may", "row_filters", "masks", "warnings"))
_ROW_FILTER: Final = frozenset(("dimension", "members"))
_MASK: Final = frozenset(("column", "method"))
_WARNING: Final = frozenset(("type", "message"))


def _row_filter(value: object) -> RowFilter:
    fields = _fields(value, _ROW_FILTER, _ROW_FILTER)
    return RowFilter(_text(fields["dimension"]), _list(fields["members"], _text))


def _mask(value: object) -> Mask:
    fields = _fields(value, _MASK, _MASK)
    if fields["method"] not in ("null", "hash"):
        raise _Malformed
    return Mask(_text(fields["column"]), fields["method"])


def _warning(value: object) -> PolicyWarning:
    fields = _fields(value, _WARNING, _WARNING)
    return PolicyWarning(_text(fields["type"]), _text(fields["message"]))


def _fields(value: object, required: frozenset[str], known: frozenset[str]) -> dict[str, Any]:
    if not isinstance(value, dict) or not required <= value.keys() <= known:
        raise _Malformed
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _Malformed
    return value


def _list(value: object, read: Callable[[object], Item]) -> tuple[Item, ...]:
    if not isinstance(value, list):
        raise _Malformed
    return tuple([read(item) for item in value])
