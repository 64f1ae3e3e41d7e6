"""Whatever a caller sends as text gets a defined status, and the next ordinary question its answer."""

from __future__ import annotations

import ast
import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from hypothesis import given, settings
from hypothesis import strategies as st

from ecp.v1 import catalog_pb2, resolve_pb2
from tests.running import Running, user
from tests.serving import Outcome

pytestmark = pytest.mark.asyncio(loop_scope="module")

NEVER = {"INTERNAL", "UNKNOWN", "DATA_LOSS", "UNAVAILABLE", "DEADLINE_EXCEEDED", "CANCELLED", "ABORTED"}
LEAKS = ("Traceback", 'File "', "SELECT ", "MATCH (", "sqlite")
ORDINARY = "net revenue for APAC last quarter"


def built(expression: str) -> str:
    """Build the string that a row's generator describes: text, repeated and joined."""

    def value(node: ast.expr) -> Any:
        match node:
            case ast.Constant():
                return node.value
            case ast.BinOp(left, ast.Add(), right):
                return value(left) + value(right)
            case ast.BinOp(left, ast.Mult(), right):
                return value(left) * value(right)
            case _:
                raise ValueError(expression)

    text = value(ast.parse(expression, mode="eval").body)
    assert isinstance(text, str)
    return text


async def test_generators_are_built_as_written() -> None:
    assert "[[]]x" == built("'['*2+']'*2+'x'")
    with pytest.raises(ValueError, match="__import__"):
        built("__import__('os')")


def content(row: dict[str, Any]) -> bytes:
    """Return a row's string as it goes into the request: not all of them are text."""
    if row["concept"] is not None:
        return str(row["concept"]).encode("utf-8", "surrogatepass")
    if row["concept_b64"] is not None:
        return base64.b64decode(row["concept_b64"])
    return built(row["generator"]).encode()


@pytest.fixture(scope="module")
def strings(evaluation_data: Path) -> dict[str, bytes]:
    with (evaluation_data / "evaluation" / "robustness.jsonl").open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return {row["id"]: content(row) for row in rows}


def with_text(field_number: int, text: bytes) -> bytes:
    """Return a message that has ``text`` in one field, whether it is UTF-8 or not."""
    length, encoded = len(text), b""
    while length > 0x7F:
        encoded += bytes((length & 0x7F | 0x80,))
        length >>= 7
    return bytes((field_number << 3 | 2,)) + encoded + bytes((length,)) + text


def number(message: Any, field: str) -> int:
    return int(message.DESCRIPTOR.fields_by_name[field].number)


FIELDS: dict[str, tuple[str, int]] = {
    "concept": ("/ecp.v1.ResolveService/Resolve", number(resolve_pb2.ResolveRequest, "concept")),
    "resolution id": ("/ecp.v1.ResolveService/GetResolution", 1),
    "query": ("/ecp.v1.CatalogService/SearchGlossary", number(catalog_pb2.SearchGlossaryRequest, "query")),
    "page token": ("/ecp.v1.CatalogService/ListMetrics", number(catalog_pb2.ListMetricsRequest, "page_token")),
    "words of a list": ("/ecp.v1.CatalogService/ListMetrics", number(catalog_pb2.ListMetricsRequest, "query")),
    "target": ("/ecp.v1.CatalogService/GetLineage", number(catalog_pb2.GetLineageRequest, "target")),
}


def defined(outcome: Outcome, sent: str = "") -> bool:
    """Tell whether an outcome is one of the contract's, and shows nothing of our insides that was not sent."""
    said = f"{outcome.message} {outcome.details}"
    return outcome.code not in NEVER and not any(leak in said and leak not in sent for leak in LEAKS)


async def ordinary(server: Running) -> tuple[list[str], str]:
    """Ask something ordinary; return what it means and the catalog that says so."""
    outcome = await server.resolve(ORDINARY, user_context=user("ann", "analyst", department="finance"))
    assert outcome.code == "OK", outcome
    response = outcome.response
    return [concept.id for concept in response.concepts], response.provenance.catalog_version


@pytest.mark.parametrize("field", FIELDS)
async def test_every_string_gets_a_defined_status(server: Running, strings: dict[str, bytes], field: str) -> None:
    method, field_number = FIELDS[field]
    before = await ordinary(server)
    undefined = {}
    for name, text in strings.items():
        outcome = await server.call(method, with_text(field_number, text), timeout=30)
        if not defined(outcome, text.decode(errors="replace")):
            undefined[name] = outcome
        if field == "concept":
            assert before == await ordinary(server), name
    assert {} == undefined
    assert before == await ordinary(server)


async def test_every_string_is_a_user_like_any_other(server: Running, strings: dict[str, bytes]) -> None:
    """Names, departments, roles and members are compared and passed to policy, never obeyed."""
    undefined = {}
    for name, text in ((name, raw.decode(errors="replace")) for name, raw in strings.items() if raw):
        context = user(text, text, department=text, allowed_members={"region": [text], text: ["x"]})
        outcome = await server.resolve(ORDINARY, user_context=context, definition_context=text, time_zone=text)
        if not defined(outcome) or outcome.code == "OK":
            undefined[name] = outcome
        outcome = await server.resolve(ORDINARY, user_context=user(text, text, department=text))
        if not defined(outcome):
            undefined[name] = outcome
    assert {} == undefined
    await ordinary(server)


INVISIBLE = {
    "right-to-left override": "\u202e",
    "isolates": "\u2066\u2069",
    "zero-width space": "\u200b",
    "zero-width joiner": "\u200d",
    "byte order mark": "\ufeff",
    "soft hyphen": "\u00ad",
}


@pytest.mark.parametrize("invisible", INVISIBLE.values(), ids=INVISIBLE)
@pytest.mark.parametrize(
    "place", [lambda c: f"{c}net revenue{c}", lambda c: f"net {c} revenue", lambda c: f"n{c}et revenue"]
)
async def test_bidirectional_and_zero_width_characters_are_accepted(
    server: Running, invisible: str, place: Callable[[str], str]
) -> None:
    outcome = await server.resolve(place(invisible) + " last quarter")
    assert "OK" == outcome.code
    assert "net_revenue" in [concept.id for concept in outcome.response.concepts]


async def test_mentions_are_counted_in_code_points_of_the_question_as_sent(server: Running) -> None:
    sent = "𝄞\u200b𝄞, \u202enet revenue\u202c last quarter"
    outcome = await server.resolve(sent)
    (metric,) = [concept for concept in outcome.response.concepts if concept.id == "net_revenue"]
    assert sent.index("net") == metric.mention.start
    assert metric.mention.text == sent[metric.mention.start : metric.mention.end]
    assert "net revenue" == metric.mention.text.strip("\u202c")


FRAGMENTS = st.sampled_from(
    """net revenue gross margin ARR churn headcount budget plan forecast APAC EMEA Japan China enterprise product region
    segment team Sarah Chen owned by reporting to vs versus compared with against by per each monthly quarterly weekly
    last this next previous quarter month year week day FY2024 Q4 2019 2024-02-30 29 February Q9 YTD TTM since until
    between from to and or not without excluding except top 5 lowest how many what is the definition of where does come
    which metrics are available for share of total yesterday today in of for 's ’s - – _ / , . ; : ? ! ( ) [ ] { } " '
    % $ € 0 1 13 53 99999999999999999999 -1 1e999 null fiscal calendar year over same period last ago before after
    within the next within -0 half first nth last weeks H1 H3 January to Smarch""".split()  # noqa: SIM905 - words
)
QUESTIONS = st.one_of(
    st.text(max_size=300),
    st.lists(st.one_of(FRAGMENTS, FRAGMENTS, FRAGMENTS, st.text(max_size=8)), max_size=30).map(" ".join),
)


MOMENTS = st.sampled_from(["1900-01-01T00:00:00Z", "2020-02-29T23:59:59.999999999Z", "2199-12-31T23:59:59Z"])
ZONES = st.sampled_from(["", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu"])
DEPARTMENTS = st.sampled_from(["", "finance", "sales", "retail_insights"])


@settings(max_examples=150)
@given(concept=QUESTIONS, as_of=MOMENTS, zone=ZONES, department=DEPARTMENTS)
async def test_any_text_at_any_time_gets_a_defined_status(
    server: Running, concept: str, as_of: str, zone: str, department: str
) -> None:
    moment = Timestamp()
    moment.FromJsonString(as_of)
    who = user("ann", "analyst", "explorer", department=department)
    outcome = await server.resolve(concept, user_context=who, as_of=moment, time_zone=zone)
    assert defined(outcome, concept), outcome
