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
from ecp_server.rpc.convert.plans import execution_plan, time_range
from ecp_server.rpc.convert.provenance import degradation, provenance, timestamp

MAX_VALUES = 100
_SEVERITIES = {
    Severity.LOW: types_pb2.SEVERITY_LOW,
    Severity.MEDIUM: types_pb2.SEVERITY_MEDIUM,
    Severity.HIGH: types_pb2.SEVERITY_HIGH,
    Severity.CRITICAL: types_pb2.SEVERITY_CRITICAL,
}


def resolve_response(resolution: Resolution) -> resolve_pb2.ResolveResponse:
    """Return the resolution with its whole provenance."""
    response = resolve_pb2.ResolveResponse(
        resolution_id=resolution.id,
        status=types_pb2.ResolutionStatus.ValueType(resolution.status),
        intent=types_pb2.Intent.ValueType(resolution.intent),
        interpretation=resolution.interpretation,
        concepts=[_concept(concept) for concept in resolution.concepts],
        unmatched=[mention(unmatched) for unmatched in resolution.unmatched],
        time_range=time_range(resolution.time_range) if resolution.time_range is not None else None,
        plan=execution_plan(resolution.plan) if resolution.plan is not None else None,
        confidence=_confidence(resolution.confidence) if resolution.confidence is not None else None,
        warnings=[_warning(warning) for warning in resolution.warnings],
        assumptions=[_assumption(assumption) for assumption in resolution.assumptions],
        ambiguities=[_ambiguity(ambiguity) for ambiguity in resolution.ambiguities],
        provenance=provenance(resolution.provenance),
        degradations=[degradation(impaired) for impaired in resolution.degradations],
        principal=_principal(resolution.question.principal),
        expire_time=timestamp(resolution.expire_time),
    )
    answer = resolution.answer
    if isinstance(answer, GlossaryTerm):
        response.definition.CopyFrom(glossary_term(answer))
    elif isinstance(answer, Lineage):
        response.lineage.CopyFrom(lineage(answer))
    elif isinstance(answer, MetricList):
        response.metrics.metrics.extend(metric(listed) for listed in answer.metrics)
        response.metrics.total_size = answer.total_size
        response.metrics.next_page_token = answer.next_page_token
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
    return types_pb2.Mention(text=words.text, start=words.start, end=words.end)


def option(offered: Option) -> types_pb2.Option:
    """Return an option as a message."""
    return types_pb2.Option(
        id=offered.id,
        kind=types_pb2.ConceptKind.ValueType(offered.kind),
        name=offered.name,
        definition=offered.definition,
        confidence=offered.confidence,
    )


def _concept(concept: ResolvedConcept) -> types_pb2.ResolvedConcept:
    return types_pb2.ResolvedConcept(
        kind=types_pb2.ConceptKind.ValueType(concept.kind),
        mention=mention(concept.mention),
        id=concept.id,
        name=concept.name,
        definition=concept.definition,
        variation=concept.variation,
        dimension=concept.dimension,
        values=concept.values[:MAX_VALUES],
        value_count=len(concept.values),
        excluded=concept.excluded,
        time_range=time_range(concept.time_range) if concept.time_range is not None else None,
        confidence=concept.confidence,
        reason=concept.reason,
        alternatives=[option(alternative) for alternative in concept.alternatives],
        certification_tier=concept.certification_tier,
        path=[types_pb2.Hop(from_id=hop.start, relation=hop.relation, to_id=hop.end) for hop in concept.path],
    )


def _confidence(confidence: Confidence) -> types_pb2.Confidence:
    return types_pb2.Confidence(
        overall=confidence.overall,
        level=types_pb2.ConfidenceLevel.ValueType(confidence.level),
        definition=confidence.definition,
        data_quality=confidence.data_quality,
        freshness=confidence.freshness,
        completeness=confidence.completeness,
    )


def _warning(warning: Warning) -> types_pb2.Warning:
    return types_pb2.Warning(
        id=warning.id,
        type=warning.type,
        severity=_SEVERITIES[warning.severity],
        message=warning.message,
        impact=warning.impact,
        workaround=warning.workaround,
    )


def _assumption(assumption: Assumption) -> types_pb2.Assumption:
    return types_pb2.Assumption(
        id=assumption.id,
        taken=option(assumption.taken),
        reason=assumption.reason,
        alternatives=[option(alternative) for alternative in assumption.alternatives],
    )


def _ambiguity(ambiguity: Ambiguity) -> types_pb2.Ambiguity:
    return types_pb2.Ambiguity(
        id=ambiguity.id,
        mention=mention(ambiguity.mention) if ambiguity.mention is not None else None,
        options=[option(offered) for offered in ambiguity.options],
        message=ambiguity.message,
    )


def _principal(principal: Principal) -> types_pb2.Principal:
    return types_pb2.Principal(
        subject=principal.subject,
        actor=principal.actor,
        department=principal.department,
        roles=principal.roles,
        allowed_members={
            dimension: types_pb2.ValueList(values=members) for dimension, members in principal.allowed_members
        },
        verified=principal.verified,
    )
