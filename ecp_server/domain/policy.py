"""What policy is asked and what it answers (policy.md)."""

from __future__ import annotations

from enum import StrEnum

from typing_extensions import override

from ecp_server.domain.frozen import dataclass
from ecp_server.domain.identity import Principal


class Action(StrEnum):
    """What the principal is about to do."""

    DISCOVER = "discover"
    RESOLVE = "resolve"
    EXECUTE = "execute"


@dataclass(frozen=True, slots=True)
class Product:
    """A metric, term or table as policy sees it."""

    id: str
    kind: str
    certification_tier: int = 0
    classification: str = "internal"
    domain: str = ""
    owner: str = ""
    dimensions: tuple[str, ...] = ()
    pii_columns: tuple[str, ...] = ()

    @override
    def __hash__(self) -> int:
        """Hash the id alone: decisions are looked up by product, several times a question."""
        return hash(self.id)


@dataclass(frozen=True, slots=True)
class PolicyQuestion:
    """One evaluation: may this principal do this with each of these products?"""

    action: Action
    principal: Principal
    products: tuple[Product, ...]


@dataclass(frozen=True, slots=True)
class RowFilter:
    """Only rows of these members may be seen."""

    dimension: str
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mask:
    """A column whose values are hidden: ``method`` is "null" or "hash"."""

    column: str
    method: str


@dataclass(frozen=True, slots=True)
class PolicyWarning:
    """Something that policy wants the user told."""

    type: str
    message: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What policy says of one product."""

    allow: bool
    policy: str
    reason: str = ""
    may: tuple[str, ...] = ()
    """Roles that may, where it is denied."""
    row_filters: tuple[RowFilter, ...] = ()
    masks: tuple[Mask, ...] = ()
    warnings: tuple[PolicyWarning, ...] = ()
