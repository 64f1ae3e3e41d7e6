"""Reads documents into the models of their kinds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ecp_server.catalog.documents import MODELS, Document
from ecp_server.catalog.documents.base import NOT_BLANK
from ecp_server.catalog.sources import Findings, Source
from ecp_server.catalog.yaml_documents import Path, Value

_MESSAGES: Final = {
    "extra_forbidden": "unknown key",
    "missing": "is required",
    "string_type": "should be text",
    "tuple_type": "should be a list",
    "dict_type": "should be a mapping",
    "model_type": "should be a mapping",
    "too_short": "should not be empty",
}


@dataclass(slots=True, eq=False)
class Entry:
    """A document whose keys are right."""

    source: Source
    document: Document


def validated(source: Source, findings: Findings) -> Entry | None:
    """Return the document as the model of its kind, or None where a key is wrong; tell all that is wrong within it."""
    value = source.value
    if not isinstance(value, dict):
        findings.add(source, (), "a document is a mapping that begins with `kind`")
        return None
    kind = value.get("kind")
    model = MODELS.get(kind) if isinstance(kind, str) else None
    if model is None:
        findings.add(source, ("kind",), f"should be one of {', '.join(MODELS)}")
        return None
    _check_alternatives(source, model, value, findings)
    try:
        document = model.model_validate(value)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        places = {detail["loc"][:length] for detail in details for length in range(len(detail["loc"]))}
        for detail in details:
            # A list is too short for pydantic as well where what stands in it is wrong.
            if detail["type"] != "too_short" or detail["loc"] not in places:
                findings.add(source, _path(detail), _message(detail))
        return None
    for problem in document.problems():
        findings.add(source, problem.path, problem.message)
    return Entry(source, document)


def _check_alternatives(source: Source, model: type[Document], value: dict[str, Value], findings: Findings) -> None:
    """Look at the keys of which one is required; not in the model, so that it is told along with its other errors."""
    given = [key for key in model.one_of if value.get(key)]
    if model.one_of and not given:
        findings.add(source, (), f"one of {', '.join(model.one_of)} is required")
    elif model.only_one and len(given) > 1:
        findings.add(source, (given[1],), f"only one of {', '.join(model.one_of)} may be given")


def _path(detail: ErrorDetails) -> Path:
    # A key that is itself wrong has "[key]" at the end.
    return tuple(step for step in detail["loc"] if step != "[key]")


def _message(detail: ErrorDetails) -> str:
    if detail["type"] == "string_pattern_mismatch" and detail["ctx"]["pattern"] == NOT_BLANK:
        return "should not be blank"
    return _MESSAGES.get(detail["type"]) or detail["msg"].removeprefix("Input ").removeprefix("String ")
