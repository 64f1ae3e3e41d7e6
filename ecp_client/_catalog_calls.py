"""What a client can ask of the catalog, and how the server fares: one method a call."""

from collections.abc import Iterable
from dataclasses import dataclass

from ecp.v1 import catalog_pb2, health_pb2
from ecp_client._call import Call
from ecp_client._caller import Caller
from ecp_client._catalog import GlossaryPage, Health, LineageResult, MetricPage
from ecp_client._write import Members


@dataclass(frozen=True, slots=True)
class CatalogCalls(Caller):
    """The calls that are answered from the catalog alone, without a figure."""

    def search_glossary(
        self,
        query: str,
        *,
        domain: str = "",
        page_size: int = 0,
        page_token: str = "",
        department: str | None = None,
        roles: str | Iterable[str] | None = None,
        user_id: str | None = None,
        allowed_members: Members | None = None,
        timeout_seconds: float | None = None,
        request_id: str | None = None,
    ) -> Call[GlossaryPage]:
        """Find terms by meaning and by spelling, best first.

        Args:
            query: What to look for, 1 to 1000 characters.
            domain: Only this domain; empty: all.
            page_size: At most this many, 1 to 100. 0: 10.
            page_token: ``next_page_token`` of an earlier page.
            department: Whose definitions apply. By default the client's, as the next three.
            roles: What policy judges by.
            user_id: Who asks.
            allowed_members: Dimension id to member ids.
            timeout_seconds: How long to wait, retries included. By default the client's.
            request_id: Names the call in logs. By default a new one.

        Raises:
            InvalidRequest: A field is malformed.
            Unavailable: The server, or a store that has no stand-in, is down.
            DeadlineExceeded: No answer in time.
        """
        user = self._user(user_id, department, roles, allowed_members)
        request = catalog_pb2.SearchGlossaryRequest(
            query=query, domain=domain, page_size=page_size, page_token=page_token, user_context=user
        )
        return self._call("SearchGlossary", request, GlossaryPage, timeout_seconds, request_id)

    def list_metrics(
        self,
        query: str = "",
        *,
        dimension: str = "",
        domain: str = "",
        max_certification_tier: int = 0,
        page_size: int = 0,
        department: str | None = None,
        roles: str | Iterable[str] | None = None,
        user_id: str | None = None,
        allowed_members: Members | None = None,
        timeout_seconds: float | None = None,
        request_id: str | None = None,
    ) -> Call[MetricPage]:
        """Iterate over the metrics that the user may see, by tier, then id, fetching pages as it gets to them.

        Args:
            query: Only metrics that match these words; empty: all.
            dimension: Only metrics with this dimension; empty: all.
            domain: Only this domain; empty: all.
            max_certification_tier: Only this tier or a stricter one, 1 to 4. 0: all.
            page_size: Metrics a page, 1 to 1000. 0: 100.
            department: Whose definitions apply. By default the client's, as the next three.
            roles: What policy judges by.
            user_id: Who asks.
            allowed_members: Dimension id to member ids.
            timeout_seconds: How long to wait for each page, retries included. By default the client's.
            request_id: Names the call in logs, every page of it. By default a new one.

        Raises:
            InvalidRequest: A field is malformed.
            Unavailable: The server, or a store that has no stand-in, is down.
            DeadlineExceeded: No answer in time.
        """
        user = self._user(user_id, department, roles, allowed_members)
        request = catalog_pb2.ListMetricsRequest(
            dimension=dimension,
            domain=domain,
            max_certification_tier=max_certification_tier,
            page_size=page_size,
            user_context=user,
            query=query,
        )
        return self._call("ListMetrics", request, MetricPage, timeout_seconds, request_id)

    def get_lineage(
        self,
        target: str,
        *,
        depth: int = 0,
        downstream: bool = False,
        max_nodes: int = 0,
        department: str | None = None,
        roles: str | Iterable[str] | None = None,
        user_id: str | None = None,
        allowed_members: Members | None = None,
        timeout_seconds: float | None = None,
        request_id: str | None = None,
    ) -> Call[LineageResult]:
        """Walk the lineage of a metric, table or column.

        Args:
            target: Metric id, column, or "table:NAME", "system:NAME".
            depth: Hops to walk, 1 to 20. 0: 3.
            downstream: Toward what is made of it instead of what it is made of.
            max_nodes: Nodes to return, at most 1000. 0: 200.
            department: Whose definitions apply. By default the client's, as the next three.
            roles: What policy judges by.
            user_id: Who asks.
            allowed_members: Dimension id to member ids.
            timeout_seconds: How long to wait, retries included. By default the client's.
            request_id: Names the call in logs. By default a new one.

        Raises:
            InvalidRequest: A field is malformed.
            NotFound: The catalog has no such thing, or not for this user.
            Unavailable: The server, or a store that has no stand-in, is down.
            DeadlineExceeded: No answer in time.
        """
        user = self._user(user_id, department, roles, allowed_members)
        request = catalog_pb2.GetLineageRequest(
            target=target, depth=depth, downstream=downstream, user_context=user, max_nodes=max_nodes
        )
        return self._call("GetLineage", request, LineageResult, timeout_seconds, request_id)

    def health(self, *, timeout_seconds: float | None = None, request_id: str | None = None) -> Call[Health]:
        """Return the state of the server and of each of its stores.

        Args:
            timeout_seconds: How long to wait, retries included. By default the client's.
            request_id: Names the call in logs. By default a new one.

        Raises:
            Unavailable: The server is out of reach.
            DeadlineExceeded: No answer in time.
        """
        return self._call("GetHealth", health_pb2.GetHealthRequest(), Health, timeout_seconds, request_id)
