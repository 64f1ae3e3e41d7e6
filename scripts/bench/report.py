"""What was measured: as text, as JSON and as a picture."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Final

from machine import Machine
from records import Records
from rounds import Compared, Replies, Round
from sizes import Sizes

FIGURES: Final = ("calls_a_second", "p50", "p99", "cpu")
LEAST_THROUGHPUT, AIM_THROUGHPUT = 0.30, 0.45
MOST_P50, AIM_P50 = 4.0, 2.5
MOST_BY_SIZE = 1.3


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that one run measured."""

    machine: Machine
    seconds_a_round: float
    levels: tuple[Compared, ...]
    """Resolve (``one``) against echo (``other``)."""
    askers: Mapping[str, Round]
    """Resolve with 16 in flight, by how many people ask."""
    parts: Mapping[str, float]
    """Microseconds of a call by part, in order."""
    replies: Replies
    records: Records
    start_seconds: float
    sizes: Sizes | None

    def as_json(self) -> str:
        """Return everything, with the ratios worked out."""
        levels = [
            {
                "in_flight": level.in_flight,
                "ratios": {figure: round(level.ratio(figure), 4) for figure in FIGURES},
                "resolve": [asdict(each) for each in level.one],
                "echo": [asdict(each) for each in level.other],
            }
            for level in self.levels
        ]
        document = {
            "machine": asdict(self.machine),
            "seconds_a_round": self.seconds_a_round,
            "levels": levels,
            "askers": {name: asdict(each) for name, each in self.askers.items()},
            "parts_us": self.parts,
            "replies": {
                "calls": self.replies.calls,
                "failed": self.replies.failed,
                "statuses": self.replies.statuses,
                "mean_bytes": self.replies.mean_bytes,
                "resolved_share": self.replies.resolved_share,
            },
            "records": asdict(self.records),
            "start_seconds": self.start_seconds,
            "sizes": self.sizes and asdict(self.sizes) | {"p50_ratio": self.sizes.compared.ratio("p50")},
        }
        return json.dumps(document, indent=2) + "\n"

    def as_text(self) -> str:
        """Return the tables, in Markdown."""
        return "\n".join((*self._level_lines(), "", *self._part_lines(), "", *self._other_lines())) + "\n"

    def _level_lines(self) -> Iterator[str]:
        yield f"| in flight | {' | '.join(_HEADS)} |"
        yield "|--:" * (len(_HEADS) + 1) + "|"
        for level in self.levels:
            cells = [_cell(level, figure) for figure in FIGURES]
            shares = (level.middle(level.one, "core_share"), level.middle(level.other, "core_share"))
            generator = level.middle(level.other, "generator_share")
            yield f"| {level.in_flight} | {' | '.join(cells)} | {shares[0]:.2f}, {shares[1]:.2f} | {generator:.2f} |"

    def _part_lines(self) -> Iterator[str]:
        whole = sum(self.parts.values())
        yield "| part of a call, one in flight | µs | share |"
        yield "|---|--:|--:|"
        for label, spent in self.parts.items():
            yield f"| {label} | {spent:,.0f} | {spent / whole:.0%} |"
        yield f"| all | {whole:,.0f} | |"

    def _other_lines(self) -> Iterator[str]:
        replies, records = self.replies, self.records
        statuses = ", ".join(f"{count:,} {name}" for name, count in replies.statuses.most_common())
        yield (
            f"- {replies.calls:,} questions, none twice: {statuses}, {replies.failed:,} refused;"
            f" mean reply {replies.mean_bytes:,} bytes."
        )
        yield (
            f"- Records read back after SIGKILL: {records.found:,} of {records.replies:,} replies,"
            f" {records.audit:,} audit records of {records.calls:,} calls."
        )
        yield f"- To append 4 KiB and sync them takes {self.machine.sync_us:,.0f} µs ({self.machine.file_system})."
        for name, each in self.askers.items():
            yield f"- {name}, 16 in flight: {each.calls_a_second:,.0f} calls/s, {each.cpu:,.0f} µs of CPU a call."
        yield f"- Start to SERVING: {self.start_seconds:.2f} s."
        if self.sizes is not None:
            sizes = self.sizes
            yield (
                f"- {sizes.assets:,} assets against 1,000: p50 × {sizes.compared.ratio('p50'):.2f}"
                f" ({sizes.resolved_share:.0%} RESOLVED); loaded in {sizes.load_seconds:.1f} s,"
                f" serving after {sizes.seconds_to_serving:.1f} s, {sizes.memory_mib:,.0f} MiB."
            )


_HEADS: Final = (
    "calls/s (Resolve, echo, ratio)",
    "p50 µs",
    "p99 µs",
    "CPU µs a call",
    "share of the core",
    "generator's share",
)


def _cell(level: Compared, figure: str) -> str:
    one, other = level.middle(level.one, figure), level.middle(level.other, figure)
    return f"{one:,.0f}, {other:,.0f}, **{level.ratio(figure):.2f}**"


_WIDTH: Final = 760
_COLOURS: Final = ("#355c7d", "#6c5b7b", "#c06c84", "#f67280", "#f8b195", "#99b898", "#547980", "#45ada8", "#9de0ad")


def picture(results: Results) -> str:
    """Draw throughput and p50 against echo, and the parts of a call, as SVG."""
    body = [
        *_bars(30, "Throughput, Resolve / echo", results.levels, "calls_a_second", LEAST_THROUGHPUT, AIM_THROUGHPUT),
        *_bars(400, "p50, Resolve / echo", results.levels, "p50", MOST_P50, AIM_P50),
        *_parts(results.parts),
    ]
    height = 300 + 22 * len(results.parts)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif"'
    paper = f'<rect width="{_WIDTH}" height="{height}" fill="white"/>'
    return "\n".join((f'{head} font-size="13">', paper, *body, "</svg>", ""))


def _bars(x: int, title: str, levels: Iterable[Compared], figure: str, target: float, aim: float) -> Iterator[str]:
    """Draw one bar a level, with the target and the aim across."""
    ratios = [(level.in_flight, level.ratio(figure)) for level in levels]
    top, bottom = 50.0, 220.0
    scale = (bottom - top) / (max(target, aim, *(ratio for _, ratio in ratios)) * 1.1)
    yield f'<text x="{x}" y="30" font-weight="bold">{title}</text>'
    for position, (in_flight, ratio) in enumerate(ratios):
        left, height = x + 20 + position * 90, ratio * scale
        yield f'<rect x="{left}" y="{bottom - height:.1f}" width="56" height="{height:.1f}" fill="{_COLOURS[0]}"/>'
        yield f'<text x="{left + 28}" y="{bottom - height - 5:.1f}" text-anchor="middle">{ratio:.2f}</text>'
        yield f'<text x="{left + 28}" y="{bottom + 18:.0f}" text-anchor="middle">{in_flight} in flight</text>'
    for name, value in (("target", target), ("aim", aim)):
        y = bottom - value * scale
        yield f'<line x1="{x}" x2="{x + 290}" y1="{y:.1f}" y2="{y:.1f}" stroke="#c06c84" stroke-dasharray="4 3"/>'
        yield f'<text x="{x + 292}" y="{y + 4:.1f}" font-size="11" fill="#c06c84">{name}</text>'


def _parts(parts: Mapping[str, float]) -> Iterator[str]:
    longest = max(parts.values())
    yield '<text x="30" y="275" font-weight="bold">Parts of a call, one in flight (µs)</text>'
    for position, (label, spent) in enumerate(parts.items()):
        y, width = 290 + 22 * position, spent / longest * 440
        colour = _COLOURS[position % len(_COLOURS)]
        yield f'<text x="200" y="{y + 13}" text-anchor="end">{label}</text>'
        yield f'<rect x="210" y="{y}" width="{width:.1f}" height="16" fill="{colour}"/>'
        yield f'<text x="{216 + width:.1f}" y="{y + 13}">{spent:,.0f}</text>'
