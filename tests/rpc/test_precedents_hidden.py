"""What a department was taught never makes visible what policy hides (trust.md): the answer is the one without it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count

import pytest
import pytest_asyncio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecp.v1 import provenance_pb2, types_pb2
from ecp_server.catalog.load import load_catalog
from ecp_server.domain.frozen import replace
from ecp_server.domain.identity import Principal
from ecp_server.resolution.rights.visibility import Visibility
from ecp_server.stores.policy.embedded import EmbeddedPolicy
from tests.rpc.concealed import concealed
from tests.rpc.refusals import fields
from tests.rpc.reporting import correction, id_of, meanings, report, teach
from tests.rpc.test_determinism import AS_OF, comparable
from tests.rpc.test_nothing_denied import GUARDED, PRINCIPALS, SENTENCES, context, everything
from tests.running import Running, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

FULL = provenance_pb2.PROVENANCE_VIEW_FULL
CATALOG = load_catalog(GUARDED)
INSIDER = Principal(subject="ida", roles=("insider",))
"""Who may know of all that is secret, and teaches it."""
HIDDEN = ["zircon_margin", "zircon_plan", "gleam_rate", "running_zircon", "zirconism", "gleam", "target.plan"]
"""Metrics, terms and a target that insiders alone may discover."""
WORDS = ["blorb", "blorb", "takings", "turnover", "north", "figure blorb", "pay", "creed"]
"""Some that the catalog does not have, some that it has."""

_departments = count()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def guarded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Running]:
    async with running(GUARDED, tmp_path_factory.mktemp("state")) as server:
        yield server


def corrected(words: str, option_id: str) -> dict[str, str]:
    return {"mention": words, "option_id": option_id}


@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow])
@given(
    principal=PRINCIPALS.filter(lambda p: "insider" not in p.roles),
    words=st.sampled_from(WORDS),
    meant=st.lists(st.sampled_from(HIDDEN), min_size=1, max_size=3, unique=True),
    sentence=st.sampled_from(SENTENCES),
    other=st.sampled_from(["turnover", "north", "takings", "blorb"]),
)
async def test_what_was_taught_and_is_hidden_leaves_no_trace(
    guarded: Running, principal: Principal, words: str, meant: list[str], sentence: str, other: str
) -> None:
    """Whatever is asked, by whom: the same bytes before and after, the whole proof included, one lesson or several."""
    department = f"dept {next(_departments)}"
    asker, asked = replace(principal, department=department), sentence.format(words, other, other)

    async def answer() -> object:
        outcome = await guarded.resolve(asked, user_context=context(asker), as_of=AS_OF, provenance_view=FULL)
        return comparable(outcome)

    before = await answer()
    teacher = context(replace(INSIDER, department=department))
    for option_id in meant:
        await teach(guarded, f"{words} last quarter", teacher, **corrected(words, option_id))
    assert before == await answer()


async def test_whoever_may_know_of_it_is_told(guarded: Running) -> None:
    """The property above is not void: the same lessons have their effect for those who may."""
    teacher = context(replace(INSIDER, department="lab"))
    await teach(guarded, "blorb last quarter", teacher, **corrected("blorb", "zircon_margin"))
    answer = await guarded.resolve("blorb last quarter", user_context=teacher)
    assert "zircon_margin" == meanings(answer)["blorb"]


async def test_of_two_meanings_the_hidden_one_contradicts_nothing(guarded: Running) -> None:
    teacher, outsider = (context(replace(who, department="mixed")) for who in (INSIDER, Principal(roles=("analyst",))))
    for option_id in ("zircon_margin", "turnover"):
        await teach(guarded, "blorb last quarter", teacher, **corrected("blorb", option_id))
    asked = await guarded.resolve("blorb last quarter", user_context=teacher)
    assert ["turnover", "zircon_margin"] == [option.id for option in asked.response.ambiguities[0].options]
    answer = await guarded.resolve("blorb last quarter", user_context=outsider)
    assert "turnover" == meanings(answer)["blorb"]


async def test_hidden_can_be_corrected_to_as_little_as_what_does_not_exist(guarded: Running) -> None:
    outsider = context(Principal(subject="otto", roles=("analyst",), department="lab"))
    asked = await guarded.resolve("blorb last quarter", user_context=outsider)
    said: list[object] = []
    for option_id in ("zircon_margin", "no_such_metric"):
        for kind in (0, types_pb2.CONCEPT_KIND_METRIC, types_pb2.CONCEPT_KIND_TERM):
            outcome = await report(guarded, id_of(asked), correction(mention="blorb", option_id=option_id, kind=kind))
            assert ["feedback.corrections[0].option_id"] == fields(outcome)
            said.append(outcome.message)
    assert 1 == len(set(map(str, said)))


async def test_test_notices_when_visibility_is_switched_off(guarded: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    """The property can fail."""
    policy = EmbeddedPolicy()
    await policy.use(CATALOG.policies)
    hidden = await concealed(CATALOG, policy, Principal())
    teacher = context(replace(INSIDER, department="seen"))
    await teach(guarded, "blorb last quarter", teacher, **corrected("blorb", "zircon_margin"))
    outsider = context(Principal(department="seen"))
    outcome = await guarded.resolve("blorb last quarter", user_context=outsider, provenance_view=FULL)
    assert {} == hidden.shown_in(outcome, asked="blorb")
    monkeypatch.setattr(Visibility, "allowed", everything)
    outcome = await guarded.resolve("blorb last quarter", user_context=outsider, provenance_view=FULL)
    assert hidden.shown_in(outcome, asked="blorb")
    await policy.close()
