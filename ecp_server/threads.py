"""How the threads of a server share what it runs on: the event loop's, gRPC's and those of stores."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Final

_SWITCH_SECONDS: Final = 0.0005
"""A thread that needs Python's lock waits so long where the event loop never rests, and to write what has gathered it
needs the lock some hundred times: with Python's own 5 ms, records of a server under overload took all their time. On
one core it is the least that it waits: it must run to ask for the lock."""


def share() -> None:
    """Set up how this process's threads share; call it before there are others, which do as the first does.

    On one core they are scheduled as batch work (sched(7)): a thread that is woken waits until the one that runs waits
    itself, gives way or has had its slice of some milliseconds. Else each of the dozen times that a call wakes a thread
    takes the core from the event loop in the midst of its work. With several cores those threads run beside it, and
    nothing is changed; nor is a policy that somebody has chosen for this process.
    """
    sys.setswitchinterval(_SWITCH_SECONDS)
    if sys.platform != "linux" or len(os.sched_getaffinity(0)) > 1 or os.sched_getscheduler(0) != os.SCHED_OTHER:
        return
    try:
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    except OSError:  # a sandbox forbids it: so it stays as it is everywhere else
        return


def giving_way() -> Callable[[], None] | None:
    """Return what lets the threads run that were woken; None where they do not wait for that."""
    if sys.platform == "linux" and os.sched_getscheduler(0) == os.SCHED_BATCH:
        return os.sched_yield
    return None
