"""A desk to ask questions at: the path over embedded stores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from ecp_server.domain.catalog import Catalog
from ecp_server.domain.concepts import Choice
from ecp_server.domain.provenance import StoreKind
from ecp_server.domain.resolution import Resolution
from ecp_server.resolution.browsing.browser import Browser
from ecp_server.resolution.prepared import Preparation
from ecp_server.resolution.resolve import Resolver, Stores
from ecp_server.stores.graph.embedded import EmbeddedGraph
from ecp_server.stores.guard.deadline import Budget, bounded
from ecp_server.stores.observe import observed
from ecp_server.stores.policy.embedded import EmbeddedPolicy
from ecp_server.stores.ports import Policy
from ecp_server.stores.precedents import KeptPrecedents
from ecp_server.stores.registry.embedded import EmbeddedRegistry
from ecp_server.stores.state.embedded import EmbeddedState
from ecp_server.stores.vector.embedded import EmbeddedVector
from ecp_server.stores.vector.embeddings import StaticEmbeddings
from ecp_server.telemetry.metrics import Instruments
from tests.held import Held
from tests.resolution.samples import question

_EMBEDDINGS: Final = StaticEmbeddings()
"""One for all desks: reading the model takes longer than all else."""


_POLICIES: Final[dict[tuple[tuple[str, str], ...], EmbeddedPolicy]] = {}
"""One for each policy, never closed: trying a policy takes a process."""


async def policy_for(policies: Mapping[str, str]) -> EmbeddedPolicy:
    """The engine with these policies in force; none: the built-in one."""
    key = tuple(sorted(policies.items()))
    if key not in _POLICIES:
        _POLICIES[key] = EmbeddedPolicy()
        await _POLICIES[key].use(policies)
    return _POLICIES[key]


@dataclass(frozen=True)
class Written:
    """What is recorded of a resolution here: enough to tell one from another."""

    asked: str

    def request(self) -> bytes:
        return self.asked.encode()

    def response(self, resolution: Resolution) -> bytes:
        return resolution.id.encode()


class Desk:
    """A resolver over embedded stores; ``folder`` keeps its records."""

    def __init__(self, catalog: Catalog, folder: Path, policy: Policy) -> None:
        self.held = Held(catalog)
        self.policy = policy
        self.state = EmbeddedState(folder / "state.db")
        self.vector = EmbeddedVector(self.held, _EMBEDDINGS)
        self.expire_after = timedelta(hours=1)
        self._preparation = Preparation()

    @cached_property
    def stores(self) -> Stores:
        """The stores as the path sees them: observed, so that it can tell what it asked."""
        instruments = Instruments()

        def seen(port: Any, kind: StoreKind) -> Any:
            return observed(bounded(port, Budget(kind, 30)), kind, instruments=instruments)

        return Stores(
            graph=seen(EmbeddedGraph(self.held), StoreKind.GRAPH),
            vector=seen(self.vector, StoreKind.VECTOR),
            registry=seen(EmbeddedRegistry(self.held), StoreKind.REGISTRY),
            policy=seen(self.policy, StoreKind.POLICY),
            state=seen(self.state, StoreKind.STATE),
        )

    @property
    def resolver(self) -> Resolver:
        """The path."""
        return Resolver(self.held, self._preparation, self.stores, self.precedents, Instruments(), self.expire_after)

    @cached_property
    def precedents(self) -> KeptPrecedents:
        """What departments have taught."""
        return KeptPrecedents(self.stores.state)

    @property
    def browser(self) -> Browser:
        """What answers about the catalog itself."""
        of, instruments = self.stores, Instruments()
        return Browser(self.held, self._preparation, of.graph, of.vector, of.registry, of.policy, instruments)

    async def ask(self, text: str, *choices: tuple[str, str], **more: Any) -> Resolution:
        """Take a question along the path, with choices of options for subjects."""
        chosen = tuple(Choice(subject, option) for subject, option in choices)
        asked = question(text, choices=chosen, **more)
        return await self.resolver.resolve(asked, Written(text))

    async def close(self) -> None:
        """Release the stores."""
        await self.precedents.close()
        await self.vector.close()
        await self.state.close()
