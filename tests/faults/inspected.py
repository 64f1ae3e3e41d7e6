"""`ecp-server` that tells what is alive in it: on SIGUSR2 it writes a report to the file that INSPECTION names.

``python -m tests.faults.inspected serve``. What belongs to nobody any more is collected first, so that asyncio
complains of what was left undone.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import re
import signal
import threading
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Any, Final

from ecp_server.__main__ import main

FILE: Final = "INSPECTION"
_NUMBER: Final = re.compile(r"[-_ ]?\d+(_\d+)?")


def report() -> dict[str, Any]:
    """Return how many tasks and threads there are, by name or, where nobody gave one, by what they run."""
    gc.collect()
    return {
        "tasks": Counter(_name(task) for task in asyncio.all_tasks()),
        "threads": Counter(_NUMBER.sub("", thread.name) for thread in threading.enumerate()),
    }


def _name(task: asyncio.Task[Any]) -> str:
    name = task.get_name()
    return getattr(task.get_coro(), "__qualname__", "?") if name.startswith("Task-") else _NUMBER.sub("", name)


def _tell(_number: int, _frame: FrameType | None) -> None:
    """Write the report whole or not at all: whoever asked looks for it."""
    file = Path(os.environ[FILE])
    written = file.with_suffix(".new")
    written.write_text(json.dumps(report()), encoding="utf-8")
    written.rename(file)


if __name__ == "__main__":
    signal.signal(signal.SIGUSR2, _tell)
    main()
