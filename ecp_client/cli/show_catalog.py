"""Terms, metrics, lineage and health for people."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from ecp_client import GlossaryTerm, Health, HealthStatus, Lineage, LineageEdge, LineageNode, LineageNodeType, Metric
from ecp_client.cli.safe import plain, safe

_HEALTH = {HealthStatus.HEALTHY: "green", HealthStatus.DEGRADED: "yellow", HealthStatus.UNHEALTHY: "bold red"}


def definition(term: GlossaryTerm) -> RenderableType:
    """Return one entry of the glossary, with what it means elsewhere."""
    told: list[RenderableType] = [Text.assemble((safe(term.name), "bold"), "  ", safe(term.definition))]
    facts = {"metric": term.metric_id, "also": ", ".join(term.synonyms), "domain": term.domain, "owner": term.owner}
    told += [plain(f"{fact}: {value}", "dim") for fact, value in facts.items() if value]
    told += [
        Text.assemble((f"in {safe(one.context)}: ", "green"), safe(f"{one.name}  {one.definition}"))
        for one in term.variations
    ]
    return Group(*told)


def glossary(terms: Sequence[GlossaryTerm]) -> RenderableType:
    """Return a table of entries, best first."""
    if not terms:
        return plain("Nothing like that. `ecp metrics` lists what there is.")
    table = _table("term", "means", "metric", "domain")
    for term in terms:
        table.add_row(plain(term.name, "bold"), plain(term.definition), plain(term.metric_id), plain(term.domain))
    return table


def metrics(listed: Sequence[Metric], more: str = "") -> RenderableType:
    """Return a table of metrics; ``more`` says how to see the rest, where there is one."""
    if not listed:
        return plain("No metric like that, or none that this user may see.")
    table = _table("metric", "tier", "unit", "domain", "sliced by", "means")
    for metric in listed:
        table.add_row(
            plain(metric.id, "bold"),
            plain(metric.certification_tier),
            plain(metric.unit),
            plain(metric.domain),
            plain(", ".join(metric.dimensions)),
            plain(metric.definition),
        )
    return Group(table, plain(more, "dim")) if more else table


def lineage(graph: Lineage, *, downstream: bool = False) -> RenderableType:
    """Return the graph as a tree that grows from its target; what stands twice is spelled out once."""
    nodes = {node.id: node for node in graph.nodes}
    edges: defaultdict[str, list[LineageEdge]] = defaultdict(list)
    for edge in graph.edges:
        edges[edge.from_id if downstream else edge.to_id].append(edge)
    tree = Tree(_node(graph.target, nodes))
    _grow(tree, graph.target, edges, nodes, downstream=downstream, shown={graph.target})
    more = [plain("There is more beyond: --depth N walks further.", "dim")] if graph.truncated else []
    return Group(tree, *more)


def _grow(
    tree: Tree,
    at: str,
    edges: Mapping[str, Iterable[LineageEdge]],
    nodes: Mapping[str, LineageNode],
    *,
    downstream: bool,
    shown: set[str],
) -> None:
    for edge in edges.get(at, ()):
        following = edge.to_id if downstream else edge.from_id
        label = _node(following, nodes)
        if edge.transformation:
            label.append(safe(f"  {edge.transformation}"), style="dim")
        if following in shown:
            if following in edges:
                label.append("  as above", style="dim")
            tree.add(label)
            continue
        shown.add(following)
        _grow(tree.add(label), following, edges, nodes, downstream=downstream, shown=shown)


def _node(node_id: str, nodes: Mapping[str, LineageNode]) -> Text:
    node = nodes.get(node_id)
    if node is None or node.type is LineageNodeType.RESTRICTED:
        return Text("something that this user may not see", style="yellow")
    style = "bold" if node.type is LineageNodeType.METRIC else ""
    return Text.assemble((safe(node.id), style), (f"  {node.type}", "cyan"))


def health(state: Health, target: str) -> RenderableType:
    """Return the state of the server and of each store."""
    head = Text.assemble((state.status.upper(), _HEALTH.get(state.status, "yellow")), safe(f"  {target}"))
    table = _table("store", "adapter", "state", "since", "last probe", "why")
    for one in state.stores:
        table.add_row(
            plain(one.store),
            plain(one.adapter),
            plain(one.status or "unknown", _HEALTH.get(one.status, "yellow")),
            plain(f"{one.since:%Y-%m-%d %H:%M:%S}" if one.since else ""),
            plain(f"{one.latency_ms:.1f} ms"),
            plain(one.reason),
        )
    return Group(head, plain(f"server {state.server_version}, catalog {state.catalog_version}", "dim"), "", table)


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="cyan", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column)
    return table
