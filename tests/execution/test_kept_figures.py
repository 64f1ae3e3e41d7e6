"""What stands in while the semantic layer is down, for whom, and how that is told."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ecp_server.domain.catalog import Classification
from ecp_server.domain.errors import (
    EcpError,
    PolicyDenied,
    StoreQueryFailed,
    StoreTimeout,
    StoreUnavailable,
)
from ecp_server.domain.frozen import replace
from ecp_server.domain.provenance import StoreKind
from tests.execution.regional import ASIA, modelled, narrowed, rows, shop, the_shop
from tests.execution.till import Till, table

__all__ = ["rows", "the_shop"]


DAY = timedelta(days=1)


@pytest.mark.parametrize("failure", [StoreUnavailable(StoreKind.SEMANTIC), StoreTimeout(StoreKind.SEMANTIC)], ids=repr)
async def test_the_last_good_figure_stands_in_where_the_caller_allows_it(till: Till, failure: EcpError) -> None:
    found = await till.ask("sales last month")
    before = datetime.now(UTC)
    fresh = await till.run(found.id)
    till.engine.failure = failure
    kept = await till.run(found.id, max_staleness=DAY)
    assert table(fresh) == table(kept)
    (source,) = kept.table.sources
    assert source.fresh_time is not None
    assert before <= source.fresh_time <= fresh.create_time
    assert [(StoreKind.SEMANTIC, "kept_result")] == [(d.store, d.fallback) for d in kept.degradations]
    assert ["stale_data"] == [warning.type for warning in kept.warnings]
    assert kept.confidence.overall < fresh.confidence.overall
    assert fresh.table.digest() == kept.table.digest()


async def test_nothing_old_without_leave_and_nothing_older_than_allowed(till: Till) -> None:
    found = await till.ask("sales last month")
    await till.run(found.id)
    till.engine.failure = StoreUnavailable(StoreKind.SEMANTIC)
    for leave in ({}, {"max_staleness": timedelta(0)}):
        with pytest.raises(StoreUnavailable) as refused:
            await till.run(found.id, **leave)
        assert refused.value.retry_after_seconds


async def test_a_kept_figure_is_never_given_while_the_layer_answers(till: Till) -> None:
    found = await till.ask("sales last month")
    await till.run(found.id)
    till.engine.cubes = {**till.engine.cubes, "Sales": []}
    assert {"actual": ["SOURCE_NULL"]} == table(await till.run(found.id, max_staleness=DAY))
    till.engine.failure = StoreQueryFailed(StoreKind.SEMANTIC)
    with pytest.raises(StoreQueryFailed):
        await till.run(found.id, max_staleness=DAY)


async def test_a_kept_figure_is_for_the_same_user_decision_and_narrowing_alone(till: Till) -> None:
    found = await till.ask("sales last month", principal=ASIA)
    await till.run(found.id)
    others = await till.ask("sales last month", principal=replace(ASIA, subject="bob"))
    till.engine.failure = StoreUnavailable(StoreKind.SEMANTIC)
    assert {"actual": ["110"]} == table(await till.run(found.id, max_staleness=DAY))
    for resolution, narrowing in ((others.id, {}), (found.id, narrowed("region.japan"))):
        with pytest.raises(StoreUnavailable):
            await till.run(resolution, max_staleness=DAY, **narrowing)


async def test_a_kept_figure_is_not_given_to_whom_policy_denies_it_now(till: Till) -> None:
    found = await till.ask("sales last month")
    await till.run(found.id)
    till.engine.failure = StoreUnavailable(StoreKind.SEMANTIC)
    till.held.add(shop("v2", classification=Classification.RESTRICTED))
    with pytest.raises(PolicyDenied):
        await till.run(found.id, max_staleness=DAY)


async def test_a_kept_figure_is_not_given_where_figures_are_made_otherwise_now(till: Till) -> None:
    till.held.add(modelled("v2", "amount"))
    await till.figures("sales last month")
    till.held.add(modelled("v3", "amount"))
    alike = await till.ask("sales last month")
    till.held.add(modelled("v4", "net"))
    otherwise = await till.ask("sales last month")
    till.engine.failure = StoreUnavailable(StoreKind.SEMANTIC)
    with pytest.raises(StoreUnavailable):
        await till.run(otherwise.id, max_staleness=DAY)
    till.held.add(modelled("v5", "amount"))
    assert {"actual": ["310"]} == table(await till.run(alike.id, max_staleness=DAY))
