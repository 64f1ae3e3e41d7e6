"""Provenance on the wire, and how much of it a reply carries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from google.protobuf.struct_pb2 import NULL_VALUE, Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp

from ecp.v1 import provenance_pb2, resolve_pb2, types_pb2
from ecp_server.domain.provenance import Degradation, Output, OutputValue, Provenance, ProvenanceView, Step

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_DAY_SECONDS: Final = 86_400


def fill_provenance(message: provenance_pb2.Provenance, proof: Provenance) -> None:
    """Write the whole provenance into a message."""
    for step in proof.steps:
        _fill_step(message.steps.add(), step)
    message.catalog_version = proof.catalog_version
    message.policies_evaluated.extend(proof.policies_evaluated)
    message.request_id = proof.request_id


def cut(response: resolve_pb2.ResolveResponse | resolve_pb2.ExecuteResponse, view: ProvenanceView) -> None:
    """Take away from a response, in place, what the view leaves out; everything else stays to the byte."""
    if view is ProvenanceView.NONE:
        response.provenance.ClearField("steps")
    elif view is ProvenanceView.BASIC:
        for step in response.provenance.steps:
            step.ClearField("store_calls")
            step.ClearField("output")


def fill_degradation(message: types_pb2.Degradation, impaired: Degradation) -> None:
    """Write an impaired dependency into a message."""
    message.store = types_pb2.Store.ValueType(impaired.store)
    message.reason = impaired.reason
    message.fallback = impaired.fallback
    fill_timestamp(message.since, impaired.since)


def degradation(impaired: Degradation) -> types_pb2.Degradation:
    """Return an impaired dependency as a message."""
    message = types_pb2.Degradation()
    fill_degradation(message, impaired)
    return message


def fill_timestamp(message: Timestamp, moment: datetime) -> None:
    """Write a moment into a message, exact to the microsecond."""
    since_epoch = moment - _EPOCH
    message.seconds = since_epoch.days * _DAY_SECONDS + since_epoch.seconds
    message.nanos = since_epoch.microseconds * 1000


def timestamp(moment: datetime) -> Timestamp:
    """Return a moment as a message, exact to the microsecond."""
    message = Timestamp()
    fill_timestamp(message, moment)
    return message


def _fill_step(message: provenance_pb2.Step, step: Step) -> None:
    message.id = step.id
    message.type = provenance_pb2.StepType.ValueType(step.type)
    message.status = provenance_pb2.StepStatus.ValueType(step.status)
    message.depends_on.extend(step.depends_on)
    fill_timestamp(message.start_time, step.start_time)
    message.duration_ms = step.duration_ms
    for asked in step.store_calls:
        call = message.store_calls.add()
        call.store = types_pb2.Store.ValueType(asked.store)
        call.adapter = asked.adapter
        call.operation = asked.operation
        call.duration_ms = asked.duration_ms
        call.outcome = asked.outcome
        call.attempts = asked.attempts
    message.reasoning = step.reasoning
    if step.output:
        _fill_struct(message.output, step.output)


def _fill_struct(struct: Struct, output: Output) -> None:
    fields = struct.fields
    for key, value in output.items():
        if isinstance(value, str):
            fields[key].string_value = value
        else:
            _fill(fields[key], value)


def _fill(message: Value, value: OutputValue) -> None:
    """Write what is not a text; texts, which most values are, are written where they are met."""
    if isinstance(value, (list, tuple)):
        message.list_value.SetInParent()
        values = message.list_value.values
        for item in value:
            if isinstance(item, str):
                values.add().string_value = item
            else:
                _fill(values.add(), item)
    elif isinstance(value, dict):
        message.struct_value.SetInParent()
        _fill_struct(message.struct_value, value)
    elif isinstance(value, bool):
        message.bool_value = value
    elif isinstance(value, (int, float)):
        message.number_value = value
    elif value is None:
        message.null_value = NULL_VALUE
    else:  # asked last: whether something is a Mapping Python finds out in Python
        _fill(message, dict(value) if isinstance(value, Mapping) else tuple(value))
