"""A catalog as items that are stored one by one, and an item as JSON: what a registry keeps, and a copy on disk.

An item is an asset, or another part of the catalog that changes as a whole. Fields with their default are left out, so
that a release with a new field reads what an older one wrote. What a newer one wrote is read too, unless something
would be lost: then the item, written anew, has another digest.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final, NamedTuple

from pydantic import TypeAdapter, ValidationError
from pydantic_core import to_jsonable_python

from ecp_server.domain.catalog import (
    Asset,
    AssetKind,
    Calendar,
    Catalog,
    Context,
    Contract,
    Dimension,
    Entity,
    KnownIssue,
    LineageLink,
    Manifest,
    Member,
    Metric,
    Phrase,
    Relation,
    Rule,
    Term,
)
from ecp_server.domain.semantic import SemanticModel
from ecp_server.domain.text import fold

ASSETS: Final[Mapping[AssetKind, tuple[str, type[Asset]]]] = {
    AssetKind.CONTEXT: ("contexts", Context),
    AssetKind.METRIC: ("metrics", Metric),
    AssetKind.TERM: ("terms", Term),
    AssetKind.DIMENSION: ("dimensions", Dimension),
    AssetKind.MEMBER: ("members", Member),
    AssetKind.CALENDAR: ("calendars", Calendar),
    AssetKind.KNOWN_ISSUE: ("known_issues", KnownIssue),
    AssetKind.CONTRACT: ("contracts", Contract),
    AssetKind.RULE: ("rules", Rule),
    AssetKind.ENTITY: ("entities", Entity),
    AssetKind.RELATION: ("relations", Relation),
}
"""The kinds whose assets the catalog keeps by id: under which field, of which type."""

_TEXTS: Final = {"policy": "policies", "semantic": "semantic"}
"""Files that are kept as they are, by kind: the field that holds them by name."""


_WHOLES: Final[Mapping[str, tuple[str, type[Any]]]] = {
    "manifest": ("manifest", Manifest),
    "semantic_model": ("model", SemanticModel),
}
"""What there is one of, by kind: its field and its type."""


class Key(NamedTuple):
    """Names an item."""

    kind: str
    id: str

    @property
    def title(self) -> str:
        """Return what a person calls it, e.g. "metric net_revenue"."""
        return f"{self.kind.replace('_', ' ')} {self.id}".strip()


class UnknownFormat(Exception):
    """Items that this release cannot read without a loss: a newer one wrote them, or somebody changed them."""


@dataclass(frozen=True, slots=True)
class Item:
    """One part of a catalog: its JSON, and the SHA-256 of the JSON as `items` writes it."""

    key: Key
    body: bytes
    digest: bytes


def items(catalog: Catalog) -> Iterator[Item]:
    """Yield all parts of a catalog but its version."""
    for kind, (field, type_) in ASSETS.items():
        for asset_id, asset in getattr(catalog, field).items():
            yield _item(Key(kind, asset_id), type_, asset)
    for phrase in catalog.phrases:
        yield _item(Key(AssetKind.PHRASE, phrase.text), Phrase, phrase)
    for link_id, link in _links(catalog.lineage):
        yield _item(Key(AssetKind.LINEAGE, link_id), LineageLink, link)
    for text_kind, field in _TEXTS.items():
        for name, text in getattr(catalog, field).items():
            yield _item(Key(text_kind, name), str, text)
    for whole_kind, (field, type_) in _WHOLES.items():
        yield _item(Key(whole_kind, ""), type_, getattr(catalog, field))


def asset_of(kind: AssetKind, body: str | bytes) -> Asset:
    """Return the asset of an item's JSON. Raises `UnknownFormat`."""
    type_ = Phrase if kind is AssetKind.PHRASE else ASSETS[kind][1]
    asset: Asset = _read(type_, body)
    return asset


def catalog_of(version: str, stored: Iterable[Item]) -> Catalog:
    """Return the catalog whose items these are, in whatever order; spaces in their JSON are free.

    Raises `UnknownFormat`.
    """
    found: dict[str, dict[str, Any]] = {}
    for item in stored:
        type_ = _TYPES.get(item.key.kind)
        if type_ is None:
            raise UnknownFormat(item.key.title)
        value = _read(type_, item.body)
        if _item(item.key, type_, value).digest != item.digest:
            raise UnknownFormat(item.key.title)
        found.setdefault(item.key.kind, {})[item.key.id] = value

    def by_id(kind: str) -> dict[str, Any]:
        return dict(sorted(found.get(kind, {}).items()))

    parts: dict[str, Any] = {field: by_id(asset_kind) for asset_kind, (field, _) in ASSETS.items()}
    ordered = (member for dimension in parts["dimensions"].values() for member in dimension.members)
    parts["members"] = {member: parts["members"][member] for member in ordered}
    parts |= {field: by_id(text_kind) for text_kind, field in _TEXTS.items()}
    parts |= {field: found.get(kind, {}).get("") or type_() for kind, (field, type_) in _WHOLES.items()}
    return Catalog(
        version=version,
        phrases=tuple(sorted(by_id(AssetKind.PHRASE).values(), key=lambda phrase: fold(phrase.text))),
        lineage=tuple(sorted(by_id(AssetKind.LINEAGE).values(), key=lambda link: link.key)),
        **parts,
    )


def _links(lineage: Iterable[LineageLink]) -> Iterator[tuple[str, LineageLink]]:
    """Yield each link with an id: its ends, and a number where several have the same ones."""
    seen: dict[str, int] = {}
    for link in sorted(lineage, key=lambda link: link.key):
        ends = f"{link.start_type}:{link.start} > {link.end_type}:{link.end}"
        seen[ends] = seen.get(ends, 0) + 1
        yield (ends if seen[ends] == 1 else f"{ends} #{seen[ends]}"), link


def _item(key: Key, type_: type[Any], value: object) -> Item:
    plain = _ADAPTERS[type_].dump_python(value, exclude_defaults=True)
    # In one order whatever the order of a set or of keys is in this process.
    body = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=_plain).encode()
    return Item(key, body, sha256(body).digest())


def _plain(value: object) -> object:
    return sorted(value) if isinstance(value, frozenset) else to_jsonable_python(value)


def _read(type_: type[Any], body: str | bytes) -> Any:
    try:
        return _ADAPTERS[type_].validate_json(body, strict=True)
    except ValidationError as error:
        raise UnknownFormat(type_.__name__) from error


_TYPES: Final[Mapping[str, type[Any]]] = {
    **{kind: type_ for kind, (_, type_) in ASSETS.items()},
    AssetKind.PHRASE: Phrase,
    AssetKind.LINEAGE: LineageLink,
    **{kind: type_ for kind, (_, type_) in _WHOLES.items()},
    **dict.fromkeys(_TEXTS, str),
}
_ADAPTERS: Final[Mapping[type[Any], TypeAdapter[Any]]] = {type_: TypeAdapter(type_) for type_ in _TYPES.values()}
