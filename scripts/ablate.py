#!/usr/bin/env python
"""Switches each step of the path off in turn and tells what share of a catalog's golden questions then comes out wrong.

A step that hardly any question misses is one that the golden file does not show. The step is replaced, in this process
alone, by one that passes the draft on as it is. Exit code 1 where a step costs less than LEAST of the questions.

    scripts/ablate.py [CATALOG]        by default catalogs/meridian
"""

from __future__ import annotations

import asyncio
import logging
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final
from unittest.mock import patch

import structlog

from ecp_server import wiring
from ecp_server.domain.provenance import Finding
from ecp_server.evaluation.golden import Golden, load_golden
from ecp_server.evaluation.run import Evaluation, evaluate
from ecp_server.resolution import resolve
from ecp_server.resolution.draft import Draft
from ecp_server.resolution.record import finish

LEAST: Final = 0.1
NAMED: Final = 5
"""So many categories are named, more are counted."""
_ROOT: Final = Path(__file__).resolve().parents[1]


def _pass_on(draft: Draft, *_stores: object) -> tuple[Draft, Finding]:
    return draft, Finding("switched off")


async def _pass_on_later(draft: Draft, *_stores: object) -> tuple[Draft, Finding]:
    return _pass_on(draft)


async def _without_contexts(*arguments: Any) -> Draft:
    """Begin as ever, but as if nobody had a department, so that no variation is chosen by it."""
    return replace(await _BEGIN(*arguments), contexts=())


async def _without_a_record(draft: Draft, _state: object, encoding: Any, expire_after: Any) -> Any:
    """Answer as ever, but keep nothing."""
    resolution = finish(draft, expire_after)
    encoding.response(resolution)
    return resolution


_BEGIN: Final = resolve.begin
STEPS: Final[Mapping[str, tuple[str, Callable[..., Any]]]] = {
    "parse": ("parse", _pass_on),
    "discover": ("discover", _pass_on_later),
    "select": ("select", _pass_on_later),
    "select: variations": ("begin", _without_contexts),
    "know": ("know", _pass_on_later),
    "plan": ("plan", _pass_on),
    "authorize": ("authorize", _pass_on_later),
    "weigh": ("weigh", _pass_on_later),
    "suggest": ("suggest", _pass_on_later),
    "record": ("record", _without_a_record),
}
"""What stands in for each step, by the name that the path knows it by."""


async def _scored(catalog: Path, golden: Golden) -> Evaluation:
    async with wiring.asking(catalog) as ask:
        return await evaluate(golden, ask)


def _row(name: str, evaluation: Evaluation) -> str:
    red = {outcome.entry.category for outcome in evaluation.outcomes if outcome.misses}
    wrong = len(evaluation.outcomes) - evaluation.right
    shown = ", ".join(sorted(red)) if len(red) <= NAMED else f"{len(red)} categories"
    return f"{name:20} {wrong:4} of {len(evaluation.outcomes)} wrong  {1 - evaluation.accuracy:6.1%}  {shown}"


def main() -> int:
    """Print a line a step."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    catalog = Path(sys.argv[1]) if len(sys.argv) > 1 else _ROOT / "catalogs" / "meridian"
    golden = load_golden(catalog / "golden.yaml")
    print(_row("none", asyncio.run(_scored(catalog, golden))))
    unseen = []
    for name, (step, stand_in) in STEPS.items():
        with patch.object(resolve, step, stand_in):
            evaluation = asyncio.run(_scored(catalog, golden))
        print(_row(name, evaluation), flush=True)
        if 1 - evaluation.accuracy < LEAST:
            unseen.append(name)
    if unseen:
        print(f"hardly shown by the golden questions: {', '.join(unseen)}")
    return 1 if unseen else 0


if __name__ == "__main__":
    sys.exit(main())
