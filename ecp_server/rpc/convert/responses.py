"""Resolutions, glossary entries, metrics and lineage on the wire."""

from __future__ import annotations

from ecp.v1 import resolve_pb2, types_pb2
from ecp_server.domain.catalog import Metric, Severity
from ecp_server.domain.concepts import Ambiguity, Assumption, Mention, Option, ResolvedConcept
from ecp_server.domain.errors import ConceptNotFound, EcpError, IncompatibleConcepts
from ecp_server.domain.identity import Principal
from ecp_server.domain.lineage import Lineage
from ecp_server.domain.resolution import (
    Confidence,
    GlossaryTerm,
    MetricList,
    NotFound,
    Problem,
    Resolution,
    Warning,  # noqa: A004 - the contract's word
)
from ecp_server.rpc.convert.plans import fill_plan, fill_time_range
from ecp_server.rpc.convert.provenance import fill_degradation, fill_provenance, fill_timestamp

MAX_VALUES = 100
SEVERITIES = {
    Severity.LOW: types_pb2.SEVERITY_LOW,
    Severity.MEDIUM: types_pb2.SEVERITY_MEDIUM,
    Severity.HIGH: types_pb2.SEVERITY_HIGH,
    Severity.CRITICAL: types_pb2.SEVERITY_CRITICAL,
}


def resolve_response(resolution: Resolution) -> resolve_pb2.ResolveResponse:
    """Return the resolution with its whole provenance, filled in place for the reason that `plans` gives."""
    response = resolve_pb2.ResolveResponse()
    response.resolution_id = resolution.id
    response.status = types_pb2.ResolutionStatus.ValueType(resolution.status)
    response.intent = types_pb2.Intent.ValueType(resolution.intent)
    response.interpretation = resolution.interpretation
    for concept in resolution.concepts:
        _fill_concept(response.concepts.add(), concept)
    for unmatched in resolution.unmatched:
        _fill_mention(response.unmatched.add(), unmatched)
    if resolution.time_range is not None:
        fill_time_range(response.time_range, resolution.time_range)
    if resolution.plan is not None:
        fill_plan(response.plan, resolution.plan)
    if resolution.confidence is not None:
        fill_confidence(response.confidence, resolution.confidence)
    for warning in resolution.warnings:
        fill_warning(response.warnings.add(), warning)
    for assumption in resolution.assumptions:
        _fill_assumption(response.assumptions.add(), assumption)
    for ambiguity in resolution.ambiguities:
        _fill_ambiguity(response.ambiguities.add(), ambiguity)
    _fill_answer(response, resolution.answer)
    fill_provenance(response.provenance, resolution.provenance)
    for impaired in resolution.degradations:
        fill_degradation(response.degradations.add(), impaired)
    _fill_principal(response.principal, resolution.question.principal)
    fill_timestamp(response.expire_time, resolution.expire_time)
    return response


def refusal(problem: Problem, resolution_id: str) -> EcpError:
    """Return the error that a recorded problem is told as."""
    if isinstance(problem, NotFound):
        return ConceptNotFound(
            "nothing in the catalog matches the question",
            resolution_id=resolution_id,
            suggestions=problem.suggestions,
            unmatched=problem.unmatched,
        )
    return IncompatibleConcepts(
        problem.message, metadata={"fits": ",".join(problem.fits), "resolution_id": resolution_id}
    )


def glossary_term(term: GlossaryTerm) -> types_pb2.GlossaryTerm:
    """Return a glossary entry as a message."""
    return types_pb2.GlossaryTerm(
        id=term.id,
        name=term.name,
        definition=term.definition,
        domain=term.domain,
        synonyms=term.synonyms,
        owner=term.owner,
        metric_id=term.metric_id,
        variations=[
            types_pb2.Variation(context=v.context, name=v.name, definition=v.definition, metric_id=v.metric or "")
            for v in term.variations
        ],
        score=term.score,
    )


def metric(listed: Metric) -> types_pb2.Metric:
    """Return a metric as a message."""
    return types_pb2.Metric(
        id=listed.id,
        name=listed.name,
        definition=listed.definition,
        domain=listed.domain,
        certification_tier=listed.certification_tier,
        dimensions=listed.dimensions,
        owner=listed.owner,
        semantic_ref=listed.semantic_ref or "",
        unit=listed.unit,
    )


def lineage(graph: Lineage) -> types_pb2.Lineage:
    """Return a part of the lineage as a message."""
    return types_pb2.Lineage(
        target=graph.target,
        nodes=[
            types_pb2.LineageNode(
                id=node.id, type=types_pb2.LineageNodeType.ValueType(node.type), name=node.name, depth=node.depth
            )
            for node in graph.nodes
        ],
        edges=[
            types_pb2.LineageEdge(from_id=edge.start, to_id=edge.end, transformation=edge.transformation)
            for edge in graph.edges
        ],
        truncated=graph.truncated,
    )


def mention(words: Mention) -> types_pb2.Mention:
    """Return a part of the question as a message."""
    message = types_pb2.Mention()
    _fill_mention(message, words)
    return message


def option(offered: Option) -> types_pb2.Option:
    """Return an option as a message."""
    message = types_pb2.Option()
    _fill_option(message, offered)
    return message


def _fill_answer(response: resolve_pb2.ResolveResponse, answer: GlossaryTerm | Lineage | MetricList | None) -> None:
    if isinstance(answer, GlossaryTerm):
        response.definition.CopyFrom(glossary_term(answer))
    elif isinstance(answer, Lineage):
        response.lineage.CopyFrom(lineage(answer))
    elif isinstance(answer, MetricList):
        response.metrics.SetInParent()
        response.metrics.metrics.extend(metric(listed) for listed in answer.metrics)
        response.metrics.total_size = answer.total_size
        response.metrics.next_page_token = answer.next_page_token


def _fill_mention(message: types_pb2.Mention, words: Mention) -> None:
    message.text = words.text
    message.start = words.start
    message.end = words.end


def _fill_option(message: types_pb2.Option, offered: Option) -> None:
    message.id = offered.id
    message.kind = types_pb2.ConceptKind.ValueType(offered.kind)
    message.name = offered.name
    message.definition = offered.definition
    message.confidence = offered.confidence


def _fill_concept(message: types_pb2.ResolvedConcept, concept: ResolvedConcept) -> None:
    message.kind = types_pb2.ConceptKind.ValueType(concept.kind)
    _fill_mention(message.mention, concept.mention)
    message.id = concept.id
    message.name = concept.name
    message.definition = concept.definition
    message.variation = concept.variation
    message.dimension = concept.dimension
    message.values.extend(concept.values[:MAX_VALUES])
    message.value_count = len(concept.values)
    message.excluded = concept.excluded
    if concept.time_range is not None:
        fill_time_range(message.time_range, concept.time_range)
    message.confidence = concept.confidence
    message.reason = concept.reason
    for alternative in concept.alternatives:
        _fill_option(message.alternatives.add(), alternative)
    message.certification_tier = concept.certification_tier
    for step in concept.path:
        hop = message.path.add()
        hop.from_id = step.start
        hop.relation = step.relation
        hop.to_id = step.end


def fill_confidence(message: types_pb2.Confidence, confidence: Confidence) -> None:
    """Write a confidence into a message."""
    message.overall = confidence.overall
    message.level = types_pb2.ConfidenceLevel.ValueType(confidence.level)
    message.definition = confidence.definition
    if confidence.data_quality is not None:
        message.data_quality = confidence.data_quality
    if confidence.freshness is not None:
        message.freshness = confidence.freshness
    if confidence.completeness is not None:
        message.completeness = confidence.completeness


def fill_warning(message: types_pb2.Warning, warning: Warning) -> None:
    """Write a warning into a message."""
    message.id = warning.id
    message.type = warning.type
    message.severity = SEVERITIES[warning.severity]
    message.message = warning.message
    message.impact = warning.impact
    message.workaround = warning.workaround


def _fill_assumption(message: types_pb2.Assumption, assumption: Assumption) -> None:
    message.id = assumption.id
    _fill_option(message.taken, assumption.taken)
    message.reason = assumption.reason
    for alternative in assumption.alternatives:
        _fill_option(message.alternatives.add(), alternative)


def _fill_ambiguity(message: types_pb2.Ambiguity, ambiguity: Ambiguity) -> None:
    message.id = ambiguity.id
    if ambiguity.mention is not None:
        _fill_mention(message.mention, ambiguity.mention)
    for offered in ambiguity.options:
        _fill_option(message.options.add(), offered)
    message.message = ambiguity.message


def _fill_principal(message: types_pb2.Principal, principal: Principal) -> None:
    message.subject = principal.subject
    message.actor = principal.actor
    message.department = principal.department
    message.roles.extend(principal.roles)
    for dimension, members in principal.allowed_members:
        allowed = message.allowed_members[dimension]  # made by asking for it, empty or not
        allowed.values.extend(members)
    message.verified = principal.verified
