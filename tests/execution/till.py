"""A till: questions resolved by the path over embedded stores, and their plans run over rows in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Generic, Protocol

from typing_extensions import TypeVar, override

from ecp.v1 import resolve_pb2
from ecp_server.domain.catalog import Catalog
from ecp_server.domain.concepts import Choice
from ecp_server.domain.execution import Execution, ExecutionRequest, NullReason, text_of
from ecp_server.domain.provenance import StoreKind
from ecp_server.domain.resolution import Resolution
from ecp_server.execution.execute import ExecuteStores, Executor
from ecp_server.execution.kept import KeptAnswers
from ecp_server.execution.run import Runner
from ecp_server.resolution.prepared import Preparation
from ecp_server.rpc.convert.executions import ExecuteEncoding
from ecp_server.rpc.convert.recorded import RecordedAnswer
from ecp_server.rpc.resolve_service import ResolveEncoding
from ecp_server.stores.observe import observed
from ecp_server.stores.ports import Policy, Semantic
from ecp_server.telemetry.metrics import Instruments
from tests.execution.rows import Rows
from tests.resolution.desk import Desk
from tests.resolution.samples import question


class Engine(Semantic, Protocol):
    """What a till computes figures by."""

    def kind_of(self, ref: str, /) -> str:
        """How a measure aggregates."""


E = TypeVar("E", bound=Engine, default=Rows)


class Till(Desk, Generic[E]):
    """A desk that also runs what it resolves; answers are recorded as the server records them."""

    def __init__(self, catalog: Catalog, folder: Path, policy: Policy, engine: E) -> None:
        super().__init__(catalog, folder, policy)
        self.engine = engine
        self.kept = KeptAnswers()
        self.instruments = Instruments()
        self._executor: Executor | None = None

    @property
    def executor(self) -> Executor:
        """The path of executions."""
        if self._executor is None:
            semantic: Semantic = observed(self.engine, StoreKind.SEMANTIC, instruments=self.instruments)
            stores = self.stores
            self._executor = Executor(
                self.held,
                Preparation(),
                ExecuteStores(stores.policy, stores.registry, stores.state),
                Runner(semantic, self.kept, self.engine.kind_of, self.held),
                self.instruments,
            )
        return self._executor

    @override
    async def ask(self, text: str, *choices: tuple[str, str], **more: Any) -> Resolution:
        """Take a question along the path, recorded as the server records it."""
        chosen = tuple(Choice(subject, option) for subject, option in choices)
        encoding = ResolveEncoding(
            resolve_pb2.ResolveRequest(concept=text, definition_context=more.get("definition_context", ""))
        )
        return await self.resolver.resolve(question(text, choices=chosen, **more), encoding)

    async def run(self, resolution_id: str, **more: Any) -> Execution:
        """Run a resolution."""
        answer = RecordedAnswer()
        encoding = ExecuteEncoding(resolve_pb2.ExecuteRequest(resolution_id=resolution_id), answer)
        return await self.executor.execute(ExecutionRequest(resolution_id, **more), answer, encoding)

    async def figures(self, text: str, *choices: tuple[str, str], request: Any = None, **more: Any) -> Execution:
        """Ask and run."""
        return await self.run((await self.ask(text, *choices, **more)).id, **(request or {}))

    @override
    async def close(self) -> None:
        """Release the stores."""
        await self.executor.close()
        await super().close()


def table(execution: Execution) -> dict[str, list[str]]:
    """The values of a table by column, nulls as the names of their reasons."""
    return {
        column.name: [cell.name if isinstance(cell, NullReason) else text_of(cell) for cell in column.cells]
        for column in execution.table.columns
    }
