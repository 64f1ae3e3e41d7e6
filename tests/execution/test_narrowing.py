"""What the request narrows: every query, and never to more than the plan has."""

from __future__ import annotations

import pytest

from ecp_server.domain.errors import (
    InvalidQuery,
    PolicyDenied,
)
from tests.execution.regional import ASIA, narrowed, rows, the_shop
from tests.execution.till import Till, table

__all__ = ["rows", "the_shop"]


async def test_the_request_narrows_every_query(till: Till) -> None:
    execution = await till.figures("sales last month vs budget", request=narrowed("region.japan", "region.korea"))
    assert {"actual": ["110"], "budget": ["10"], "variance": ["100"], "variance_pct": ["1000"]} == table(execution)
    assert {("Sales.region", ("JP", "KR"), "request"), ("Plan.region", ("JP", "KR"), "request")} == {
        (f.ref, f.values, f.source) for query in till.engine.asked for f in query.filters
    }


async def test_a_narrowed_grouping_has_no_other_rows(till: Till) -> None:
    execution = await till.figures("sales last month by country", request=narrowed("region.japan"))
    assert {"region": ["region.japan"], "actual": ["90"]} == table(execution)


async def test_narrowing_never_widens(till: Till) -> None:
    found = await till.ask("sales last month in Japan")
    assert {"actual": ["90"]} == table(await till.run(found.id, **narrowed("region.asia")))
    with pytest.raises(InvalidQuery) as refused:
        await till.run(found.id, **narrowed("region.chile"))
    assert ["filters[region]"] == [violation.field for violation in refused.value.violations]


@pytest.mark.parametrize(
    ("dimension_id", "member_id"),
    [("planet", "planet.mars"), ("region", "region.atlantis"), ("region", "product.tea"), ("product", "product.tea")],
)
async def test_a_dimension_that_a_query_lacks_or_a_member_that_is_unknown_is_named(
    till: Till, dimension_id: str, member_id: str
) -> None:
    """The budget has no product."""
    found = await till.ask("sales last month vs budget")
    with pytest.raises(InvalidQuery) as refused:
        await till.run(found.id, **narrowed(member_id, dimension=dimension_id))
    assert [f"filters[{dimension_id}]"] == [violation.field for violation in refused.value.violations]
    assert [] == till.engine.asked


async def test_members_that_the_user_may_not_see_are_denied(till: Till) -> None:
    found = await till.ask("sales last month", principal=ASIA)
    with pytest.raises(PolicyDenied):
        await till.run(found.id, **narrowed("region.japan", "region.chile"))
    assert {"actual": ["90"]} == table(await till.run(found.id, **narrowed("region.japan")))


async def test_what_leaves_none_of_the_groups_is_refused(till: Till) -> None:
    """Chile lies in no area."""
    found = await till.ask("sales last month by area")
    with pytest.raises(InvalidQuery) as refused:
        await till.run(found.id, **narrowed("region.chile"))
    assert ["filters[region]"] == [violation.field for violation in refused.value.violations]
    assert "groups by" in refused.value.message
    assert [] == till.engine.asked
