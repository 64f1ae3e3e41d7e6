"""Requests as the domain asks them, checked."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from ecp.v1 import catalog_pb2, resolve_pb2, types_pb2
from ecp_server.domain.concepts import Choice
from ecp_server.domain.execution import ExecutionRequest
from ecp_server.domain.frozen import dataclass
from ecp_server.domain.identity import Principal
from ecp_server.domain.provenance import ProvenanceView
from ecp_server.domain.resolution import Question
from ecp_server.rpc.convert.checks import MAX_NAME, MAX_TEXT, Checks

MAX_CHOICES = 50
MAX_ROLES = 50
MAX_RESTRICTED_DIMENSIONS = 50
MAX_ALLOWED_MEMBERS = 1000
MAX_ROWS = 10_000
DEFAULT_ROWS = 1000
MAX_STALENESS = timedelta(days=365)
_VIEWS: Mapping[int, ProvenanceView] = {0: ProvenanceView.BASIC, **{view.value: view for view in ProvenanceView}}
"""By number on the wire; 0 where none is named."""


@dataclass(frozen=True, slots=True)
class Search:
    """A search of the glossary."""

    query: str
    domain: str
    page_size: int
    page_token: str
    principal: Principal


@dataclass(frozen=True, slots=True)
class Listing:
    """A list of metrics."""

    dimension: str
    domain: str
    max_certification_tier: int
    page_size: int
    page_token: str
    query: str
    principal: Principal


@dataclass(frozen=True, slots=True)
class LineageRequest:
    """A walk through the lineage."""

    target: str
    depth: int
    downstream: bool
    max_nodes: int
    principal: Principal


def question(request: resolve_pb2.ResolveRequest) -> Question:
    """Return the question. Raises `InvalidQuery` or `InvalidChoice`, naming every field that is wrong."""
    checks = Checks()
    checks.text("concept", request.concept)
    checks.at_most("choices", request.choices, MAX_CHOICES)
    chosen: dict[str, str] = {}
    for i, choice in enumerate(request.choices[:MAX_CHOICES]):
        if chosen.setdefault(choice.subject_id, choice.option_id) != choice.option_id:
            checks.wrong_choice(f"choices[{i}].option_id", "contradicts an earlier choice of the same subject")
        if not choice.subject_id:
            checks.wrong_choice(f"choices[{i}].subject_id", "must not be empty")
        if not choice.option_id:
            checks.wrong_choice(f"choices[{i}].option_id", "must not be empty")
        # Both are recorded also where the question comes to nothing before anyone asks whether they were offered.
        checks.optional_text(f"choices[{i}].subject_id", choice.subject_id, MAX_TEXT)
        checks.optional_text(f"choices[{i}].option_id", choice.option_id, MAX_TEXT)
    _view(checks, request.provenance_view)
    asked = Question(
        text=request.concept,
        principal=_principal(checks, request.user_context),
        as_of=checks.moment("as_of", request.as_of) if request.HasField("as_of") else datetime.now(UTC),
        time_zone=checks.time_zone("time_zone", request.time_zone),
        choices=tuple(Choice(choice.subject_id, choice.option_id) for choice in request.choices[:MAX_CHOICES]),
        resume_resolution_id=checks.optional_text("resume_resolution_id", request.resume_resolution_id),
        definition_context=checks.optional_text("definition_context", request.definition_context),
    )
    checks.finish()
    return asked


def resolution_id(request: resolve_pb2.GetResolutionRequest) -> tuple[str, ProvenanceView]:
    """Return the id and view of a recorded resolution. Raises `InvalidQuery`."""
    checks = Checks()
    checks.text("resolution_id", request.resolution_id, MAX_NAME)
    asked = _view(checks, request.provenance_view)
    checks.finish()
    return request.resolution_id, asked


def execution(request: resolve_pb2.ExecuteRequest, callers: tuple[str, ...]) -> ExecutionRequest:
    """Return what to run, for whoever the callers say they are. Raises `InvalidQuery`."""
    checks = Checks()
    checks.text("resolution_id", request.resolution_id, MAX_NAME)
    if len(request.filters) > MAX_RESTRICTED_DIMENSIONS:
        checks.wrong("filters", f"must have at most {MAX_RESTRICTED_DIMENSIONS} dimensions")
        checks.finish()
    for dimension, members in request.filters.items():
        _members(checks, f"filters[{dimension[:MAX_NAME]}]", dimension, members)
        if not members.values:
            checks.wrong(f"filters[{dimension[:MAX_NAME]}]", "must name a member")
    _view(checks, request.provenance_view)
    asked = ExecutionRequest(
        resolution_id=request.resolution_id,
        callers=callers,
        narrowing=tuple(sorted((d, tuple(dict.fromkeys(m.values))) for d, m in request.filters.items())),
        row_limit=checks.within("row_limit", request.row_limit, highest=MAX_ROWS, default=DEFAULT_ROWS),
        max_staleness=_staleness(checks, request),
    )
    checks.finish()
    return asked


def _staleness(checks: Checks, request: resolve_pb2.ExecuteRequest) -> timedelta | None:
    """Return how old a kept result may be; to the microsecond, and never more than `MAX_STALENESS`."""
    if not request.HasField("max_staleness"):
        return None
    asked = request.max_staleness
    if asked.seconds < 0 or asked.nanos < 0 or asked.nanos >= 1_000_000_000:  # noqa: PLR2004 - nanoseconds of a second
        checks.wrong("max_staleness", "must not be negative")
        return None
    return min(MAX_STALENESS, timedelta(seconds=min(asked.seconds, 10**9), microseconds=asked.nanos // 1000))


def view(request: resolve_pb2.ResolveRequest | resolve_pb2.ExecuteRequest) -> ProvenanceView:
    """Return how much provenance a checked request asks for."""
    return _VIEWS[request.provenance_view]


def search(request: catalog_pb2.SearchGlossaryRequest) -> Search:
    """Return the search. Raises `InvalidQuery`."""
    checks = Checks()
    asked = Search(
        query=checks.text("query", request.query),
        domain=checks.optional_text("domain", request.domain),
        page_size=checks.within("page_size", request.page_size, highest=100, default=10),
        page_token=checks.optional_text("page_token", request.page_token, 1000),
        principal=_principal(checks, request.user_context),
    )
    checks.finish()
    return asked


def listing(request: catalog_pb2.ListMetricsRequest) -> Listing:
    """Return the listing. Raises `InvalidQuery`."""
    checks = Checks()
    asked = Listing(
        dimension=checks.optional_text("dimension", request.dimension),
        domain=checks.optional_text("domain", request.domain),
        max_certification_tier=checks.within(
            "max_certification_tier", request.max_certification_tier, highest=4, default=4
        ),
        page_size=checks.within("page_size", request.page_size, highest=1000, default=100),
        page_token=checks.optional_text("page_token", request.page_token, 1000),
        query=checks.optional_text("query", request.query, 1000),
        principal=_principal(checks, request.user_context),
    )
    checks.finish()
    return asked


def lineage(request: catalog_pb2.GetLineageRequest) -> LineageRequest:
    """Return the walk. Raises `InvalidQuery`."""
    checks = Checks()
    asked = LineageRequest(
        target=checks.text("target", request.target),
        depth=checks.within("depth", request.depth, highest=20, default=3),
        downstream=request.downstream,
        max_nodes=checks.within("max_nodes", request.max_nodes, highest=1000, default=200),
        principal=_principal(checks, request.user_context),
    )
    checks.finish()
    return asked


def _view(checks: Checks, value: int) -> ProvenanceView:
    found = _VIEWS.get(value)
    if found is None:
        checks.wrong("provenance_view", "names no view")
        return ProvenanceView.BASIC
    return found


def _principal(checks: Checks, context: types_pb2.UserContext) -> Principal:
    """Return whose rights apply, as far as the caller says; nothing proves it."""
    checks.optional_text("user_context.user_id", context.user_id)
    checks.optional_text("user_context.department", context.department)
    checks.at_most("user_context.roles", context.roles, MAX_ROLES)
    for i, role in enumerate(context.roles[:MAX_ROLES]):
        checks.optional_text(f"user_context.roles[{i}]", role)
    allowed = context.allowed_members
    if len(allowed) > MAX_RESTRICTED_DIMENSIONS:
        checks.wrong("user_context.allowed_members", f"must have at most {MAX_RESTRICTED_DIMENSIONS} dimensions")
        return Principal()
    held: list[tuple[str, tuple[str, ...]]] = []
    for dimension in allowed:
        members = allowed[dimension]
        _members(checks, f"user_context.allowed_members[{dimension[:MAX_NAME]}]", dimension, members)
        held.append((dimension, tuple(sorted(set(members.values)))))
    return Principal(
        subject=context.user_id,
        department=context.department,
        roles=tuple(context.roles),
        allowed_members=tuple(sorted(held)),
    )


def _members(checks: Checks, field: str, dimension: str, members: types_pb2.ValueList) -> None:
    checks.optional_text(field, dimension)
    checks.at_most(field, members.values, MAX_ALLOWED_MEMBERS)
    for i, member in enumerate(members.values[:MAX_ALLOWED_MEMBERS]):
        checks.optional_text(f"{field}.values[{i}]", member)
