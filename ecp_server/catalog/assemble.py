"""Makes the immutable catalog of documents in which nothing is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from ecp_server.catalog.documents import (
    CalendarDocument,
    ContextDocument,
    ContractDocument,
    DimensionDocument,
    Document,
    EntityDocument,
    KnownIssueDocument,
    LineageDocument,
    ManifestDocument,
    MetricDocument,
    PhraseDocument,
    RelationDocument,
    RuleDocument,
    TermDocument,
)
from ecp_server.catalog.members import members_of
from ecp_server.domain.catalog import Catalog, Manifest, Member
from ecp_server.domain.semantic import SemanticModel

D = TypeVar("D", bound=Document)


def assembled(
    documents: Iterable[Document],
    version: str,
    policies: Mapping[str, str],
    semantic: Mapping[str, str],
    model: SemanticModel,
) -> Catalog:
    """Return the catalog, everything in it ordered by id: the version does not tell the order of files either."""
    by_kind: dict[type[Document], list[Document]] = {}
    for document in documents:
        by_kind.setdefault(type(document), []).append(document)

    def all_of(kind: type[D]) -> list[D]:
        return sorted((d for d in by_kind.get(kind, ()) if isinstance(d, kind)), key=lambda d: d.key)

    contexts = {d.id: d.to_domain() for d in all_of(ContextDocument)}
    dimensions = all_of(DimensionDocument)
    links = (link for d in all_of(LineageDocument) for link in d.to_domain())
    members: dict[str, Member] = {m.id: m for d in dimensions for m in members_of(d, contexts)}
    return Catalog(
        version=version,
        manifest=next((d.to_domain() for d in all_of(ManifestDocument)), Manifest()),
        contexts=contexts,
        metrics={d.id: d.to_domain() for d in all_of(MetricDocument)},
        terms={d.id: d.to_domain() for d in all_of(TermDocument)},
        dimensions={d.id: d.to_domain() for d in dimensions},
        members=members,
        calendars={d.id: d.to_domain() for d in all_of(CalendarDocument)},
        known_issues={d.id: d.to_domain() for d in all_of(KnownIssueDocument)},
        contracts={d.id: d.to_domain() for d in all_of(ContractDocument)},
        rules={d.id: d.to_domain() for d in all_of(RuleDocument)},
        lineage=tuple(sorted(links, key=lambda link: link.key)),
        entities={d.id: d.to_domain() for d in all_of(EntityDocument)},
        relations={d.id: d.to_domain() for d in all_of(RelationDocument)},
        phrases=tuple(d.to_domain() for d in all_of(PhraseDocument)),
        policies=policies,
        semantic=semantic,
        model=model,
    )
