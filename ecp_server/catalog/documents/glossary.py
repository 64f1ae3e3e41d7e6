"""Documents of the words that people use: the manifest, contexts, terms and phrases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import WithJsonSchema
from typing_extensions import override

from ecp_server.catalog.documents.base import (
    Day,
    Document,
    Id,
    Part,
    Problem,
    Reference,
    Text,
    Texts,
    TimeZone,
    contradicting_variations,
    one,
)
from ecp_server.domain.catalog import AssetKind, Context, Manifest, Phrase, PhraseMeaning, Term, TermVariation
from ecp_server.domain.text import fold


class ManifestDocument(Document):
    """What holds for the whole catalog; there is at most one."""

    kind: Literal["manifest"]
    format: Annotated[Literal["1"], WithJsonSchema({"const": 1})]
    """The version of this format."""
    name: str = ""
    """For people."""
    default_time_zone: TimeZone = "UTC"
    """Where the days of the data begin, unless a metric says otherwise."""
    default_currency: str = ""
    """ISO 4217; for people."""

    def to_domain(self) -> Manifest:
        """Return what the catalog holds of it."""
        return Manifest(self.name, self.default_time_zone, self.default_currency)


class ContextDocument(Document):
    """A department or the like, in which variations hold."""

    kind: Literal["context"]
    id: Id
    name: Text | None = None
    """What departments may be called; its id where none is given."""
    synonyms: Texts = ()
    parent: Text | None = None
    """Where a variation is looked for next; a context without a document will do."""

    def to_domain(self) -> Context:
        """Return the context; its name is its id where none is given."""
        return Context(self.id, self.name or self.id, self.synonyms, self.parent)


class TermVariationPart(Part):
    """What a term means in one context."""

    context: Text
    """Where it means this."""
    name: str = ""
    """What it is called there."""
    definition: str = ""
    """What it means there."""
    metric: str | None = None
    """The metric that it names there."""
    valid_from: Day | None = None
    """The first day on which it means this."""
    valid_to: Day | None = None
    """Exclusive."""

    def to_domain(self) -> TermVariation:
        """Return the variation."""
        return TermVariation(self.context, self.name, self.definition, self.metric, self.valid_from, self.valid_to)


class TermDocument(Document):
    """An entry of the business glossary."""

    one_of: ClassVar = ("definition", "variations")

    kind: Literal["term"]
    id: Id
    name: Text
    definition: str = ""
    """What it means, in a sentence."""
    synonyms: Texts = ()
    acronyms: Texts = ()
    domain: str = ""
    owner: str = ""
    parent: str | None = None
    """The broader term."""
    metric: str | None = None
    """The metric that it names."""
    default: str | None = None
    """The metric where no context decides; without it the caller is asked."""
    variations: tuple[TermVariationPart, ...] = ()
    """What it means in one context or another."""

    @override
    def references(self) -> Iterator[Reference]:
        yield from one("parent", AssetKind.TERM, self.parent)
        yield from one("metric", AssetKind.METRIC, self.metric)
        yield from one("default", AssetKind.METRIC, self.default)
        for position, variation in enumerate(self.variations):
            if variation.metric is not None:
                yield Reference(("variations", position, "metric"), (AssetKind.METRIC,), variation.metric)

    @override
    def problems(self) -> Iterator[Problem]:
        yield from contradicting_variations((), self.variations)

    def to_domain(self) -> Term:
        """Return the term."""
        return Term(
            id=self.id,
            name=self.name,
            definition=self.definition,
            synonyms=self.synonyms,
            acronyms=self.acronyms,
            domain=self.domain,
            owner=self.owner,
            parent=self.parent,
            metric=self.metric,
            default=self.default,
            variations=tuple(variation.to_domain() for variation in self.variations),
        )


class PhraseDocument(Document):
    """Words that mean something the catalog lacks, or nothing at all."""

    kind: Literal["phrase"]
    text: Text
    """The words."""
    meaning: PhraseMeaning
    """`not_covered`: something that the catalog does not have; `stop`: nothing."""

    @property
    def id(self) -> str:
        """What a phrase is told from others by."""
        return fold(self.text)

    def to_domain(self) -> Phrase:
        """Return the phrase."""
        return Phrase(self.text, self.meaning)
