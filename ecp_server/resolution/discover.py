"""Takes away what the principal may not discover, before anything can show it."""

from __future__ import annotations

from collections.abc import Sequence

from ecp_server.domain.frozen import replace
from ecp_server.domain.provenance import Finding, Step
from ecp_server.resolution.draft import Draft
from ecp_server.resolution.lexicon import Sense
from ecp_server.resolution.parse import finding_of, parse
from ecp_server.resolution.rights.senses import VisibleSenses
from ecp_server.resolution.rights.visibility import Visibility, told_as_one


async def discover(draft: Draft, visibility: Visibility) -> tuple[Draft, Finding]:
    """Return the draft parsed as if what policy hides did not exist.

    Each round of parsing can bring up other, shorter names, so it goes on until nothing new is hidden.
    """
    visible = VisibleSenses(draft.prepared, visibility)
    with told_as_one(lambda: any(sense.governed for sense in senses)):
        while True:
            senses = [*_senses(draft), *draft.parsed.considered]
            await visible.ask(senses)
            hidden = [sense.meaning for sense in senses if not visible.shows(sense)]
            if not hidden:
                break
            draft, _ = parse(replace(draft, hidden=draft.hidden.union(hidden)))
    named = _senses(draft)
    visible.tell(named)
    # Only what is left is told: the number of candidates would betray the hidden ones.
    left = sorted({sense.asset.id for sense in named if sense.asset is not None})
    return replace(draft, visible=visible.refs), Finding(f"{len(left)} candidates may be shown", {"candidates": left})


def without_hidden(taken: Sequence[Step], draft: Draft) -> list[Step]:
    """Return the steps, the one that found the words and this one, as if what is hidden did not exist."""
    parsing, discovering = taken
    found = finding_of(draft.parsed)
    return [replace(parsing, reasoning=found.reasoning, output=found.output), discovering]


def _senses(draft: Draft) -> list[Sense]:
    return [sense for named in draft.parsed.names for sense in named.senses]
