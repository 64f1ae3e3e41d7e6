"""Follows relations of the ontology: "products owned by teams reporting to Sarah Chen"."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from ecp_server.domain.catalog import Catalog
from ecp_server.domain.concepts import ConceptKind, Hop, ResolvedConcept
from ecp_server.domain.frozen import dataclass
from ecp_server.domain.resolution import NotFound
from ecp_server.domain.text import fold
from ecp_server.resolution.draft import Draft, NamedMention, Parsed, Reached
from ecp_server.resolution.lexicon import Sense, SenseKind
from ecp_server.resolution.parsing.listing import before_list
from ecp_server.resolution.prepared import PreparedCatalog
from ecp_server.resolution.rights.products import Products
from ecp_server.resolution.rights.visibility import Visibility
from ecp_server.resolution.selecting.choosing import exactness_factor
from ecp_server.resolution.spelling.endings import bare, lemma, singular
from ecp_server.stores.ports import Graph

_THINGS = (SenseKind.DIMENSION, SenseKind.ENTITY_TYPE)
_STARTS = (SenseKind.ENTITY, SenseKind.MEMBER)
_MEASURED = (SenseKind.METRIC,)
_PASSIVE = "by"

_Way = tuple[Hop, ...]


@dataclass(frozen=True, slots=True)
class _Chain:
    """What is looked for, the relations to it as the text has them, with what stands between, and where to start."""

    head: NamedMention
    relations: tuple[NamedMention, ...]
    between: tuple[NamedMention | None, ...]
    """The kind of thing after each relation but the last; None is any."""
    starts: tuple[NamedMention, ...]
    """Alternatives: "owned by Markets or Tools"."""

    @property
    def mentions(self) -> frozenset[NamedMention]:
        """Return every mention of the chain."""
        return frozenset((self.head, *self.relations, *(b for b in self.between if b is not None), *self.starts))


async def reach(draft: Draft, graph: Graph, visibility: Visibility) -> tuple[Reached | None, NotFound | None]:
    """Return what the question's relations lead to, or that they lead nowhere; neither where it has none.

    A way through what the user may not discover does not exist.
    """
    chain = _chain(draft.parsed)
    if chain is None:
        return None, None
    catalog = draft.prepared.catalog
    following: list[_Way] = []
    for named in chain.starts:
        start = _begins(named).id
        paths = await graph.paths(catalog.version, start, depth=len(chain.relations))
        following += [path for path in paths if _follows(path, chain, draft.prepared)]
    ways = await _visible(following, draft.prepared.products, visibility)
    found = {path[-1].end: path for path in ways}
    if not found:
        return None, NotFound((chain.head.mention,))
    members = tuple((catalog.members[node], path) for node, path in found.items() if node in catalog.members)
    entities = tuple(
        _entity(chain.head, node, path, catalog) for node, path in found.items() if node in catalog.entities
    )
    begun = [(named, _begins(named)) for named in chain.starts]
    started = [_entity(named, sense.id, (), catalog) for named, sense in begun if sense.kind is SenseKind.ENTITY]
    entities = (*started, *entities)
    return Reached(chain.head, members, entities, chain.mentions), None


async def _visible(ways: list[_Way], products: Products, visibility: Visibility) -> list[_Way]:
    """Return the ways that pass no metric that is hidden."""
    catalog = products.catalog
    passed = sorted({hop.end for way in ways for hop in way if hop.end in catalog.metrics})
    visible = {metric.id for metric in await visibility.metrics(products, [catalog.metrics[m] for m in passed])}
    return [way for way in ways if all(hop.end in visible or hop.end not in catalog.metrics for hop in way)]


def _chain(parsed: Parsed) -> _Chain | None:
    """Find a thing, relations with things between them, and where to start, in the order of the text."""
    names = parsed.names
    positions = [i for i, name in enumerate(names) if SenseKind.RELATION in name.kinds]
    if not positions:
        return None
    first, last = positions[0], positions[-1]
    head = next((name for name in reversed(names[:first]) if name.named(*_THINGS)), None)
    after = names[last + 1 :]
    start = next((name for kinds in (_STARTS, _MEASURED) for name in after if name.named(*kinds)), None)
    if head is None or start is None:
        return None
    between: list[NamedMention | None] = []
    for here, there in pairwise(positions):
        between.append(next((name for name in names[here + 1 : there] if name.named(*_THINGS)), None))
    return _Chain(head, tuple(names[i] for i in positions), tuple(between), _listed(start, parsed))


def _listed(start: NamedMention, parsed: Parsed) -> tuple[NamedMention, ...]:
    """Return a start with the others of its kind that are listed after it."""
    kinds = {_begins(start).kind}
    starts, listed = [start], set(range(start.first, start.last))
    for name in parsed.names[parsed.names.index(start) + 1 :]:
        if not kinds & {sense.kind for sense in name.named(*_STARTS, *_MEASURED)}:
            break
        if before_list(parsed.tokens, name.first, listed) >= start.first or name.excluded:
            break
        starts.append(name)
        listed.update(range(name.first, name.last))
    return tuple(starts)


def _follows(path: Sequence[Hop], chain: _Chain, prepared: PreparedCatalog) -> bool:
    """Tell whether a path from the start takes the chain's relations, last one first, over things of its kinds."""
    if len(path) != len(chain.relations):
        return False
    kinds = (*reversed(chain.between), chain.head)
    return all(
        _is(hop.end, kind, prepared.catalog) and _is_walked(hop, relation, prepared)
        for hop, relation, kind in zip(path, reversed(chain.relations), kinds, strict=True)
    )


def _begins(named: NamedMention) -> Sense:
    """Return what a mention names that a way can start from."""
    return (named.named(*_STARTS) or named.named(*_MEASURED))[0]


def _is_walked(hop: Hop, named: NamedMention, prepared: PreparedCatalog) -> bool:
    """Tell whether a hop takes the relation that a mention names, and in its direction.

    Between things of one kind, and by a form of the verb itself, what stands before it is its subject ("people
    reporting to Omar"), and after "by" its object; other synonyms may say either.
    """
    sense = next((sense for sense in named.named(SenseKind.RELATION) if sense.id == hop.relation), None)
    if sense is None:
        return False
    said, verb = fold(sense.form).split(" "), fold(sense.id).split(" ")[0]
    catalog = prepared.catalog
    if _kind(hop.start, catalog) != _kind(hop.end, catalog) or _stem(said[0]) != _stem(verb):
        return True
    subject, other = (hop.start, hop.end) if said[-1] == _PASSIVE else (hop.end, hop.start)
    return (subject, hop.relation, other) in prepared.related


def _stem(word: str) -> str:
    return lemma(word) or bare(singular(word))


def _kind(node: str, catalog: Catalog) -> str | None:
    if node in catalog.members:
        return catalog.members[node].dimension
    return catalog.entities[node].type if node in catalog.entities else None


def _is(node: str, kind: NamedMention | None, catalog: Catalog) -> bool:
    if kind is None:
        return True
    names = {sense.id for sense in kind.named(*_THINGS)}
    if node in catalog.members:
        return catalog.members[node].dimension in names
    return node in catalog.entities and catalog.entities[node].type in names


def _entity(named: NamedMention, entity_id: str, path: tuple[Hop, ...], catalog: Catalog) -> ResolvedConcept:
    name = catalog.entities[entity_id].name
    reason = (
        f"“{named.mention.text}” is a name of {name}" if not path else f"{name} is reached over {len(path)} relations"
    )
    return ResolvedConcept(
        kind=ConceptKind.ENTITY,
        mention=named.mention,
        id=entity_id,
        name=name,
        reason=reason,
        confidence=exactness_factor(named.exactness),
        path=path,
    )
