"""Everything known about the data: the assets of a catalog and the immutable `Catalog` itself.

Fields and defaults are those of the catalog format (catalog.md); `ecp_server.catalog` reads files into them.
"""

from ecp_server.domain.catalog.calendars import GREGORIAN, Calendar, CalendarType, Weekday, YearEnd, YearName
from ecp_server.domain.catalog.dimensions import Binding, Dimension, Level, Member, MemberVariation
from ecp_server.domain.catalog.glossary import Context, Phrase, PhraseMeaning, Term, TermVariation
from ecp_server.domain.catalog.metrics import (
    Classification,
    Cumulative,
    DefinitionChange,
    Derived,
    DerivedInput,
    Metric,
    Span,
    Target,
    TimeAggregation,
)
from ecp_server.domain.catalog.network import Entity, LineageLink, Relation
from ecp_server.domain.catalog.quality import (
    Contract,
    IssueScope,
    KnownIssue,
    QualityRule,
    Rule,
    ServiceLevel,
    Severity,
)
from ecp_server.domain.catalog.references import AssetKind, AssetRef
from ecp_server.domain.catalog.whole import Asset, Catalog, Catalogs, Manifest

__all__ = [
    "GREGORIAN",
    "Asset",
    "AssetKind",
    "AssetRef",
    "Binding",
    "Calendar",
    "CalendarType",
    "Catalog",
    "Catalogs",
    "Classification",
    "Context",
    "Contract",
    "Cumulative",
    "DefinitionChange",
    "Derived",
    "DerivedInput",
    "Dimension",
    "Entity",
    "IssueScope",
    "KnownIssue",
    "Level",
    "LineageLink",
    "Manifest",
    "Member",
    "MemberVariation",
    "Metric",
    "Phrase",
    "PhraseMeaning",
    "QualityRule",
    "Relation",
    "Rule",
    "ServiceLevel",
    "Severity",
    "Span",
    "Target",
    "Term",
    "TermVariation",
    "TimeAggregation",
    "Weekday",
    "YearEnd",
    "YearName",
]
