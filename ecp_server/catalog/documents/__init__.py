"""The documents of a catalog as pydantic models, one a kind (catalog.md)."""

from __future__ import annotations

from typing import Final

from ecp_server.catalog.documents.base import Document as Document
from ecp_server.catalog.documents.base import Problem as Problem
from ecp_server.catalog.documents.base import Reference as Reference
from ecp_server.catalog.documents.calendar import CalendarDocument as CalendarDocument
from ecp_server.catalog.documents.dimension import DimensionDocument as DimensionDocument
from ecp_server.catalog.documents.glossary import ContextDocument as ContextDocument
from ecp_server.catalog.documents.glossary import ManifestDocument as ManifestDocument
from ecp_server.catalog.documents.glossary import PhraseDocument as PhraseDocument
from ecp_server.catalog.documents.glossary import TermDocument as TermDocument
from ecp_server.catalog.documents.metric import MetricDocument as MetricDocument
from ecp_server.catalog.documents.network import EntityDocument as EntityDocument
from ecp_server.catalog.documents.network import LineageDocument as LineageDocument
from ecp_server.catalog.documents.network import RelationDocument as RelationDocument
from ecp_server.catalog.documents.quality import ContractDocument as ContractDocument
from ecp_server.catalog.documents.quality import KnownIssueDocument as KnownIssueDocument
from ecp_server.catalog.documents.quality import RuleDocument as RuleDocument

MODELS: Final[dict[str, type[Document]]] = {
    "manifest": ManifestDocument,
    "context": ContextDocument,
    "metric": MetricDocument,
    "term": TermDocument,
    "dimension": DimensionDocument,
    "calendar": CalendarDocument,
    "known_issue": KnownIssueDocument,
    "contract": ContractDocument,
    "rule": RuleDocument,
    "lineage": LineageDocument,
    "entity": EntityDocument,
    "relation": RelationDocument,
    "phrase": PhraseDocument,
}
"""The model of each kind."""
