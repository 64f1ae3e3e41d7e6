#!/usr/bin/env python
"""Writes a synthetic catalog of as many assets as asked for: something to measure with.

The names are made of business words, so that they share words as real ones do; the same size gives the same files.

    scripts/generate_catalog.py DIR --assets 10000
    scripts/generate_catalog.py DIR --assets 10000 --metrics-only
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

# ruff: noqa: SIM905 - this many words read best as text
_MEASURES = (
    "revenue bookings billings orders refunds discounts churn usage sessions visits leads margin cost spend headcount "
    "tickets incidents latency uptime inventory shipments returns claims premiums deposits loans balances trades fees"
).split()
_QUALIFIERS = (
    "net gross adjusted recurring deferred recognized average median total weighted blended organic paid active new "
    "renewed expansion committed forecast budgeted actual standard marginal variable fixed"
).split()
_SUBJECTS = (
    "subscription enterprise retail wholesale partner channel online store mobile cloud licence support services "
    "hardware platform payments lending insurance advertising logistics"
).split()
_DEPARTMENTS = "finance sales marketing operations people engineering support legal".split()

_DOCUMENTS_A_FILE = 2000
_MEMBERS_A_DIMENSION = 100


def name_of(number: int) -> str:
    """Return a name of business words, different for each number."""
    rest, measure = divmod(number, len(_MEASURES))
    rest, qualifier = divmod(rest, len(_QUALIFIERS))
    round_, subject = divmod(rest, len(_SUBJECTS))
    name = f"{_QUALIFIERS[qualifier]} {_SUBJECTS[subject]} {_MEASURES[measure]}"
    return f"{name} {round_ + 1}" if round_ else name


def metric(number: int) -> str:
    """Return the document of a metric read from the semantic layer; every tenth has a target, the one before it."""
    name = name_of(number)
    target = f"targets: {{budget: {{metric: metric_{number - 1}, synonyms: [plan]}}}}\n" if number % 10 == 1 else ""
    return (
        f"kind: metric\nid: metric_{number}\nname: {name.capitalize()}\n"
        f"definition: The {name} of the period as booked by the general ledger, before adjustments of later periods.\n"
        f"synonyms: [{name} figure, {name} amount]\nacronyms: [M{number}]\n"
        f"domain: {_DEPARTMENTS[number % len(_DEPARTMENTS)]}\ncertification_tier: {number % 4 + 1}\n"
        f"owner: team_{number % 50}\nunit: USD\ndecimals: 2\n"
        f"semantic_ref: Facts.metric{number}\ntime_dimension: Facts.day\ndimensions: [dim_0]\n"
        f"computed_from: [warehouse.facts_{number % 200}.column_{number}]\n{target}"
    )


def derived_metric(number: int) -> str:
    """Return the document of a metric derived from two others."""
    return (
        f"kind: metric\nid: ratio_{number}\nname: {name_of(number).capitalize()} ratio\n"
        f"definition: One over the other.\nunit: ratio\nderived:\n  expression: (a - b) / b * 100\n  inputs:\n"
        f"    - {{metric: metric_0, alias: a}}\n    - {{metric: metric_0, alias: b, offset: 1 month}}\n"
    )


def term(number: int) -> str:
    """Return the document of a term that means one thing for finance and another for sales."""
    name = f"{name_of(number)} position"
    return (
        f"kind: term\nid: term_{number}\nname: {name.capitalize()}\nsynonyms: [{name} state]\nvariations:\n"
        f"  - {{context: finance, name: Booked, definition: As booked., metric: metric_0}}\n"
        f"  - {{context: sales, name: Signed, definition: As signed., metric: metric_0}}\n"
    )


def issue(number: int) -> str:
    """Return the document of a known issue."""
    return (
        f"kind: known_issue\nid: issue_{number}\ndescription: Rows of source {number} came twice.\nseverity: medium\n"
        f"scope: {{metrics: [metric_0], members: [dim_0.member_0], from: 2024-01-01, to: 2024-02-01}}\n"
        f"impact: Overstated by about 2%.\n"
    )


def rule(number: int) -> str:
    """Return the document of a validation rule."""
    return (
        f"kind: rule\nid: rule_{number}\nmetrics: [metric_0]\nexpression: value >= 0 and value < 1e12\nseverity: high\n"
    )


def lineage(number: int) -> str:
    """Return the document of a piece of lineage."""
    column = f"warehouse.facts_{number % 200}.column_{number}"
    edge = f"{{from: raw.feed_{number}.amount, to: {column}, from_system: ERP}}"
    return f"kind: lineage\nid: lineage_{number}\nedges:\n  - {edge}\n"


def entity(number: int) -> str:
    """Return the document of a team."""
    return f"kind: entity\nid: team_{number}\nname: Team {name_of(number)}\ntype: team\n"


def dimension(number: int, members: int) -> str:
    """Return the document of a dimension and its members."""
    head = f"kind: dimension\nid: dim_{number}\nname: Dimension {number}\nsemantic_ref: Facts.dim{number}\nmembers:\n"
    names = (name_of(number * _MEMBERS_A_DIMENSION + m) for m in range(members))
    return head + "".join(
        f"  - {{id: dim_{number}.member_{m}, name: {name} unit, values: [V{m}]}}\n" for m, name in enumerate(names)
    )


# Out of a hundred assets that are no members.
_SHARES: tuple[tuple[Callable[[int], str], int], ...] = (
    (metric, 50), (derived_metric, 5), (term, 30), (issue, 3), (rule, 3), (lineage, 5), (entity, 4),
)  # fmt: skip


def documents(assets: int, *, metrics_only: bool) -> Iterator[str]:
    """Yield documents that hold this many assets, members counted, and a dimension and a metric that they name."""
    yield dimension(0, members=1)
    yield metric(0)
    left = assets - 3
    if metrics_only:
        yield from (metric(number) for number in range(1, left + 1))
        return
    in_dimensions = left // 5
    left -= in_dimensions
    number = 0
    while in_dimensions > 1:
        number += 1
        members = min(_MEMBERS_A_DIMENSION, in_dimensions - 1)
        yield dimension(number, members)
        in_dimensions -= members + 1
    left += in_dimensions
    kinds = [kind for kind, share in _SHARES for _ in range(share)]
    numbers = dict.fromkeys(kinds, 0)
    for position in range(left):
        kind = kinds[position % len(kinds)]
        numbers[kind] += 1
        yield kind(numbers[kind])


def generate_catalog(directory: Path, assets: int, *, metrics_only: bool = False) -> None:
    """Write a catalog of this many assets into a directory, 2,000 documents a file."""
    directory.mkdir(parents=True, exist_ok=True)
    pending = documents(assets, metrics_only=metrics_only)
    number = 0
    while chunk := list(islice(pending, _DOCUMENTS_A_FILE)):
        (directory / f"assets_{number:04}.yaml").write_text("---\n".join(chunk), encoding="utf-8")
        number += 1


def main() -> None:
    """Read the command line and write the catalog."""
    parser = argparse.ArgumentParser(description="Write a synthetic catalog to measure with.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--assets", type=int, default=10_000, help="how many, members counted (default: 10000)")
    parser.add_argument("--metrics-only", action="store_true", help="nothing but metrics and what they name")
    arguments = parser.parse_args()
    generate_catalog(arguments.directory, arguments.assets, metrics_only=arguments.metrics_only)


if __name__ == "__main__":
    main()
