"""Asks the semantic layer for the figures of all queries at once, and lets none in that is not what was decided."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from ecp_server.domain.catalog import Catalogs, Severity
from ecp_server.domain.errors import IncompatibleConcepts, ResolutionExpired, StoreTimeout, StoreUnavailable
from ecp_server.domain.execution import QuerySource
from ecp_server.domain.figures import FigureQuery, Figures
from ecp_server.domain.frozen import dataclass, replace
from ecp_server.domain.provenance import Degradation, Finding, StepStatus, StoreKind
from ecp_server.domain.resolution import Warning  # noqa: A004 - the contract's word
from ecp_server.execution.attest import attest, decision_id_of, digest_of
from ecp_server.execution.draft import Draft
from ecp_server.execution.fold import rows_of
from ecp_server.execution.kept import Cubes, Kept, KeptAnswers, size_of
from ecp_server.execution.offload import worked_out
from ecp_server.execution.pieces import KindOf, Piece, pieces_of
from ecp_server.execution.reads import cubes_read, modelled_otherwise
from ecp_server.stores.ports import Semantic

MAX_PIECES: Final = 400
"""Questions that one execution may need: parts of a period that the semantic layer does not know, times members."""

KEPT_RESULT: Final = "kept_result"
STALE_DATA: Final = "stale_data"


@dataclass(frozen=True, slots=True)
class Runner:
    """The semantic layer, what stands in for it, and what is known of its measures."""

    semantic: Semantic
    kept: KeptAnswers
    kind_of: KindOf
    catalogs: Catalogs

    async def run(self, draft: Draft) -> tuple[Draft, Finding]:
        """Return the draft with the rows of each query.

        Raises `StoreUnavailable` or `StoreTimeout` where the semantic layer does not answer and nothing that the
        request allows is kept, and `StoreQueryFailed` where it refuses or what it ran does not pass;
        `ResolutionExpired` where another model came into force meanwhile: nobody knows which of them made the figures.
        """
        pieces = {query.id: pieces_of(query, draft, self.kind_of) for query in draft.plan.queries}
        asked = tuple(piece.query for query in draft.plan.queries for piece in pieces[query.id])
        needed = sum(not piece.outside for own in pieces.values() for piece in own)
        if needed > MAX_PIECES:
            raise IncompatibleConcepts(
                f"the parts of this period are none that the semantic layer knows, and it would take {needed} "
                "queries to make them up; ask for a shorter period, or for fewer groups"
            )
        decision_id = decision_id_of(draft.decisions, draft.answer.principal)
        key = digest_of(asked), decision_id
        kept: Kept | None = None
        try:
            answers = await self.semantic.run(asked, principal=draft.answer.principal) if asked else ()
        except (StoreUnavailable, StoreTimeout) as failure:
            kept = self._stand_in(draft, key, failure)
            answers = kept.figures
            draft = _degraded(draft, kept, failure)
        if kept is None and modelled_otherwise(draft.plan, draft.definitions, self.catalogs.current):
            raise ResolutionExpired
        by_query = _split(pieces, answers)
        attestation = attest(draft.plan, pieces, by_query, decision_id)
        size = sum(len(figures.rows) for figures in answers)
        if kept is None and asked:
            known = await worked_out(lambda: size_of(answers), rows=size)
            self.kept.keep(key, answers, cubes=_cubes(draft), size=known)
        results = await worked_out(
            lambda: tuple(
                rows_of(query, pieces[query.id], by_query[query.id], draft, self.kind_of)
                for query in draft.plan.queries
            ),
            rows=size,
        )
        fresh_time = kept.fresh_time if kept is not None else None
        sources = tuple(
            QuerySource(query.id, self.semantic.adapter, _oldest(by_query[query.id]), fresh_time)
            for query in draft.plan.queries
        )
        draft = replace(draft, results=results, sources=sources, attestation=attestation)
        return draft, _finding(draft, asked, answers, kept)

    def _stand_in(self, draft: Draft, key: tuple[str, str], failure: Exception) -> Kept:
        allowed = draft.request.max_staleness
        kept = self.kept.recall(key, allowed, cubes=_cubes(draft)) if allowed is not None else None
        if kept is None:
            raise failure
        return kept


def _cubes(draft: Draft) -> Cubes:
    """Return what the figures are made from: what is kept of the same questions may be of another model."""
    return cubes_read(draft.plan, draft.definitions, draft.rights.model)


def _degraded(draft: Draft, kept: Kept, failure: StoreUnavailable | StoreTimeout) -> Draft:
    """Tell that the figures are not fresh, and since when."""
    told = Warning(
        "semantic",
        STALE_DATA,
        Severity.MEDIUM,
        f"The semantic layer does not answer; the figures are those of {kept.fresh_time.isoformat(timespec='seconds')}",
        "What has changed since is not in them.",
        "Execute again later.",
    )
    impaired = Degradation(StoreKind.SEMANTIC, failure.message, KEPT_RESULT, kept.fresh_time)
    return replace(draft, warnings=(*draft.warnings, told), degradations=(*draft.degradations, impaired))


def _split(pieces: Mapping[str, Sequence[Piece]], answers: Sequence[Figures]) -> dict[str, tuple[Figures, ...]]:
    """Give each query its answers, which come in the order of the questions."""
    left = iter(answers)
    return {query_id: tuple(next(left) for _ in own) for query_id, own in pieces.items()}


def _oldest(answers: Sequence[Figures]) -> datetime | None:
    """Return when the data behind a query was refreshed; None where a part of it does not say."""
    times = [figures.refresh_time for figures in answers]
    return None if not times or None in times else min(moment for moment in times if moment is not None)


def _finding(draft: Draft, asked: Sequence[FigureQuery], answers: Sequence[Figures], kept: Kept | None) -> Finding:
    queries, rows = len(draft.plan.queries), sum(len(figures.rows) for figures in answers)
    reasoning = f"{queries} {'query' if queries == 1 else 'queries'} of the plan as {len(asked)} of the semantic layer"
    attested = draft.attestation.obligations_checked if draft.attestation is not None else 0
    reasoning += f", {rows} rows; {attested} obligations found in what ran"
    if kept is not None:
        reasoning = f"The semantic layer does not answer: what was fresh at {kept.fresh_time.isoformat()} stands in"
    output = {"queries": len(asked), "rows": rows, "obligations_checked": attested}
    return Finding(reasoning, output, StepStatus.DEGRADED if kept is not None else StepStatus.COMPLETE)
