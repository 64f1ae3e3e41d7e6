"""CatalogService: what is known, without a figure."""

from __future__ import annotations

from typing import Any

from grpc import aio
from typing_extensions import override

from ecp.v1 import catalog_pb2, catalog_pb2_grpc
from ecp_server.resolution.browsing.browser import Browser, MetricQuery
from ecp_server.resolution.browsing.pages import Page
from ecp_server.rpc.convert import requests, responses
from ecp_server.rpc.convert.provenance import degradation


class CatalogService(catalog_pb2_grpc.CatalogServiceServicer):
    """Answers questions about the catalog."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    @override
    async def SearchGlossary(
        self, request: catalog_pb2.SearchGlossaryRequest, context: aio.ServicerContext[Any, Any]
    ) -> catalog_pb2.SearchGlossaryResponse:
        """Find terms by meaning and by spelling."""
        asked = requests.search(request)
        page = Page(asked.page_size, asked.page_token)
        found = await self._browser.search_glossary(asked.query, asked.domain, page, asked.principal)
        return catalog_pb2.SearchGlossaryResponse(
            terms=[responses.glossary_term(term) for term in found.terms],
            next_page_token=found.next_page_token,
            degradations=[degradation(impaired) for impaired in found.degradations],
        )

    @override
    async def ListMetrics(
        self, request: catalog_pb2.ListMetricsRequest, context: aio.ServicerContext[Any, Any]
    ) -> catalog_pb2.ListMetricsResponse:
        """List the metrics that the caller may see."""
        asked = requests.listing(request)
        query = MetricQuery(asked.dimension, asked.domain, asked.max_certification_tier, asked.query)
        listed = await self._browser.list_metrics(query, Page(asked.page_size, asked.page_token), asked.principal)
        return catalog_pb2.ListMetricsResponse(
            metrics=[responses.metric(metric) for metric in listed.metrics],
            next_page_token=listed.next_page_token,
            total_size=listed.total_size,
        )

    @override
    async def GetLineage(
        self, request: catalog_pb2.GetLineageRequest, context: aio.ServicerContext[Any, Any]
    ) -> catalog_pb2.GetLineageResponse:
        """Walk the lineage of a metric, table or column."""
        asked = requests.lineage(request)
        graph = await self._browser.lineage(
            asked.target,
            depth=asked.depth,
            downstream=asked.downstream,
            max_nodes=asked.max_nodes,
            principal=asked.principal,
        )
        return catalog_pb2.GetLineageResponse(lineage=responses.lineage(graph))
