"""What an asset says in words: the texts that a search looks at, the same for every engine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from ecp_server.domain.catalog import AssetKind, AssetRef, Catalog, Context, Dimension, Entity, Member, Metric, Term
from ecp_server.domain.frozen import dataclass

SEARCHED: Final = frozenset(
    {
        AssetKind.CONTEXT,
        AssetKind.DIMENSION,
        AssetKind.ENTITY,
        AssetKind.KNOWN_ISSUE,
        AssetKind.MEMBER,
        AssetKind.METRIC,
        AssetKind.TERM,
    }
)
"""The kinds that have words to be found by."""

_Named = Context | Dimension | Entity | Member | Metric | Term


@dataclass(frozen=True, slots=True)
class Document:
    """The words of one asset: what it is called, and what is said of it."""

    ref: AssetRef
    names: tuple[str, ...]
    """Its name first, then synonyms, acronyms and the names of its variations, each once; empty for an issue."""
    body: str = ""
    """Its definition and those of its variations, or an issue's description."""


def documents(catalog: Catalog, kinds: frozenset[AssetKind] = SEARCHED) -> tuple[Document, ...]:
    """Return the words of all assets of some kinds, ordered by ref."""
    found = (document for document in _documents(catalog) if document.ref.kind in kinds)
    return tuple(sorted(found, key=lambda document: document.ref))


def _documents(catalog: Catalog) -> Iterator[Document]:
    yield from (_named(AssetKind.CONTEXT, context) for context in catalog.contexts.values())
    yield from (_named(AssetKind.DIMENSION, dimension) for dimension in catalog.dimensions.values())
    yield from (_named(AssetKind.MEMBER, member) for member in catalog.members.values())
    yield from (_named(AssetKind.ENTITY, entity) for entity in catalog.entities.values())
    for metric in catalog.metrics.values():
        yield _named(AssetKind.METRIC, metric, metric.acronyms, (metric.definition,))
    for term in catalog.terms.values():
        names = (*term.acronyms, *(variation.name for variation in term.variations))
        yield _named(AssetKind.TERM, term, names, (term.definition, *(v.definition for v in term.variations)))
    for issue in catalog.known_issues.values():
        body = _text((issue.description, issue.impact, issue.workaround))
        yield Document(AssetRef(AssetKind.KNOWN_ISSUE, issue.id), (), body)


def _named(kind: AssetKind, asset: _Named, names: Iterable[str] = (), said: Iterable[str] = ()) -> Document:
    called = dict.fromkeys(name for name in (asset.name, *asset.synonyms, *names) if name)
    # A definition that is no more than the name says nothing.
    return Document(AssetRef(kind, asset.id), tuple(called), _text(text for text in said if text not in called))


def _text(parts: Iterable[str]) -> str:
    return "\n".join(dict.fromkeys(part for part in parts if part))
