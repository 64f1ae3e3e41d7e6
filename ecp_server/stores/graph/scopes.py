"""Which known issues meet which nodes of the lineage: the same for every engine that walks it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ecp_server.domain.catalog import Catalog, KnownIssue
from ecp_server.domain.lineage import NodeType
from ecp_server.stores.lineage import node_name, source_table
from ecp_server.stores.ports import IssueLink

WAYS = ("metric", "derived_from", "table", "any")
"""The ways in which an issue may concern a metric, in the order in which `ports.Graph` prefers them."""


class IssueScopes:
    """The active issues of a catalog by what their scope names."""

    def __init__(self, catalog: Catalog) -> None:
        active = [issue for issue in sorted(catalog.known_issues.values(), key=lambda i: i.id) if issue.active]
        self._by_metric = _group((name, issue) for issue in active for name in issue.scope.metrics or ())
        self._by_table = _group((node_name(name), issue) for issue in active for name in issue.scope.tables or ())
        self.active = tuple(active)
        self.anywhere = tuple(i for i in active if i.scope.metrics is None and i.scope.tables is None)

    def of_node(self, node: str, node_type: NodeType) -> Iterator[tuple[str, KnownIssue]]:
        """Yield the issues whose scope names a node, each with the metric or table that it names.

        A scope that names a column, or a source that was not said to be a table, is met by its own name too: an issue
        that fires too often can be seen, one that does not fire cannot.
        """
        if node_type is NodeType.METRIC:
            yield from ((node, issue) for issue in self._by_metric.get(node, ()))
        elif node_type in (NodeType.COLUMN, NodeType.TABLE):
            for name in sorted({node_name(node), source_table(node)}):
                yield from ((name, issue) for issue in self._by_table.get(name, ()))


def first_links(metric: str, found: Iterable[tuple[int, str, KnownIssue]]) -> tuple[IssueLink, ...]:
    """Return a link for each issue that was found, by the first way (as its place in `WAYS`) and subject."""
    links: dict[str, tuple[int, str, KnownIssue]] = {}
    for way, subject, issue in found:
        before = links.get(issue.id)
        if before is None or (way, subject) < before[:2]:
            links[issue.id] = (way, subject, issue)
    return tuple(IssueLink(issue, metric, WAYS[way], subject) for way, subject, issue in links.values())


def _group(pairs: Iterable[tuple[str, KnownIssue]]) -> dict[str, list[KnownIssue]]:
    groups: dict[str, list[KnownIssue]] = {}
    for name, issue in pairs:
        groups.setdefault(name, []).append(issue)
    return groups
