"""What must hold between the documents of a catalog (catalog.md, Rules of loading)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from ecp_server.catalog.cycles import cycles
from ecp_server.catalog.documents import (
    CalendarDocument,
    ContextDocument,
    DimensionDocument,
    MetricDocument,
    Reference,
    TermDocument,
)
from ecp_server.catalog.sources import Findings, Source, text_under
from ecp_server.catalog.units import unit_conflicts
from ecp_server.catalog.validate import Entry
from ecp_server.catalog.yaml_documents import Path
from ecp_server.domain.catalog import GREGORIAN, AssetKind
from ecp_server.domain.text import fold

Places = dict[str, tuple[Source, Path]]
"""Where each id of a kind is defined first."""


def check_catalog(sources: Sequence[Source], entries: Sequence[Entry], findings: Findings) -> None:
    """Add what is wrong between documents; ``entries`` are those of the ``sources`` whose keys are right."""
    places = _check_ids(sources, findings)
    for entry in entries:
        for reference in entry.document.references():
            if not _may_be_defined(reference, places, findings):
                kinds = " or ".join(kind.replace("_", " ") for kind in reference.kinds)
                findings.add(entry.source, reference.path, f"there is no {kinds} {reference.id!r}")
            elif isinstance(entry.document, DimensionDocument) and _is_member_elsewhere(reference, entry, places):
                message = f"{reference.id!r} is no member of the dimension {entry.document.id}"
                findings.add(entry.source, reference.path, message)
    _check_default_calendars(entries, findings)
    _check_cycles(entries, places, findings)
    _check_units(entries, findings)


def _check_ids(sources: Sequence[Source], findings: Findings) -> Mapping[str, Places]:
    """Return where each asset is defined, and tell those that are defined twice."""
    places: dict[str, Places] = {}
    for source in sources:
        for kind, asset_id, path in _defined(source):
            known = places.setdefault(kind, {})
            if asset_id in known:
                first, _ = known[asset_id]
                findings.add(source, path, f"is defined twice, first in the document at {first.file}:{first.line}")
            else:
                known[asset_id] = (source, path)
    return places


def _defined(source: Source) -> Iterator[tuple[str, str, Path]]:
    """Yield what a document defines, whether or not its other keys are right."""
    kind = source.key("kind")
    if kind == "manifest":
        yield kind, "", ()
    elif kind == AssetKind.PHRASE and source.key("text"):
        yield kind, fold(source.key("text")), ("text",)
    elif source.key("id"):
        yield kind, source.key("id"), ("id",)
    for position, member in enumerate(source.members):
        if member_id := text_under(member, "id"):
            yield AssetKind.MEMBER, member_id, ("members", position, "id")


def _may_be_defined(reference: Reference, places: Mapping[str, Places], findings: Findings) -> bool:
    return (
        any(reference.id in places.get(kind, ()) for kind in reference.kinds)
        or (AssetKind.CALENDAR in reference.kinds and reference.id == GREGORIAN.id)
        # What could not be read may define it, and is told of already.
        or findings.files_unread
        or any(reference.id in text for text in findings.unread)
    )


def _is_member_elsewhere(reference: Reference, entry: Entry, places: Mapping[str, Places]) -> bool:
    """Tell whether a dimension names the member of another one, whose id may begin as those of its own do."""
    known = places.get(AssetKind.MEMBER, {}).get(reference.id)
    return AssetKind.MEMBER in reference.kinds and known is not None and known[0] is not entry.source


def _check_default_calendars(entries: Sequence[Entry], findings: Findings) -> None:
    first: CalendarDocument | None = None
    for entry in entries:
        calendar = entry.document
        if isinstance(calendar, CalendarDocument) and calendar.default:
            if first is not None:
                findings.add(entry.source, ("default",), f"{first.id} is the default calendar already")
            first = first or calendar


def _check_cycles(entries: Sequence[Entry], places: Mapping[str, Places], findings: Findings) -> None:
    graphs: dict[AssetKind, dict[str, Sequence[str]]] = {kind: {} for kind in AssetKind}
    for entry in entries:
        document = entry.document
        if isinstance(document, ContextDocument | TermDocument):
            parent = () if document.parent is None else (document.parent,)
            graphs[AssetKind(document.kind)].setdefault(document.id, parent)
        elif isinstance(document, MetricDocument):
            graphs[AssetKind.METRIC].setdefault(document.id, document.inputs)
        elif isinstance(document, DimensionDocument):
            graphs[AssetKind.MEMBER] |= document.children
    for kind, graph in graphs.items():
        for cycle in cycles(graph):
            source, path = next(places[kind][name] for name in cycle if name in places[kind])
            findings.add(source, path, f"is part of a cycle: {' > '.join((*cycle, cycle[0]))}")


def _check_units(entries: Sequence[Entry], findings: Findings) -> None:
    units = {e.document.id: e.document.unit for e in entries if isinstance(e.document, MetricDocument)}
    for entry in entries:
        derived = entry.document.derived if isinstance(entry.document, MetricDocument) else None
        tree = derived.tree() if derived is not None else None
        if derived is not None and tree is not None:
            by_alias = {given.name: units.get(given.metric, "") for given in derived.inputs}
            for left, right in unit_conflicts(tree, by_alias):
                findings.add(entry.source, ("derived", "expression"), f"adds or subtracts {left} and {right}")
