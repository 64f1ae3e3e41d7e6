"""Metrics that are each asked for with members of their own: one plan reads all of them over the same slice."""

from __future__ import annotations

from typing import Final

from ecp_server.domain.resolution import Incompatible
from ecp_server.resolution.draft import NamedMention, Parsed
from ecp_server.resolution.lexicon import SenseKind

_SEVERAL: Final = 2
_MEASURED: Final = frozenset({SenseKind.METRIC, SenseKind.TERM})


def crossed(parsed: Parsed, fits: tuple[str, ...]) -> Incompatible | None:
    """Return that "sales in Japan and refunds in Korea" are two questions; ``fits`` are the metrics asked for.

    So they are where runs of metrics and runs of members alternate, and both differ.
    """
    runs: list[tuple[bool, list[NamedMention]]] = []
    for name in parsed.names:
        measured = not name.kinds.isdisjoint(_MEASURED)
        if name.grouped or name.excluded or not (measured or SenseKind.MEMBER in name.kinds):
            continue
        if runs and runs[-1][0] == measured:
            runs[-1][1].append(name)
        else:
            runs.append((measured, [name]))
    metrics = [run for measured, run in runs if measured]
    members = [run for measured, run in runs if not measured]
    if len(metrics) != len(members) or len(metrics) < _SEVERAL or not (_differ(metrics) and _differ(members)):
        return None
    first, second = metrics[0][-1].mention.text, metrics[1][0].mention.text
    return Incompatible(f"“{first}” and “{second}” are asked for different members; ask for one after the other", fits)


def _differ(runs: list[list[NamedMention]]) -> bool:
    """Tell whether not all runs name the same."""
    return len({frozenset(sense.meaning for name in run for sense in name.senses) for run in runs}) > 1
