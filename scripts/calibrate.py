#!/usr/bin/env python3
"""Measure how far confidence can be believed, and print what the factors of weighing it should be.

The golden questions of the catalogs are asked in other words (ecp_server/evaluation/perturbation.py). Rewordings of
one seed are for fitting, those of others for measuring: --fit prints, of rewordings with one kind of flaw and no
other, how many are right; `choosing.EXACTNESS_FACTOR` and `weigh.UNMATCHED_FACTOR` hold these shares. The open time
and fiscal sets are asked as well, "revenue EXPRESSION" on the calendar of each row: nothing was fitted to them.

Usage: scripts/calibrate.py [--seed N] [--rounds N] [--fit] [folder of the evaluation data]
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import yaml

from ecp_server.catalog.load import load_catalog
from ecp_server.domain.catalog import Calendar, CalendarType
from ecp_server.domain.identity import Principal
from ecp_server.domain.resolution import Question
from ecp_server.evaluation.calibration import SURE, Calibration, Judged, calibrate, wilson
from ecp_server.evaluation.golden import load_golden
from ecp_server.evaluation.reply import Answer
from ecp_server.evaluation.run import evaluate
from ecp_server.resolution.draft import Draft
from ecp_server.resolution.lexicon import Exactness
from ecp_server.resolution.parse import parse
from ecp_server.resolution.prepared import Preparation
from ecp_server.telemetry import logging
from ecp_server.wiring import asking

ROOT: Final = Path(__file__).resolve().parents[1]
DATA: Final = ROOT.parent / "shared" / "data"
CATALOGS: Final = ("meridian", "sec_saas")
FITTED_ON: Final = 1
"""The seed whose rewordings the factors were fitted to; every other one is for measuring."""
MEASURED_ON: Final = 2

sys.path.insert(0, str(ROOT))

from scripts.score_time import scored  # noqa: E402 - a script has no package


async def reworded_golden(seed: int, rounds: int) -> tuple[list[Judged], Counter[str]]:
    """Ask the golden questions of the bundled catalogs in other words; return what was answered, and flaws' counts."""
    judged: list[Judged] = []
    flaws: Counter[str] = Counter()
    for name in CATALOGS:
        folder = ROOT / "catalogs" / name
        golden = load_golden(folder / "golden.yaml")
        async with asking(folder) as ask:
            outcomes = (await evaluate(golden, ask)).outcomes
            found = await calibrate(outcomes, ask, seed=seed, rounds=rounds)
        judged += found.judged
        flaws += _flaws(folder, found.judged)
    return judged, flaws


def _flaws(folder: Path, judged: Sequence[Judged]) -> Counter[str]:
    """Count the resolutions whose words have exactly one flaw, right and all of them, by the flaw."""
    prepared = Preparation().of(load_catalog(folder))
    counts: Counter[str] = Counter()
    for one in judged:
        asked = Question(one.question, Principal(), datetime.now(UTC))
        parsed = parse(Draft(asked, prepared, (), asked.as_of.date(), "UTC"))[0].parsed
        mentions = [*parsed.names, *parsed.times]
        found = [m.exactness.name for m in mentions if m.exactness is not Exactness.EXACT]
        found += ["UNMATCHED"] * len(parsed.unmatched)
        if len(found) <= 1:
            flaw = found[0] if found else "NONE"
            counts[flaw] += 1
            counts[f"{flaw} right"] += one.right
    return counts


async def open_times(folder: Path) -> list[Judged]:
    """Ask the rows of the open time and fiscal sets, each on its calendar."""
    rows: defaultdict[Calendar, list[dict[str, Any]]] = defaultdict(list)
    for _, row, calendar in scored(folder):
        rows[calendar].append(row)
    judged: list[Judged] = []
    for calendar, asked in rows.items():
        with tempfile.TemporaryDirectory() as catalog:
            (Path(catalog) / "catalog.yaml").write_text(yaml.safe_dump_all(_documents(calendar)), encoding="utf-8")
            async with asking(Path(catalog)) as ask:
                for row in asked:
                    judged += await _judged(row, ask)
    return judged


async def _judged(row: dict[str, Any], ask: Any) -> list[Judged]:
    question = f"revenue {row['expression']}"
    reply = await ask(
        {
            "concept": question,
            "as_of": f"{row['reference_date']}T12:00:00Z",
            "user_context": {"user_id": "u", "roles": ["explorer"]},
        }
    )
    if not isinstance(reply, Answer) or reply.status != "RESOLVED" or reply.confidence is None:
        return []
    period = reply.body.get("time_range", {})
    days = (period.get("start_date"), period.get("end_date"))
    accepted = any((pair["start"], pair["end"]) == days for pair in row["accept"])
    return [Judged("open times", question, reply.confidence, accepted)]


def _documents(calendar: Calendar) -> list[dict[str, Any]]:
    metric = {
        "kind": "metric", "id": "revenue", "name": "Revenue", "definition": "Revenue.",
        "semantic_ref": "Sales.revenue", "time_dimension": "Sales.day",
    }  # fmt: skip
    if calendar.type is CalendarType.GREGORIAN:
        return [metric]
    own: dict[str, Any] = {
        "kind": "calendar", "id": "fiscal", "type": calendar.type.value, "default": True,
        "year_named_by": calendar.year_named_by.value,
    }  # fmt: skip
    if calendar.year_end is None:
        own["start_month"] = calendar.start_month
    else:
        own["pattern"] = "-".join(map(str, calendar.pattern))
        own["leap_week_quarter"] = calendar.leap_week_quarter
        own["year_end"] = {
            "weekday": calendar.year_end.weekday.value,
            "rule": calendar.year_end.rule,
            "month": calendar.year_end.month,
        }
    return [metric, own]


def show(name: str, judged: Iterable[Judged]) -> None:
    """Print one measurement."""
    found = Calibration(tuple(judged), 0)
    right = sum(j.right for j in found.sure)
    print(f"{name}: {len(found.judged)} resolutions, {sum(j.right for j in found.judged)} right")
    print(
        f"  confidence >= {SURE}: {len(found.sure)}, right {right}, at least {found.lower_bound:.3f} (Wilson, 95 %); "
        f"{found.sure_share:.3f} of the right ones"
    )
    print(f"  expected calibration error {found.error:.3f}")
    for each in found.bins:
        print(f"  {each.low:.2f} to {each.high:.2f} {each.count:6d}  right {each.accuracy:.3f}")


def show_fit(flaws: Counter[str]) -> None:
    """Print what share of resolutions with one kind of flaw is right."""
    print(f"right among rewordings (seed {FITTED_ON}) with one flaw alone, and the least that is likely:")
    for flaw in ["NONE", *(e.name for e in Exactness if e is not Exactness.EXACT), "UNMATCHED"]:
        count, right = flaws[flaw], flaws[f"{flaw} right"]
        if count:
            print(f"  {flaw:10} {count:6d}  {right / count:.3f}  {wilson(right, count):.3f}")


def main() -> None:
    """Measure, or print what fits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=DATA)
    parser.add_argument("--seed", type=int, default=MEASURED_ON, help="which rewordings to measure on")
    parser.add_argument("--rounds", type=int, default=1, help="how often each question is reworded in each way")
    parser.add_argument("--fit", action="store_true", help="print what share of each flaw's resolutions is right")
    arguments = parser.parse_args()
    logging.configure(log_format="auto", level="ERROR")
    if arguments.fit:
        _, flaws = asyncio.run(reworded_golden(FITTED_ON, arguments.rounds))
        show_fit(flaws)
        return
    judged, _ = asyncio.run(reworded_golden(arguments.seed, arguments.rounds))
    show(f"golden questions in other words (seed {arguments.seed})", judged)
    times = asyncio.run(open_times(arguments.folder)) if arguments.folder.is_dir() else []
    if times:
        show("open time and fiscal sets", times)
        show("both", [*judged, *times])


if __name__ == "__main__":
    main()
