"""Nothing that a server says reaches a terminal as an order."""

from __future__ import annotations

import json
import subprocess
import sys
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from ecp.v1 import resolve_pb2, types_pb2
from ecp_client.cli.safe import as_json, safe
from tests.cli.running import ecp
from tests.client.server import serving

OBEYED = {"Cc", "Cs", "Zl", "Zp"}
EVIL = "\x1b]0;owned\x07\x1b[2J\u202egro.live\u2069\x9b31m\u200b[bold]"


@given(st.text() | st.text("\x1b\x9b\r\n\t\u202e\u2066\u200b\ud800\U000e0041 a"))
def test_text_is_one_line_without_control_characters(text: str) -> None:
    shown = safe(text)
    assert [] == [c for c in shown if unicodedata.category(c) in OBEYED or unicodedata.bidirectional(c) in _REORDERING]


_REORDERING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def test_ordinary_text_stays_as_it_is() -> None:
    for text in ("“APAC” is a name, 15 %", "Umsatz für Köln", "営業利益", "صافي الإيرادات", "👍🏽"):
        assert text == safe(text)


def test_line_breaks_become_spaces() -> None:
    assert "a definition over two lines" == safe("a definition\n  over two\r\nlines")


@given(st.dictionaries(st.text(), st.text()))
def test_json_says_the_same_with_escapes(document: dict[str, str]) -> None:
    text = as_json(document)
    assert document == json.loads(text)
    assert [] == [c for c in text.replace("\n", "") if unicodedata.category(c) in OBEYED]


async def test_names_of_a_server_are_printed_with_control_characters_escaped() -> None:
    async with serving() as server:
        server.replies = [
            resolve_pb2.ResolveResponse(
                resolution_id=EVIL,
                status=types_pb2.RESOLUTION_STATUS_RESOLVED,
                interpretation=EVIL,
                concepts=[types_pb2.ResolvedConcept(name=EVIL, reason=EVIL, mention=types_pb2.Mention(text=EVIL))],
                warnings=[types_pb2.Warning(message=EVIL)],
            )
        ]
        for options in ([], ["--json"]):
            ended = await ecp("resolve", "revenue", *options, target=server.target)
            assert 0 == ended.code, ended.errors
            assert not set(ended.output) & set("\x1b\x07\x9b\u202e\u2069\u200b")
            assert "[bold]" in ended.output


def test_without_what_the_extra_brings_it_says_what_to_install() -> None:
    program = "import sys; sys.modules['rich'] = None; from ecp_client.cli import main; main()"
    ended = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert (1, "ecp needs click and rich: pip install 'enterprise-context-platform[cli]'\n") == (
        ended.returncode,
        ended.stderr,
    )
