"""What a catalog most likely leaves out or says in vain."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import combinations

from ecp_server.domain.catalog import Catalog, Dimension, KnownIssue, Member, Term
from ecp_server.domain.text import fold, tokenize
from ecp_server.resolution.parsing.words import FUNCTION
from ecp_server.stores.lineage import TABLE, edges, node_name, owner

_MOST_LISTED = 10


def oversights(catalog: Catalog) -> Iterator[str]:
    """Yield what nobody answers for, what cannot be asked, and what never applies, in a fixed order."""
    yield from _without_owner(catalog)
    yield from _without_time(catalog)
    yield from _overlapping_siblings(catalog)
    yield from _issues_that_never_fire(catalog)
    yield from _unreachable_terms(catalog)


def _without_owner(catalog: Catalog) -> Iterator[str]:
    """Yield the metrics for which nobody is named that a question about their definition could go to."""
    yield from _listed("metrics without an owner", [m.id for m in catalog.metrics.values() if not m.owner])


def _without_time(catalog: Catalog) -> Iterator[str]:
    """Yield the metrics that no period can be asked of; those made of others have the others' time."""
    own = (m for m in catalog.metrics.values() if m.semantic_ref)
    yield from _listed("metrics without a time dimension", [m.id for m in own if not m.time_dimension])


def _listed(what: str, ids: list[str]) -> Iterator[str]:
    if ids:
        more = f" and {len(ids) - _MOST_LISTED} more" if len(ids) > _MOST_LISTED else ""
        yield f"{what}: {', '.join(sorted(ids)[:_MOST_LISTED])}{more}"


def _overlapping_siblings(catalog: Catalog) -> Iterator[str]:
    """Yield the members of one level that share values: grouped by, the values count for each of them."""
    for dimension in catalog.dimensions.values():
        shared: dict[tuple[str, str, str], list[str]] = {}
        for context, value, members in _by_value(catalog, dimension):
            for first, second in combinations(members, 2):
                if not _meet(catalog.members[first], catalog.members[second]):
                    continue  # one has taken the other's place
                shared.setdefault((context, first, second), []).append(value)
        for (context, first, second), values in sorted(shared.items()):
            where = f" in {context}" if context else ""
            yield f"members {first} and {second} share {', '.join(sorted(values)[:_MOST_LISTED])}{where}"


def _by_value(catalog: Catalog, dimension: Dimension) -> Iterator[tuple[str, str, list[str]]]:
    """Yield, for each context, level and value, the members that hold the value."""
    holding: dict[tuple[str, str, str], dict[str, None]] = {}
    for member in (catalog.members[each] for each in dimension.members):
        readings = [("", member.values or ())]
        readings += [(v.context, v.values) for v in member.variations if v.valid_to is None]
        for context, values in readings:
            for value in values:
                holding.setdefault((context, member.level or "", value), {})[member.id] = None
    for (context, _, value), members in holding.items():
        # A parent and its child share their values by nature.
        apart = [m for m in members if catalog.members[m].parent not in members]
        if len(apart) > 1:
            yield context, value, apart


def _meet(first: Member, second: Member) -> bool:
    """Tell whether there is a day on which both members exist."""
    return (first.valid_from or date.min) < (second.valid_to or date.max) and (second.valid_from or date.min) < (
        first.valid_to or date.max
    )


def _issues_that_never_fire(catalog: Catalog) -> Iterator[str]:
    read: frozenset[str] | None = None
    for issue in catalog.known_issues.values():
        if issue.scope.tables and read is None:
            read = _tables_read(catalog)
        reason = _why_never(issue, read or frozenset())
        if reason:
            yield f"known issue {issue.id} can never fire: {reason}"


def _why_never(issue: KnownIssue, read: frozenset[str]) -> str:
    """Return why an issue applies to no question; "" where it may."""
    scope = issue.scope
    if scope.start is not None and scope.end is not None and scope.start >= scope.end:
        return "its period has no days"
    if scope.metrics is None and scope.tables is None:
        return ""
    if not scope.metrics and not (scope.tables or frozenset()) & read:
        tables = ", ".join(sorted(scope.tables or ()))
        return f"no metric is computed from {tables}"
    return ""


def _tables_read(catalog: Catalog) -> frozenset[str]:
    """Return the tables that any metric is computed from, however far upstream."""
    upstream: dict[str, list[str]] = {}
    for edge in edges(catalog):
        upstream.setdefault(edge.end, []).append(edge.start)
    seen: set[str] = set()
    waiting = list(catalog.metrics)
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        table = owner(node) if not node.startswith(TABLE) and node not in catalog.metrics else None
        waiting += upstream.get(node, [])
        if table is not None:
            waiting.append(table)
        if node.startswith(TABLE):
            # What is said of a table's columns is said of it.
            waiting += [start for end, starts in upstream.items() if owner(end) == node for start in starts]
    return frozenset(node_name(node) for node in seen if node.startswith(TABLE)) | seen


def _unreachable_terms(catalog: Catalog) -> Iterator[str]:
    """Yield the terms whose every name is taken for something else before it is looked up."""
    phrases = {fold(phrase.text) for phrase in catalog.phrases}
    for term in catalog.terms.values():
        if all(not fold(form) or fold(form) in phrases or _small_word(form) for form in _forms(term)):
            yield f"term {term.id} can be reached by no question: each of its names is a phrase or a small word"


def _forms(term: Term) -> tuple[str, ...]:
    return term.name, term.id, *term.synonyms, *term.acronyms


def _small_word(form: str) -> bool:
    """Tell whether a name is a function word that is not written in capitals, by which it could be told from one."""
    tokens = tokenize(form)
    return len(tokens) == 1 and tokens[0].folded in FUNCTION and tokens[0].text == tokens[0].folded
