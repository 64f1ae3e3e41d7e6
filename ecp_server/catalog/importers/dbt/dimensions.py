"""Makes dimensions of the catalog of those of MetricFlow, under their full names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from ecp_server.catalog.importers.dbt.carried import Carried
from ecp_server.catalog.importers.dbt.cubes import Cubes
from ecp_server.catalog.importers.dbt.graph import Address, ModelGraph, humanised, primary_of
from ecp_server.catalog.importers.dbt.spec import Dimension, SemanticModel
from ecp_server.catalog.importers.report import Report
from ecp_server.domain.text import fold, tokenize

_LABELS: Final = ("name", "label", "title")
_LONGEST_VALUE: Final = 100

Values = Mapping[str, Mapping[str, Sequence[str]]]
"""The values of dimensions, by model and dimension, where there is data and they are few enough."""


def dimension_documents(
    metrics: Iterable[Carried], graph: ModelGraph, values: Values
) -> dict[str, list[dict[str, Any]]]:
    """Return the documents of the dimensions that the metrics have, by the model that they lie in."""
    metrics = list(metrics)
    models = {model.name: model for metric in metrics for model in metric.models}
    used = dict.fromkeys(name for metric in metrics for name in metric.document["dimensions"])
    documents: dict[str, list[dict[str, Any]]] = {}
    for name in used:
        addresses = {
            model.name: names[name] for model in models.values() if name in (names := graph.shared_names(model))
        }
        main = _commonest(addresses.values())
        documents.setdefault(main.model.name, []).append(_document(name, main, addresses, values))
    return documents


def leave_out_unused(
    models: Iterable[SemanticModel], metrics: Iterable[Carried], cubes: Cubes, graph: ModelGraph, report: Report
) -> None:
    """Tell of the dimensions that only the semantic model has: no metric reaches them, or they are other times."""
    metrics = list(metrics)
    names = {name for metric in metrics for name in metric.document["dimensions"]}
    reached = {
        graph.shared_names(model)[name].ref
        for metric in metrics
        for model in metric.models
        for name in names & graph.shared_names(model).keys()
    }
    times = {metric.document.get("time_dimension") for metric in metrics}
    for model in models:
        for dimension in model.dimensions:
            ref = f"{model.name}.{dimension.name}"
            if ref in reached | times or not cubes.has_dimension(model.name, dimension.name):
                continue
            reason = "no metric is read by this time" if dimension.is_time else "no metric reaches it"
            subject = f"dimension {dimension.name} of {model.name}"
            report.leave_out(dimension.place, subject, f"{reason}: it is in the semantic model alone")


def label_dimension(model: SemanticModel) -> Dimension | None:
    """Return the only dimension that says what a model's entity is called; None where none or several could."""
    categorical = [dimension for dimension in model.dimensions if not dimension.is_time]
    entity = primary_of(model)
    wanted = {*_LABELS, *(f"{entity}_{label}" for label in _LABELS)}
    candidates = [dimension for dimension in categorical if dimension.name in wanted] or categorical
    return candidates[0] if len(candidates) == 1 else None


def _commonest(addresses: Iterable[Address]) -> Address:
    """Return the address that most cubes know the dimension by, the first of them in case of doubt."""
    known = list(addresses)
    counts = Counter(address.ref for address in known)
    return max(known, key=lambda address: counts[address.ref])


def _document(name: str, main: Address, addresses: Mapping[str, Address], values: Values) -> dict[str, Any]:
    dimension = main.dimension
    title = dimension.label or humanised(dimension.name)
    said = dimension.meta.catalog
    synonyms = [text for text in _synonyms(main, said) if fold(text) != fold(title)]
    return {
        "kind": "dimension",
        "id": name,
        "name": title,
        "synonyms": list({fold(text): text for text in synonyms}.values()),
        "semantic_ref": main.ref,
        "bindings": [
            {"cube": model, "ref": address.ref} for model, address in addresses.items() if address.ref != main.ref
        ],
        "row_level": said.get("row_level"),
        "members": list(_members(name, values.get(main.model.name, {}).get(dimension.name, ()))),
        "meta": {"description": dimension.description} if dimension.description else None,
    }


def _synonyms(address: Address, said: Mapping[str, object]) -> Iterator[str]:
    if address.dimension.label:
        yield humanised(address.dimension.name)
    if label_dimension(address.model) == address.dimension:
        yield " ".join(primary_of(address.model).split("_"))
    given = said.get("synonyms")
    yield from (str(text) for text in given) if isinstance(given, list) else ()


def _members(dimension: str, values: Sequence[str]) -> Iterator[dict[str, Any]]:
    """Yield a member a value; values that differ in case or signs alone are one member."""
    by_name: dict[str, list[str]] = {}
    for value in values:
        by_name.setdefault(fold(value), []).append(value)
    ids: set[str] = set()
    for alike in by_name.values():
        slug = "_".join(token.folded for token in tokenize(alike[0]) if token.folded[0].isalnum())
        free, count = f"{dimension}.{slug}", 1
        while free in ids:
            count += 1
            free = f"{dimension}.{slug}_{count}"
        ids.add(free)
        yield {"id": free, "name": alike[0].strip(), "values": alike}


def is_name(value: str) -> bool:
    """Tell whether a value can be the name of a member: short, and a word rather than a number or a key."""
    return (
        len(value) <= _LONGEST_VALUE and value.isprintable() and any(c.isalpha() for c in value) and bool(fold(value))
    )
