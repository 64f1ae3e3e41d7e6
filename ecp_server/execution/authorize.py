"""Asks policy anew for everything the plan reads; what it demands now is added to what it demanded before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ecp_server.domain.catalog import Metric, Severity
from ecp_server.domain.errors import PolicyDenied
from ecp_server.domain.execution import PERIOD
from ecp_server.domain.expressions import Name, parse_computation, walk
from ecp_server.domain.frozen import replace
from ecp_server.domain.plan import QUESTION, Alignment, ExecutionPlan, Obligation, SemanticQuery
from ecp_server.domain.policy import Action, Decision, PolicyQuestion, Product
from ecp_server.domain.provenance import Finding, Output
from ecp_server.domain.records import QueryReads
from ecp_server.domain.resolution import Warning  # noqa: A004 - the contract's word
from ecp_server.execution.draft import Draft
from ecp_server.resolution.authorize import RESTRICTED, refuse_hidden_order
from ecp_server.resolution.rights.obligations import Reader, apply, demands_on
from ecp_server.resolution.rights.products import metric_product
from ecp_server.stores.ports import Policy

UNDECIDED = Decision(allow=False, policy="undecided", reason="policy says nothing of it")


async def authorize(draft: Draft, policy: Policy) -> tuple[Draft, Finding]:
    """Return the draft with the plan that policy lets run now; it can only be narrower than the recorded one.

    Raises `PolicyDenied` where a metric that the question asks for is denied, and `PolicyUnavailable` where policy
    cannot be asked.
    """
    principal = draft.answer.principal
    products = tuple(_products(draft).values())
    decisions = await policy.decide(PolicyQuestion(Action.EXECUTE, principal, products))
    reader = Reader(draft.rights, draft.own_contexts, principal)
    queries: list[SemanticQuery] = []
    obligations: list[Obligation] = []
    left_out: list[Warning] = []
    reads = {each.query_id: each for each in draft.record.reads}
    for query in draft.plan.queries:
        read = reads.get(query.id, QueryReads(query.id, tuple(measure.metric_id for measure in query.measures)))
        try:
            permitted, demanded = _permit(draft, query, read, decisions, reader)
        except PolicyDenied as denial:
            if read.essential:
                raise
            left_out.append(_restricted(query, read, denial))
            continue
        queries.append(permitted)
        obligations += demanded
    plan = _planned(draft.plan, queries, obligations)
    refuse_hidden_order(plan)
    added = len(obligations) - sum(1 for o in draft.plan.obligations if o in obligations)
    policies = ", ".join(sorted({decision.policy for decision in decisions.values()}))
    reasoning = f"Asked again, allowed by {policies}" + (f"; {added} more obligations than then" if added else "")
    output: Output = {
        "decisions": [
            {"product": product, "allow": decided.allow, "policy": decided.policy, "reason": decided.reason}
            for product, decided in sorted(decisions.items())
        ],
        "obligations": [o.policy for o in obligations],
    }
    warnings = (*draft.warnings, *left_out)
    return replace(draft, plan=plan, decisions=decisions, warnings=warnings), Finding(reasoning, output)


def _products(draft: Draft) -> Mapping[str, Product]:
    """Return everything the plan reads, by id, as it is to policy today.

    A target, and what a metric is computed from, is judged with the tier of the metric asked for (policy.md).
    """
    metrics = draft.rights.metrics
    asked = set(draft.record.asked)
    tier = min((metrics[i].certification_tier for i in asked if i in metrics), default=None)
    read = dict.fromkeys(m for each in draft.record.reads for m in each.metrics)
    read |= dict.fromkeys(measure.metric_id for query in draft.plan.queries for measure in query.measures)
    return {i: metric_product(metrics[i], tier=None if i in asked else tier) for i in read if i in metrics}


def _permit(
    draft: Draft, query: SemanticQuery, read: QueryReads, decisions: Mapping[str, Decision], reader: Reader
) -> tuple[SemanticQuery, tuple[Obligation, ...]]:
    """Return the query with all that was and is demanded of it; raise `PolicyDenied` where a metric of it is denied."""
    decided = [decisions.get(metric_id, UNDECIDED) for metric_id in read.metrics]
    for decision in decided:
        if not decision.allow:
            raise PolicyDenied(decision.policy, decision.reason, decision.may)
    metrics: list[Metric] = [draft.rights.metrics[metric_id] for metric_id in read.metrics]
    demands = demands_on(metrics, decided, reader)
    # What policy put there then does not count as asked for by the question.
    bare = replace(query, filters=tuple(f for f in query.filters if f.source == QUESTION))
    demanded, obligations = apply(bare, demands, reader)
    known = tuple(o for o in draft.plan.obligations if o.query_id in ("", query.id))
    filters = (*query.filters, *(f for f in demanded.filters if f not in query.filters))
    everything = (*(replace(o, query_id=query.id) for o in known), *obligations)
    unique = {(o.kind, o.ref, o.values, o.policy): o for o in everything}
    return replace(demanded, filters=filters), tuple(unique.values())


def _planned(
    recorded: ExecutionPlan, queries: Sequence[SemanticQuery], obligations: Sequence[Obligation]
) -> ExecutionPlan:
    """Return the plan without what can no longer be computed or ordered by."""
    names = {measure.name for query in queries for measure in query.measures}
    computations = tuple(
        c
        for c in recorded.computations
        if all(part.name in names for part in walk(parse_computation(c.expression)) if isinstance(part, Name))
    )
    columns = {*names, *(c.name for c in computations), *recorded.alignment.keys, PERIOD}
    alignment = recorded.alignment
    if any(order.column not in columns for order in alignment.order_by):
        alignment = Alignment(alignment.keys)
    return replace(
        recorded,
        queries=tuple(queries),
        computations=computations,
        alignment=alignment,
        obligations=tuple(obligations),
    )


def _restricted(query: SemanticQuery, read: QueryReads, denial: PolicyDenied) -> Warning:
    message = f"{query.label or query.id} is left out: {denial.message}"
    return Warning(read.metrics[0], RESTRICTED, Severity.MEDIUM, message, "The comparison is not made.")
