"""Asks policy once for everything the plan reads, and rewrites the plan as it demands."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ecp_server.domain.catalog import Severity
from ecp_server.domain.errors import PolicyDenied
from ecp_server.domain.frozen import dataclass, replace
from ecp_server.domain.plan import (
    Alignment,
    Computation,
    ExecutionPlan,
    Obligation,
    ObligationKind,
    SemanticQuery,
)
from ecp_server.domain.policy import Action, Decision, PolicyQuestion, Product
from ecp_server.domain.provenance import Finding, StepStatus
from ecp_server.domain.resolution import Warning  # noqa: A004 - the contract's word
from ecp_server.resolution.digest import with_digest
from ecp_server.resolution.draft import Draft, Slice, read_by
from ecp_server.resolution.rights.obligations import Reader, apply, demands_on
from ecp_server.stores.ports import Policy

RESTRICTED = "restricted"
_IDENTIFIER = re.compile(r"[^\W\d][\w.]*")
_UNDECIDED = Decision(allow=False, policy="undecided", reason="policy says nothing of it")


@dataclass(frozen=True, slots=True)
class _Denied:
    """A part of the plan that is left out, and why."""

    part: Slice
    denial: PolicyDenied


async def authorize(draft: Draft, policy: Policy) -> tuple[Draft, Finding]:
    """Return the draft with the plan that policy lets run.

    Raises `PolicyDenied` where a metric that the question asks for is denied, and `PolicyUnavailable` where policy
    cannot be asked.
    """
    if draft.plan is None:
        return draft, Finding("Nothing is to be read, so nothing is to be allowed", status=StepStatus.SKIPPED)
    products = plan_products(draft)
    decisions = await policy.decide(PolicyQuestion(Action.RESOLVE, draft.question.principal, tuple(products.values())))
    principal = draft.question.principal
    # Another department's definitions may be asked for; what the user's own members stand for they do not change.
    own_contexts = draft.prepared.contexts.chain(principal.department)
    reader = Reader(draft.prepared.catalog, own_contexts, principal)
    kept: list[SemanticQuery] = []
    obligations: list[Obligation] = []
    left_out: list[_Denied] = []
    for part, query in zip(draft.selection.slices, draft.plan.queries, strict=True):
        try:
            rewritten, demanded = _permit(part, query, decisions, reader)
        except PolicyDenied as denial:
            if part.essential:
                raise
            left_out.append(_Denied(part, denial))
            continue
        kept.append(rewritten)
        obligations += demanded
    names = {measure.name for query in kept for measure in query.measures}
    computations = draft.plan.computations
    if computations and left_out:
        computations = tuple([c for c in computations if _computable(c, names)])
    alignment = draft.plan.alignment
    if alignment.order_by:
        alignment = _alignment(alignment, {*names, *[c.name for c in computations], *alignment.keys})
    written = with_digest(ExecutionPlan(tuple(kept), computations, alignment, tuple(obligations)))
    if obligations:
        refuse_hidden_order(written)
    warnings = (*[_restricted(d) for d in left_out], *_policy_warnings(products, decisions))
    finding = Finding(
        _reasoning(decisions, obligations, left_out),
        {
            "decisions": [
                {"product": product, "allow": decided.allow, "policy": decided.policy, "reason": decided.reason}
                for product, decided in sorted(decisions.items())
            ],
            "obligations": [o.policy for o in obligations] if obligations else [],
        },
    )
    return replace(draft, plan=written, decisions=decisions, warnings=draft.warnings + warnings), finding


def plan_products(draft: Draft) -> Mapping[str, Product]:
    """Return everything the plan reads, by id.

    A target, and what a metric is computed from, is judged with the tier of the metric asked for (policy.md).
    """
    tiers = {metric.id: metric.certification_tier for metric in draft.selection.metrics}
    tier = min(tiers.values(), default=None)
    governed = draft.prepared.products
    products: dict[str, Product] = {}
    for part in draft.selection.slices:
        for metric in read_by(part):
            if metric.id not in products:
                products[metric.id] = governed.metric(metric, tier=None if metric.id in tiers else tier)
    return products


def _permit(
    part: Slice, query: SemanticQuery, decisions: Mapping[str, Decision], reader: Reader
) -> tuple[SemanticQuery, tuple[Obligation, ...]]:
    """Return the query as rewritten, and its obligations; raise `PolicyDenied` where a metric of it is denied."""
    metrics = read_by(part)
    decided = [decisions.get(metric.id, _UNDECIDED) for metric in metrics]
    for decision in decided:
        if not decision.allow:
            raise PolicyDenied(decision.policy, decision.reason, decision.may)
    demands = demands_on(metrics, decided, reader)
    return apply(query, demands, reader) if demands else (query, ())


def _computable(computation: Computation, names: set[str]) -> bool:
    return names.issuperset(_IDENTIFIER.findall(computation.expression))


def _alignment(alignment: Alignment, columns: set[str]) -> Alignment:
    """Return the alignment without an order by what was left out; then no row comes first, so all are kept."""
    if columns.issuperset([order.column for order in alignment.order_by]):
        return alignment
    return Alignment(alignment.keys)


def refuse_hidden_order(plan: ExecutionPlan) -> None:
    """Raise `PolicyDenied` where rows are ordered by hidden values, or by what is computed of them."""
    if not plan.obligations or not plan.alignment.order_by:
        return
    hidden = {
        measure.name: obligation.policy
        for obligation in plan.obligations
        if obligation.kind is ObligationKind.MASK
        for query in plan.queries
        if query.id == obligation.query_id
        for measure in query.measures
        if measure.ref == obligation.ref
    }
    expressions = {computation.name: computation.expression for computation in plan.computations}
    for order in plan.alignment.order_by:
        for name in _IDENTIFIER.findall(expressions.get(order.column, order.column)):
            if name in hidden:
                raise PolicyDenied(hidden[name], "The question orders by values that are hidden from you")


def _restricted(denied: _Denied) -> Warning:
    message = f"{denied.part.asked.name} is left out: {denied.denial.message}"
    return Warning(denied.part.asked.id, RESTRICTED, Severity.MEDIUM, message, "The comparison is not made.")


def _policy_warnings(products: Mapping[str, Product], decisions: Mapping[str, Decision]) -> tuple[Warning, ...]:
    decided = [decision for product in products if (decision := decisions.get(product)) and decision.warnings]
    if not decided:
        return ()
    told = dict.fromkeys([(decision.policy, warning) for decision in decided for warning in decision.warnings])
    return tuple([Warning(policy, w.type, Severity.MEDIUM, w.message) for policy, w in told])


def _reasoning(
    decisions: Mapping[str, Decision], obligations: Sequence[Obligation], left_out: Sequence[_Denied]
) -> str:
    policies = ", ".join(sorted({decision.policy for decision in decisions.values()}))
    told = f"Allowed by {policies}"
    if obligations:
        told += f", with {len(obligations)} obligation{'s' if len(obligations) > 1 else ''}"
    return told + (f"; {len(left_out)} part left out" if left_out else "")
