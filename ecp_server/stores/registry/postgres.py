"""The registry in PostgreSQL: assets by kind and id, search by words, contracts, as `publisher` published them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import numpy as np

from ecp_server.domain.catalog import Asset, AssetKind, AssetRef, Catalog, Catalogs, Contract
from ecp_server.domain.errors import NotPublished, StoreIncompatible, StoreQueryFailed
from ecp_server.domain.provenance import StoreKind
from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.ports import Hit
from ecp_server.stores.postgresql.pool import Connection, Database
from ecp_server.stores.registry.items import UnknownFormat, asset_of
from ecp_server.stores.registry.keywords import Corpus, summed
from ecp_server.stores.registry.published import SCHEMA, PublishedCatalogs
from ecp_server.stores.top import best
from ecp_server.stores.words import stems

_SPARE: Final = 20
"""Candidates beyond the limit: PostgreSQL adds up in another order, so that what ties there may not tie here."""

_LIVE: Final = "since <= %(number)s AND (until IS NULL OR until > %(number)s)"

_ASSETS: Final = f"""
    SELECT kind, id, body::text FROM ecp_registry.item
    JOIN unnest(%(kinds)s::text[], %(ids)s::text[]) AS asked (kind, id) USING (kind, id)
    WHERE {_LIVE}
"""  # noqa: S608 - constants

# The stems of all texts are looked up once; `weight` is what each says; of what ties with the last all are ordered.
_SEARCH: Final = f"""
    WITH found AS (
        SELECT stem, item, kind, times, words FROM ecp_registry.posting WHERE stem = ANY(%(stems)s) AND {_LIVE}
    ), weight AS (
        SELECT stem, count(*) AS documents, ln(1 + (%(documents)s - count(*) + 0.5) / (count(*) + 0.5)) AS weight
        FROM found GROUP BY stem
    ), scored AS (
        SELECT asked.text, found.item, found.words, array_agg(found.stem) AS stems, array_agg(found.times) AS times,
            sum(weight * times / (times + 1.2 * (0.25 + 0.75 * words / %(mean)s))) AS score
        FROM unnest(%(texts)s::int[], %(asked)s::text[]) AS asked (text, stem)
        JOIN found USING (stem) JOIN weight USING (stem)
        WHERE found.kind = ANY(%(kinds)s)
        GROUP BY asked.text, found.item, found.words
    ), placed AS (
        SELECT *, rank() OVER (PARTITION BY text ORDER BY floor(score * 1e6) DESC) AS place FROM scored
    ), ordered AS (
        SELECT placed.text, item.kind, item.id, placed.words, placed.stems, placed.times,
            row_number() OVER (PARTITION BY text ORDER BY place, item.kind, item.id) AS position
        FROM placed JOIN ecp_registry.item ON item.key = placed.item
        WHERE place <= %(limit)s
    )
    SELECT text, kind, id, words, stems, times, (SELECT jsonb_object_agg(stem, documents) FROM weight)
    FROM ordered WHERE position <= %(limit)s
"""  # noqa: S608 - constants

_CONTRACTS: Final = f"""
    WITH RECURSIVE computed (root, metric) AS (
        SELECT id, id FROM unnest(%(metrics)s::text[]) AS asked (id)
        UNION
        SELECT computed.root, input FROM computed
        JOIN ecp_registry.item ON kind = 'metric' AND id = computed.metric AND {_LIVE}, unnest(inputs) AS input
    ), read AS (
        SELECT DISTINCT root, name FROM computed
        JOIN ecp_registry.item ON kind = 'metric' AND id = computed.metric AND {_LIVE}, unnest(tables) AS name
    ), met AS (
        SELECT DISTINCT root, contract.id, contract.body FROM read
        JOIN ecp_registry.item AS contract ON contract.kind = 'contract' AND tables @> ARRAY[read.name] AND {_LIVE}
    )
    SELECT metric.id, met.body::text FROM ecp_registry.item AS metric LEFT JOIN met ON met.root = metric.id
    WHERE metric.kind = 'metric' AND metric.id = ANY(%(metrics)s) AND {_LIVE}
    ORDER BY metric.id, met.id
"""  # noqa: S608 - constants


class Published(NamedTuple):
    """What is known of one version."""

    number: int
    corpus: Corpus


class PostgresRegistry:
    """`ports.Registry` over what was published; one statement a question.

    A version that is held but was not published is `NotPublished`: it came from elsewhere while this was away.
    """

    adapter = "postgres"

    def __init__(self, endpoint: Endpoint, catalogs: Catalogs, *, pool_size: int, timeout_seconds: float) -> None:
        """``timeout_seconds`` bounds a statement."""
        self._catalogs = catalogs
        self.concurrency = pool_size
        self._database = Database(endpoint, StoreKind.REGISTRY, size=pool_size, timeout_seconds=timeout_seconds)
        self._published: dict[str, Published] = {}
        """By version. What was published does not change."""

    @property
    def published(self) -> PublishedCatalogs:
        """Return what there is to serve."""
        return PublishedCatalogs(self._database)

    async def prepare(self, catalog: Catalog) -> None:
        """Do nothing: everything is made when a catalog is published."""

    async def probe(self) -> None:
        """Return if the catalog in force can be asked."""
        async with self._database.connection() as connection:
            if await SCHEMA.applied(connection) < SCHEMA.latest:
                raise StoreIncompatible(StoreKind.REGISTRY)
            await self._at(connection, self._catalogs.current.version)

    async def close(self) -> None:
        """Release the connections."""
        await self._database.close()

    async def assets(self, version: str, refs: Sequence[AssetRef]) -> Mapping[AssetRef, Asset]:
        """See `ports.Registry`."""
        asked = [ref for ref in dict.fromkeys(refs) if ref.kind is not AssetKind.LINEAGE]
        async with self._database.connection() as connection:
            number = (await self._at(connection, version)).number
            parameters = {"kinds": [ref.kind for ref in asked], "ids": [ref.id for ref in asked], "number": number}
            rows = await _rows(connection, _ASSETS, parameters) if asked else []
        return {AssetRef(AssetKind(kind), asset_id): _asset(AssetKind(kind), body) for kind, asset_id, body in rows}

    async def search(
        self, version: str, texts: Sequence[str], *, kinds: frozenset[AssetKind], limit: int
    ) -> Sequence[Sequence[Hit]]:
        """See `ports.Registry`. PostgreSQL finds the best; their scores are those of every other registry."""
        asked = [list(dict.fromkeys(stems(text))) for text in texts]
        pairs = [(text, stem) for text, found in enumerate(asked) for stem in found]
        async with self._database.connection() as connection:
            published = await self._at(connection, version)
            if not pairs or not kinds or limit < 1:
                return [()] * len(texts)
            parameters = {
                "stems": list({stem for _, stem in pairs}),
                "texts": [text for text, _ in pairs],
                "asked": [stem for _, stem in pairs],
                "kinds": list(kinds),
                "number": published.number,
                "documents": published.corpus.documents,
                "mean": published.corpus.mean,
                "limit": limit + _SPARE,
            }
            rows = await _rows(connection, _SEARCH, parameters)
        return [
            _ranked(published.corpus, found, [row[1:] for row in rows if row[0] == text], limit)
            for text, found in enumerate(asked)
        ]

    async def contracts(self, version: str, metrics: Sequence[str]) -> Mapping[str, Sequence[Contract]]:
        """See `ports.Registry`. In the order of contract ids."""
        found: dict[str, list[Contract]] = {}
        async with self._database.connection() as connection:
            number = (await self._at(connection, version)).number
            rows = await _rows(connection, _CONTRACTS, {"metrics": list(metrics), "number": number}) if metrics else []
        for metric, body in rows:
            contracts = found.setdefault(metric, [])
            if body is not None:
                contract = _asset(AssetKind.CONTRACT, body)
                assert isinstance(contract, Contract)  # noqa: S101 - its kind says so
                contracts.append(contract)
        return {metric: tuple(found[metric]) for metric in metrics if metric in found}

    async def _at(self, connection: Connection, version: str) -> Published:
        """Return what is known of a version.

        Raises `NotPublished` where it is held but was not published, `StoreQueryFailed` where it is not even held.
        """
        if version not in self._published:
            query = """
                SELECT number, documents, words FROM ecp_registry.catalog WHERE version = %(version)s
                ORDER BY number DESC LIMIT 1
            """
            rows = await _rows(connection, query, {"version": version})
            if not rows and self._catalogs.held(version) is not None:
                raise NotPublished(StoreKind.REGISTRY)
            if not rows:
                raise StoreQueryFailed(StoreKind.REGISTRY)
            ((number, documents, words),) = rows
            self._published[version] = Published(number, Corpus(documents, words))
        return self._published[version]


async def _rows(connection: Connection, query: str, parameters: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    return await (await connection.execute(query.encode(), parameters, binary=True)).fetchall()


def _asset(kind: AssetKind, body: str) -> Asset:
    try:
        return asset_of(kind, body)
    except UnknownFormat as error:
        raise StoreQueryFailed(StoreKind.REGISTRY) from error


def _ranked(corpus: Corpus, asked: Sequence[str], rows: Sequence[tuple[Any, ...]], limit: int) -> tuple[Hit, ...]:
    """Score what was found as `KeywordIndex` does, to the last bit, and return the best, ties by ref."""
    if not rows:
        return ()
    candidates = sorted(rows, key=lambda row: (row[0], row[1]))
    documents: Mapping[str, int] = candidates[0][5]
    postings: dict[str, list[tuple[int, int, int]]] = {}
    for position, (_, _, words, stems_of, times_of, _) in enumerate(candidates):
        for stem, times in zip(stems_of, times_of, strict=True):
            postings.setdefault(stem, []).append((position, times, words))
    positions, scores = [], []
    for stem in (stem for stem in asked if stem in postings):
        place, times, words = np.array(postings[stem], dtype=np.int32).T
        positions.append(place)
        scores.append(corpus.scores(documents[stem], times, words))
    totals = summed(positions, scores, corpus.reachable(documents.get(stem, 0) for stem in asked))
    return tuple(
        Hit(AssetRef(AssetKind(candidates[place][0]), candidates[place][1]), float(totals[place]))
        for place in best(totals, limit)
    )
