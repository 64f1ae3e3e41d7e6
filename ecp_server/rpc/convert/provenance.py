"""Provenance on the wire, and how much of it a reply carries."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from google.protobuf.struct_pb2 import NULL_VALUE, ListValue, Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

from ecp.v1 import provenance_pb2, resolve_pb2, types_pb2
from ecp_server.domain.provenance import Degradation, Output, OutputValue, Provenance, ProvenanceView, Step


def provenance(proof: Provenance) -> provenance_pb2.Provenance:
    """Return the whole provenance as a message."""
    return provenance_pb2.Provenance(
        steps=[_step(step) for step in proof.steps],
        catalog_version=proof.catalog_version,
        policies_evaluated=proof.policies_evaluated,
        request_id=proof.request_id,
    )


def cut(response: resolve_pb2.ResolveResponse, view: ProvenanceView) -> None:
    """Take away from a response, in place, what the view leaves out; everything else stays to the byte."""
    if view is ProvenanceView.NONE:
        response.provenance.ClearField("steps")
    elif view is ProvenanceView.BASIC:
        for step in response.provenance.steps:
            step.ClearField("store_calls")
            step.ClearField("output")


def degradation(impaired: Degradation) -> types_pb2.Degradation:
    """Return an impaired dependency as a message."""
    since = Timestamp()
    since.FromDatetime(impaired.since)
    return types_pb2.Degradation(
        store=types_pb2.Store.ValueType(impaired.store),
        reason=impaired.reason,
        fallback=impaired.fallback,
        since=since,
    )


def _step(step: Step) -> provenance_pb2.Step:
    start_time = Timestamp()
    start_time.FromDatetime(step.start_time)
    return provenance_pb2.Step(
        id=step.id,
        type=provenance_pb2.StepType.ValueType(step.type),
        status=provenance_pb2.StepStatus.ValueType(step.status),
        depends_on=step.depends_on,
        start_time=start_time,
        duration_ms=step.duration_ms,
        store_calls=[
            provenance_pb2.StoreCall(
                store=types_pb2.Store.ValueType(call.store),
                adapter=call.adapter,
                operation=call.operation,
                duration_ms=call.duration_ms,
                outcome=call.outcome,
                attempts=call.attempts,
            )
            for call in step.store_calls
        ],
        reasoning=step.reasoning,
        output=_struct(step.output) if step.output else None,
    )


def _struct(output: Output) -> Struct:
    return Struct(fields={key: _value(value) for key, value in output.items()})


def _value(value: OutputValue) -> Value:
    if value is None:
        return Value(null_value=NULL_VALUE)
    if isinstance(value, bool):
        return Value(bool_value=value)
    if isinstance(value, (int, float)):
        return Value(number_value=value)
    if isinstance(value, str):
        return Value(string_value=value)
    if isinstance(value, Mapping):
        return Value(struct_value=_struct(value))
    return Value(list_value=_list(value))


def _list(values: Sequence[OutputValue]) -> ListValue:
    return ListValue(values=[_value(value) for value in values])
