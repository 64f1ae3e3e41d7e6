"""The JSON Schema of catalog documents, for editors."""

from __future__ import annotations

import ast
import inspect
import json
from itertools import pairwise
from textwrap import dedent
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema
from typing_extensions import override

from ecp_server.catalog.documents import MODELS, Document
from ecp_server.catalog.documents.base import Part


class _OfDocuments(GenerateJsonSchema):
    """Leaves out titles that only repeat the names of keys, and describes keys as the classes do.

    Pydantic can read those descriptions too, whenever a class is made: that is each time a server starts.
    """

    @override
    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    @override
    def model_schema(self, schema: Any) -> dict[str, Any]:
        made = super().model_schema(schema)
        model: type[BaseModel] = schema["cls"]
        described = _descriptions(model)
        for name, field in model.model_fields.items():
            if name in described:
                made["properties"][field.alias or name].setdefault("description", described[name])
        return made


def catalog_schema() -> dict[str, Any]:
    """Return the schema of one document: that of its kind. What holds between documents only loading can tell."""
    kinds: list[type[BaseModel]] = list(MODELS.values())
    references, definitions = models_json_schema(
        [(model, "validation") for model in kinds], schema_generator=_OfDocuments
    )
    schemas = definitions["$defs"]
    for model in MODELS.values():
        schemas[model.__name__] |= _alternatives(model)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A document of an ECP catalog",
        "oneOf": [references[model, "validation"] for model in kinds],
        "$defs": schemas,
    }


def schema_text() -> str:
    """Return the schema as it is kept in docs/catalog.schema.json."""
    return json.dumps(catalog_schema(), indent=2, ensure_ascii=False) + "\n"


def _alternatives(model: type[Document]) -> dict[str, Any]:
    """Return what the schema says of the keys of which one is required."""
    if not model.one_of:
        return {}
    return {"oneOf" if model.only_one else "anyOf": [{"required": [key]} for key in model.one_of]}


def _descriptions(model: type[BaseModel]) -> dict[str, str]:
    """Return the docstrings below the fields of a class, its own before those that it inherits."""
    found: dict[str, str] = {}
    for cls in reversed(model.__mro__):
        if issubclass(cls, Part):
            (written,) = ast.parse(dedent(inspect.getsource(cls))).body
            assert isinstance(written, ast.ClassDef)  # noqa: S101 - the source of a class
            for statement, after in pairwise(written.body):
                match statement, after:
                    case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                        found[name] = inspect.cleandoc(text)
                    case _:
                        pass
    return found
