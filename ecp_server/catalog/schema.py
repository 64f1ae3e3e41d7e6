"""The JSON Schema of catalog documents, for editors."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema
from typing_extensions import override

from ecp_server.catalog.documents import MODELS, Document


class _Untitled(GenerateJsonSchema):
    """Leaves out titles that only repeat the names of keys."""

    @override
    def field_title_should_be_set(self, schema: Any) -> bool:
        return False


def catalog_schema() -> dict[str, Any]:
    """Return the schema of one document: that of its kind. What holds between documents only loading can tell."""
    kinds: list[type[BaseModel]] = list(MODELS.values())
    references, definitions = models_json_schema([(model, "validation") for model in kinds], schema_generator=_Untitled)
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
