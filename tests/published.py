"""Catalogs that a test publishes to real stores."""

from __future__ import annotations

from ecp_server.domain.catalog import Catalog
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.postgresql.pool import Database
from ecp_server.stores.publish import Publisher
from ecp_server.stores.registry.postgres import PostgresRegistry
from ecp_server.stores.registry.published import SCHEMA as REGISTRY_SCHEMA
from ecp_server.stores.registry.publisher import RegistryPublisher
from ecp_server.stores.vector.embeddings import StaticEmbeddings
from ecp_server.stores.vector.pgvector import EXACT_ROWS, PgVector, know_vectors
from ecp_server.stores.vector.pgvector import SCHEMA as VECTOR_SCHEMA
from ecp_server.stores.vector.publisher import VectorPublisher
from tests.held import Held
from tests.servers import migrated


def silent(doing: str, done: int, of: int) -> None:
    """Hear of progress, and say nothing."""


def registry_publisher(url: str, note: str = "") -> RegistryPublisher:
    """Return what publishes to the registry in a database."""
    database = Database(Endpoint(url), StoreKind.REGISTRY, size=1, timeout_seconds=60, read_only=False)
    return RegistryPublisher(database, publisher="test", note=note)


async def publish(publisher: Publisher, *catalogs: Catalog) -> None:
    """Publish the catalogs one after another."""
    for catalog in catalogs:
        await publisher.publish(catalog, silent)
    await publisher.close()


async def published_registry(url: str, *catalogs: Catalog) -> PostgresRegistry:
    """Return a registry in an empty database to which the catalogs were published."""
    await publish_to_registry(url, *catalogs)
    return opened_registry(url, *catalogs)


async def publish_to_registry(url: str, *catalogs: Catalog) -> None:
    """Make the registry's schema in an empty database, and publish the catalogs there."""
    await migrated(url, REGISTRY_SCHEMA)
    await publish(registry_publisher(url), *catalogs)


def opened_registry(url: str, *catalogs: Catalog) -> PostgresRegistry:
    """Return a registry to which the catalogs were published."""
    return PostgresRegistry(Endpoint(url), Held(*catalogs), pool_size=4, timeout_seconds=5)


def vector_publisher(url: str) -> VectorPublisher:
    """Return what publishes vectors to a database."""
    database = Database(
        Endpoint(url), StoreKind.VECTOR, size=1, timeout_seconds=300, read_only=False, configure=know_vectors
    )
    return VectorPublisher(database, StaticEmbeddings())


async def published_vector(url: str, *catalogs: Catalog, exact_rows: int = EXACT_ROWS) -> PgVector:
    """Return a vector store in an empty database to which the catalogs were published; all are held."""
    await publish_vectors(url, *catalogs)
    return opened_vector(url, *catalogs, exact_rows=exact_rows)


async def publish_vectors(url: str, *catalogs: Catalog) -> None:
    """Make the vector store's schema in an empty database, and publish the catalogs there."""
    await migrated(url, VECTOR_SCHEMA)
    await publish(vector_publisher(url), *catalogs)


def opened_vector(url: str, *catalogs: Catalog, exact_rows: int = EXACT_ROWS) -> PgVector:
    """Return a vector store to which the catalogs were published; all are held."""
    return PgVector(
        Endpoint(url), Held(*catalogs), StaticEmbeddings(), pool_size=4, timeout_seconds=5, exact_rows=exact_rows
    )
