"""Full messages, as a server of ECP would send them."""

from google.protobuf.timestamp_pb2 import Timestamp

from ecp.v1 import plan_pb2, provenance_pb2, resolve_pb2, types_pb2

RESOLUTION_ID = "0192f0c4-7c1a-7a51-b1fd-5d8f4d1c2e3a"


def resolved() -> resolve_pb2.ResolveResponse:
    """The answer to "APAC revenue last quarter vs budget"."""
    period = types_pb2.TimeRange(
        start_date="2024-07-01", end_date="2024-10-01", label="Q3 2024", calendar="gregorian", time_zone="UTC"
    )
    response = resolve_pb2.ResolveResponse(
        resolution_id=RESOLUTION_ID,
        status=types_pb2.RESOLUTION_STATUS_RESOLVED,
        intent=types_pb2.INTENT_COMPARISON,
        interpretation="Net revenue in APAC in Q3 2024 against its budget",
        concepts=[
            types_pb2.ResolvedConcept(
                kind=types_pb2.CONCEPT_KIND_METRIC,
                mention=types_pb2.Mention(text="revenue", start=5, end=12),
                id="net_revenue",
                name="Net revenue",
                variation="finance",
                confidence=0.97,
                reason="finance reads revenue as net revenue",
                certification_tier=1,
                alternatives=[
                    types_pb2.Option(id="gross_revenue", kind=types_pb2.CONCEPT_KIND_METRIC, name="Gross revenue")
                ],
            ),
            types_pb2.ResolvedConcept(
                kind=types_pb2.CONCEPT_KIND_TIME,
                mention=types_pb2.Mention(text="last quarter", start=13, end=25),
                id="last_quarter",
                time_range=period,
            ),
        ],
        time_range=period,
        plan=plan_pb2.ExecutionPlan(
            queries=[
                plan_pb2.SemanticQuery(
                    id="actual",
                    measures=[
                        plan_pb2.Measure(name="actual", ref="Revenue.netRevenue", metric_id="net_revenue", unit="USD")
                    ],
                    filters=[
                        plan_pb2.Filter(
                            ref="Revenue.countryCode",
                            operator=plan_pb2.FILTER_OPERATOR_EQUALS,
                            values=["JP", "SG"],
                            source="question",
                            dimension="region",
                        )
                    ],
                    time_ref="Revenue.transactionDate",
                    time_range=period,
                )
            ],
            computations=[plan_pb2.Computation(name="variance", expression="actual - budget", unit="USD")],
            digest="ab" * 32,
        ),
        confidence=types_pb2.Confidence(
            overall=0.9, level=types_pb2.CONFIDENCE_LEVEL_HIGH, definition=0.97, freshness=0.0
        ),
        warnings=[
            types_pb2.Warning(
                id="apac_cutoff", type="known_issue", severity=types_pb2.SEVERITY_HIGH, message="Japan closed late"
            )
        ],
        assumptions=[
            types_pb2.Assumption(
                id="calendar",
                taken=types_pb2.Option(id="gregorian", name="Calendar year"),
                reason="nothing says fiscal",
                alternatives=[types_pb2.Option(id="fiscal", name="Fiscal year")],
            )
        ],
        provenance=provenance_pb2.Provenance(
            steps=[
                provenance_pb2.Step(
                    id="select.metric",
                    type=provenance_pb2.STEP_TYPE_SELECT,
                    status=provenance_pb2.STEP_STATUS_COMPLETE,
                    depends_on=["parse"],
                    start_time=Timestamp(seconds=1_730_000_000),
                    duration_ms=0.2,
                    store_calls=[provenance_pb2.StoreCall(store=types_pb2.STORE_GRAPH, adapter="embedded", attempts=1)],
                    reasoning="the department's variation",
                )
            ],
            catalog_version="c0ffee",
            policies_evaluated=["built_in"],
            request_id="r-1",
        ),
        degradations=[types_pb2.Degradation(store=types_pb2.STORE_VECTOR, fallback="keyword_search")],
        principal=types_pb2.Principal(
            subject="ana", department="finance", roles=["analyst"], allowed_members={"region": types_pb2.ValueList()}
        ),
        expire_time=Timestamp(seconds=1_730_003_600),
    )
    response.provenance.steps[0].output.update({"chosen": "net_revenue", "among": ["net_revenue", "gross_revenue"]})
    return response
