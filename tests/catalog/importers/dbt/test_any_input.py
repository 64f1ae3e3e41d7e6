"""Whatever stands in a project, it is imported or refused: nothing else comes of it."""

from __future__ import annotations

import copy
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecp_server.catalog.importers.dbt.carried import Defaults
from ecp_server.catalog.importers.dbt.convert import convert
from ecp_server.catalog.importers.report import ImportFailed
from tests.catalog.importers.dbt.projects import LATEST, LEGACY, manifest, value_of

ODD = st.one_of(
    st.none(),
    st.text(max_size=20),
    st.sampled_from(
        ["orders", "revenue", "order", "1 month", "{{ Dimension('order__status') }} = 1", "a / b", "sum", "ref('x')"]
    ),
    st.integers(),
    st.booleans(),
    st.lists(st.text(max_size=5), max_size=3),
    st.dictionaries(st.sampled_from(["name", "type", "expr", "measure", "filter"]), st.text(max_size=5), max_size=3),
)


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Return the paths of all that stands in a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, each in inner for found in places(each, (*path, key)))]


def with_change(value: Any, path: tuple[str | int, ...], odd: Any) -> Any:
    """Return a value with something else at one of its places."""
    if not path:
        return odd
    changed = copy.copy(value)
    changed[path[0]] = with_change(value[path[0]], path[1:], odd)
    return changed


@st.composite
def projects(draw: st.DrawFn) -> tuple[str, str]:
    """Draw the name and the text of a file that was once all right."""
    name, text = draw(st.sampled_from([("schema.yml", LEGACY), ("schema.yml", LATEST), ("m.json", manifest())]))
    value: Any = json.loads(text) if name.endswith("json") else value_of(text)
    for _ in range(draw(st.integers(1, 3))):
        value = with_change(value, draw(st.sampled_from(places(value))), draw(ODD))
    return name, json.dumps(value)


@given(projects())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_a_project_is_imported_or_refused(tmp_path: Path, project: tuple[str, str]) -> None:
    name, text = project
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with suppress(ImportFailed):
        convert(path, Defaults(), None)
