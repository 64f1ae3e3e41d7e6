"""What overload is measured by, and how it is told."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Final

from watchers import Seen

_HEADS: Final = (
    "load",
    "calls/s",
    "goodput, of the knee",
    "rounds",
    "p50, p99 ms",
    "refused",
    "refusal p50, p99, most ms",
    "back after",
    "core",
)
MILLISECONDS: Final = 1e3
BASE_SHARE: Final = 0.6
"""Of the knee: the load before and after."""


@dataclass(frozen=True, slots=True)
class Load:
    """What became of the calls of all rounds. Latencies in milliseconds; those of answers and of refusals apart."""

    rates: tuple[float, ...]
    """Calls a second that came, round by round."""
    goodputs: tuple[float, ...]
    """Answers a second meanwhile."""
    knees: tuple[float, ...]
    """Calls a second that the server could answer just before."""
    answered: int
    refused: int
    p50: float
    p99: float
    refusal_p50: float
    refusal_p99: float
    refusal_most: float
    core_share: float
    """CPU time a second that the server had: at most 1 for each of its cores."""
    generator_share: float
    """Of the generator's core, as the next."""
    proxy_share: float
    """What Envoy had, where it was in front."""
    codes: dict[str, int]
    """How the server says that the calls ended. What is neither OK nor RESOURCE_EXHAUSTED was no refusal but failed.

    It knows nothing of those that Envoy refused.
    """
    cpu_seconds: float
    """Of the server, until the last of the calls had ended."""

    @property
    def of_knee(self) -> tuple[float, ...]:
        """Return the goodput as a share of the knee, round by round."""
        return tuple(goodput / knee for goodput, knee in zip(self.goodputs, self.knees, strict=True))


@dataclass(frozen=True, slots=True)
class Over:
    """A load above the knee, what others saw meanwhile, and how long it took until it was as before."""

    times_knee: float
    load: Load
    seen: dict[str, Seen]
    recovery_seconds: float | None
    """None: not while it was looked at."""


@dataclass(frozen=True, slots=True)
class Overloaded:
    """One server, overloaded by each way to it: first alone, then perhaps by way of Envoy."""

    knee: float
    """Calls a second, at first."""
    share: float
    """What it is of the calls that the server answers with 16 in flight."""
    at_least: bool
    """Whether no higher rate was tried: then the knee may lie above."""
    base_p99: float
    """Milliseconds, at six tenths of the knee."""
    over: tuple[tuple[Over, ...], ...]

    def knee_line(self) -> str:
        """Return what is known of the knee."""
        return (
            f"knee {'at least ' if self.at_least else ''}{self.knee:,.0f} calls/s at first, {self.share:.2f} of what "
            f"it answers with 16 in flight; at {BASE_SHARE:.1f} of it p99 {self.base_p99:,.0f} ms."
        )


@dataclass(frozen=True, slots=True)
class Overload:
    """The results."""

    one_core: Overloaded
    all_cores: Overloaded

    def as_json(self) -> str:
        """Return all of it."""
        return json.dumps(asdict(self), indent=1)

    def as_text(self) -> str:
        """Return what to read."""
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        alone, *behind_sidecar = self.one_core.over
        yield f"A server on one core, {self.one_core.knee_line()}"
        yield ""
        yield from _table(alone)
        yield ""
        if behind_sidecar:
            yield "The same server behind the sidecar (deploy/envoy.yaml):"
            yield ""
            yield from _table(behind_sidecar[0])
            for over in behind_sidecar[0]:
                yield (
                    f"- {over.times_knee:g} ×: of the generator's core Envoy had {over.load.proxy_share:.2f}, "
                    f"the generator {over.load.generator_share:.2f}."
                )
        else:
            yield "Not measured behind the sidecar, for want of Envoy: export ECP_ENVOY=$(scripts/fetch_envoy)"
        yield ""
        yield f"A server on all cores, {self.all_cores.knee_line()}"
        yield ""
        yield from _table(self.all_cores.over[0])


def _table(overs: Sequence[Over]) -> Iterator[str]:
    """Yield the lines of one way to the server."""
    yield f"| {' | '.join(_HEADS)} |"
    yield "|--:" * len(_HEADS) + "|"
    for over in overs:
        load, after = over.load, over.recovery_seconds
        yield (
            f"| {over.times_knee:g} × | {median(load.rates):,.0f} "
            f"| {median(load.goodputs):,.0f}, **{median(load.of_knee):.2f}** "
            f"| {' '.join(f'{share:.2f}' for share in load.of_knee)} "
            f"| {load.p50:,.0f}, {load.p99:,.0f} | {load.refused:,} "
            f"| {load.refusal_p50:,.1f}, {load.refusal_p99:,.1f}, {load.refusal_most:,.1f} "
            f"| {'never' if after is None else f'{after:.0f} s'} | {load.core_share:.2f} |"
        )
    yield ""
    for over in overs:
        codes = ", ".join(f"{count:,} {code}" for code, count in sorted(over.load.codes.items()))
        yield f"- {over.times_knee:g} ×: {codes} by the server; {over.load.cpu_seconds:.2f} s of CPU."
    for over in overs:
        for name, seen in over.seen.items():
            slowest = max(seen.latencies, default=0.0) * MILLISECONDS
            refusal = max(seen.refusals, default=0.0) * MILLISECONDS
            codes = ", ".join(f"{count} {code}" for code, count in seen.codes.items())
            yield (
                f"- {over.times_knee:g} ×, {name}: {codes}; slowest answer {slowest:,.0f} ms, slowest refusal "
                f"{refusal:,.0f} ms, {seen.without_retry_info} without RetryInfo."
            )
