"""How a catalog gets into a store that is a server: the interface of `ecp-server catalog publish`, and its contract.

A publisher stands beside the adapter of its port, with the rights to write that the adapter does without. What it
publishes is found by the adapter under the catalog's version: a version is there whole or not at all, and one that was
there before stays until no server can hold it any more. Which version is in force is decided by the registry alone,
which is published last.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from ecp_server.domain.catalog import Catalog
from ecp_server.domain.frozen import dataclass
from ecp_server.domain.provenance import StoreKind

Progress = Callable[[str, int, int], None]
"""Hears how far it is: what is being done ("embedding"), how many are done, of how many. Called now and then."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What a publish changes, or would: names of things such as "metric net_revenue", each tuple ordered."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    unchanged: int = 0

    def __bool__(self) -> bool:
        """Whether anything changes."""
        return bool(self.added or self.changed or self.removed)


@dataclass(frozen=True, slots=True)
class Publication:
    """One catalog that was published, and how it differs from the one before."""

    number: int
    """Counts up from 1; the highest is in force."""
    version: str
    published: datetime
    publisher: str
    """Who, as the one who published says."""
    note: str
    items: int
    added: int
    changed: int
    removed: int


class Publisher(Protocol):
    """Writes catalogs into one store. Raises what the store's port raises."""

    @property
    def store(self) -> StoreKind:
        """Return the kind of the store."""

    @property
    def adapter(self) -> str:
        """Return the engine's name, as its adapter does."""

    async def holds(self, version: str) -> int | None:
        """Return how many things the version has; None where another one, or none, was published last."""

    async def difference(self, catalog: Catalog) -> Difference:
        """Return what `publish` would change against the version published last; write nothing."""

    async def publish(self, catalog: Catalog, progress: Progress) -> Difference:
        """Put the catalog there under its version and return what that changed; where it is there already, nothing.

        One that fails or is killed on the way leaves every version as it was, and may be repeated.
        """

    async def close(self) -> None:
        """Release what the publisher holds."""
