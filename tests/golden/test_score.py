"""What a golden file states is held against an answer; what it does not state is not looked at (docs/golden.md)."""

from __future__ import annotations

from typing import Any

import pytest

from ecp_server.evaluation.golden import Expectation
from ecp_server.evaluation.reply import Refusal, Reply
from ecp_server.evaluation.score import score
from tests.golden.replies import missed, period, resolved, unsettled

RIGHT: dict[str, dict[str, Any]] = {
    "status alone": {},
    "intent": {"intent": "COMPARISON"},
    "metrics": {"metrics": ["net_revenue"]},
    "members": {"members": ["region.apac"]},
    "excluded": {"excluded": ["region.china"]},
    "dimensions": {"dimensions": ["region"]},
    "terms": {"terms": []},
    "entities": {"entities": ["team.a"]},
    "comparison": {"comparison": ["target.budget"]},
    "variations": {"variations": {"net_revenue": "finance", "region.china": ""}},
    "values": {"values": {"region.apac": ["CN", "JP"]}},
    "paths": {"paths": {"team.a": [["person.b", "leads", "team.a"]]}},
    "period": {"period": {"start": "2024-10-01", "end": "2025-01-01", "label": "Q3 FY2024", "calendar": "fiscal"}},
    "buckets": {
        "period": {
            "start": "2024-10-01",
            "end": "2025-01-01",
            "grain": "MONTH",
            "buckets": ["2024-10-01", "2024-11-01", "2024-12-01"],
            "partial": ["2024-12-01"],
        }
    },
    "plan": {"plan": True},
    "measures": {"queries": {"actual": {"measures": {"actual": "net_revenue"}, "refs": ["Revenue.netRevenue"]}}},
    "filters": {"queries": {"actual": {"filters": {"region": ["JP"]}}}},
    "group_by": {
        "queries": {
            "actual": {"group_by": {"region": {"level": "area", "ref": "", "buckets": {"region.apac": ["CN", "JP"]}}}}
        }
    },
    "query period": {
        "queries": {
            "actual": {"time_ref": "Revenue.transactionDate", "period": {"start": "2024-10-01", "end": "2025-01-01"}}
        }
    },
    "computations": {"computations": {"variance": "USD"}},
    "keys": {"keys": ["region"]},
    "obligations": {
        "obligations": [
            {"kind": "ROW_FILTER", "ref": "Revenue.countryCode", "values": ["CN", "JP"], "policy": "own_rows"}
        ]
    },
    "warnings": {"warnings": ["late"], "warning_types": ["partial_period"], "no_warning_types": ["restricted"]},
    "assumptions": {
        "assumptions": {"calendar": {"taken": "fiscal", "alternatives": ["gregorian"], "tells": ["late data"]}},
        "no_assumptions": ["period"],
    },
    "ambiguities": {"ambiguities": {}},
    "unmatched": {"unmatched": ["board"]},
    "confidence": {"confidence": {"at_least": 0.8, "at_most": 0.8, "contract": True, "completeness": 0.999}},
    "hidden": {"hidden": ["median_salary"]},
}
WRONG: dict[str, tuple[dict[str, Any], list[str]]] = {
    "status": ({"status": "DISAMBIGUATION_REQUIRED", "metrics": ["other"]}, ["status"]),
    "intent": ({"intent": "METRIC"}, ["intent"]),
    "a metric too many": ({"metrics": []}, ["metrics"]),
    "a metric too few": ({"metrics": ["net_revenue", "refunds"]}, ["metrics"]),
    "excluded is no member": ({"members": ["region.apac", "region.china"]}, ["members"]),
    "variation": ({"variations": {"net_revenue": "sales"}}, ["variations.net_revenue"]),
    "variation of what is not there": ({"variations": {"refunds": ""}}, ["variations.refunds"]),
    "values": ({"values": {"region.apac": ["JP"]}}, ["values.region.apac"]),
    "path": ({"paths": {"team.a": [["person.b", "owns", "team.a"]]}}, ["paths.team.a"]),
    "dates": ({"period": {"start": "2024-10-01", "end": "2024-12-31"}}, ["period"]),
    "open period": ({"period": {"start": "2024-10-01"}}, ["period"]),
    "no period": ({"period": "none"}, ["period"]),
    "calendar": (
        {"period": {"start": "2024-10-01", "end": "2025-01-01", "calendar": "gregorian"}},
        ["period.calendar"],
    ),
    "a bucket missing": (
        {"period": {"start": "2024-10-01", "end": "2025-01-01", "buckets": ["2024-10-01", "2024-12-01"]}},
        ["period.buckets"],
    ),
    "partial": ({"period": {"start": "2024-10-01", "end": "2025-01-01", "partial": []}}, ["period.partial"]),
    "plan": ({"plan": False}, ["plan"]),
    "query": ({"queries": {"actual": {}, "budget": {}}}, ["queries"]),
    "measure": ({"queries": {"actual": {"measures": {"actual": "gross_revenue"}}}}, ["queries.actual.measures"]),
    "filter": ({"queries": {"actual": {"filters": {"region": ["JP", "CN"]}}}}, ["queries.actual.filters"]),
    "no filter": ({"queries": {"actual": {"filters": {}}}}, ["queries.actual.filters"]),
    "only excluding": (
        {"queries": {"actual": {"filters": {"region": {"excluding": ["CN"]}}}}},
        ["queries.actual.filters"],
    ),
    "grouping": ({"queries": {"actual": {"group_by": {}}}}, ["queries.actual.group_by"]),
    "bucket values": (
        {"queries": {"actual": {"group_by": {"region": {"buckets": {"region.apac": ["JP"]}}}}}},
        ["queries.actual.group_by.region.buckets"],
    ),
    "computation": ({"computations": {"variance": "percent"}}, ["computations"]),
    "no obligation": ({"obligations": []}, ["obligations"]),
    "obligation": ({"obligations": [{"kind": "MASK", "ref": "Revenue.countryCode"}]}, ["obligations"]),
    "obligation's values": (
        {"obligations": [{"kind": "ROW_FILTER", "ref": "Revenue.countryCode", "values": ["JP"]}]},
        ["obligations.ROW_FILTER Revenue.countryCode.values"],
    ),
    "a warning that does not apply": ({"warnings": []}, ["warnings"]),
    "a warning that must not be": ({"no_warning_types": ["partial_period"]}, ["no_warning_types"]),
    "assumption": ({"assumptions": {"period": {"taken": "last_year"}}}, ["assumptions.period"]),
    "assumption's alternatives": (
        {"assumptions": {"calendar": {"taken": "fiscal", "alternatives": []}}},
        ["assumptions.calendar.alternatives"],
    ),
    "assumption told": (
        {"assumptions": {"calendar": {"taken": "fiscal", "tells": ["nothing"]}}},
        ["assumptions.calendar.tells"],
    ),
    "assumed": ({"no_assumptions": ["calendar"]}, ["no_assumptions"]),
    "unmatched": ({"unmatched": []}, ["unmatched"]),
    "confidence": ({"confidence": {"at_least": 0.9}}, ["confidence"]),
    "contract": ({"confidence": {"contract": False}}, ["confidence.contract"]),
    "completeness": ({"confidence": {"completeness": 0.99}}, ["confidence.completeness"]),
    "hidden": ({"hidden": ["fiscal"]}, ["hidden"]),
}


@pytest.mark.parametrize("expectation", RIGHT.values(), ids=RIGHT)
def test_what_came_out_as_stated_is_no_miss(expectation: dict[str, Any]) -> None:
    assert missed(expectation, resolved()) == []


@pytest.mark.parametrize(("expectation", "misses"), WRONG.values(), ids=WRONG)
def test_what_came_out_otherwise_is_a_miss(expectation: dict[str, Any], misses: list[str]) -> None:
    assert missed(expectation, resolved()) == misses


def test_a_miss_tells_what_was_expected_and_what_came() -> None:
    (miss,) = score(Expectation(status="RESOLVED", warnings=()), resolved())
    assert str(miss) == "warnings: expected [], got ['late']"


def test_an_open_end_is_an_empty_date() -> None:
    assert missed({"period": {"start": "2024-10-01"}}, resolved(time_range=period("2024-10-01", ""))) == []


def test_a_period_that_is_missing_is_a_miss_and_none_expects_it() -> None:
    answer = resolved()
    without = type(answer)({k: v for k, v in answer.body.items() if k != "time_range"})
    assert missed({"period": {"start": "2024-10-01", "end": "2025-01-01"}}, without) == ["period"]
    assert missed({"period": "none"}, without) == []


def test_filters_of_one_dimension_hold_together_whoever_set_them() -> None:
    query = {
        "id": "actual",
        "filters": [
            {"ref": "R.c", "dimension": "region", "operator": "FILTER_OPERATOR_EQUALS", "values": ["JP", "DE"]},
            {"ref": "R.c", "dimension": "region", "operator": "FILTER_OPERATOR_EQUALS", "values": ["JP", "KR"]},
            {"ref": "R.p", "dimension": "product", "operator": "FILTER_OPERATOR_NOT_EQUALS", "values": ["feed"]},
            {"ref": "R.x", "operator": "FILTER_OPERATOR_SET"},
        ],
    }
    answer = resolved(plan={"queries": [query]})
    stated: dict[str, Any] = {"region": ["JP"], "product": {"excluding": ["feed"]}}
    assert missed({"queries": {"actual": {"filters": stated}}}, answer) == ["queries.actual.filters"]
    assert missed({"queries": {"actual": {"filters": {**stated, "R.x SET": [""]}}}}, answer) == []


def test_an_ambiguity_is_found_by_its_words_or_its_id() -> None:
    options = ["gross_revenue", "net_revenue"]
    for name in ("top line", "a1"):
        expectation = {"status": "DISAMBIGUATION_REQUIRED", "ambiguities": {name: options}}
        assert missed(expectation, unsettled()) == []
    other = {"status": "DISAMBIGUATION_REQUIRED", "ambiguities": {"margin": options}}
    assert missed(other, unsettled()) == ["ambiguities.margin"]
    none = {"status": "DISAMBIGUATION_REQUIRED", "ambiguities": {}}
    assert missed(none, unsettled()) == ["ambiguities"]


def test_options_are_compared_as_a_set() -> None:
    expectation = {"status": "DISAMBIGUATION_REQUIRED", "ambiguities": {"a1": ["net_revenue"]}}
    assert missed(expectation, unsettled()) == ["ambiguities.a1"]


def test_without_confidence_every_bound_is_missed() -> None:
    answer = resolved()
    without = type(answer)({k: v for k, v in answer.body.items() if k != "confidence"})
    assert missed({"confidence": {"at_least": 0.0}}, without) == ["confidence"]


ANSWERS: dict[str, tuple[dict[str, Any], dict[str, Any], list[str]]] = {
    "definition": (
        {"definition": {"id": "revenue", "variations": [{"context": "sales"}]}},
        {"definition": {"id": "revenue", "metric_id": "", "contexts": ["sales"]}},
        [],
    ),
    "another definition": (
        {"definition": {"id": "revenue", "metric_id": "net_revenue"}},
        {"definition": {"id": "income", "metric_id": ""}},
        ["answer.definition.id", "answer.definition.metric_id"],
    ),
    "no definition": ({}, {"definition": {"id": "revenue"}}, ["answer.definition.id"]),
    "lineage": (
        {
            "lineage": {
                "target": "a",
                "nodes": [{"id": "a", "type": "LINEAGE_NODE_TYPE_METRIC"}],
                "edges": [{"from_id": "b", "to_id": "a"}],
                "truncated": True,
            }
        },
        {"lineage": {"target": "a", "nodes": {"a": "METRIC"}, "edges": [["b", "a"]], "truncated": True}},
        [],
    ),
    "another lineage": (
        {"lineage": {"target": "a"}},
        {"lineage": {"target": "a", "nodes": {"a": "METRIC"}, "edges": [["b", "a"]], "truncated": True}},
        ["answer.lineage.nodes", "answer.lineage.edges", "answer.lineage.truncated"],
    ),
    "metrics": (
        {"metrics": {"metrics": [{"id": "a"}, {"id": "b"}], "total_size": 2}},
        {"metrics": {"ids": ["b", "a"], "among": ["a"], "total": 2}},
        [],
    ),
    "other metrics": (
        {"metrics": {"metrics": [{"id": "a"}], "total_size": 1}},
        {"metrics": {"ids": ["a", "b"], "among": ["b"], "total": 2}},
        ["answer.metrics.ids", "answer.metrics.among", "answer.metrics.total"],
    ),
}


@pytest.mark.parametrize(("body", "answer", "misses"), ANSWERS.values(), ids=ANSWERS)
def test_answers_about_the_catalog(body: dict[str, Any], answer: dict[str, Any], misses: list[str]) -> None:
    assert missed({"answer": answer}, resolved(**body)) == misses


DENIED = Refusal("POLICY_DENIED", "not yours", {"policy": "ladder", "may": "analyst,explorer"})
UNKNOWN = Refusal(
    "CONCEPT_NOT_FOUND",
    "nothing matches",
    {},
    {"unmatched": [{"text": "EBITDA"}], "suggestions": [{"id": "operating_income"}, {"id": "gross_profit"}]},
)
REFUSED: dict[str, tuple[dict[str, Any], Reply, list[str]]] = {
    "reason": ({"status": "POLICY_DENIED"}, DENIED, []),
    "another reason": ({"status": "INCOMPATIBLE_CONCEPTS"}, DENIED, ["status"]),
    "an answer instead": ({"status": "POLICY_DENIED"}, resolved(), ["status"]),
    "a refusal instead": ({"status": "RESOLVED", "metrics": []}, DENIED, ["status"]),
    "policy and roles": ({"status": "POLICY_DENIED", "policy": "ladder", "may": ["explorer", "analyst"]}, DENIED, []),
    "another policy": ({"status": "POLICY_DENIED", "policy": "x", "may": ["analyst"]}, DENIED, ["policy", "may"]),
    "nobody may": ({"status": "POLICY_DENIED", "may": []}, Refusal("POLICY_DENIED"), []),
    "what fits": (
        {"status": "INCOMPATIBLE_CONCEPTS", "fits": ["region"]},
        Refusal("INCOMPATIBLE_CONCEPTS", metadata={"fits": "product, region"}),
        [],
    ),
    "what would not fit": (
        {"status": "INCOMPATIBLE_CONCEPTS", "fits": ["channel"]},
        Refusal("INCOMPATIBLE_CONCEPTS", metadata={"fits": "product, region"}),
        ["fits"],
    ),
    "suggestions among others": (
        {"status": "CONCEPT_NOT_FOUND", "unmatched": ["EBITDA"], "suggestions": ["gross_profit"]},
        UNKNOWN,
        [],
    ),
    "no such suggestion": (
        {"status": "CONCEPT_NOT_FOUND", "unmatched": [], "suggestions": ["arr"]},
        UNKNOWN,
        ["unmatched", "suggestions"],
    ),
    "hidden in a refusal": ({"status": "CONCEPT_NOT_FOUND", "hidden": ["gross_profit"]}, UNKNOWN, ["hidden"]),
}


@pytest.mark.parametrize(("expectation", "reply", "misses"), REFUSED.values(), ids=REFUSED)
def test_refusals(expectation: dict[str, Any], reply: Reply, misses: list[str]) -> None:
    assert missed(expectation, reply) == misses
