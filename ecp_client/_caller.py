"""Who calls, and what holds for a call that does not say otherwise."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import uuid4

from ecp.v1 import types_pb2
from ecp_client._call import Call
from ecp_client._write import Members, one_or_many, value_lists

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_METADATA_VALUE = re.compile(r"[ -~]*")
_LONGEST_SECONDS = 365 * 24 * 3600.0
"""Deadlines that lie too far ahead, or never come, have passed already for gRPC."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and what holds for a call that does not say otherwise.

    Every call takes ``timeout_seconds`` and ``request_id``: 1 to 64 of ``A-Za-z0-9._-``, by default a new one, found in
    the server's logs, on the result and on errors. It raises ValueError for an id that cannot be sent.
    """

    timeout_seconds: float
    user_id: str
    department: str
    roles: tuple[str, ...]
    allowed_members: Members

    def _user(
        self,
        user_id: str | None,
        department: str | None,
        roles: str | Iterable[str] | None,
        allowed_members: Members | None,
    ) -> types_pb2.UserContext:
        return types_pb2.UserContext(
            user_id=self.user_id if user_id is None else user_id,
            department=self.department if department is None else department,
            roles=self.roles if roles is None else one_or_many(roles),
            allowed_members=value_lists(self.allowed_members if allowed_members is None else allowed_members),
        )

    def _said(self, user_id: str | None) -> str:
        """Return who asks, for metadata: what a call says whose request has no user context."""
        user_id = self.user_id if user_id is None else user_id
        if not _METADATA_VALUE.fullmatch(user_id):
            raise ValueError(f"here a user id travels in metadata, as printable ASCII: {user_id!r}")
        return user_id

    def _call(
        self,
        rpc: str,
        request: Any,
        kind: type[T],
        timeout_seconds: float | None,
        request_id: str | None,
        user_id: str = "",
    ) -> Call[T]:
        request_id = uuid4().hex if request_id is None else request_id
        if not _REQUEST_ID.fullmatch(request_id):
            raise ValueError(f"a request id is 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-': {request_id!r}")
        timeout_seconds = self.timeout_seconds if timeout_seconds is None else timeout_seconds
        if math.isnan(timeout_seconds):
            raise ValueError("a timeout is a number of seconds, not nan")
        return Call(rpc, request, kind, min(timeout_seconds, _LONGEST_SECONDS), request_id, user_id)
