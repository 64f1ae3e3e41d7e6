"""The public face: what `from ecp_client import …` may name, and that both clients have the same calls."""

import inspect
import re
from typing import get_args

import pytest

import ecp_client
from ecp_client import AsyncClient, Client
from ecp_client._calls import Calls

CALLS = [
    name
    for kind in Calls.__mro__[:-1]
    for name, method in vars(kind).items()
    if not name.startswith("_") and inspect.isfunction(method)
]


def test_the_public_names_are_these() -> None:
    assert [
        "Alignment",
        "Ambiguity",
        "Answer",
        "Assumption",
        "AsyncClient",
        "Attestation",
        "BreakerState",
        "Choice",
        "Client",
        "Column",
        "ColumnType",
        "Computation",
        "ConceptKind",
        "Confidence",
        "ConfidenceLevel",
        "DataWarning",
        "DeadlineExceeded",
        "Degradation",
        "Denied",
        "EcpError",
        "ExecuteInput",
        "Execution",
        "ExecutionPlan",
        "ExecutionResult",
        "FailedPrecondition",
        "Feedback",
        "FeedbackReceipt",
        "FeedbackVerdict",
        "FieldViolation",
        "Filter",
        "FilterOperator",
        "GlossaryPage",
        "GlossaryTerm",
        "Grain",
        "GroupBy",
        "Health",
        "HealthStatus",
        "Hop",
        "Intent",
        "InternalError",
        "InvalidRequest",
        "Lineage",
        "LineageEdge",
        "LineageNode",
        "LineageNodeType",
        "LineageResult",
        "Measure",
        "MemberBucket",
        "Mention",
        "Metric",
        "MetricList",
        "NotFound",
        "NullReason",
        "Obligation",
        "ObligationKind",
        "Option",
        "OrderBy",
        "PreconditionViolation",
        "Principal",
        "Provenance",
        "ProvenanceView",
        "QuerySource",
        "Reason",
        "Resolution",
        "ResolutionRecord",
        "ResolutionStatus",
        "ResolveInput",
        "ResolvedConcept",
        "ResourceExhausted",
        "ResultTable",
        "SemanticQuery",
        "Severity",
        "Step",
        "StepStatus",
        "StepType",
        "Store",
        "StoreCall",
        "StoreHealth",
        "TimeBucket",
        "TimeRange",
        "Unauthenticated",
        "Unavailable",
        "Unimplemented",
        "UserContext",
        "Validation",
        "Value",
        "Variation",
    ] == ecp_client.__all__


def test_every_public_name_is_there_and_lives_in_a_private_module() -> None:
    homes = {name: getattr(ecp_client, name).__module__ for name in ecp_client.__all__ if name != "Value"}

    assert [] == [name for name, home in homes.items() if not home.startswith("ecp_client._")]


def test_the_calls_are_these() -> None:
    assert [
        "ask",
        "resolve",
        "execute",
        "get_resolution",
        "report_feedback",
        "search_glossary",
        "list_metrics",
        "get_lineage",
        "health",
    ] == CALLS


@pytest.mark.parametrize("name", CALLS)
def test_both_clients_have_a_call_with_the_same_words_and_parameters_and_results(name: str) -> None:
    asynchronous, blocking = getattr(AsyncClient, name), getattr(Client, name)

    described, other = inspect.signature(asynchronous), inspect.signature(blocking)

    assert described.parameters == other.parameters
    assert asynchronous.__doc__ == blocking.__doc__
    assert asynchronous.__name__ == name == blocking.__name__
    if name == "list_metrics":
        assert get_args(described.return_annotation) == get_args(other.return_annotation) == (ecp_client.Metric,)
    else:
        assert inspect.iscoroutinefunction(asynchronous)
        assert described.return_annotation is other.return_annotation


@pytest.mark.parametrize("name", CALLS)
def test_a_call_says_what_each_parameter_means_and_what_it_raises(name: str) -> None:
    words = inspect.getdoc(getattr(Client, name)) or ""
    described = re.findall(r"^    (\w+): ", words.partition("Args:")[2].partition("Raises:")[0], re.MULTILINE)
    raised = re.findall(r"^    (\w+): ", words.partition("Raises:")[2], re.MULTILINE)

    assert list(inspect.signature(getattr(Client, name)).parameters)[1:] == described
    assert raised
    assert all(issubclass(getattr(ecp_client, error), ecp_client.EcpError) for error in raised)
