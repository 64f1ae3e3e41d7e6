"""What can be wrong with a catalog, with its place."""

from __future__ import annotations

from typing_extensions import override

from ecp_server.domain.frozen import dataclass


@dataclass(frozen=True, slots=True, order=True)
class CatalogError:
    """One thing that is wrong."""

    file: str
    """Relative to the catalog's directory, with forward slashes; "." is the directory itself."""
    line: int
    """From 1; 0 where the whole file is meant."""
    asset: str
    """Kind and id, e.g. "metric net_revenue"; "" where there is none."""
    message: str

    @override
    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return ": ".join(part for part in (place, self.asset, self.message) if part)


class CatalogInvalid(Exception):
    """A catalog cannot be loaded; ``errors`` holds everything that is wrong with it, by file and line."""

    def __init__(self, errors: tuple[CatalogError, ...]) -> None:
        super().__init__("\n".join(str(error) for error in errors))
        self.errors = errors


class CatalogMissing(Exception):
    """There is no catalog to serve; the message says why, for an operator."""
