"""Executions on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ecp.v1 import plan_pb2, resolve_pb2
from ecp_server.domain.errors import FieldViolation, InvalidQuery
from ecp_server.domain.execution import Column, Execution, NullReason, ResultTable, Validation, text_of
from ecp_server.domain.provenance import ProvenanceView
from ecp_server.domain.records import ExecutionRecord
from ecp_server.rpc.convert.provenance import cut, fill_degradation, fill_provenance, fill_timestamp
from ecp_server.rpc.convert.recorded import RecordedAnswer
from ecp_server.rpc.convert.responses import SEVERITIES, fill_confidence, fill_warning

MAX_REPLY_BYTES: Final = 4_100_000
"""Clients refuse messages of more than 4 MiB unless told otherwise; the rest is for what frames the parts."""
MAX_TABLE_BYTES: Final = 3_500_000
"""Of one execution."""


class ExecuteEncoding:
    """Keeps the messages of one call, so that what is recorded is what is sent."""

    def __init__(self, request: resolve_pb2.ExecuteRequest, answer: RecordedAnswer) -> None:
        self._request = request
        self._answer = answer
        self.reply = resolve_pb2.ExecuteResponse()

    def request(self) -> bytes:
        """Return the request as it was received, as far as the contract knows it: all of them must fit into a reply."""
        self._request.DiscardUnknownFields()
        return self._request.SerializeToString(deterministic=True)

    def response(self, execution: Execution) -> bytes:
        """Return the response with its whole provenance, without the table, and keep it as the reply."""
        self.reply = execute_response(execution, self._answer.response)
        return self.reply.SerializeToString(deterministic=True)

    def table(self, execution: Execution) -> bytes:
        """Return the table, and keep it with the reply. Raises `InvalidQuery` where a reply cannot hold it."""
        fill_table(self.reply.table, execution.table)
        encoded = self.reply.table.SerializeToString(deterministic=True)
        if len(encoded) > MAX_TABLE_BYTES:
            violation = FieldViolation("row_limit", "the table is larger than a reply may be; ask for fewer rows")
            raise InvalidQuery(f"{violation.field}: {violation.description}", (violation,))
        return encoded


def execute_response(execution: Execution, answer: resolve_pb2.ResolveResponse) -> resolve_pb2.ExecuteResponse:
    """Return the execution with its whole provenance, that of the resolution first, and without its table."""
    response = resolve_pb2.ExecuteResponse()
    response.resolution_id = execution.resolution_id
    response.execution_id = execution.id
    for validation in execution.validations:
        _fill_validation(response.validations.add(), validation)
    fill_confidence(response.confidence, execution.confidence)
    for warning in execution.warnings:
        fill_warning(response.warnings.add(), warning)
    response.provenance.steps.extend(answer.provenance.steps)
    fill_provenance(response.provenance, execution.provenance)
    policies = {*answer.provenance.policies_evaluated, *execution.provenance.policies_evaluated}
    response.provenance.policies_evaluated[:] = sorted(policies)
    for impaired in execution.degradations:
        fill_degradation(response.degradations.add(), impaired)
    response.attestation.plan_digest = execution.attestation.plan_digest
    response.attestation.executed_digest = execution.attestation.executed_digest
    response.attestation.decision_id = execution.attestation.decision_id
    response.attestation.obligations_checked = execution.attestation.obligations_checked
    fill_timestamp(response.create_time, execution.create_time)
    return response


def fill_table(message: plan_pb2.ResultTable, table: ResultTable) -> None:
    """Write a table into a message."""
    message.SetInParent()
    for column in table.columns:
        _fill_column(message.columns.add(), column)
    message.row_count = table.row_count
    message.truncated = table.truncated
    for source in table.sources:
        filled = message.sources.add()
        filled.query_id = source.query_id
        filled.adapter = source.adapter
        if source.refresh_time is not None:
            fill_timestamp(filled.refresh_time, source.refresh_time)
        if source.fresh_time is not None:
            fill_timestamp(filled.fresh_time, source.fresh_time)


def recorded_executions(
    records: Sequence[ExecutionRecord], view: ProvenanceView, *, beside_bytes: int
) -> list[resolve_pb2.Execution]:
    """Return recorded executions, their tables as far as one reply may hold them, the newest first.

    ``beside_bytes`` is the size of what else the reply holds.
    """
    executions: list[resolve_pb2.Execution] = []
    left = MAX_REPLY_BYTES - beside_bytes - sum(len(record.request) + len(record.response) for record in records)
    for record in records:
        execution = resolve_pb2.Execution(
            request=resolve_pb2.ExecuteRequest.FromString(record.request),
            response=resolve_pb2.ExecuteResponse.FromString(record.response),
            table_digest=record.table_digest,
        )
        cut(execution.response, view)
        left -= len(record.table)
        if record.table and left >= 0:
            execution.response.table.MergeFromString(record.table)
        executions.append(execution)
    return executions


def _fill_validation(message: plan_pb2.Validation, validation: Validation) -> None:
    message.rule_id = validation.rule_id
    message.passed = validation.passed
    message.severity = SEVERITIES[validation.severity]
    message.message = validation.message


def _fill_column(message: plan_pb2.Column, column: Column) -> None:
    message.name = column.name
    message.label = column.label
    message.type = plan_pb2.ColumnType.ValueType(column.type)
    message.unit = column.unit
    message.values.extend(text_of(cell) for cell in column.cells)
    for row, cell in enumerate(column.cells):
        if isinstance(cell, NullReason):
            message.null_rows.append(row)
            message.null_reasons.append(plan_pb2.NullReason.ValueType(cell.value))
    message.masked = column.masked
    message.value_labels.extend(column.value_labels)
