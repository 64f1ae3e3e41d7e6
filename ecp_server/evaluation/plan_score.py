"""Compares the period and the plan of an answer with what was expected of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ecp_server.evaluation.golden import AllBut, Expectation, Grouping, Obligation, Period, Query
from ecp_server.evaluation.reply import Answer, Json

Difference = tuple[str, object, object]
"""What differs, what was expected, what came."""


def score_plan(expect: Expectation, answer: Answer) -> Iterator[Difference]:
    """Return where the plan differs."""
    plan = answer.plan
    if expect.plan is not None and expect.plan != ("plan" in answer.body):
        yield "plan", expect.plan, "plan" in answer.body
    if expect.queries is not None:
        queries = {q["id"]: q for q in plan.get("queries", ())}
        yield from _sets("queries", expect.queries, queries)
        for query_id in expect.queries.keys() & queries.keys():
            yield from _query(f"queries.{query_id}", expect.queries[query_id], queries[query_id])
    if expect.computations is not None:
        computations = {c["name"]: c.get("unit", "") for c in plan.get("computations", ())}
        yield from _values("computations", expect.computations, computations)
    if expect.keys is not None:
        yield from _sets("keys", expect.keys, plan.get("alignment", {}).get("keys", ()))
    yield from _ordering(expect, plan.get("alignment", {}))
    if expect.obligations is not None:
        yield from _obligations(expect.obligations, plan.get("obligations", ()))


def _ordering(expect: Expectation, alignment: Json) -> Iterator[Difference]:
    """Return where the order of the rows, or how many are kept, differs."""
    if expect.order is not None:
        order = [f"{o['column']} {'desc' if o.get('descending') else 'asc'}" for o in alignment.get("order_by", ())]
        yield from _values("order", list(expect.order), order)
    if expect.limit is not None:
        yield from _values("limit", expect.limit, alignment.get("limit", 0))


def compare_period(what: str, expected: Period | str | None, actual: Json | None) -> Iterator[Difference]:
    """Return where a period differs from the expected one; "none" expects that there is none."""
    if not isinstance(expected, Period):
        if actual is not None:
            yield what, "none", actual
        return
    if actual is None:
        yield what, expected.model_dump(exclude_unset=True), "none"
        return
    start = expected.start.isoformat() if expected.start else ""
    end = expected.end.isoformat() if expected.end else ""
    yield from _values(what, f"{start}..{end}", f"{actual.get('start_date', '')}..{actual.get('end_date', '')}")
    for name in ("label", "calendar", "time_zone"):
        if (value := getattr(expected, name)) is not None:
            yield from _values(f"{what}.{name}", value, actual.get(name, ""))
    if expected.grain is not None:
        yield from _values(f"{what}.grain", expected.grain, str(actual.get("grain", "GRAIN_NONE"))[len("GRAIN_") :])
    yield from _buckets(what, expected, actual)


def _buckets(what: str, expected: Period, actual: Json) -> Iterator[Difference]:
    buckets = actual.get("buckets", ())
    if expected.buckets is not None:
        starts = [day.isoformat() for day in expected.buckets]
        # Each part ends where the next one, or the period, does: so they are complete and in order.
        tiles = list(zip(starts, [*starts[1:], actual.get("end_date", "")], strict=True))
        yield from _values(f"{what}.buckets", tiles, [(b["start_date"], b["end_date"]) for b in buckets])
    if expected.partial is not None:
        partial = [day.isoformat() for day in expected.partial]
        yield from _values(f"{what}.partial", partial, [b["start_date"] for b in buckets if b.get("partial")])


def _query(what: str, expected: Query, actual: Json) -> Iterator[Difference]:
    measures = actual.get("measures", ())
    if expected.measures is not None:
        named = {m["name"]: m["metric_id"] for m in measures}
        yield from _values(f"{what}.measures", expected.measures, named)
    if expected.refs is not None:
        yield from _sets(f"{what}.refs", expected.refs, (m["ref"] for m in measures))
    if expected.filters is not None:
        stated = {dimension: _stated(values) for dimension, values in expected.filters.items()}
        yield from _values(f"{what}.filters", stated, effective_filters(actual.get("filters", ())))
    if expected.group_by is not None:
        groupings = {g["dimension"]: g for g in actual.get("group_by", ())}
        yield from _sets(f"{what}.group_by", expected.group_by, groupings)
        for dimension in expected.group_by.keys() & groupings.keys():
            yield from _grouping(f"{what}.group_by.{dimension}", expected.group_by[dimension], groupings[dimension])
    if expected.time_ref is not None:
        yield from _values(f"{what}.time_ref", expected.time_ref, actual.get("time_ref", ""))
    if expected.period is not None:
        yield from compare_period(f"{what}.period", expected.period, actual.get("time_range"))


def _stated(values: tuple[str, ...] | AllBut) -> str:
    if isinstance(values, AllBut):
        return f"all but {', '.join(sorted(values.excluding))}"
    return ", ".join(sorted(values))


def effective_filters(filters: Iterable[Json]) -> dict[str, str]:
    """Return for each dimension (for each address where there is none) what its filters together leave, in words.

    All filters hold at once: equalities are intersected, what is excluded is taken away.
    """
    kept: dict[str, set[str]] = {}
    excluded: dict[str, set[str]] = {}
    other: dict[str, str] = {}
    for condition in filters:
        name = condition.get("dimension") or condition["ref"]
        values = set(condition.get("values", ()))
        operator = condition["operator"].removeprefix("FILTER_OPERATOR_")
        if operator == "EQUALS":
            kept[name] = kept[name] & values if name in kept else values
        elif operator == "NOT_EQUALS":
            excluded[name] = excluded.get(name, set()) | values
        else:
            other[f"{name} {operator}"] = ", ".join(sorted(values))
    effective = {name: ", ".join(sorted(values - excluded.get(name, set()))) for name, values in kept.items()}
    for name, values in excluded.items():
        effective.setdefault(name, f"all but {', '.join(sorted(values))}")
    return effective | other


def _grouping(what: str, expected: Grouping, actual: Json) -> Iterator[Difference]:
    if expected.ref is not None:
        yield from _values(f"{what}.ref", expected.ref, actual.get("ref", ""))
    if expected.level is not None:
        yield from _values(f"{what}.level", expected.level, actual.get("level", ""))
    if expected.buckets is not None:
        stated = {member: sorted(values) for member, values in expected.buckets.items()}
        buckets = {b["member_id"]: sorted(b.get("values", ())) for b in actual.get("buckets", ())}
        yield from _values(f"{what}.buckets", stated, buckets)


def _obligations(expected: tuple[Obligation, ...], actual: Iterable[Json]) -> Iterator[Difference]:
    found: dict[tuple[str, str], Json] = {(o["kind"].removeprefix("OBLIGATION_KIND_"), o["ref"]): o for o in actual}
    yield from _sets("obligations", (f"{o.kind} {o.ref}" for o in expected), (" ".join(key) for key in found))
    for obligation in expected:
        what = f"obligations.{obligation.kind} {obligation.ref}"
        same = found.get((obligation.kind, obligation.ref))
        if same is None:
            continue
        if obligation.values is not None:
            yield from _sets(f"{what}.values", obligation.values, same.get("values", ()))
        if obligation.policy is not None:
            yield from _values(f"{what}.policy", obligation.policy, same.get("policy", ""))


def _values(what: str, expected: object, actual: object) -> Iterator[Difference]:
    if expected != actual:
        yield what, expected, actual


def _sets(what: str, expected: Iterable[str], actual: Iterable[str]) -> Iterator[Difference]:
    wanted, given = set(expected), set(actual)
    if wanted != given:
        yield what, sorted(wanted), sorted(given)
