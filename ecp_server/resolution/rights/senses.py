"""Which of the meanings that words can have may be shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from ecp_server.domain.catalog import AssetKind, AssetRef
from ecp_server.resolution.lexicon import Sense, SenseKind
from ecp_server.resolution.prepared import PreparedCatalog
from ecp_server.resolution.rights.visibility import Visibility

_OFFERED_FIRST: Final = 20
"""Metrics that have a target, asked about at first: in most cases one of them may be shown."""


class VisibleSenses:
    """Asks policy about meanings as they come up, about each thing once."""

    def __init__(self, prepared: PreparedCatalog, visibility: Visibility) -> None:
        self._prepared = prepared
        self._visibility = visibility
        self._asked: set[AssetRef] = set()
        self.refs: frozenset[AssetRef] = frozenset()
        """What was found visible so far."""

    async def ask(self, senses: Sequence[Sense]) -> None:
        """Ask until it is known of each of the senses whether it may be shown."""
        offered = _OFFERED_FIRST
        while True:
            if new := self._named_by(senses, offered) - self._asked:
                self.refs |= await self._visibility.visible(self._prepared.products, sorted(new))
                self._asked |= new
            targets = [sense for sense in senses if sense.kind is SenseKind.TARGET]
            if all(len(self._having(target)) <= offered or self.shows(target) for target in targets):
                return
            offered *= 10

    def shows(self, sense: Sense) -> bool:
        """Tell whether a sense may be shown: a target where some metric that has it may, and what it is held against.

        It must have been asked about.
        """
        if sense.kind is not SenseKind.TARGET:
            return sense.asset is None or sense.asset in self.refs
        metrics = self._prepared.catalog.metrics
        return any(
            AssetRef(AssetKind.METRIC, target.metric) in self.refs
            for ref in self._having(sense)
            if ref in self.refs
            for target in metrics[ref.id].targets
            if target.name == sense.id
        )

    def tell(self, senses: Iterable[Sense]) -> None:
        """Tell by which policies the metrics and terms among these may be shown."""
        named = [sense.asset for sense in senses if sense.asset is not None]
        self._visibility.tell(self._prepared.products, named, self.refs)

    def _named_by(self, senses: Iterable[Sense], offered: int) -> set[AssetRef]:
        """Return the metrics and terms that are named, and some that have a target that is."""
        named = {sense.asset for sense in senses if sense.asset is not None}
        targets = [sense for sense in senses if sense.kind is SenseKind.TARGET]
        return named.union([metric for target in targets for metric in self._having(target)[:offered]])

    def _having(self, target: Sense) -> list[AssetRef]:
        """Return the metrics that have a target, in the order in which they are offered."""
        return [AssetRef(AssetKind.METRIC, metric.id) for metric in self._prepared.metrics_by_target[target.id]]
