"""Departments and the like: which contexts hold for a user, nearest first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ecp_server.domain.catalog import Calendar, Catalog, Member
from ecp_server.domain.text import fold

ANY_CONTEXT: Final = ""
"""The context of a variation that holds where no other does: a union of children that vary themselves."""


class Contexts:
    """The contexts of one catalog, by id, name or synonym, folded like names (catalog.md, context)."""

    def __init__(self, catalog: Catalog) -> None:
        self._parents = {context.id: context.parent for context in catalog.contexts.values()}
        self._ids: dict[str, str] = {}
        self._calendars: dict[str, list[Calendar]] = {}
        self._calendars_of: dict[tuple[str, ...], tuple[tuple[Calendar, str], ...]] = {}
        self._default_calendar = catalog.default_calendar
        self._chains: dict[str, tuple[str, ...]] = {}
        self._dimensions = catalog.dimensions
        self._reading: dict[str, frozenset[str]] = {}
        for context in catalog.contexts.values():
            for form in (context.id, context.name, *context.synonyms):
                self._ids.setdefault(fold(form), context.id)
        # An id used as a context without a document of its own is fine.
        for term in catalog.terms.values():
            self._adopt(variation.context for variation in term.variations)
        for member in catalog.members.values():
            self._adopt(variation.context for variation in member.variations)
        for calendar in catalog.calendars.values():
            self._adopt(calendar.departments)
            for context_id in calendar.departments:
                self._calendars.setdefault(context_id, []).append(calendar)
        for dimension in catalog.dimensions.values():
            for binding in dimension.bindings:
                for by_context in binding.values.values():
                    self._adopt(by_context)

    def _adopt(self, ids: Iterable[str]) -> None:
        for context_id in ids:
            if context_id:
                self._ids.setdefault(fold(context_id), context_id)

    @property
    def ids(self) -> tuple[str, ...]:
        """Return the ids of all contexts, those with documents first."""
        return tuple(dict.fromkeys((*self._parents, *sorted(set(self._ids.values())))))

    def chain(self, department: str) -> tuple[str, ...]:
        """Return the context that ``department`` names and its parents, nearest first; () where it names none."""
        known = self._chains.get(department)
        if known is not None:
            return known
        found = self._ids.get(fold(department)) if department else None
        chain: list[str] = []
        while found is not None and found not in chain:
            chain.append(found)
            found = self._parents.get(found)
        if chain and chain[0] == department:
            # People are mostly of a department by its id; what else they write is not kept.
            self._chains[department] = tuple(chain)
        return tuple(chain)

    def reading(self, member: Member) -> frozenset[str]:
        """Return the contexts that read a member in their own way, by its variations or a cube's binding."""
        known = self._reading.get(member.id)
        if known is None:
            bindings = self._dimensions[member.dimension].bindings
            bound = [context for binding in bindings for context in binding.values.get(member.id, ())]
            known = frozenset([*[v.context for v in member.variations], *bound]) - {ANY_CONTEXT}
            self._reading[member.id] = known
        return known

    def calendars(self, contexts: tuple[str, ...]) -> tuple[tuple[Calendar, str], ...]:
        """Return the calendars of contexts and the catalog's default one, strongest first, each with the reason.

        ``contexts`` are a chain of this catalog's, of which there are not more than contexts.
        """
        known = self._calendars_of.get(contexts)
        if known is None:
            known = self._calendars_of[contexts] = self._find_calendars(contexts)
        return known

    def _find_calendars(self, contexts: tuple[str, ...]) -> tuple[tuple[Calendar, str], ...]:
        own = [(calendar, one) for one in contexts for calendar in self._calendars.get(one, ())]
        told = [(calendar, f"it is the calendar of {one}") for calendar, one in own]
        return (*told, (self._default_calendar, "it is the catalog's default"))
