"""Provenance on the wire, and how much of it a reply carries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

from google.protobuf.struct_pb2 import NULL_VALUE, Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

from ecp.v1 import provenance_pb2, resolve_pb2, types_pb2
from ecp_server.domain.provenance import Degradation, Output, OutputValue, Provenance, ProvenanceView, Step

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = timedelta(seconds=1)


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
    return types_pb2.Degradation(
        store=types_pb2.Store.ValueType(impaired.store),
        reason=impaired.reason,
        fallback=impaired.fallback,
        since=timestamp(impaired.since),
    )


def timestamp(moment: datetime) -> Timestamp:
    """Return a moment as a message, exact to the microsecond."""
    return Timestamp(seconds=int((moment - _EPOCH) // _SECOND), nanos=moment.microsecond * 1000)


def _step(step: Step) -> provenance_pb2.Step:
    message = provenance_pb2.Step(
        id=step.id,
        type=provenance_pb2.StepType.ValueType(step.type),
        status=provenance_pb2.StepStatus.ValueType(step.status),
        depends_on=step.depends_on,
        start_time=timestamp(step.start_time),
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
    )
    if step.output:
        _fill_struct(message.output, step.output)
    return message


# Filled in place: a message that is put into another is copied, at every level anew.
def _fill_struct(struct: Struct, output: Output) -> None:
    fields = struct.fields
    for key, value in output.items():
        _fill(fields[key], value)


def _fill(message: Value, value: OutputValue) -> None:
    if isinstance(value, str):
        message.string_value = value
    elif isinstance(value, bool):
        message.bool_value = value
    elif value is None:
        message.null_value = NULL_VALUE
    elif isinstance(value, (int, float)):
        message.number_value = value
    elif isinstance(value, Mapping):
        message.struct_value.SetInParent()
        _fill_struct(message.struct_value, value)
    else:
        message.list_value.SetInParent()
        values = message.list_value.values
        for item in value:
            _fill(values.add(), item)
