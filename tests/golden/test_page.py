"""The page of an evaluation: everything that a person needs to see, in one file that fetches nothing."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from typing_extensions import override

from ecp_server.evaluation.calibration import Calibration, Judged
from ecp_server.evaluation.golden import Entry
from ecp_server.evaluation.page import Page, render_page
from ecp_server.evaluation.reply import Refusal
from ecp_server.evaluation.run import Evaluation, Outcome, Turn
from ecp_server.evaluation.score import Miss
from tests.golden.replies import resolved


class Outline(HTMLParser):
    """What is open, and the text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.text = ""

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href", "action", "style"}]

    @override
    def handle_data(self, data: str) -> None:
        self.text += data


def entry(question: str, **more: Any) -> Entry:
    fields = {"id": "e1", "category": "known_issue", "as_of": "2025-01-15T12:00:00Z", "expect": {"status": "RESOLVED"}}
    return Entry.model_validate(fields | {"question": question} | more)


def read(*outcomes: Outcome, calibration: Calibration | None = None) -> Outline:
    outline = Outline()
    outline.feed(render_page(Page("Golden questions of meridian", "abc123", Evaluation(outcomes), calibration)))
    return outline


def test_a_miss_is_shown_with_what_was_expected_and_its_steps() -> None:
    asked = entry("APAC <revenue> & more", note="Why so.")
    turn = Turn(asked.expect, resolved(), (Miss("metrics", ["net_revenue"], ["headcount"]),))
    found = read(Outcome(asked, (turn,)))

    for said in ("APAC <revenue> & more", "Why so.", "known issue", "metrics", "['net_revenue']", "['headcount']"):
        assert said in found.text
    assert "0 of 1 golden questions" in found.text
    assert "abc123" in found.text
    assert "revenue" not in found.tags


def test_without_misses_and_rewordings_there_is_nothing_to_read_but_that() -> None:
    asked = entry("APAC revenue")
    found = read(Outcome(asked, (Turn(asked.expect, Refusal("NOT"), ()),)))

    assert "Every question came out as written down." in found.text
    assert "100.0%" in found.text
    assert "svg" not in found.tags


def test_the_curve_tells_of_each_bin_and_what_was_sure_and_wrong() -> None:
    judged = (Judged("slip", "right one", 0.97, True), Judged("signs", "wrong <one>", 0.93, False, "e1"))
    found = read(calibration=Calibration(judged, 3))

    assert found.tags.count("circle") == 2
    assert "wrong <one>" in found.text
    assert "right one" not in found.text
    assert "5 questions, of which 2 were answered and 3 refused" in found.text


def test_the_page_fetches_nothing_and_runs_nothing() -> None:
    found = read(calibration=Calibration((Judged("slip", "q", 0.5, True),), 0))

    assert not {"script", "link", "img", "iframe", "object"} & set(found.tags)
    assert not any("//" in address or "url(" in address for address in found.addresses)
