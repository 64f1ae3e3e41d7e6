"""What every part of one call knows of it: its id and how long it may take."""

from __future__ import annotations

import time
from contextvars import ContextVar

from ecp_server.domain.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Call:
    """One call as it came in at the door."""

    request_id: str
    deadline: float | None = None
    """On the clock of `time.monotonic`, in seconds; None where the caller set none."""

    def remaining(self) -> float | None:
        """Return the seconds left, never below 0; None where there is no deadline."""
        return None if self.deadline is None else max(0.0, self.deadline - time.monotonic())


_OUTSIDE = Call(request_id="")
CALL: ContextVar[Call] = ContextVar("call", default=_OUTSIDE)
"""The call being served; store adapters take their deadline from it."""
