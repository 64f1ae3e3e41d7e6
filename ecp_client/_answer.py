"""A question and its figures in one: what ``ask`` sends, and what it answers."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from ecp_client._call import Call
from ecp_client._enums import ResolutionStatus
from ecp_client._plan import ResultTable
from ecp_client._results import ExecutionResult, Resolution


@dataclass(frozen=True, slots=True)
class Answer:
    """What a question means and, where it needs figures and is settled, the figures."""

    resolution: Resolution
    execution: ExecutionResult | None
    """None where the question is not settled, or is about the catalog itself."""

    @property
    def table(self) -> ResultTable | None:
        """The figures."""
        return self.execution.table if self.execution is not None else None


@dataclass(frozen=True, slots=True)
class Asked:
    """The calls of one ``ask``: the first, and the second once the first is answered."""

    resolve: Call[Resolution]
    execute: Callable[[str, float], Call[ExecutionResult]]
    """Of a resolution's id, with so many seconds left."""
    started: float
    """On the clock of `time.monotonic`."""

    @classmethod
    def now(cls, resolve: Call[Resolution], execute: Callable[[str, float], Call[ExecutionResult]]) -> "Asked":
        """Start the clock that holds for both."""
        return cls(resolve, execute, time.monotonic())

    def second(self, found: Resolution) -> Call[ExecutionResult] | None:
        """The call that runs the plan; None where there is nothing to run."""
        if found.status is not ResolutionStatus.RESOLVED or found.plan is None:
            return None
        left = self.resolve.timeout_seconds - (time.monotonic() - self.started)
        return self.execute(found.resolution_id, max(left, 0.001))
