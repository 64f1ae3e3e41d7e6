"""How a call ended for its caller, who may have gone before we were done."""

from __future__ import annotations

import asyncio
from typing import Final

import grpc

from ecp_server.interceptors.handlers import Context
from ecp_server.interceptors.request_id import CallsInFlight

_ROUNDED_UP_SECONDS: Final = 0.02
"""A deadline comes rounded up to ten milliseconds: its caller gives up that much before it passes here."""


def code_seen(context: Context, calls: CallsInFlight, default: str) -> str:
    """Return the status that was, or will be, sent: unless the call was cancelled before that could be."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        return code_lost(context, calls)
    code: grpc.StatusCode | None = context.code()
    return default if code is None else code.name


def code_lost(context: Context, calls: CallsInFlight) -> str:
    """Return what the caller of a call that got no status from us saw."""
    left: float | None = context.time_remaining()
    if left is not None and left <= _ROUNDED_UP_SECONDS:
        return "DEADLINE_EXCEEDED"
    if calls.are_cut_off:
        return "UNAVAILABLE"
    code: grpc.StatusCode | None = context.code()
    return "CANCELLED" if code is None else code.name
