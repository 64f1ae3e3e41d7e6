"""A catalog with what the path derives from it once, when it comes into force."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from ecp_server.domain.catalog import Catalog, Metric
from ecp_server.domain.frozen import dataclass
from ecp_server.resolution.contexts import Contexts
from ecp_server.resolution.derivation import Derivations
from ecp_server.resolution.lexicon import Lexicon
from ecp_server.resolution.rights.products import Products
from ecp_server.resolution.searching.search_index import SearchIndex

_KEPT_VERSIONS = 4


@dataclass(frozen=True, slots=True)
class PreparedCatalog:
    """One catalog, its surface forms and its contexts."""

    catalog: Catalog
    lexicon: Lexicon
    contexts: Contexts
    search_index: SearchIndex
    metrics_by_tier: tuple[Metric, ...]
    """By tier, then id: the order in which metrics are offered and listed."""
    products: Products
    derivations: Derivations
    metrics_by_target: Mapping[str, tuple[Metric, ...]]
    """Those that have a target of that name, in the same order."""
    related: frozenset[tuple[str, str, str]]
    """Start, verb and end of every relation."""


class Preparation:
    """Prepared catalogs by version, the few latest ones."""

    def __init__(self) -> None:
        self._prepared: OrderedDict[str, PreparedCatalog] = OrderedDict()

    def of(self, catalog: Catalog) -> PreparedCatalog:
        """Return the catalog prepared, from memory where it was prepared before.

        The first call for a large catalog takes seconds: make it off the event loop.
        """
        prepared = self._prepared.get(catalog.version)
        if prepared is None:
            prepared = _prepare(catalog)
            self._prepared[catalog.version] = prepared
            while len(self._prepared) > _KEPT_VERSIONS:
                self._prepared.popitem(last=False)
        return prepared


def _prepare(catalog: Catalog) -> PreparedCatalog:
    by_tier = sorted(catalog.metrics.values(), key=lambda metric: (metric.certification_tier, metric.id))
    by_target: dict[str, tuple[Metric, ...]] = {}
    for metric in by_tier:
        for target in metric.targets:
            by_target[target.name] = (*by_target.get(target.name, ()), metric)
    return PreparedCatalog(
        catalog,
        Lexicon(catalog),
        Contexts(catalog),
        SearchIndex(catalog),
        tuple(by_tier),
        Products(catalog),
        Derivations(catalog),
        by_target,
        frozenset([(relation.start, relation.verb, relation.end) for relation in catalog.relations.values()]),
    )
