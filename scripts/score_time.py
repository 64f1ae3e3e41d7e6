#!/usr/bin/env python3
"""Score ecp_server.resolution.time against the open time and fiscal sets, by the rules of their README.

Usage: scripts/score_time.py [--rows] [folder of the evaluation data]
"""

from __future__ import annotations

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any, Final

from ecp_server.domain.catalog import GREGORIAN, Calendar, CalendarType, Weekday, YearEnd, YearName
from ecp_server.domain.text import tokenize
from ecp_server.resolution.time.grammar import find_times
from ecp_server.resolution.time.readings import read

DATA: Final = Path(__file__).resolve().parents[2] / "shared" / "data"
METRIC: Final = "revenue"


def calendar_of(row: dict[str, Any]) -> Calendar | None:
    """Return a row's calendar; None where it has a kind that is not scored."""
    kind = row["calendar"]["kind"]
    named_by = YearName.START if row["calendar"].get("year_label") == "starting_year" else YearName.END
    if kind == "month_start":
        start = row["calendar"]["start_month"]
        return Calendar("fiscal", CalendarType.FISCAL_MONTHS, start_month=start, year_named_by=named_by)
    if kind != "week_based":
        return None
    first, second, third = (int(weeks) for weeks in row["calendar"].get("pattern", "4-4-5").split("-"))
    year_end = YearEnd(
        Weekday(row["calendar"]["weekday_end"].lower()), row["calendar"]["variation"], row["calendar"]["anchor_month"]
    )
    return Calendar(
        "fiscal",
        CalendarType.FISCAL_WEEKS,
        year_named_by=named_by,
        pattern=(first, second, third),
        year_end=year_end,
        leap_week_quarter=row["calendar"].get("leap_week_quarter") or 4,
    )


def outcome(row: dict[str, Any], calendar: Calendar) -> tuple[str, str]:
    """Return "accepted", "wrong" or "unanswered", and what was read."""
    mentions = find_times(tokenize(f"{METRIC} {row['expression']}"))
    if len(mentions) != 1:
        return "unanswered", f"{len(mentions)} mentions"
    reading = read(mentions[0].expression, calendar, calendar, date.fromisoformat(row["reference_date"]))
    if reading is None:
        return "unanswered", f"no days in {mentions[0].expression}"
    start, end = (bound and bound.isoformat() for bound in (reading.range.start, reading.range.end))
    accepted = any((pair["start"], pair["end"]) == (start, end) for pair in row["accept"])
    return ("accepted" if accepted else "wrong"), f"{start} to {end}"


def scored(folder: Path) -> Iterator[tuple[str, dict[str, Any], Calendar]]:
    """Yield the rows that are scored with their group and calendar."""
    for name in ("time", "fiscal"):
        for line in (folder / "evaluation" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            calendar = GREGORIAN if name == "time" else calendar_of(row)
            if calendar is None or row["scoring"] == "informational":
                continue
            yield row.get("tier") or row["calendar"]["kind"], row, calendar


def main() -> None:
    """Print shares by group and, with --rows, what was not accepted."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=DATA)
    parser.add_argument("--rows", action="store_true", help="show the rows that were not accepted")
    arguments = parser.parse_args()
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for group, row, calendar in scored(arguments.folder):
        result, detail = outcome(row, calendar)
        counts[group][result] += 1
        if arguments.rows and result != "accepted":
            accepted = ", ".join(f"{pair['start']} to {pair['end']}" for pair in row["accept"])
            print(f"{group:10} {result:10} {row['expression']!r} on {row['reference_date']}: {detail}; not {accepted}")
    for group, results in counts.items():
        total = results.total()
        shares = "  ".join(f"{name} {results[name] / total:.3f}" for name in ("accepted", "wrong", "unanswered"))
        print(f"{group:12} {total:4} rows  {shares}")


if __name__ == "__main__":
    main()
