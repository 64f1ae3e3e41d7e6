"""Takes away what the principal may not discover, before anything can show it."""

from __future__ import annotations

from ecp_server.domain.catalog import AssetKind, AssetRef
from ecp_server.domain.frozen import replace
from ecp_server.domain.provenance import Finding
from ecp_server.resolution.draft import Draft
from ecp_server.resolution.lexicon import SenseKind
from ecp_server.resolution.parse import parse
from ecp_server.resolution.visibility import Visibility

_MOST_OFFERED = 20


async def discover(draft: Draft, visibility: Visibility) -> tuple[Draft, Finding]:
    """Return the draft parsed as if what policy hides did not exist.

    Each round of parsing can bring up other, shorter names, so it goes on until nothing new is hidden.
    """
    catalog = draft.prepared.catalog
    visible: frozenset[AssetRef] = frozenset()
    asked: set[AssetRef] = set()
    while new := _named(draft) - asked:
        visible |= await visibility.visible(catalog, sorted(new))
        asked |= new
        hidden = asked - visible
        if hidden - draft.hidden:
            draft, _ = parse(replace(draft, hidden=draft.hidden | hidden))
    # Only what is left is told: the number of candidates would betray the hidden ones.
    left = sorted(ref.id for ref in asked & visible)
    return replace(draft, visible=visible), Finding(f"{len(left)} candidates may be shown", {"candidates": left})


def _named(draft: Draft) -> set[AssetRef]:
    """Return the metrics and terms that the question names, and some that have a target that it names."""
    senses = [sense for named in draft.parsed.names for sense in named.senses]
    targets = [sense.id for sense in senses if sense.kind is SenseKind.TARGET]
    having = (metric for name in targets for metric in draft.prepared.metrics_by_target[name][:_MOST_OFFERED])
    return {sense.asset for sense in senses if sense.asset is not None} | {
        AssetRef(AssetKind.METRIC, metric.id) for metric in having
    }
