"""Takes away what the principal may not discover, before anything can show it."""

from __future__ import annotations

from collections.abc import Sequence

from ecp_server.domain.catalog import AssetKind, AssetRef
from ecp_server.domain.frozen import replace
from ecp_server.domain.provenance import Finding, Step
from ecp_server.resolution.draft import Draft
from ecp_server.resolution.lexicon import Sense, SenseKind
from ecp_server.resolution.parse import finding_of, parse
from ecp_server.resolution.prepared import PreparedCatalog
from ecp_server.resolution.rights.visibility import Visibility, evaluations

_MOST_OFFERED = 20


async def discover(draft: Draft, visibility: Visibility) -> tuple[Draft, Finding]:
    """Return the draft parsed as if what policy hides did not exist.

    Each round of parsing can bring up other, shorter names, so it goes on until nothing new is hidden.
    """
    products = draft.prepared.products
    visible: frozenset[AssetRef] = frozenset()
    asked: set[AssetRef] = set()
    while True:
        senses = _senses(draft)
        if new := refs_of(senses, draft.prepared) - asked:
            visible |= await visibility.visible(products, sorted(new) if len(new) > 1 else new)
            asked |= new
        doubtful = [sense for sense in senses if sense.asset not in visible]
        hidden = [sense.meaning for sense in doubtful if not may_be_shown(sense, visible, draft.prepared)]
        if not hidden:
            break
        draft, _ = parse(replace(draft, hidden=draft.hidden.union(hidden)))
    # Only what is left is told: the number of candidates would betray the hidden ones.
    left = sorted([ref.id for ref in asked & visible])
    return replace(draft, visible=visible), Finding(f"{len(left)} candidates may be shown", {"candidates": left})


def without_hidden(taken: Sequence[Step], draft: Draft) -> list[Step]:
    """Return the steps, the one that found the words and this one, as if what is hidden did not exist."""
    parsing, discovering = taken
    found = finding_of(draft.parsed)
    refs = refs_of(_senses(draft), draft.prepared)
    asked = evaluations(draft.prepared.products, refs)
    return [
        replace(parsing, reasoning=found.reasoning, output=found.output),
        replace(discovering, store_calls=discovering.store_calls[:asked]),
    ]


def refs_of(senses: Sequence[Sense], prepared: PreparedCatalog) -> set[AssetRef]:
    """Return the metrics and terms that are named, and some that have a target that is."""
    targets = [sense.id for sense in senses if sense.kind is SenseKind.TARGET]
    named = {sense.asset for sense in senses if sense.asset is not None}
    if not targets:
        return named
    having = [metric for name in targets for metric in prepared.metrics_by_target[name][:_MOST_OFFERED]]
    return named.union([AssetRef(AssetKind.METRIC, metric.id) for metric in having])


def _senses(draft: Draft) -> list[Sense]:
    return [sense for named in draft.parsed.names for sense in named.senses]


def may_be_shown(sense: Sense, visible: frozenset[AssetRef], prepared: PreparedCatalog) -> bool:
    """Tell whether a sense is visible: a target where some metric that has it is, and what it is held against too."""
    if sense.kind is SenseKind.TARGET:
        having = prepared.metrics_by_target[sense.id]
        pairs = (
            (metric.id, target.metric) for metric in having for target in metric.targets if target.name == sense.id
        )
        return any(all(AssetRef(AssetKind.METRIC, end) in visible for end in pair) for pair in pairs)
    return sense.asset is None or sense.asset in visible
