"""Asks the questions of a golden file and scores what comes back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import field

from ecp_server.domain.frozen import dataclass
from ecp_server.evaluation.figures_score import score_figures
from ecp_server.evaluation.golden import Choice, Entry, Expectation, Golden
from ecp_server.evaluation.reply import Answer, Json, Reply, Resolver
from ecp_server.evaluation.score import Miss, find_ambiguity, score


@dataclass(frozen=True, slots=True)
class Turn:
    """One request of an entry: the question itself, or a follow-up; with what came back."""

    expect: Expectation
    reply: Reply
    misses: tuple[Miss, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """One entry, asked."""

    entry: Entry
    turns: tuple[Turn, ...]
    more: tuple[Miss, ...] = ()
    """What concerns no single turn."""

    @property
    def misses(self) -> tuple[Miss, ...]:
        """Return everything that did not come out as expected; empty for a right answer."""
        return (*(miss for turn in self.turns for miss in turn.misses), *self.more)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All entries, asked."""

    outcomes: tuple[Outcome, ...] = field(default=())

    @property
    def right(self) -> int:
        """Return how many entries came out as expected in every point."""
        return sum(not outcome.misses for outcome in self.outcomes)

    @property
    def catalog_version(self) -> str:
        """Return the version of the catalog that answered; "" where nothing was answered."""
        replies = (turn.reply for outcome in self.outcomes for turn in outcome.turns)
        answers = (reply for reply in replies if isinstance(reply, Answer))
        return next((str(a.body.get("provenance", {}).get("catalog_version", "")) for a in answers), "")

    @property
    def accuracy(self) -> float:
        """Return the share of right entries, 0 to 1."""
        return self.right / len(self.outcomes) if self.outcomes else 1.0


async def evaluate(golden: Golden, ask: Resolver, *, category: str | None = None) -> Evaluation:
    """Ask every question, or those of one category, one after the other, and score the replies."""
    wanted = [entry for entry in golden.questions if category in {None, entry.category}]
    compared = {entry.expect.confidence.below for entry in wanted if entry.expect.confidence is not None}
    asked = [entry for entry in golden.questions if entry in wanted or entry.id in compared]
    outcomes = _with_comparisons([await _outcome(entry, ask) for entry in asked])
    return Evaluation(tuple(outcome for outcome in outcomes if outcome.entry in wanted))


async def ask_once(entry: Entry, ask: Resolver) -> Turn:
    """Ask the question of an entry, without what follows on it, and score the reply."""
    reply = await ask(_request(entry) | {"as_of": entry.as_of.isoformat()})
    return await _turn(entry.expect, reply, ask)


async def _outcome(entry: Entry, ask: Resolver) -> Outcome:
    turns = [await ask_once(entry, ask)]
    reply = turns[0].reply
    for number, follow_up in enumerate(entry.then, start=1):
        if not isinstance(reply, Answer):
            return Outcome(entry, tuple(turns), (Miss(f"then.{number}", "an answer to resume", reply.status),))
        choices, misses = _choices(follow_up.choices, reply)
        if misses:
            return Outcome(entry, tuple(turns), misses)
        resumed = {"choices": choices, "resume_resolution_id": reply.body.get("resolution_id", "")}
        reply = await ask(_request(entry) | resumed)
        turns.append(await _turn(follow_up.expect, reply, ask))
    return Outcome(entry, tuple(turns))


async def _turn(expect: Expectation, reply: Reply, ask: Resolver) -> Turn:
    """Score a reply and, where figures are expected of it, what comes of running it."""
    misses = score(expect, reply)
    if expect.figures is not None and isinstance(reply, Answer) and reply.status == expect.status:
        executed = await ask.execute(str(reply.body.get("resolution_id", "")))
        misses += tuple(Miss(*difference) for difference in score_figures(expect.figures, executed))
    return Turn(expect, reply, misses)


def _request(entry: Entry) -> dict[str, object]:
    """Return the ResolveRequest as JSON, without what makes it the first or a resumed one."""
    request: dict[str, object] = {"concept": entry.question, "provenance_view": "PROVENANCE_VIEW_FULL"}
    if entry.user.model_fields_set:
        request["user_context"] = {
            "user_id": entry.user.user_id,
            "department": entry.user.department,
            "roles": list(entry.user.roles),
            "allowed_members": {d: {"values": list(m)} for d, m in entry.user.allowed_members.items()},
        }
    if entry.time_zone:
        request["time_zone"] = entry.time_zone
    if entry.definition_context:
        request["definition_context"] = entry.definition_context
    return request


def _choices(choices: Sequence[Choice], reply: Answer) -> tuple[list[Json], tuple[Miss, ...]]:
    """Return the choices with the ids of what they answer; a miss for each that answers nothing."""
    ambiguities, assumptions = reply.items("ambiguities"), reply.items("assumptions")
    made: list[Json] = []
    for choice in choices:
        ambiguity = find_ambiguity(choice.of, ambiguities)
        if ambiguity is None and all(a["id"] != choice.of for a in assumptions):
            offered = [a["id"] for a in (*ambiguities, *assumptions)]
            return [], (Miss(f"choice of {choice.of}", "to be offered", f"there are {offered}"),)
        subject = choice.of if ambiguity is None else ambiguity["id"]
        made.append({"subject_id": subject, "option_id": choice.option})
    return made, ()


def _with_comparisons(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """Add what compares the confidence of two entries."""
    overall = {o.entry.id: _overall(o) for o in outcomes}
    compared: list[Outcome] = []
    for outcome in outcomes:
        bounds = outcome.entry.expect.confidence
        if bounds is None or bounds.below is None:
            compared.append(outcome)
            continue
        mine, other = overall[outcome.entry.id], overall[bounds.below]
        fine = mine is not None and other is not None and mine < other
        miss = () if fine else (Miss("confidence.below", f"below that of {bounds.below} ({other})", mine),)
        compared.append(Outcome(outcome.entry, outcome.turns, (*outcome.more, *miss)))
    return compared


def _overall(outcome: Outcome) -> float | None:
    reply = outcome.turns[0].reply
    return reply.confidence if isinstance(reply, Answer) else None
