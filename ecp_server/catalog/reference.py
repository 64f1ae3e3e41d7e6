"""The reference of the catalog format, as the page docs/catalog-reference.md: what the JSON Schema says, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from ecp_server.catalog.documents import MODELS, Document
from ecp_server.catalog.schema import catalog_schema

Schema = Mapping[str, Any]

_HEAD: Final = """# Catalog reference

Every kind of document and its keys. [Catalogs](catalogs.md) says what they mean together.
This page is generated from the models that read catalogs: `ecp-server catalog reference > docs/catalog-reference.md`.

Text is not blank. A day is written as 2024-01-31, a length of time as `7 days` or `1 quarter`. A value is text, a
number or a boolean, and is taken as the text that stands there. Unknown keys are errors.

What keys mean where nothing else is said:

| Key | Meaning |
|---|---|
"""
_EVERYWHERE: Final = {
    "kind": "What the document is: the headings below.",
    "id": "1 to 200 printable characters without white space, unique within the kind.",
    "name": "What it is called, in questions and answers.",
    "synonyms": "What questions may call it too.",
    "acronyms": "Short forms, e.g. ARR.",
    "domain": "The subject that it belongs to, e.g. finance.",
    "owner": "Whom to ask.",
    "meta": "Free: anything that ECP need not know.",
}
"""What keys mean of which no kind says anything else."""

_UNBOUNDED: Final = 1_000_000
"""What is admitted beyond this no catalog needs."""


def reference() -> str:
    """Return the page."""
    definitions: Schema = catalog_schema()["$defs"]
    lines = [f"| `{key}` | {meaning} |" for key, meaning in _EVERYWHERE.items()]
    for kind, model in MODELS.items():
        lines += ["", f"## {kind}", "", *_kind(model, definitions)]
    return _HEAD + "\n".join(lines) + "\n"


def _kind(model: type[Document], definitions: Schema) -> Iterator[str]:
    schema = definitions[model.__name__]
    yield _sentence(schema)
    if model.one_of:
        keys = ", ".join(f"`{key}`" for key in model.one_of)
        yield f"One of {keys} is required{', and only one' if model.only_one else ''}."
    yield from _table(schema, definitions)
    yield from _parts(schema, definitions, "")


def _table(schema: Schema, definitions: Schema) -> Iterator[str]:
    yield ""
    yield "| Key | What | Default | Meaning |"
    yield "|---|---|---|---|"
    for key, value in schema["properties"].items():
        if key in {"kind", "meta"}:
            continue
        default = "required" if key in schema.get("required", ()) else _default(value.get("default"))
        meaning = value.get("description") or _EVERYWHERE.get(key, "")
        yield f"| `{key}` | {_type(value, definitions)} | {default} | {_prose(meaning)} |"


def _parts(schema: Schema, definitions: Schema, path: str) -> Iterator[str]:
    """Yield a table for each key that holds documents of its own, and for theirs."""
    for key, value in schema["properties"].items():
        inner = f"{path}.{key}" if path else key
        for name in _named(value):
            part = definitions[name]
            if "properties" in part:
                yield from ("", f"**`{inner}`**: {_sentence(part)}")
                yield from _table(part, definitions)
                yield from _parts(part, definitions, inner)


def _named(schema: Any) -> Iterator[str]:
    """Yield the definitions that a schema refers to, wherever it does."""
    if isinstance(schema, Mapping):
        if "$ref" in schema:
            yield _name(schema)
        for value in schema.values():
            yield from _named(value)
    elif isinstance(schema, list):
        for value in schema:
            yield from _named(value)


def _name(schema: Schema) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _type(schema: Schema, definitions: Schema) -> str:  # noqa: PLR0911 - a case a form of schema
    if "$ref" in schema:
        target = definitions[_name(schema)]
        return _one_of(target["enum"]) if "enum" in target else "see below"
    if "anyOf" in schema:
        kinds = [_type(one, definitions) for one in schema["anyOf"] if one.get("type") != "null"]
        if any(one.get("type") == "number" for one in schema["anyOf"]):
            return kinds[0]  # a number may be written as text, for all its digits
        return ", or ".join(dict.fromkeys(kinds))
    if "enum" in schema:
        return _one_of(schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if schema.get("type") == "array":
        inner = _type(schema["items"], definitions)
        return "list, see below" if inner == "see below" else f"list of {inner}"
    if schema.get("type") == "object":
        values = schema.get("additionalProperties") or next(iter(schema["patternProperties"].values()))
        return f"map to {_type(values, definitions)}"
    return _simple(schema)


def _simple(schema: Schema) -> str:
    kind = schema.get("type")
    if isinstance(kind, list):
        return "value"
    if kind in {"integer", "number"}:
        low, high = schema.get("minimum"), schema.get("maximum")
        bounds = f", {low} to {high}" if low is not None and high is not None and high < _UNBOUNDED else ""
        return f"{'whole number' if kind == 'integer' else 'number'}{bounds}"
    if kind == "boolean":
        return "true or false"
    if schema.get("format") == "date":
        return "day"
    return "length of time" if "day|week" in schema.get("pattern", "") else "text"


def _one_of(values: list[str]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def _default(value: object) -> str:
    """Return what stands for a key that is left out; nothing where that is nothing."""
    if value is None or value == "" or isinstance(value, (list, dict)):
        return ""
    return f"`{str(value).lower()}`" if isinstance(value, bool) else f"`{value}`"


def _sentence(schema: Schema) -> str:
    return _prose(str(schema.get("description", "")))


def _prose(text: str) -> str:
    """Return the text in one line, as Markdown."""
    return " ".join(text.split()).replace("<", "\\<").replace("|", "\\|")
