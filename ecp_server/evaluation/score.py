"""Compares what came back with what was expected: pure functions from an expectation and a reply to misses."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from typing_extensions import override

from ecp_server.domain.frozen import dataclass
from ecp_server.domain.text import fold
from ecp_server.evaluation.golden import SETTLED, Assumed, ConfidenceBounds, Expectation
from ecp_server.evaluation.plan_score import compare_period, score_plan
from ecp_server.evaluation.reply import Answer, Json, Refusal, Reply

_KINDS = {
    "metrics": "METRIC",
    "dimensions": "DIMENSION",
    "terms": "TERM",
    "entities": "ENTITY",
    "comparison": "COMPARISON",
}
_TOLERANCE = 1e-9


@dataclass(frozen=True, slots=True)
class Miss:
    """One thing that did not come out as expected."""

    what: str
    """The key of the expectation, with the place inside it."""
    expected: object
    actual: object

    @override
    def __str__(self) -> str:
        return f"{self.what}: expected {self.expected}, got {self.actual}"


def score(expect: Expectation, reply: Reply) -> tuple[Miss, ...]:
    """Return where the reply differs from the expectation; what the expectation does not state is not looked at.

    ``confidence.below`` compares two replies and is left to the run.
    """
    found = [*_hidden(expect, reply)]
    if reply.status != expect.status:
        told = f" ({reply.message})" if isinstance(reply, Refusal) and reply.message else ""
        return (Miss("status", expect.status, f"{reply.status}{told}"), *found)
    if isinstance(reply, Refusal):
        found += _refusal(expect, reply)
    elif expect.status in SETTLED:
        found += _concepts(expect, reply)
        found += _told(expect, reply)
        found += _answer(expect, reply)
        found += [Miss(*difference) for difference in score_plan(expect, reply)]
        if expect.confidence is not None:
            found += _confidence(expect.confidence, reply.body.get("confidence"))
    return tuple(found)


def _hidden(expect: Expectation, reply: Reply) -> Iterator[Miss]:
    said = reply.text() if expect.hidden else ""
    for text in expect.hidden or ():
        if text in said:
            yield Miss("hidden", f"{text!r} nowhere", "it shows")


def _same(what: str, expected: Iterable[str] | None, actual: Iterable[str]) -> Iterator[Miss]:
    """Compare as sets; an expectation of None states nothing."""
    if expected is not None and (wanted := set(expected)) != (given := set(actual)):
        yield Miss(what, sorted(wanted), sorted(given))


def _among(what: str, expected: Iterable[str] | None, actual: Iterable[str]) -> Iterator[Miss]:
    if expected is not None and not (wanted := set(expected)) <= (given := set(actual)):
        yield Miss(what, f"{sorted(wanted)} among them", sorted(given))


def _is(what: str, expected: object, actual: object) -> Iterator[Miss]:
    if expected is not None and expected != actual:
        yield Miss(what, expected, actual)


def _concepts(expect: Expectation, answer: Answer) -> Iterator[Miss]:
    concepts = answer.items("concepts")
    for key, kind in _KINDS.items():
        yield from _same(key, getattr(expect, key), _ids(concepts, kind))
    members = [c for c in concepts if c["kind"] == "CONCEPT_KIND_MEMBER"]
    yield from _same("members", expect.members, (c["id"] for c in members if not c.get("excluded")))
    yield from _same("excluded", expect.excluded, (c["id"] for c in members if c.get("excluded")))
    by_id = {c["id"]: c for c in reversed(concepts)}
    for concept_id, context in (expect.variations or {}).items():
        actual = by_id[concept_id].get("variation", "") if concept_id in by_id else None
        yield from _is(f"variations.{concept_id}", context, actual)
    for concept_id, values in (expect.values or {}).items():
        yield from _same(f"values.{concept_id}", values, by_id.get(concept_id, {}).get("values", ()))
    for concept_id, hops in (expect.paths or {}).items():
        path = [(h["from_id"], h["relation"], h["to_id"]) for h in by_id.get(concept_id, {}).get("path", ())]
        yield from _is(f"paths.{concept_id}", list(hops), path)


def _ids(concepts: Iterable[Json], kind: str) -> list[str]:
    return [c["id"] for c in concepts if c["kind"] == f"CONCEPT_KIND_{kind}"]


def _told(expect: Expectation, answer: Answer) -> Iterator[Miss]:
    yield from _is("intent", expect.intent, str(answer.body.get("intent", "")).removeprefix("INTENT_"))
    if "period" in expect.model_fields_set:
        yield from (Miss(*d) for d in compare_period("period", expect.period, answer.body.get("time_range")))
    warnings = answer.items("warnings")
    yield from _same("warnings", expect.warnings, (w["id"] for w in warnings if w["type"] == "known_issue"))
    types = {w["type"] for w in warnings}
    yield from _among("warning_types", expect.warning_types, types)
    for kind in sorted(types.intersection(expect.no_warning_types or ())):
        yield Miss("no_warning_types", f"no {kind}", "there is one")
    yield from _same("unmatched", expect.unmatched, (m["text"] for m in answer.items("unmatched")))
    yield from _assumptions(expect, answer)
    yield from _ambiguities(expect.ambiguities, answer.items("ambiguities"))


def _assumptions(expect: Expectation, answer: Answer) -> Iterator[Miss]:
    actual = {a["id"]: a for a in answer.items("assumptions")}
    for assumption_id in expect.no_assumptions or ():
        if assumption_id in actual:
            yield Miss("no_assumptions", f"no {assumption_id}", actual[assumption_id]["taken"].get("id"))
    for assumption_id, expected in (expect.assumptions or {}).items():
        if assumption_id not in actual:
            yield Miss(f"assumptions.{assumption_id}", expected.taken, f"none; there are {sorted(actual)}")
        else:
            yield from _assumption(assumption_id, expected, actual[assumption_id])


def _assumption(assumption_id: str, expected: Assumed, actual: Json) -> Iterator[Miss]:
    what = f"assumptions.{assumption_id}"
    alternatives = actual.get("alternatives", ())
    yield from _is(f"{what}.taken", expected.taken, actual["taken"].get("id"))
    yield from _same(f"{what}.alternatives", expected.alternatives, (o["id"] for o in alternatives))
    said = " ".join([actual.get("reason", ""), *(o.get("definition", "") for o in alternatives)])
    for text in expected.tells:
        if text not in said:
            yield Miss(f"{what}.tells", text, said)


def find_ambiguity(name: str, ambiguities: Iterable[Json]) -> Json | None:
    """Return the ambiguity with this id, or of these words."""
    for ambiguity in ambiguities:
        words = ambiguity.get("mention", {}).get("text", "")
        if name == ambiguity["id"] or (words and fold(name) == fold(words)):
            return ambiguity
    return None


def _ambiguities(expected: Mapping[str, tuple[str, ...]] | None, actual: list[Json]) -> Iterator[Miss]:
    if expected is None:
        return
    names = [a.get("mention", {}).get("text") or a["id"] for a in actual]
    if len(expected) != len(actual):
        yield Miss("ambiguities", sorted(expected), names)
    for name, options in expected.items():
        ambiguity = find_ambiguity(name, actual)
        if ambiguity is None:
            yield Miss(f"ambiguities.{name}", list(options), f"none; there are {names}")
        else:
            yield from _same(f"ambiguities.{name}", options, (o["id"] for o in ambiguity.get("options", ())))


def _answer(expect: Expectation, answer: Answer) -> Iterator[Miss]:
    if expect.answer is None:
        return
    if (definition := expect.answer.definition) is not None:
        term = answer.body.get("definition", {})
        yield from _is("answer.definition.id", definition.id, term.get("id"))
        yield from _is("answer.definition.metric_id", definition.metric_id, term.get("metric_id", ""))
        contexts = (v["context"] for v in term.get("variations", ()))
        yield from _same("answer.definition.contexts", definition.contexts, contexts)
    if (lineage := expect.answer.lineage) is not None:
        graph = answer.body.get("lineage", {})
        nodes = {n["id"]: n["type"].removeprefix("LINEAGE_NODE_TYPE_") for n in graph.get("nodes", ())}
        edges = sorted((e["from_id"], e["to_id"]) for e in graph.get("edges", ()))
        yield from _is("answer.lineage.target", lineage.target, graph.get("target"))
        yield from _is("answer.lineage.nodes", lineage.nodes, nodes)
        yield from _is("answer.lineage.edges", sorted(lineage.edges) if lineage.edges is not None else None, edges)
        yield from _is("answer.lineage.truncated", lineage.truncated, graph.get("truncated", False))
    if (metrics := expect.answer.metrics) is not None:
        shown = answer.body.get("metrics", {})
        ids = [m["id"] for m in shown.get("metrics", ())]
        yield from _same("answer.metrics.ids", metrics.ids, ids)
        yield from _among("answer.metrics.among", metrics.among, ids)
        yield from _is("answer.metrics.total", metrics.total, shown.get("total_size", 0))


def _confidence(expected: ConfidenceBounds, actual: Json | None) -> Iterator[Miss]:
    if actual is None:
        yield Miss("confidence", "some", "none")
        return
    overall = actual.get("overall", 0.0)
    if expected.at_least is not None and overall < expected.at_least:
        yield Miss("confidence", f"at least {expected.at_least}", overall)
    if expected.at_most is not None and overall > expected.at_most:
        yield Miss("confidence", f"at most {expected.at_most}", overall)
    promised = any(name in actual for name in ("data_quality", "freshness", "completeness"))
    yield from _is("confidence.contract", expected.contract, promised)
    if expected.completeness is not None:
        completeness = actual.get("completeness")
        if completeness is None or abs(completeness - expected.completeness) > _TOLERANCE:
            yield Miss("confidence.completeness", expected.completeness, completeness)


def _refusal(expect: Expectation, refusal: Refusal) -> Iterator[Miss]:
    named = {part.strip() for value in refusal.metadata.values() for part in value.split(",")}
    may = refusal.metadata.get("may", "")
    yield from _among("fits", expect.fits, named)
    yield from _is("policy", expect.policy, refusal.metadata.get("policy"))
    yield from _same("may", expect.may, (role.strip() for role in may.split(",") if may))
    yield from _same("unmatched", expect.unmatched, (m["text"] for m in refusal.detail.get("unmatched", ())))
    yield from _among("suggestions", expect.suggestions, (o["id"] for o in refusal.detail.get("suggestions", ())))
