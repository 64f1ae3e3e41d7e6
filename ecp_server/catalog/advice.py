"""What a catalog may hold but its author should know of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ecp_server.catalog.oversights import oversights
from ecp_server.domain.catalog import AssetKind, AssetRef, Catalog, Term
from ecp_server.domain.text import fold


def advice(catalog: Catalog) -> Iterator[str]:
    """Yield what makes questions ambiguous or comparisons impossible, in a fixed order."""
    yield from _shared_names(catalog)
    yield from _shared_departments(catalog)
    yield from _targets_in_other_units(catalog)
    yield from oversights(catalog)


def _shared_names(catalog: Catalog) -> Iterator[str]:
    """Yield the names, synonyms and acronyms that stand for more than one asset: asked for, they are asked back."""
    meanings: dict[str, dict[AssetRef, str]] = {}
    for ref, texts in _names(catalog):
        for text in texts:
            meanings.setdefault(fold(text), {}).setdefault(ref, text)
    for _, assets in sorted(meanings.items()):
        refs = [ref for ref in assets if not _leads_to(catalog, ref, assets)]
        if len({_thing(catalog, ref) for ref in refs}) > 1:
            named = ", ".join(f"{ref.kind} {ref.id}" for ref in sorted(refs))
            yield f"{assets[refs[0]]!r} stands for {named}"


def _thing(catalog: Catalog, ref: AssetRef) -> object:
    """Return what a name stands for: dimensions at one address, and members with the same values there, are one."""
    if ref.kind is AssetKind.DIMENSION:
        dimension = catalog.dimensions[ref.id]
        bindings = tuple((binding.cube, binding.ref) for binding in dimension.bindings)
        return (dimension.semantic_ref, bindings) if dimension.semantic_ref else ref
    if ref.kind is AssetKind.MEMBER:
        member = catalog.members[ref.id]
        place = _thing(catalog, AssetRef(AssetKind.DIMENSION, member.dimension))
        return (place, member.values, member.variations) if not isinstance(place, AssetRef) else ref
    return ref


def _names(catalog: Catalog) -> Iterator[tuple[AssetRef, tuple[str, ...]]]:
    """Yield what questions can call each asset; its id is a name too (lexicon, contexts)."""
    for metric in catalog.metrics.values():
        yield AssetRef(AssetKind.METRIC, metric.id), (metric.name, metric.id, *metric.synonyms, *metric.acronyms)
    for term in catalog.terms.values():
        yield AssetRef(AssetKind.TERM, term.id), (term.name, term.id, *term.synonyms, *term.acronyms)
    for kind, assets in (
        (AssetKind.DIMENSION, catalog.dimensions),
        (AssetKind.MEMBER, catalog.members),
        (AssetKind.ENTITY, catalog.entities),
        (AssetKind.CONTEXT, catalog.contexts),
    ):
        for asset in assets.values():
            yield AssetRef(kind, asset.id), (asset.name, asset.id, *asset.synonyms)


def _leads_to(catalog: Catalog, ref: AssetRef, others: Iterable[AssetRef]) -> bool:
    """Tell whether this is a term that leads to one of the metrics of the same name: no question is open then."""
    term = catalog.terms.get(ref.id) if ref.kind is AssetKind.TERM else None
    return term is not None and any(o.kind is AssetKind.METRIC and o.id in _metrics(term) for o in others)


def _metrics(term: Term) -> set[str | None]:
    return {term.metric, term.default, *(variation.metric for variation in term.variations)}


def _shared_departments(catalog: Catalog) -> Iterator[str]:
    calendars: dict[str, list[str]] = {}
    for calendar in catalog.calendars.values():
        for department in calendar.departments:
            calendars.setdefault(department, []).append(calendar.id)
    for department, ids in sorted(calendars.items()):
        if len(ids) > 1:
            yield f"department {department} has more than one calendar: {', '.join(ids)}"


def _targets_in_other_units(catalog: Catalog) -> Iterator[str]:
    for metric in catalog.metrics.values():
        for target in metric.targets:
            unit = catalog.metrics[target.metric].unit
            if metric.unit and unit and metric.unit.casefold() != unit.casefold():
                yield f"metric {metric.id} is in {metric.unit}, its target {target.name} in {unit}"
