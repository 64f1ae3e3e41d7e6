"""Writes an evaluation as one HTML page: accuracy by category, the reliability curve, each miss with its steps."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from typing import Final

from ecp_server.domain.frozen import dataclass
from ecp_server.evaluation.calibration import SURE, Calibration
from ecp_server.evaluation.reply import Answer
from ecp_server.evaluation.run import Evaluation, Outcome, Turn

_SIDE: Final = 360
_MARGIN: Final = 46
_MOST_WRONG: Final = 40
_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5c6670; --line: #d5dade; --back: #ffffff; --card: #f5f7f9;
  --good: #1a7f4b; --bad: #b3261e; --mark: #2257c4; }
@media (prefers-color-scheme: dark) { :root { --ink: #e8ebee; --soft: #9aa4ae; --line: #3a424a; --back: #14181c;
  --card: #1d2328; --good: #5fce94; --bad: #ff8a80; --mark: #8ab4ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 68rem; padding: 2rem 1.5rem 4rem; background: var(--back); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.6rem; margin: 0; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .75rem; }
p { max-width: 46rem; margin: .4rem 0; }
.soft { color: var(--soft); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(11rem, 1fr)); gap: .75rem; margin: 1.25rem 0; }
.tile { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem; }
.tile b { display: block; font-size: 1.5rem; font-variant-numeric: tabular-nums; }
.tile span { color: var(--soft); font-size: .85rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--soft); font-weight: 500; font-size: .85rem; }
td.number, th.number { text-align: right; }
.bar { width: min(10rem, 18vw); height: .6rem; border-radius: .3rem; background: var(--line); overflow: hidden;
  margin-top: .45rem; }
.bar i { display: block; height: 100%; background: var(--good); }
.bar.some { background: var(--bad); }
.curve { display: flex; flex-wrap: wrap; gap: 2rem; align-items: flex-start; }
svg text { fill: var(--soft); font-size: 12px; }
details { border: 1px solid var(--line); border-radius: .5rem; margin: .6rem 0; background: var(--card); }
summary { cursor: pointer; padding: .6rem 1rem; overflow-wrap: anywhere; }
details > div { padding: 0 1rem .8rem; overflow-wrap: anywhere; }
.bad { color: var(--bad); } .good { color: var(--good); }
code { font: .88em ui-monospace, monospace; overflow-wrap: anywhere; }
ol { margin: .3rem 0; padding-left: 1.5rem; }
"""


@dataclass(frozen=True, slots=True)
class Page:
    """What a page is about; ``calibration`` is None where nothing was asked in other words."""

    title: str
    catalog_version: str
    evaluation: Evaluation
    calibration: Calibration | None = None


def render_page(page: Page) -> str:
    """Return the page: one file, no scripts, nothing fetched."""
    return "".join(
        (
            '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(page.title)}</title><style>{_STYLE}</style></head><body>\n",
            *_head(page),
            *_misses(page.evaluation),
            *_categories(page.evaluation),
            *(_reliability(page.calibration) if page.calibration is not None else ()),
            "</body></html>\n",
        )
    )


def _head(page: Page) -> Iterator[str]:
    evaluation, calibration = page.evaluation, page.calibration
    yield f"<h1>{escape(page.title)}</h1>"
    yield f'<p class="soft">Catalog version <code>{escape(page.catalog_version)}</code></p>\n'
    yield '<div class="tiles">'
    of = len(evaluation.outcomes)
    yield _tile(f"{evaluation.accuracy:.1%}", f"{evaluation.right} of {of} golden questions came out as written")
    if calibration is not None:
        yield _tile(f"{calibration.lower_bound:.3f}", f"least likely accuracy of confidence from {SURE} (Wilson, 95 %)")
        yield _tile(f"{calibration.sure_share:.1%}", f"of right answers have a confidence of {SURE} or more")
        yield _tile(f"{calibration.error:.3f}", "expected calibration error")
    yield "</div>\n"


def _tile(figure: str, what: str) -> str:
    return f'<div class="tile"><b>{escape(figure)}</b><span>{escape(what)}</span></div>'


def _categories(evaluation: Evaluation) -> Iterator[str]:
    found: dict[str, list[Outcome]] = {}
    for outcome in evaluation.outcomes:
        found.setdefault(outcome.entry.category, []).append(outcome)
    yield '<h2>Accuracy by category</h2><div class="scroll"><table><tr><th>Category<th class="number">Right'
    yield '<th class="number">Asked<th class="number">Share<th></tr>\n'
    for name, outcomes in sorted(found.items()):
        right = sum(not outcome.misses for outcome in outcomes)
        share = right / len(outcomes)
        wrong = "" if right == len(outcomes) else " some"
        yield (
            f'<tr><td>{escape(name.replace("_", " "))}<td class="number">{right}<td class="number">{len(outcomes)}'
            f'<td class="number">{share:.1%}<td><div class="bar{wrong}"><i style="width:{share:.1%}"></i></div></tr>\n'
        )
    yield "</table></div>\n"


def _reliability(calibration: Calibration) -> Iterator[str]:
    answered = len(calibration.judged)
    yield "<h2>How far confidence can be believed</h2>"
    yield (
        f"<p>Every question that came out right was asked again in other words: {answered + calibration.unanswered} "
        f"questions, of which {answered} were answered and {calibration.unanswered} refused or asked back. "
        "On the line, answers of a confidence are right as often as it says; above it, more often.</p>\n"
    )
    yield f'<div class="curve">{_curve(calibration)}<div class="scroll"><table>'
    yield '<tr><th>Confidence<th class="number">Answers<th class="number">Right<th class="number">Share</tr>\n'
    for each in calibration.bins:
        yield (
            f'<tr><td>{each.low:.2f} to {each.high:.2f}<td class="number">{each.count}'
            f'<td class="number">{each.right}<td class="number">{each.accuracy:.1%}</tr>\n'
        )
    yield "</table></div></div>\n"
    yield from _sure_and_wrong(calibration)


def _sure_and_wrong(calibration: Calibration) -> Iterator[str]:
    wrong = [judged for judged in calibration.sure if not judged.right]
    if not wrong:
        return
    yield f'<details><summary>{len(wrong)} sure of themselves and wrong</summary><div><div class="scroll"><table>'
    yield '<tr><th>Question<th>Reworded by<th>From<th class="number">Confidence</tr>\n'
    for each in wrong[:_MOST_WRONG]:
        yield (
            f"<tr><td>{escape(each.question)}<td>{escape(each.kind)}<td><code>{escape(each.meant)}</code>"
            f'<td class="number">{each.confidence:.3f}</tr>\n'
        )
    yield "</table></div></div></details>\n"


def _curve(calibration: Calibration) -> str:
    """Draw accuracy over confidence; the larger a dot, the more answers it stands for."""
    whole = _SIDE + 2 * _MARGIN
    most = max((each.count for each in calibration.bins), default=1)
    parts = [
        (
            f'<svg role="img" aria-label="Reliability curve" viewBox="0 0 {whole} {whole}" width="{whole}" '
            f'style="max-width:100%;height:auto">'
        )
    ]
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        x, y = _at(tick, tick)
        left, bottom = _at(0, 0)
        right, top = _at(1, 1)
        parts.append(
            f'<path d="M{left} {y}H{right}M{x} {bottom}V{top}" stroke="var(--line)" fill="none"/>'
            f'<text x="{left - 8}" y="{y + 4}" text-anchor="end">{tick:g}</text>'
            f'<text x="{x}" y="{bottom + 18}" text-anchor="middle">{tick:g}</text>'
        )
    (x0, y0), (x1, y1) = _at(0, 0), _at(1, 1)
    parts.append(f'<path d="M{x0} {y0}L{x1} {y1}" stroke="var(--soft)" stroke-dasharray="4 4" fill="none"/>')
    points = [(_at(each.mean_confidence, each.accuracy), each) for each in calibration.bins]
    path = "L".join(f"{x} {y}" for (x, y), _ in points)
    if points:
        parts.append(f'<path d="M{path}" stroke="var(--mark)" stroke-width="2" fill="none"/>')
    for (x, y), each in points:
        radius = 3 + 7 * (each.count / most) ** 0.5
        title = f"{each.count} answers of confidence {each.mean_confidence:.2f}, {each.accuracy:.1%} right"
        parts.append(f'<circle cx="{x}" cy="{y}" r="{radius:.1f}" fill="var(--mark)"><title>{title}</title></circle>')
    middle = _MARGIN + _SIDE / 2
    parts.append(f'<text x="{middle}" y="{whole - 6}" text-anchor="middle">confidence</text>')
    parts.append(
        f'<text x="12" y="{middle}" text-anchor="middle" transform="rotate(-90 12 {middle})">right</text></svg>'
    )
    return "".join(parts)


def _at(confidence: float, accuracy: float) -> tuple[float, float]:
    return round(_MARGIN + confidence * _SIDE, 1), round(_MARGIN + (1 - accuracy) * _SIDE, 1)


def _misses(evaluation: Evaluation) -> Iterator[str]:
    missed = [outcome for outcome in evaluation.outcomes if outcome.misses]
    yield "<h2>Misses</h2>"
    if not missed:
        yield '<p class="good">Every question came out as written down.</p>\n'
    for outcome in missed:
        yield (
            f'<details open><summary><b class="bad">{escape(outcome.entry.question)}</b> '
            f'<span class="soft">{escape(outcome.entry.category)}, <code>{escape(outcome.entry.id)}</code></span>'
            "</summary><div>"
        )
        if outcome.entry.note:
            yield f'<p class="soft">{escape(outcome.entry.note)}</p>'
        for number, turn in enumerate(outcome.turns):
            if turn.misses:
                yield f'<p class="soft">Follow-up {number}</p>' if number else ""
                yield from _turn(turn)
        yield from (f"<p>{escape(str(miss))}</p>" for miss in outcome.more)
        yield "</div></details>\n"


def _turn(turn: Turn) -> Iterator[str]:
    yield '<div class="scroll"><table><tr><th>What<th>Expected<th>Came</tr>'
    for miss in turn.misses:
        yield (
            f"<tr><td><code>{escape(miss.what)}</code><td>{escape(str(miss.expected))}"
            f"<td>{escape(str(miss.actual))}</tr>"
        )
    yield "</table></div>"
    if isinstance(turn.reply, Answer):
        if said := turn.reply.body.get("interpretation"):
            yield f"<p>Understood as: {escape(str(said))}</p>"
        steps = turn.reply.body.get("provenance", {}).get("steps", ())
        items = "".join(f"<li><b>{escape(s['id'])}</b> {escape(s.get('reasoning', ''))}</li>" for s in steps)
        yield f"<ol>{items}</ol>" if items else ""
