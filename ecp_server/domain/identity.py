"""Whose rights and definitions apply."""

from __future__ import annotations

from ecp_server.domain.frozen import dataclass


@dataclass(frozen=True, slots=True)
class Principal:
    """Who a question is answered for. Hashable, so that decisions can be kept per whole principal."""

    subject: str = ""
    """The user for whom the question is answered; "" where nobody said."""
    actor: str = ""
    """Who asks in the subject's name; "" where the subject asks."""
    department: str = ""
    roles: tuple[str, ...] = ()
    allowed_members: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Dimension id to member ids, sorted; an absent dimension is not restricted, an empty list allows none."""
    verified: bool = False
    """Whether a credential proves it."""
    scopes: tuple[str, ...] = ()
