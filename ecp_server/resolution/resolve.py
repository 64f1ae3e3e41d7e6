"""The path itself: the steps that a question goes through, in order."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Final, Protocol

import structlog
from structlog.typing import FilteringBoundLogger

from ecp_server.domain.catalog import Catalogs
from ecp_server.domain.errors import EcpError, PolicyDenied, Reason
from ecp_server.domain.frozen import dataclass, replace
from ecp_server.domain.impaired import nothing_impaired
from ecp_server.domain.policy import Action
from ecp_server.domain.provenance import Step, StepType
from ecp_server.domain.resolution import Question, Resolution
from ecp_server.resolution.authorize import authorize
from ecp_server.resolution.begin import begin
from ecp_server.resolution.discover import discover, without_hidden
from ecp_server.resolution.draft import Draft
from ecp_server.resolution.know import know
from ecp_server.resolution.parse import parse
from ecp_server.resolution.plan import plan
from ecp_server.resolution.prepared import Preparation
from ecp_server.resolution.recall import Precedents, recall
from ecp_server.resolution.record import Encoding, outcome_of, record, record_denial
from ecp_server.resolution.rights.visibility import Visibility
from ecp_server.resolution.select import select
from ecp_server.resolution.stage import Stage, Work, take
from ecp_server.resolution.suggest import suggest
from ecp_server.resolution.weigh import weigh
from ecp_server.stores.ports import Graph, Policy, Registry, State, Vector

_log: FilteringBoundLogger = structlog.get_logger(__name__)

_PARSE: Final = Stage("parse", StepType.PARSE)
_DISCOVER: Final = Stage("discover", StepType.AUTHORIZE, ("parse",))
_SELECT: Final = Stage("select", StepType.SELECT, ("discover",))
_KNOW: Final = Stage("know", StepType.KNOW, ("select",))
_PLAN: Final = Stage("plan", StepType.PLAN, ("select",))
_AUTHORIZE: Final = Stage("authorize", StepType.AUTHORIZE, ("plan",))
_WEIGH: Final = Stage("weigh", StepType.WEIGH, ("select", "know"))
_SUGGEST: Final = Stage("suggest", StepType.SELECT, ("select",))

NO_INTENT: Final = "NONE"
"""The intent of a question that got no answer, in metrics."""


class ResolveInstruments(Protocol):
    """The metrics of resolutions."""

    def resolve(self, status: str, intent: str, seconds: float, confidence: float | None) -> None:
        """Count one question; ``status`` is the resolution's or the reason why there is none."""

    def degraded_reply(self, store: str) -> None:
        """Count a reply in which something stood in for the store."""

    def precedents_applied(self, count: int) -> None:
        """Count mentions that precedents decided."""

    def policy_decision(self, action: str, allowed: bool) -> None:  # noqa: FBT001 - the two outcomes of a decision
        """Count what policy said of one plan."""


@dataclass(frozen=True, slots=True)
class Stores:
    """The ports that a resolution asks."""

    graph: Graph
    vector: Vector
    registry: Registry
    policy: Policy
    state: State


@dataclass(frozen=True, slots=True)
class Resolver:
    """Resolves questions against the catalog in force."""

    catalogs: Catalogs
    preparation: Preparation
    stores: Stores
    precedents: Precedents
    instruments: ResolveInstruments
    expire_after: timedelta
    log_questions: bool = False
    """Whether the log may hold what people ask."""

    async def resolve(self, question: Question, encoding: Encoding) -> Resolution:
        """Take a question along the path and return the recorded resolution; a problem with the question is part of it.

        Raises `InvalidChoice`, `ResolutionNotFound`, `ResolutionExpired`, `PolicyDenied`, and `StoreError` where a
        store that has no stand-in fails.
        """
        started = time.perf_counter()
        log = _log.bind()  # once: the logger of the module makes itself anew for each line
        if self.log_questions:
            log.info("resolution_started", question=question.text)
        else:
            log.debug("resolution_started")
        status, intent, confidence = Reason.INTERNAL.value, NO_INTENT, None
        try:
            resolution = await self._walk(question, encoding, log)
            status, intent = outcome_of(resolution), resolution.intent.name
            confidence = resolution.confidence.overall if resolution.confidence is not None else None
        except EcpError as error:
            status = error.reason.value
            raise
        finally:
            self.instruments.resolve(status, intent, time.perf_counter() - started, confidence)
        for impaired in resolution.degradations:
            self.instruments.degraded_reply(impaired.store.name.lower())
        structlog.contextvars.bind_contextvars(resolution_id=resolution.id)
        log.info("resolution_complete", status=status, intent=intent)
        return resolution

    async def _walk(self, question: Question, encoding: Encoding, log: FilteringBoundLogger) -> Resolution:
        """Go the path: read the steps from top to bottom."""
        stores, impaired = self.stores, nothing_impaired()
        listening = log if log.is_enabled_for(logging.DEBUG) else None
        draft = await begin(question, self.catalogs, self.preparation, stores.state)
        visibility = Visibility(stores.policy, question.principal)
        draft = await recall(draft, self.precedents, visibility)
        steps: Sequence[tuple[Stage, Work[Draft]]] = (
            (_PARSE, parse),
            (_DISCOVER, partial(discover, visibility=visibility)),
            (_SELECT, partial(select, graph=stores.graph, visibility=visibility)),
            (_KNOW, partial(know, graph=stores.graph)),
            (_PLAN, plan),
            (_AUTHORIZE, partial(authorize, policy=stores.policy)),
            (_WEIGH, partial(weigh, registry=stores.registry)),
        )
        taken: list[Step] = []
        try:
            for stage, work in steps:
                draft = await take(stage, work, draft, taken, listening)
                if stage is _DISCOVER and draft.hidden:
                    taken[:] = without_hidden(taken, draft)
                if draft.problem is not None:
                    # Say what was perhaps meant where nothing matched.
                    looking = partial(suggest, registry=stores.registry, vector=stores.vector, visibility=visibility)
                    draft = await take(_SUGGEST, looking, draft, taken, listening)
                    break
        except PolicyDenied as denial:
            self.instruments.policy_decision(Action.RESOLVE.value, False)
            await record_denial(draft, stores.state, denial)
            raise
        if draft.selection.precedents:
            self.instruments.precedents_applied(len(draft.selection.precedents))
        if draft.decisions:
            self.instruments.policy_decision(Action.RESOLVE.value, True)
        for told in draft.degradations:
            impaired.note(told)
        policies = frozenset(visibility.policies)
        draft = replace(draft, policies=policies, degradations=impaired.degradations, steps=tuple(taken))
        return await record(draft, stores.state, encoding, self.expire_after)
