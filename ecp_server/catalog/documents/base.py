"""What all documents of a catalog have in common."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from functools import cache
from typing import Annotated, Any, ClassVar, Final, Literal, NamedTuple, Protocol
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from ecp_server.catalog.yaml_documents import Path
from ecp_server.domain.catalog import AssetKind, Span
from ecp_server.domain.period import Grain

_MAX_ID_LENGTH: Final = 200
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)

NOT_BLANK: Final = r"\S"
SPAN_PATTERN: Final = "([1-9][0-9]{0,3}) (day|week|month|quarter|year)s?"


class Problem(NamedTuple):
    """Something wrong within a document, at ``path``."""

    path: Path
    message: str


class Reference(NamedTuple):
    """A place that names another asset, which must be one of these kinds."""

    path: Path
    kinds: tuple[AssetKind, ...]
    id: str


class Part(BaseModel):
    """A part of a document; keys that it does not know are errors."""

    model_config = ConfigDict(extra="forbid")


class Document(Part):
    """One asset, as a catalog's author writes it."""

    one_of: ClassVar[tuple[str, ...]] = ()
    """Keys of which one must be there."""
    only_one: ClassVar[bool] = False
    """Whether more than one of them is an error."""

    meta: Any = None
    """Free: anything that ECP need not know."""

    @property
    def key(self) -> str:
        """What tells it from others of its kind: the id, where it has one."""
        return str(getattr(self, "id", ""))

    def references(self) -> Iterator[Reference]:
        """Yield the places that name other assets."""
        yield from ()

    def problems(self) -> Iterator[Problem]:
        """Yield what is wrong within the document although each key is right."""
        yield from ()


def _checked_id(text: str) -> str:
    if not 1 <= len(text) <= _MAX_ID_LENGTH or not text.isprintable() or any(c.isspace() for c in text):
        raise PydanticCustomError(
            "asset_id", f"should be 1 to {_MAX_ID_LENGTH} printable characters without white space"
        )
    return text


def _day(value: object) -> object:
    """Take days as ISO 8601 writes them; pydantic would take numbers as seconds since 1970 as well."""
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise PydanticCustomError("day", "should be a day such as 2024-01-31")
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise PydanticCustomError("day", "is no day of any year") from None


def span(value: object) -> Span:
    """Read a length of time such as `7 days`."""
    match = re.fullmatch(SPAN_PATTERN, value) if isinstance(value, str) else None
    if match is None:
        raise PydanticCustomError("span", "should be a number of days, weeks, months, quarters or years, e.g. 7 days")
    return Span(int(match[1]), Grain[match[2].upper()])


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(available_timezones())


def _known_zone(name: str) -> str:
    if name not in _time_zones():
        raise PydanticCustomError("time_zone", "should be the name of a time zone, e.g. Europe/Berlin")
    return name


Id = Annotated[str, AfterValidator(_checked_id), Field(json_schema_extra={"pattern": rf"^\S{{1,{_MAX_ID_LENGTH}}}$"})]
"""The id of an asset."""

Text = Annotated[str, Field(pattern=NOT_BLANK)]
"""Text that is not blank."""

Texts = tuple[Text, ...]

Values = Annotated[
    tuple[Annotated[Text, WithJsonSchema({"type": ["string", "number", "boolean"]})], ...], Field(min_length=1)
]
"""Values as the data has them; all are taken as the text that stands there."""

Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]

Days = Annotated[Span, PlainValidator(span), WithJsonSchema({"type": "string", "pattern": f"^{SPAN_PATTERN}$"})]
"""A length of time, e.g. `7 days`."""

TimeZone = Annotated[str, AfterValidator(_known_zone)]
"""An IANA name."""

GrainName = Literal["day", "week", "month", "quarter", "year"]


def grain(name: GrainName) -> Grain:
    """Return the grain of that name."""
    return Grain[name.upper()]


def each(key: str, kind: AssetKind, ids: tuple[str, ...]) -> Iterator[Reference]:
    """Yield a reference for each entry of a list of ids."""
    for position, asset_id in enumerate(ids):
        yield Reference((key, position), (kind,), asset_id)


def one(key: str, kind: AssetKind, asset_id: str | None) -> Iterator[Reference]:
    """Yield a reference for a key that may name one asset."""
    if asset_id is not None:
        yield Reference((key,), (kind,), asset_id)


def dates_in_order(path: Path, start: date | None, end: date | None) -> Iterator[Problem]:
    """Yield a problem where a time ends before it has begun; ``end`` is exclusive."""
    if start is not None and end is not None and start >= end:
        yield Problem(path, f"ends on {end}, which is not after its start, {start}")


class InContext(Protocol):
    """A variation, of a term or of a member."""

    context: str
    valid_from: date | None
    valid_to: date | None


def contradicting_variations(path: Path, variations: Sequence[InContext]) -> Iterator[Problem]:
    """Yield variations that end before they begin, or hold in the same context on the same days as one before."""
    seen: dict[str, list[InContext]] = {}
    for position, variation in enumerate(variations):
        place = (*path, "variations", position)
        yield from dates_in_order(place, variation.valid_from, variation.valid_to)
        others = seen.setdefault(variation.context, [])
        if any(_overlap(variation, other) for other in others):
            yield Problem(place, f"a variation before this one holds in {variation.context} on the same days")
        others.append(variation)


def _overlap(first: InContext, other: InContext) -> bool:
    return (first.valid_from or date.min) < (other.valid_to or date.max) and (other.valid_from or date.min) < (
        first.valid_to or date.max
    )
