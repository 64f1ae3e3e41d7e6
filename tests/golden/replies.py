"""An answer as a server would give it, in JSON; tests change what they are about."""

from __future__ import annotations

from typing import Any

from ecp_server.evaluation.golden import Expectation
from ecp_server.evaluation.reply import Answer, Json, Reply
from ecp_server.evaluation.score import score


def concept(kind: str, concept_id: str, **more: Any) -> Json:
    return {"kind": f"CONCEPT_KIND_{kind}", "id": concept_id, **more}


def period(start: str, end: str, **more: Any) -> Json:
    return {"start_date": start, "end_date": end, **more}


def condition(values: list[str], *, operator: str = "EQUALS", dimension: str = "region") -> Json:
    return {
        "ref": "Revenue.countryCode",
        "operator": f"FILTER_OPERATOR_{operator}",
        "values": values,
        "dimension": dimension,
    }


def resolved(**more: Any) -> Answer:
    """A resolved question about APAC's net revenue against its budget, by area."""
    actual = {
        "id": "actual",
        "measures": [{"name": "actual", "ref": "Revenue.netRevenue", "metric_id": "net_revenue", "unit": "USD"}],
        "filters": [condition(["JP", "CN"]), condition(["CN"], operator="NOT_EQUALS")],
        "group_by": [
            {"dimension": "region", "level": "area", "buckets": [{"member_id": "region.apac", "values": ["JP", "CN"]}]}
        ],
        "time_ref": "Revenue.transactionDate",
        "time_range": period("2024-10-01", "2025-01-01"),
    }
    body = {
        "resolution_id": "r1",
        "status": "RESOLUTION_STATUS_RESOLVED",
        "intent": "INTENT_COMPARISON",
        "concepts": [
            concept("METRIC", "net_revenue", variation="finance"),
            concept("MEMBER", "region.apac", variation="finance", values=["JP", "CN"]),
            concept("MEMBER", "region.china", excluded=True, values=["CN"]),
            concept("DIMENSION", "region"),
            concept("COMPARISON", "target.budget"),
            concept("ENTITY", "team.a", path=[{"from_id": "person.b", "relation": "leads", "to_id": "team.a"}]),
        ],
        "time_range": period(
            "2024-10-01",
            "2025-01-01",
            label="Q3 FY2024",
            calendar="fiscal",
            grain="GRAIN_MONTH",
            buckets=[
                period("2024-10-01", "2024-11-01"),
                period("2024-11-01", "2024-12-01"),
                period("2024-12-01", "2025-01-01", partial=True),
            ],
        ),
        "plan": {
            "queries": [actual],
            "computations": [{"name": "variance", "expression": "actual - budget", "unit": "USD"}],
            "alignment": {"keys": ["region"]},
            "obligations": [
                {
                    "kind": "OBLIGATION_KIND_ROW_FILTER",
                    "query_id": "actual",
                    "ref": "Revenue.countryCode",
                    "values": ["JP", "CN"],
                    "policy": "own_rows",
                }
            ],
        },
        "confidence": {"overall": 0.8, "completeness": 0.999},
        "warnings": [{"id": "late", "type": "known_issue"}, {"id": "x", "type": "partial_period"}],
        "assumptions": [
            {
                "id": "calendar",
                "taken": {"id": "fiscal"},
                "reason": "the default",
                "alternatives": [{"id": "gregorian", "definition": "would meet: late data"}],
            }
        ],
        "unmatched": [{"text": "board"}],
    }
    return Answer({**body, **more})


def unsettled(**more: Any) -> Answer:
    """A question about a revenue that could be two."""
    ambiguity = {
        "id": "a1",
        "mention": {"text": "Top  Line"},
        "options": [{"id": "net_revenue"}, {"id": "gross_revenue"}],
    }
    body = {"resolution_id": "r1", "status": "RESOLUTION_STATUS_DISAMBIGUATION_REQUIRED", "ambiguities": [ambiguity]}
    return Answer({**body, **more})


def missed(expectation: Json, reply: Reply) -> list[str]:
    """What of an expectation, as a golden file states it, the reply misses."""
    status = {"status": "RESOLVED"} if "status" not in expectation else {}
    return [miss.what for miss in score(Expectation.model_validate({**status, **expectation}), reply)]
