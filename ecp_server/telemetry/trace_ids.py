"""The ids of the span of the request that is being served, as log lines tell them: made into texts once a request."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Final

TRACE_IDS: Final[ContextVar[Mapping[str, str] | None]] = ContextVar("trace_ids", default=None)
"""``trace_id`` and ``span_id`` as hexadecimal digits; None outside a request."""
