"""One call, ready to be sent."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

from ecp.v1 import catalog_pb2
from ecp_client._catalog import MetricPage
from ecp_client._read import read
from ecp_client._status import REQUEST_ID_KEY

USER_ID_KEY = "x-ecp-user-id"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Call(Generic[T]):
    """One call, ready to be sent: its RPC, its request, the kind of its result and how long to wait."""

    rpc: str
    request: Any
    kind: type[T]
    timeout_seconds: float
    request_id: str
    user_id: str = ""
    """Who asks, where the request has no user context to say so."""

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """The metadata to send."""
        sent = ((REQUEST_ID_KEY, self.request_id), (USER_ID_KEY, self.user_id))
        return tuple((key, value) for key, value in sent if value)

    def result(self, response: Any, trailing_metadata: Iterable[tuple[str, str | bytes]]) -> T:
        """Return the response as the call's result, with the request id that the server went by."""
        ids = [str(value) for key, value in trailing_metadata if key == REQUEST_ID_KEY]
        return read(self.kind, response, request_id=ids[-1] if ids else self.request_id)


def next_page(call: Call[MetricPage], page: MetricPage) -> Call[MetricPage] | None:
    """Return the call for the page after ``page``, None at the end."""
    if not page.next_page_token:
        return None
    request = catalog_pb2.ListMetricsRequest()
    request.CopyFrom(call.request)
    request.page_token = page.next_page_token
    return replace(call, request=request)
