"""Documents of what is known, promised and required of the data: issues, contracts and rules."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field
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
    dates_in_order,
    each,
)
from ecp_server.domain.catalog import (
    AssetKind,
    Contract,
    IssueScope,
    KnownIssue,
    QualityRule,
    Rule,
    ServiceLevel,
    Severity,
)
from ecp_server.domain.expressions import ExpressionError, RowValue, parse_condition, walk

Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]
# An absent key means any; an empty list would mean none, and then nothing could ever be meant.
SomeIds = Annotated[tuple[str, ...], Field(min_length=1)]


class ScopePart(Part):
    """What an issue concerns; a key left out means any."""

    metrics: SomeIds | None = None
    """Ids of metrics; what is derived from one is concerned too."""
    tables: Annotated[Texts, Field(min_length=1)] | None = None
    """Tables that metrics are computed from."""
    members: SomeIds | None = None
    """Ids of members; those of one dimension are alternatives, of two dimensions both are needed."""
    start: Annotated[Day | None, Field(alias="from")] = None
    """The first day concerned."""
    end: Annotated[Day | None, Field(alias="to")] = None
    """Exclusive."""

    def to_domain(self) -> IssueScope:
        """Return the scope."""
        return IssueScope(
            None if self.metrics is None else frozenset(self.metrics),
            None if self.tables is None else frozenset(self.tables),
            self.members,
            self.start,
            self.end,
        )


class KnownIssueDocument(Document):
    """Something known to be wrong with a part of the data."""

    kind: Literal["known_issue"]
    id: Id
    description: Text
    """What is known."""
    severity: Severity
    """How much it matters."""
    scope: ScopePart = ScopePart()
    """What it concerns: metric or table, members and days must all be met."""
    impact: str = ""
    """What it does to the figure."""
    workaround: str = ""
    """What to do instead."""
    discovered_by: str = ""
    """For people."""
    verified: bool = False
    """Whether somebody has confirmed it."""
    active: bool = True
    """Whether it is told at all."""

    @override
    def references(self) -> Iterator[Reference]:
        for position, metric in enumerate(self.scope.metrics or ()):
            yield Reference(("scope", "metrics", position), (AssetKind.METRIC,), metric)
        for position, member in enumerate(self.scope.members or ()):
            yield Reference(("scope", "members", position), (AssetKind.MEMBER,), member)

    @override
    def problems(self) -> Iterator[Problem]:
        yield from dates_in_order(("scope",), self.scope.start, self.scope.end)

    def to_domain(self) -> KnownIssue:
        """Return the issue."""
        return KnownIssue(
            id=self.id,
            description=self.description,
            severity=self.severity,
            scope=self.scope.to_domain(),
            impact=self.impact,
            workaround=self.workaround,
            discovered_by=self.discovered_by,
            verified=self.verified,
            active=self.active,
        )


class ServiceLevelPart(Part):
    """What a contract promises in figures."""

    freshness_hours: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """How old the data may be, in hours."""
    availability_pct: Percent | None = None
    """In percent."""
    completeness_pct: Percent | None = None
    """In percent."""

    def to_domain(self) -> ServiceLevel:
        """Return the figures."""
        return ServiceLevel(self.freshness_hours, self.availability_pct, self.completeness_pct)


class QualityRulePart(Part):
    """One rule that a contract promises to hold."""

    rule: Text
    """What holds, for people."""
    severity: Severity
    """How much it matters."""


class ContractDocument(Document):
    """What the owners of tables promise about them."""

    kind: Literal["contract"]
    id: Id
    tables: Annotated[Texts, Field(min_length=1)]
    """The tables that it speaks for."""
    sla: ServiceLevelPart = ServiceLevelPart()
    """What is promised in figures."""
    quality_rules: tuple[QualityRulePart, ...] = ()
    """What else is promised."""
    owner: str = ""

    def to_domain(self) -> Contract:
        """Return the contract."""
        return Contract(
            id=self.id,
            tables=self.tables,
            sla=self.sla.to_domain(),
            quality_rules=tuple(QualityRule(rule.rule, rule.severity) for rule in self.quality_rules),
            owner=self.owner,
        )


class RuleDocument(Document):
    """A validation rule on results."""

    kind: Literal["rule"]
    id: Id
    expression: Text
    """A condition over value, rows, age_hours, row.<dimension> and numbers."""
    severity: Severity
    """Critical withholds the figure."""
    description: str = ""
    """What it demands, for people."""
    metrics: SomeIds | None = None
    """All where none are given."""
    on: Literal["value", "variance", "variance_pct", "rows", "freshness"] = "value"
    """What is checked."""
    expect_members: tuple[str, ...] = ()
    """Ids of members that a result must have."""

    @override
    def references(self) -> Iterator[Reference]:
        yield from each("metrics", AssetKind.METRIC, self.metrics or ())
        yield from each("expect_members", AssetKind.MEMBER, self.expect_members)
        try:
            tree = parse_condition(self.expression)
        except ExpressionError:
            return  # told among the problems
        for part in walk(tree):
            if isinstance(part, RowValue):
                yield Reference(("expression",), (AssetKind.DIMENSION,), part.dimension)

    @override
    def problems(self) -> Iterator[Problem]:
        try:
            parse_condition(self.expression)
        except ExpressionError as error:
            yield Problem(("expression",), str(error))

    def to_domain(self) -> Rule:
        """Return the rule."""
        return Rule(
            id=self.id,
            expression=self.expression,
            severity=self.severity,
            description=self.description,
            metrics=self.metrics or (),
            on=self.on,
            expect_members=self.expect_members,
        )
