"""Rights come first: whatever is asked, by whomever, nothing is shown that policy denies them to discover.

The policy is asked directly, beside the server. Most is hidden in the catalog ``guarded``; the default catalog hides a
salary and the tables of the payroll.
"""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from ecp.v1 import catalog_pb2, provenance_pb2, types_pb2
from ecp_server.catalog.load import load_catalog
from ecp_server.domain.catalog import Catalog
from ecp_server.domain.identity import Principal
from ecp_server.domain.policy import Product
from ecp_server.resolution.rights.visibility import Visibility
from ecp_server.stores.policy.embedded import EmbeddedPolicy
from tests.rpc.concealed import Concealed, concealed, tables_of
from tests.rpc.test_determinism import AS_OF, comparable
from tests.running import Running, running, user
from tests.serving import Outcome

pytestmark = pytest.mark.asyncio(loop_scope="module")

FULL = provenance_pb2.PROVENANCE_VIEW_FULL
GUARDED = Path(__file__).parent / "guarded"


@dataclass(frozen=True)
class Guarded:
    """A server, its catalog, and the policy in force there, to be asked directly."""

    server: Running
    catalog: Catalog
    policy: EmbeddedPolicy

    async def concealed_from(self, principal: Principal) -> Concealed:
        """Ask the policy."""
        return await concealed(self.catalog, self.policy, principal)


@pytest_asyncio.fixture(scope="module", loop_scope="module", params=["guarded", "meridian"])
async def guarded(
    request: pytest.FixtureRequest, meridian: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Guarded]:
    folder = GUARDED if request.param == "guarded" else meridian
    catalog, policy = load_catalog(folder), EmbeddedPolicy()
    await policy.use(catalog.policies)
    async with running(folder, tmp_path_factory.mktemp("state")) as server:
        yield Guarded(server, catalog, policy)
    await policy.close()


PRINCIPALS = st.builds(
    Principal,
    subject=st.sampled_from(["", "ann"]),
    department=st.sampled_from(["", "finance", "sales", "audit", "people", "unheard of"]),
    roles=st.lists(
        st.sampled_from(["executive", "finance_analyst", "analyst", "explorer", "hr_admin", "insider", "wizard"]),
        max_size=3,
        unique=True,
    ).map(tuple),
    allowed_members=st.sampled_from([(), (("region", ("region.north", "region.apac")),), (("region", ()),)]),
)

GLUE = """vs by per for last quarter this year monthly definition of what is where does come from which metrics are
available without plan budget same period last year top 5 owned reporting to led covered 2024 Q4 in and the""".split()  # noqa: SIM905 - words
SENTENCES = (
    "{} last quarter",
    "{} vs {}",
    "{} vs budget",
    "{} vs plan last quarter",
    "{} by {}",
    "what is {}?",
    "what is the definition of {}?",
    "where does {} come from?",
    "lineage of {}",
    "which metrics are available for {}?",
    "show me {} and {} for {}",
    "turnover for products covered by anything owned by {}",
    "{} of products owned by teams reporting to {}",
    "show me the data",
    "list all metrics",
    "{}",
)


def names(catalog: Catalog) -> list[str]:
    """Return every way to name what the catalog has, and then some."""
    found: list[str] = ["figure", "data", "nothing", "zirkon margn", "table"]
    for metric in catalog.metrics.values():
        found += [metric.id, metric.name, *metric.synonyms, *metric.acronyms, *metric.computed_from]
    for term in catalog.terms.values():
        found += [term.id, term.name, *term.synonyms, *term.acronyms]
    found += [member.name for member in catalog.members.values()]
    found += [dimension.name for dimension in catalog.dimensions.values()]
    found += [entity.name for entity in catalog.entities.values()]
    found += [word for relation in catalog.relations.values() for word in (relation.verb, *relation.synonyms)]
    return sorted(set(found)) + tables_of(catalog)


@st.composite
def questions(draw: st.DrawFn, words: Sequence[str]) -> str:
    """Fill a sentence with names, or string names and other words together; now and then misspell."""
    some = st.sampled_from(words)
    if draw(st.booleans()):
        sentence = draw(st.sampled_from(SENTENCES))
        text = sentence.format(*(draw(some) for _ in range(sentence.count("{}"))))
    else:
        text = " ".join(draw(st.lists(st.one_of(some, st.sampled_from(GLUE)), min_size=1, max_size=6)))
    if draw(st.integers(0, 4)) == 0:
        at = draw(st.integers(0, len(text) - 1))
        text = text[:at] + text[at + 1 :]
    return text[:1000] or "data"


def context(principal: Principal) -> types_pb2.UserContext:
    members = dict(principal.allowed_members)
    return user(principal.subject, *principal.roles, department=principal.department, allowed_members=members)


async def everything_said(
    server: Running, asked: str, principal: Principal, other_context: str
) -> dict[str, tuple[str, Outcome]]:
    """Ask in every way there is; return what was asked and what came back."""
    who = context(principal)
    resolved = await server.resolve(asked, user_context=who, provenance_view=FULL, definition_context=other_context)
    said = {"Resolve": (asked, resolved)}
    detail = resolved.details.get("ConceptNotFoundDetail")
    resolution_id = (
        resolved.response.resolution_id if resolved.code == "OK" else (detail.resolution_id if detail else "")
    )
    if resolution_id:
        said["GetResolution"] = (asked, await server.recorded(resolution_id, provenance_view=FULL))
    if resolved.code == "OK":
        for ambiguity in resolved.response.ambiguities:
            choice = types_pb2.Choice(subject_id=ambiguity.id, option_id=ambiguity.options[0].id)
            said[f"choice of {ambiguity.id}"] = (
                asked,
                await server.resolve(
                    asked,
                    user_context=who,
                    provenance_view=FULL,
                    choices=[choice],
                    resume_resolution_id=resolution_id,
                ),
            )
    search = catalog_pb2.SearchGlossaryRequest(query=asked, page_size=100, user_context=who)
    said["SearchGlossary"] = (asked, await server.ask(server.catalog.SearchGlossary, search))
    listing = catalog_pb2.ListMetricsRequest(page_size=1000, user_context=who)
    said["ListMetrics"] = ("", await server.ask(server.catalog.ListMetrics, listing))
    for downstream in (False, True):
        lineage = catalog_pb2.GetLineageRequest(target=asked[:200], depth=20, user_context=who, downstream=downstream)
        said[f"GetLineage {'downstream' if downstream else 'upstream'}"] = (
            asked,
            await server.ask(server.catalog.GetLineage, lineage),
        )
    return said


def leaks(said: dict[str, tuple[str, Outcome]], hidden: Concealed) -> dict[str, Any]:
    """Return what was shown although it is denied, by how it was asked."""
    shown = {how: hidden.shown_in(outcome, asked=asked) for how, (asked, outcome) in said.items()}
    return {how: found for how, found in shown.items() if found}


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data(), principal=PRINCIPALS, other_context=st.sampled_from(["", "", "finance", "sales", "audit"]))
async def test_nothing_shown_is_denied(
    guarded: Guarded, data: st.DataObject, principal: Principal, other_context: str
) -> None:
    asked = data.draw(questions(names(guarded.catalog)))
    said = await everything_said(guarded.server, asked, principal, other_context)
    assert {} == leaks(said, await guarded.concealed_from(principal))


async def test_no_sentence_shows_what_is_hidden_from_nobody_in_particular(guarded: Guarded) -> None:
    """By all names of what is hidden, and those that it shares with what is not."""
    nobody = Principal()
    hidden = await guarded.concealed_from(nobody)
    assert hidden.words
    found = {}
    for name in sorted({"figures", "takings", "pay", "earnings", "gleam", *hidden.words}):
        for sentence in SENTENCES:
            asked = sentence.format(*[name] * sentence.count("{}"))[:1000]
            outcome = await guarded.server.resolve(asked, provenance_view=FULL)
            if shown := hidden.shown_in(outcome, asked=asked):
                found[asked] = shown
    assert {} == found


def without_what_is_hidden(folder: Path) -> Path:
    """Write the guarded catalog as it would be if nothing in it were hidden from nobody in particular."""
    text = (GUARDED / "catalog.yaml").read_text(encoding="utf-8")
    kept = [document for document in yaml.safe_load_all(text) if not _is_hidden(document)]
    for document in kept:
        targets, variations = document.get("targets", {}), document.get("variations", [])
        document["targets"] = {name: target for name, target in targets.items() if not _names_hidden(target)}
        document["variations"] = [variation for variation in variations if not _names_hidden(variation)]
        if document.get("default") in HIDDEN:
            del document["default"]
        for key in ("targets", "variations"):
            if not document[key]:
                del document[key]
    catalog = shutil.copytree(GUARDED, folder / "catalog")
    (catalog / "catalog.yaml").write_text(yaml.safe_dump_all(kept, sort_keys=False), encoding="utf-8")
    return catalog


HIDDEN = {"zircon_margin", "zircon_plan", "gleam_rate", "running_zircon", "vault_count", "zirconism", "gleam"}


def _is_hidden(document: dict[str, Any]) -> bool:
    ends = {document.get("id"), document.get("from"), document.get("to")}
    return bool(ends & HIDDEN) or document.get("id") in {"zircon_recount", "flows"}


def _names_hidden(part: Any) -> bool:
    return (part if isinstance(part, str) else part.get("metric")) in HIDDEN


def as_if_unranked(outcome: Outcome) -> Any:
    """Return what an outcome says but for ids, timings, the catalog's version, and what was perhaps meant.

    Suggestions are ranked over all texts of the catalog, which ranks what is shown by what is hidden too.
    """
    if outcome.code == "OK":
        outcome.response.provenance.ClearField("catalog_version")
    elif (detail := outcome.details.get("ConceptNotFoundDetail")) is not None:
        detail.ClearField("suggestions")
    return comparable(outcome)


OUTSIDERS = PRINCIPALS.filter(lambda p: "insider" not in p.roles and p.department != "audit")
"""From whom the same is hidden as from nobody in particular."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pair(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Running, Running]]:
    """A server of the guarded catalog and one of what of it is not hidden."""
    folder = tmp_path_factory.mktemp("pair")
    (folder / "one").mkdir()
    async with running(GUARDED, folder) as guarded, running(without_what_is_hidden(folder), folder / "one") as bare:
        yield guarded, bare


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(asked=questions(names(load_catalog(GUARDED))), principal=OUTSIDERS)
async def test_what_is_hidden_might_as_well_not_exist(
    pair: tuple[Running, Running], asked: str, principal: Principal
) -> None:
    """Not even by the words or the proof of an answer can it be told that something is; a graph's shape alone stays."""
    assume("come from" not in asked)
    assume("lineage" not in asked)
    guarded, bare = [
        as_if_unranked(await server.resolve(asked, user_context=context(principal), as_of=AS_OF, provenance_view=FULL))
        for server in pair
    ]
    assert bare == guarded


async def everything(_self: Visibility, products: Sequence[Product]) -> frozenset[str]:
    return frozenset(product.id for product in products)


CAUGHT = {
    "takings last quarter": {
        "Resolve",
        "GetResolution",
        "choice of takings",
        "SearchGlossary",
        "ListMetrics",
    },  # options
    "earnings last quarter": {"Resolve"},  # a denial, where there should be another meaning
    "what is earnings?": {"Resolve", "GetResolution"},  # variations
    "what is creed?": {"Resolve", "GetResolution"},  # a term
    "turnover last quarter vs plan": {"Resolve", "GetResolution"},  # a target
    "flux zirconium": {"Resolve", "GetResolution"},  # suggestions
    "turnover for products covered by anything owned by Light team": {"Resolve", "GetResolution"},  # a path
    "where does running zircon come from?": {"Resolve", "GetResolution"},
    "mart.sales.amount": {"GetLineage downstream"},
    "running_zircon": {"GetLineage upstream"},
    "show me the data": {"Resolve", "GetResolution", "choice of metric"},
    "which metrics are available?": {"Resolve", "GetResolution"},
}
"""How a question gives away what is hidden, where nothing hides it."""


async def test_test_notices_when_visibility_is_switched_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The property can fail, and does in every place where something could be shown."""
    monkeypatch.setattr(Visibility, "allowed", everything)
    catalog, policy = load_catalog(GUARDED), EmbeddedPolicy()
    await policy.use(catalog.policies)
    hidden = await concealed(catalog, policy, Principal())
    async with running(GUARDED, tmp_path) as server:
        for asked, how in CAUGHT.items():
            said = await everything_said(server, asked, Principal(), "")
            assert how <= set(leaks(said, hidden)), asked
    await policy.close()
