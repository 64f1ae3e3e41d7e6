"""What an import could not carry over, and what it could not even read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from typing_extensions import override


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something stands in what is imported."""

    file: str
    """Relative to what was given, with forward slashes."""
    line: int = 0
    """From 1; 0 where the file has no lines to speak of, or the whole of it is meant."""

    @override
    def __str__(self) -> str:
        return f"{self.file}:{self.line}" if self.line else self.file


@dataclass(frozen=True, slots=True, order=True)
class Remark:
    """One thing and what is to be said of it."""

    place: Place
    subject: str
    """What it is, e.g. "metric revenue"; "" where the place says enough."""
    text: str

    @override
    def __str__(self) -> str:
        return ": ".join(part for part in (str(self.place), self.subject, self.text) if part)


class ImportFailed(Exception):
    """What was given cannot be imported, and nothing was written; ``problems`` holds everything that is wrong."""

    def __init__(self, problems: Iterable[Remark]) -> None:
        self.problems: Sequence[Remark] = tuple(sorted(set(problems)))
        super().__init__("\n".join(str(problem) for problem in self.problems))


@dataclass(slots=True)
class Report:
    """Collects remarks while an import goes on."""

    not_carried: list[Remark] = field(default_factory=list)
    """What the catalog or the semantic model cannot say, with the reason."""
    problems: list[Remark] = field(default_factory=list)
    """What is wrong with what was given."""

    def leave_out(self, place: Place, subject: str, reason: str) -> None:
        """Add something that is not carried over."""
        self.not_carried.append(Remark(place, subject, reason))

    def refuse(self, place: Place, subject: str, message: str) -> None:
        """Add something that is wrong."""
        self.problems.append(Remark(place, subject, message))

    def raise_if_any(self) -> None:
        """Raise `ImportFailed` where something is wrong."""
        if self.problems:
            raise ImportFailed(self.problems)

    def lines(self) -> list[str]:
        """Return what is not carried, each once, by place."""
        return [str(remark) for remark in sorted(set(self.not_carried))]
