"""The table of design section 7, and details that fit into trailers."""

from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from ecp.v1 import error_reason_pb2, types_pb2
from ecp_server.domain import errors
from ecp_server.domain.concepts import ConceptKind, Mention, Option
from ecp_server.domain.provenance import StoreKind
from ecp_server.interceptors.status import (
    CODES,
    MAX_MESSAGE_BYTES,
    MAX_TRAILER_BYTES,
    Status,
    Stopping,
    code_of,
    overloaded,
    status_of,
)

EXAMPLES: dict[errors.EcpError, tuple[grpc.StatusCode, str]] = {
    errors.InvalidQuery("m"): (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_QUERY"),
    errors.InvalidChoice("m"): (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_CHOICE"),
    errors.ConceptNotFound("m"): (grpc.StatusCode.NOT_FOUND, "CONCEPT_NOT_FOUND"),
    errors.ResolutionNotFound(): (grpc.StatusCode.NOT_FOUND, "RESOLUTION_NOT_FOUND"),
    errors.AmbiguousConcept("m"): (grpc.StatusCode.FAILED_PRECONDITION, "AMBIGUOUS_CONCEPT"),
    errors.TooLarge("the answer has 9 rows"): (grpc.StatusCode.FAILED_PRECONDITION, "INCOMPATIBLE_CONCEPTS"),
    errors.IncompatibleConcepts("m"): (grpc.StatusCode.FAILED_PRECONDITION, "INCOMPATIBLE_CONCEPTS"),
    errors.ResolutionExpired(): (grpc.StatusCode.FAILED_PRECONDITION, "RESOLUTION_EXPIRED"),
    errors.PolicyDenied("ecp.tiers", "no", ("analyst",)): (grpc.StatusCode.PERMISSION_DENIED, "POLICY_DENIED"),
    errors.StoreUnavailable(StoreKind.STATE): (grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE"),
    errors.CircuitOpen(StoreKind.GRAPH): (grpc.StatusCode.UNAVAILABLE, "CIRCUIT_OPEN"),
    errors.NotPublished(StoreKind.GRAPH): (grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE"),
    errors.StoreBusy(StoreKind.GRAPH): (grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE"),
    errors.StoreThrottled(StoreKind.GRAPH): (grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE"),
    errors.StoreIncompatible(StoreKind.SEMANTIC): (grpc.StatusCode.UNAVAILABLE, "STORE_UNAVAILABLE"),
    errors.RateLimited("corrections", retry_after_seconds=3600.0): (grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED"),
    errors.Overloaded(retry_after_seconds=1.0): (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED"),
    errors.PolicyUnavailable(): (grpc.StatusCode.UNAVAILABLE, "POLICY_UNAVAILABLE"),
    errors.PolicyMissing(): (grpc.StatusCode.UNAVAILABLE, "POLICY_UNAVAILABLE"),
    errors.StoreTimeout(StoreKind.GRAPH): (grpc.StatusCode.DEADLINE_EXCEEDED, "STORE_TIMEOUT"),
    errors.DeadlineExceeded(): (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"),
    errors.NotImplementedYet("Execute"): (grpc.StatusCode.UNIMPLEMENTED, "NOT_IMPLEMENTED"),
    errors.BusinessRuleViolation("m", ()): (grpc.StatusCode.FAILED_PRECONDITION, "BUSINESS_RULE_VIOLATION"),
    errors.DataQuality("m", ()): (grpc.StatusCode.FAILED_PRECONDITION, "DATA_QUALITY"),
    errors.StoreQueryFailed(StoreKind.STATE): (grpc.StatusCode.INTERNAL, "INTERNAL"),
    errors.EcpError("m"): (grpc.StatusCode.INTERNAL, "INTERNAL"),
}


def _tree(kind: type[errors.EcpError]) -> set[type[errors.EcpError]]:
    return {kind}.union(*(_tree(child) for child in kind.__subclasses__() if child.__module__ == errors.__name__))


def _unpack(status: Status) -> dict[str, Any]:
    unpacked: dict[str, Any] = {}
    for packed in status_pb2.Status.FromString(status.details).details:
        for kind in (
            error_details_pb2.ErrorInfo,
            error_details_pb2.RequestInfo,
            error_details_pb2.BadRequest,
            error_details_pb2.PreconditionFailure,
            error_details_pb2.RetryInfo,
            error_reason_pb2.ConceptNotFoundDetail,
        ):
            if packed.Is(kind.DESCRIPTOR):
                detail = kind()
                packed.Unpack(detail)
                unpacked[kind.DESCRIPTOR.name] = detail
    return unpacked


def test_every_domain_error_is_in_the_table() -> None:
    assert _tree(errors.EcpError) | {Stopping} == set(CODES)


def test_every_reason_of_the_contract_is_a_reason_of_the_domain() -> None:
    contract = {name.removeprefix("ERROR_REASON_") for name in error_reason_pb2.ErrorReason.keys()}  # noqa: SIM118 - not a mapping
    assert contract - {"UNSPECIFIED"} == {str(reason) for reason in errors.Reason}


@pytest.mark.parametrize(("error", "expected"), EXAMPLES.items(), ids=lambda value: type(value).__name__)
def test_error_has_its_code_and_reason(error: errors.EcpError, expected: tuple[grpc.StatusCode, str]) -> None:
    code, reason = expected
    status = status_of(error, "id-1")
    info = _unpack(status)["ErrorInfo"]
    assert (code, f"ERROR_REASON_{reason}", "ecp") == (status.code, info.reason, info.domain)
    assert code.value[0] == status_pb2.Status.FromString(status.details).code
    assert "id-1" == _unpack(status)["RequestInfo"].request_id


def test_server_that_stops_says_when_to_come_back_without_a_reason_of_the_contract() -> None:
    status = status_of(Stopping(), "id-1")
    assert status.code is grpc.StatusCode.UNAVAILABLE
    assert {"RequestInfo", "RetryInfo"} == set(_unpack(status))


def test_examples_cover_every_error_that_is_raised() -> None:
    leaves = {kind for kind in _tree(errors.EcpError) if not kind.__subclasses__()}
    assert leaves <= {type(error) for error in EXAMPLES}


@pytest.mark.parametrize(
    "error", [ValueError("secret"), errors.StoreQueryFailed(StoreKind.STATE), errors.EcpError("secret")], ids=repr
)
def test_internal_error_shows_the_request_id_alone(error: Exception) -> None:
    status = status_of(error, "id-1")
    assert "internal error" == status.message
    assert {"ErrorInfo", "RequestInfo"} == set(_unpack(status))
    assert {} == dict(_unpack(status)["ErrorInfo"].metadata)
    assert b"secret" not in status.details
    assert b"state" not in status.details


def test_subclass_that_the_table_lacks_has_the_status_of_its_base() -> None:
    class Special(errors.StoreTimeout):
        pass

    assert code_of(Special(StoreKind.GRAPH)) is grpc.StatusCode.DEADLINE_EXCEEDED


def test_policys_own_message_is_shown() -> None:
    assert "no policy decision could be had" == status_of(errors.PolicyUnavailable(), "").message


def test_denial_names_the_policy_and_who_may() -> None:
    metadata = _unpack(status_of(errors.PolicyDenied("ecp.tiers", "", ("cfo", "auditor")), ""))["ErrorInfo"].metadata
    assert {"policy": "ecp.tiers", "may": "cfo,auditor"} == dict(metadata)


def test_withheld_figures_name_the_rule_and_what_was_seen() -> None:
    broken = errors.BrokenRule("not_negative", "Never below zero: actual is -5")
    unpacked = _unpack(status_of(errors.BusinessRuleViolation("withheld", (broken,)), ""))
    (violation,) = unpacked["PreconditionFailure"].violations
    assert ("BUSINESS_RULE_VIOLATION", "not_negative", "Never below zero: actual is -5") == (
        violation.type,
        violation.subject,
        violation.description,
    )
    assert {"rules": "not_negative"} == dict(unpacked["ErrorInfo"].metadata)


def test_nothing_found_comes_with_suggestions_and_what_was_not_matched() -> None:
    error = errors.ConceptNotFound(
        "nothing matches",
        resolution_id="r-1",
        suggestions=(Option("net_revenue", "Net revenue", "Sales less returns", ConceptKind.METRIC, 0.7),),
        unmatched=(Mention("net dollar retention", 8, 28),),
    )
    expected = error_reason_pb2.ConceptNotFoundDetail(
        resolution_id="r-1",
        suggestions=[
            types_pb2.Option(
                id="net_revenue",
                kind=types_pb2.CONCEPT_KIND_METRIC,
                name="Net revenue",
                definition="Sales less returns",
                confidence=0.7,
            )
        ],
        unmatched=[types_pb2.Mention(text="net dollar retention", start=8, end=28)],
    )
    assert expected == _unpack(status_of(error, ""))["ConceptNotFoundDetail"]


def test_what_does_not_fit_loses_its_last_items_and_nothing_else() -> None:
    violations = tuple(errors.FieldViolation(f"field[{n}]", "x" * 400) for n in range(100))
    shown = _unpack(status_of(errors.InvalidQuery("too many", violations), "id-1"))
    fields = [violation.field for violation in shown["BadRequest"].field_violations]
    assert [f"field[{n}]" for n in range(10)] == fields
    assert "id-1" == shown["RequestInfo"].request_id


_TEXT = st.text(max_size=3000) | st.text("🙂%\x1b\n", min_size=500, max_size=3000)


@settings(max_examples=40)
@given(message=_TEXT, metadata=st.dictionaries(_TEXT, _TEXT, max_size=5), items=st.integers(0, 50), text=_TEXT)
def test_status_always_fits_and_holds_no_control_character(
    message: str, metadata: dict[str, str], items: int, text: str
) -> None:
    not_found = errors.ConceptNotFound(
        message,
        suggestions=(Option(text, text, text),) * items,
        unmatched=(Mention(text, 0, 1),) * items,
    )
    invalid = errors.InvalidQuery(message, (errors.FieldViolation(text, text),) * items)
    incompatible = errors.IncompatibleConcepts(message, metadata=metadata)
    for error in (not_found, invalid, incompatible):
        status = status_of(error, "i" * 64)
        encoded = sum(1 if 32 <= byte <= 126 and byte != 37 else 3 for byte in status.message.encode())
        assert encoded <= MAX_MESSAGE_BYTES
        assert encoded + len(status.details) * 4 / 3 <= MAX_TRAILER_BYTES
        shown = _unpack(status)
        texts = [status.message, *shown["ErrorInfo"].metadata.values()]
        texts += [v.description for v in shown["BadRequest"].field_violations] if "BadRequest" in shown else []
        assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for t in texts for c in t)


@given(st.floats(0.01, 100), st.text(alphabet="abcXYZ019._-", min_size=1, max_size=64))
def test_an_overload_is_told_as_any_other_error_though_quicker(seconds: float, request_id: str) -> None:
    seconds = round(seconds, 2)
    quick = overloaded(seconds, request_id)
    usual = status_of(errors.Overloaded(retry_after_seconds=seconds), request_id)
    assert (usual.code, usual.reason, usual.message) == (quick.code, quick.reason, quick.message)
    assert status_pb2.Status.FromString(usual.details) == status_pb2.Status.FromString(quick.details)
