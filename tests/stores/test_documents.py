"""What assets say in words."""

from __future__ import annotations

from ecp_server.domain.catalog import (
    AssetKind,
    AssetRef,
    Catalog,
    Context,
    Dimension,
    Entity,
    KnownIssue,
    Member,
    Metric,
    Severity,
    Term,
    TermVariation,
)
from ecp_server.stores.documents import Document, documents

TERM = Term(
    "revenue",
    "Revenue",
    "Income.",
    synonyms=("turnover", "Revenue"),
    acronyms=("REV",),
    variations=(TermVariation("sales", "Gross revenue", "Invoiced."), TermVariation("finance", "", "Income.")),
)
CATALOG = Catalog(
    "v",
    contexts={"sales": Context("sales", "Sales", ("selling",))},
    metrics={"m": Metric("m", "Free cash flow", "Cash left.", acronyms=("FCF",)), "e": Metric("e", "Echo", "Echo")},
    terms={"revenue": TERM},
    dimensions={"region": Dimension("region", "Region", synonyms=("territory",))},
    members={"region.apac": Member("region.apac", "region", "APAC")},
    entities={"team": Entity("team", "Markets team")},
    known_issues={"late": KnownIssue("late", "Late.", Severity.LOW, impact="Too low.", workaround="Wait.")},
)


def test_documents_hold_names_and_definitions_once_each_and_come_by_ref() -> None:
    assert documents(CATALOG) == (
        Document(AssetRef(AssetKind.CONTEXT, "sales"), ("Sales", "selling")),
        Document(AssetRef(AssetKind.DIMENSION, "region"), ("Region", "territory")),
        Document(AssetRef(AssetKind.ENTITY, "team"), ("Markets team",)),
        Document(AssetRef(AssetKind.KNOWN_ISSUE, "late"), (), "Late.\nToo low.\nWait."),
        Document(AssetRef(AssetKind.MEMBER, "region.apac"), ("APAC",)),
        Document(AssetRef(AssetKind.METRIC, "e"), ("Echo",)),
        Document(AssetRef(AssetKind.METRIC, "m"), ("Free cash flow", "FCF"), "Cash left."),
        Document(
            AssetRef(AssetKind.TERM, "revenue"), ("Revenue", "turnover", "REV", "Gross revenue"), "Income.\nInvoiced."
        ),
    )


def test_only_the_kinds_asked_for_come() -> None:
    kinds = frozenset({AssetKind.MEMBER, AssetKind.CONTRACT})

    assert [document.ref.id for document in documents(CATALOG, kinds)] == ["region.apac"]
