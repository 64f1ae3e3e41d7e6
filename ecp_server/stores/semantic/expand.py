"""Writes the SQL of the semantic model out: references become the expressions that they stand for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from ecp_server.domain.semantic import Cube, CubeMeasure, MeasureType, MemberRef, SemanticModel, Sql

_COLUMN: Final = re.compile(r"\s*[A-Za-z_]\w*\s*", re.ASCII)

SUM: Final = "#sum"
COUNT: Final = "#count"
"""What an average is made of; engines round averages, and not alike."""


def quoted(name: str) -> str:
    """Return a name as SQL takes any."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a text as SQL takes any."""
    return "'" + text.replace("'", "''") + "'"


def rows(cube: Cube) -> str:
    """Return what a cube's rows are, under its name; the database's name before schema and table is left out."""
    source = ".".join(quoted(part) for part in cube.table[-2:]) if cube.table else f"({cube.query})"
    return f"{source} AS {quoted(cube.name)}"


def dimension(model: SemanticModel, ref: MemberRef) -> str:
    """Return the expression of a dimension over the rows of its cube, and of those that it refers to."""
    found = model.cubes[ref.cube].dimensions[ref.member]
    if found.sql is not None:
        return sql(model, ref.cube, found.sql)
    branches = " ".join(f"WHEN {sql(model, ref.cube, w.condition)} THEN {literal(w.label)}" for w in found.case)
    otherwise = f" ELSE {literal(found.otherwise)}" if found.otherwise is not None else ""
    return f"(CASE {branches}{otherwise} END)"


def sql(model: SemanticModel, cube: str, snippet: Sql) -> str:
    """Return a snippet of a cube's as one expression. A bare word is a column of the cube, as with Cube."""
    if len(snippet.parts) == 1 and isinstance(snippet.parts[0], str) and _COLUMN.fullmatch(snippet.parts[0]):
        return f"{quoted(cube)}.{snippet.parts[0].strip()}"
    return "(" + "".join(_part(model, part) for part in snippet.parts) + ")"


def _part(model: SemanticModel, part: str | MemberRef) -> str:
    if isinstance(part, str):
        return part
    return dimension(model, part) if part.member else quoted(part.cube)


def cubes_of(model: SemanticModel, ref: MemberRef) -> Iterator[str]:
    """Yield the cubes whose rows a dimension needs: as with Cube not its own where it refers to others alone."""
    references = list(model.cubes[ref.cube].dimensions[ref.member].references)
    if not references:
        yield ref.cube
    for reference in references:
        if reference.member:
            yield from cubes_of(model, reference)
        else:
            yield reference.cube


def aggregates(model: SemanticModel, ref: MemberRef) -> Iterator[tuple[str, str]]:
    """Yield the name and the SQL of each aggregate that a measure with SQL of its own is read from."""
    cube = model.cubes[ref.cube]
    found = cube.measures[ref.member]
    argument = _argument(model, cube, found)
    match found.type:
        case MeasureType.COUNT:
            yield ref.address, f"count({argument})"
        case MeasureType.COUNT_DISTINCT:
            yield ref.address, f"count(DISTINCT {argument})"
        case MeasureType.AVG:
            yield ref.address + SUM, f"sum({argument})"
            yield ref.address + COUNT, f"count({argument})"
        case MeasureType.NUMBER:
            yield ref.address, argument
        case _:
            yield ref.address, f"{found.type}({argument})"


def _argument(model: SemanticModel, cube: Cube, found: CubeMeasure) -> str:
    if found.sql is not None:
        value = sql(model, cube.name, found.sql)
    elif cube.primary_key:
        # Not every row that comes out of joins is one of the cube's.
        value = dimension(model, MemberRef(cube.name, cube.primary_key[0].name))
    else:
        value = "1" if found.filters else "*"
    if not found.filters:
        return value
    conditions = " AND ".join(sql(model, cube.name, condition) for condition in found.filters)
    return f"CASE WHEN {conditions} THEN {value} END"
