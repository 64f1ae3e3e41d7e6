"""The client's types against the contract: nothing of it is left out, and nothing is invented."""

import dataclasses
import re
from collections.abc import Iterator
from enum import Enum
from typing import Any, get_args, get_type_hints

import pytest
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

import ecp_client
from ecp.v1 import catalog_pb2, error_reason_pb2, health_pb2, plan_pb2, provenance_pb2, resolve_pb2, types_pb2
from ecp_client._catalog import MetricPage
from ecp_client._read import read

RESULTS: dict[type[Any], type[Message]] = {
    ecp_client.Resolution: resolve_pb2.ResolveResponse,
    ecp_client.ExecutionResult: resolve_pb2.ExecuteResponse,
    ecp_client.ResolutionRecord: resolve_pb2.GetResolutionResponse,
    ecp_client.FeedbackReceipt: resolve_pb2.ReportFeedbackResponse,
    ecp_client.GlossaryPage: catalog_pb2.SearchGlossaryResponse,
    MetricPage: catalog_pb2.ListMetricsResponse,
    ecp_client.LineageResult: catalog_pb2.GetLineageResponse,
    ecp_client.Health: health_pb2.GetHealthResponse,
}
FILES = (catalog_pb2, error_reason_pb2, health_pb2, plan_pb2, provenance_pb2, resolve_pb2, types_pb2)
TYPED = {ecp_client.Column: {"null_rows", "null_reasons"}}
"""Fields that a dataclass has in another shape."""


def kinds_in(hint: Any) -> Iterator[type[Any]]:
    """The classes that an annotation names, through tuples, mappings and unions."""
    if isinstance(hint, type):
        yield hint
    for part in get_args(hint):
        yield from kinds_in(part)


def pairs(kind: type[Any], descriptor: Any) -> Iterator[tuple[type[Any], Descriptor | EnumDescriptor]]:
    """Each dataclass and enumeration that a result consists of, with what it stands for in the contract."""
    yield kind, descriptor
    for name, hint in get_type_hints(kind).items():
        field = descriptor.fields_by_name.get(name)
        for part in kinds_in(hint):
            if field and field.message_type and dataclasses.is_dataclass(part):
                yield from pairs(part, field.message_type)
            elif field and field.enum_type and issubclass(part, Enum):
                yield part, field.enum_type


PAIRS = {pair for kind, message in RESULTS.items() for pair in pairs(kind, message.DESCRIPTOR)}
MESSAGES = {(kind, of) for kind, of in PAIRS if isinstance(of, Descriptor)}
ENUMS = {(kind, of) for kind, of in PAIRS if isinstance(of, EnumDescriptor)} | {
    (ecp_client.Reason, error_reason_pb2.ErrorReason.DESCRIPTOR),
    (ecp_client.NullReason, plan_pb2.NullReason.DESCRIPTOR),
}


@pytest.mark.parametrize(("kind", "descriptor"), sorted(MESSAGES, key=str))
def test_a_dataclass_has_the_fields_of_its_message(kind: type[Any], descriptor: Descriptor) -> None:
    fields = {field.name for field in dataclasses.fields(kind)}
    described = set(descriptor.fields_by_name)

    assert described - TYPED.get(kind, set()) == fields - ({"proto", "request_id", "nulls"} - described)


@pytest.mark.parametrize(("kind", "descriptor"), sorted(ENUMS, key=str))
def test_an_enumeration_has_the_names_and_numbers_of_the_contract(kind: type[Enum], descriptor: EnumDescriptor) -> None:
    prefix = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", descriptor.name).upper()

    assert [(value.name, value.number) for value in descriptor.values] == [
        (f"{prefix}_{member.name}", number) for number, member in enumerate(kind)
    ]


def test_every_message_and_enumeration_of_the_contract_but_the_requests_has_its_counterpart() -> None:
    described = {
        described
        for file in FILES
        for described in (*file.DESCRIPTOR.message_types_by_name.values(), *file.DESCRIPTOR.enum_types_by_name.values())
    }
    met = {descriptor for _, descriptor in MESSAGES | ENUMS}

    assert {
        "ConceptNotFoundDetail",  # the attributes of NotFound
        "GetHealthRequest",
        "GetLineageRequest",
        "GetResolutionRequest",
        "ListMetricsRequest",
        "ReportFeedbackRequest",
        "SearchGlossaryRequest",
        "ValueList",  # a tuple
    } == {one.name for one in described - met}


def filled(message: Message) -> Message:
    """The message with something in every field, one item in every repeated one."""
    for field in message.DESCRIPTOR.fields:
        if field.message_type and field.message_type.GetOptions().map_entry:
            getattr(message, field.name)["region"].values.append("region.apac")
        elif field.message_type and field.message_type.full_name == "google.protobuf.Struct":
            getattr(message, field.name)["metric"] = "net_revenue"
        elif field.message_type:
            target = getattr(message, field.name)
            filled(target.add() if field.is_repeated else target)
        elif field.is_repeated:
            getattr(message, field.name).append(scalar(field))
        else:
            setattr(message, field.name, scalar(field))
    return message


def scalar(field: Any) -> Any:
    if field.enum_type:
        return field.enum_type.values[-1].number
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        return "2024-10-01" if field.name.endswith("_date") else "true"
    return 1


def empty_fields(value: Any, path: str) -> Iterator[str]:
    """Where a result has nothing, by path; a column's values are null by its null rows."""
    if dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            if field.name not in {"proto", "request_id"}:
                yield from empty_fields(getattr(value, field.name), f"{path}.{field.name}")
    elif isinstance(value, tuple):
        for one in value:
            yield from empty_fields(one, path)
    if not value:
        yield path


@pytest.mark.parametrize("kind", RESULTS)
def test_no_field_of_a_full_message_is_lost(kind: type[Any]) -> None:
    """But for the first two of the three kinds of direct answer, of which a message holds one."""
    result = read(kind, filled(RESULTS[kind]()))

    empty = {
        path for path in empty_fields(result, "") if not re.fullmatch(r"(\.response)?\.(definition|lineage)", path)
    }

    assert set() == empty
