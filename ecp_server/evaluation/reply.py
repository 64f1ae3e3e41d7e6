"""What comes back for a question, as JSON: the evaluation knows no transport."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import field
from typing import Any, Protocol

from ecp_server.domain.frozen import dataclass

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """A ResolveResponse in the JSON form of protobuf, with the field names of the contract."""

    body: Json

    def items(self, name: str) -> list[Json]:
        """Return a repeated field; empty where it is absent."""
        return list(self.body.get(name, ()))

    @property
    def status(self) -> str:
        """Return the status without its prefix."""
        return str(self.body.get("status", "")).removeprefix("RESOLUTION_STATUS_")

    @property
    def plan(self) -> Json:
        """Return the plan; empty where there is none."""
        plan: Json = self.body.get("plan", {})
        return plan

    @property
    def confidence(self) -> float | None:
        """Return the overall confidence; None where none was given."""
        confidence = self.body.get("confidence")
        return None if confidence is None else float(confidence.get("overall", 0.0))

    def text(self) -> str:
        """Return everything that it says."""
        return json.dumps(self.body, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Refusal:
    """An error: its reason without prefix, the metadata of its ErrorInfo, and ConceptNotFoundDetail as JSON."""

    reason: str
    message: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    detail: Json = field(default_factory=dict)

    @property
    def status(self) -> str:
        """Return the reason: what an expectation calls its status."""
        return self.reason

    def text(self) -> str:
        """Return everything that it says."""
        return json.dumps([self.message, dict(self.metadata), dict(self.detail)], ensure_ascii=False)


Reply = Answer | Refusal


@dataclass(frozen=True, slots=True)
class Figures:
    """An ExecuteResponse in the JSON form of protobuf."""

    body: Json

    @property
    def columns(self) -> list[Json]:
        """Return the columns of its table."""
        return list(self.body.get("table", {}).get("columns", ()))


class Resolver(Protocol):
    """Asks a server, by whatever way."""

    async def __call__(self, request: Json) -> Reply:
        """Send a ResolveRequest, given in the JSON form of protobuf, and return what comes back."""

    async def execute(self, resolution_id: str) -> Figures | Refusal:
        """Run a resolution and return what comes back."""
