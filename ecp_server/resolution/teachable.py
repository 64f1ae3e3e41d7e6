"""What a department can be taught: which words may be given a meaning, and which meanings there are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from ecp_server.domain.catalog import AssetKind, AssetRef, Catalog
from ecp_server.domain.concepts import ConceptKind
from ecp_server.domain.text import Token, fold
from ecp_server.resolution.contexts import Contexts
from ecp_server.resolution.lessons import Meaning, words_of
from ecp_server.resolution.lexicon import FormSource, Sense, SenseKind
from ecp_server.resolution.parsing.look_up import covered_by, may_be_a_name
from ecp_server.resolution.prepared import PreparedCatalog
from ecp_server.resolution.time import find_times

MAX_WORDS: Final = 8
"""In words that are taught."""
_TARGET: Final = "target."


def department_of(contexts: Contexts, department: str) -> str:
    """Return the name by which precedents know a department: its context, else itself, folded; "" for none."""
    chain = contexts.chain(department)
    return chain[0] if chain else fold(department)


def places_of(words: str, tokens: Sequence[Token]) -> Iterator[tuple[int, int]]:
    """Yield where words stand among tokens, from the first to after the last."""
    length = words.count(" ") + 1
    for first in range(len(tokens) - length + 1):
        if words_of(tokens[first : first + length]) == words:
            yield first, first + length


def may_be_taught(first: int, last: int, tokens: Sequence[Token]) -> bool:
    """Tell whether words can be given a meaning: some of them can be a name, and they are no period."""
    periods = covered_by(find_times(tokens))
    return any(may_be_a_name(tokens[i]) for i in range(first, last) if i not in periods)


def meaning_of(kind: ConceptKind, option_id: str, prepared: PreparedCatalog, form: str) -> Meaning | None:
    """Return what the id of a concept stands for under the name ``form``; None where the catalog has no such thing.

    ``id@context`` is the reading of a context; periods cannot be taught.
    """
    catalog = prepared.catalog
    if kind is ConceptKind.COMPARISON:
        name = option_id.removeprefix(_TARGET)
        known = option_id.startswith(_TARGET) and name in prepared.metrics_by_target
        return Meaning(Sense(SenseKind.TARGET, name, FormSource.PRECEDENT, form)) if known else None
    if kind not in _KINDS:
        return None
    sense_kind, asset_kind = _KINDS[kind]
    if _exists(sense_kind, option_id, catalog):
        return Meaning(_sense(sense_kind, asset_kind, option_id, form))
    base, _, context = option_id.rpartition("@")
    if _exists(sense_kind, base, catalog) and context in _readings(sense_kind, base, prepared):
        return Meaning(_sense(sense_kind, asset_kind, base, form), context)
    return None


def _sense(kind: SenseKind, asset_kind: AssetKind | None, concept_id: str, form: str) -> Sense:
    asset = None if asset_kind is None else AssetRef(asset_kind, concept_id)
    return Sense(kind, concept_id, FormSource.PRECEDENT, form, asset)


_KINDS: Final = {
    ConceptKind.METRIC: (SenseKind.METRIC, AssetKind.METRIC),
    ConceptKind.TERM: (SenseKind.TERM, AssetKind.TERM),
    ConceptKind.MEMBER: (SenseKind.MEMBER, None),
    ConceptKind.DIMENSION: (SenseKind.DIMENSION, None),
    ConceptKind.ENTITY: (SenseKind.ENTITY, None),
}
"""What a concept is among the senses, and what policy decides on, if it does."""

TEACHABLE: Final = (*_KINDS, ConceptKind.COMPARISON)


def _exists(kind: SenseKind, concept_id: str, catalog: Catalog) -> bool:
    if kind is SenseKind.METRIC:
        return concept_id in catalog.metrics
    if kind is SenseKind.TERM:
        return concept_id in catalog.terms
    if kind is SenseKind.MEMBER:
        return concept_id in catalog.members
    return concept_id in (catalog.dimensions if kind is SenseKind.DIMENSION else catalog.entities)


def _readings(kind: SenseKind, concept_id: str, prepared: PreparedCatalog) -> frozenset[str]:
    """Return the contexts whose reading of it has an id of its own; what a term means as a metric has the metric's."""
    catalog, reading = prepared.catalog, prepared.contexts.reading
    if kind is SenseKind.TERM:
        return frozenset(v.context for v in catalog.terms[concept_id].variations if v.metric is None)
    if kind is SenseKind.MEMBER:
        return reading(catalog.members[concept_id])
    if kind is SenseKind.DIMENSION:
        read = [reading(catalog.members[member]) for member in catalog.dimensions[concept_id].members]
        return frozenset[str]().union(*read)
    return frozenset()
