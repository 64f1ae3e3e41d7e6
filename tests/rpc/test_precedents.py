"""What a correction teaches a department, and where exact names, contexts and others' corrections set its bounds."""

from __future__ import annotations

import asyncio
import shutil
import uuid
from pathlib import Path

import pytest

from ecp.v1 import provenance_pb2, resolve_pb2, types_pb2
from ecp_server.stores.precedents import USABLE_SECONDS
from tests.rpc.refusals import fields
from tests.rpc.reporting import correction, id_of, meanings, options, reason, report, teach
from tests.rpc.test_determinism import comparable
from tests.running import Running, running, user

pytestmark = pytest.mark.asyncio(loop_scope="module")

FULL, NONE = provenance_pb2.PROVENANCE_VIEW_FULL, provenance_pb2.PROVENANCE_VIEW_NONE
Choice = types_pb2.Choice


def of(department: str, name: str = "ann") -> types_pb2.UserContext:
    """Someone of a department; those of this module's tests are in departments of their own, that share nothing."""
    return user(name, "finance_analyst", "explorer", department=department)


async def test_words_that_nothing_matched_mean_what_they_were_corrected_to(server: Running) -> None:
    """For the department, in every question, in whatever number; it says so, and its id is in the proof."""
    asked = "takings last quarter"
    assert "NOT_FOUND" == (await server.resolve(asked, user_context=of("d1"))).code
    await teach(server, asked, of("d1"), mention="Takings", option_id="net_revenue")
    answer = await server.resolve("taking vs budget last quarter", user_context=of("d1", "bob"), provenance_view=FULL)
    assert "net_revenue" == meanings(answer)["taking"]
    told = reason(answer, "taking")
    assert told.startswith("In d1, “taking” was corrected to mean Net revenue on 20")
    (select,) = [step for step in answer.response.provenance.steps if step.id == "select"]
    (precedent,) = select.output["precedents"]
    assert told.endswith(f"(precedent {precedent})")
    assert told in select.reasoning


async def test_another_department_and_nobody_learn_nothing(server: Running) -> None:
    await teach(server, "takings last quarter", of("d2"), mention="takings", option_id="net_revenue")
    for other in (of("d2b"), of(""), user()):
        assert "NOT_FOUND" == (await server.resolve("takings last quarter", user_context=other)).code


async def test_a_department_is_the_same_by_any_of_its_names(server: Running) -> None:
    await teach(server, "plunder last quarter", of("Sales"), mention="plunder", option_id="bookings")
    for department in ("sales", "SALES"):
        assert "bookings" == meanings(await server.resolve("plunder", user_context=of(department)))["plunder"]
    await teach(server, "plunder", of("D-3"), mention="plunder", option_id="net_revenue")
    assert "net_revenue" == meanings(await server.resolve("plunder", user_context=of("d 3")))["plunder"]


async def test_whoever_has_no_department_teaches_none(server: Running) -> None:
    await teach(server, "spoils last quarter", of(""), mention="spoils", option_id="net_revenue")
    assert "NOT_FOUND" == (await server.resolve("spoils last quarter", user_context=of(""))).code


async def test_whose_definitions_apply_his_precedents_do_and_he_alone_teaches_them(server: Running) -> None:
    await teach(server, "loot last quarter", of("sales"), mention="loot", option_id="bookings")
    answer = await server.resolve("loot last quarter", user_context=of("finance"), definition_context="sales")
    assert "bookings" == meanings(answer)["loot"]
    assert "OK" == (await report(server, id_of(answer), correction(mention="loot", option_id="arr"))).code
    assert "NOT_FOUND" == (await server.resolve("loot last quarter", user_context=of("finance"))).code
    again = await server.resolve("loot last quarter", user_context=of("sales"))
    assert "bookings" == meanings(again)["loot"]
    own = await server.resolve("loot last quarter", user_context=of("sales"), definition_context="finance")
    assert "NOT_FOUND" == own.code


async def test_an_exact_name_means_what_it_names_whoever_taught_otherwise(server: Running) -> None:
    asked = "net revenue last quarter"
    before = await server.resolve(asked, user_context=of("d4"), provenance_view=FULL)
    await teach(server, asked, of("d4"), mention="net revenue", option_id="gross_revenue")
    await teach(server, "net revenue in Japan", of("d4"), mention="Japan", option_id="region.apac")
    after = await server.resolve(asked, user_context=of("d4"), provenance_view=FULL)
    assert comparable(before) == comparable(after)
    assert "region.japan" == meanings(await server.resolve("net revenue in Japan", user_context=of("d4")))["Japan"]


async def test_the_users_variation_goes_before_precedents(server: Running) -> None:
    asked = "revenue last quarter"
    before = await server.resolve(asked, user_context=of("finance"), provenance_view=NONE)
    assert "net_revenue" == meanings(before)["revenue"]
    await teach(server, asked, of("finance"), mention="revenue", option_id="gross_revenue")
    after = await server.resolve(asked, user_context=of("finance"), provenance_view=NONE)
    assert comparable(before) == comparable(after)


async def test_where_no_context_decides_what_was_chosen_once_is_what_the_department_means(server: Running) -> None:
    asked = "revenue last quarter"
    before = await server.resolve(asked, user_context=of("d5"))
    assert {"revenue": ["net_revenue", "gross_revenue"]} == options(before)
    await teach(server, asked, of("d5"), subject_id="revenue", option_id="gross_revenue")
    after = await server.resolve(asked, user_context=of("d5"))
    assert "gross_revenue" == meanings(after)["revenue"]
    assert "was corrected to mean Gross revenue" in reason(after, "revenue")
    (revenue,) = [concept for concept in after.response.concepts if concept.mention.text == "revenue"]
    assert ["net_revenue"] == [option.id for option in revenue.alternatives]
    choice = Choice(subject_id="revenue", option_id="net_revenue")
    chosen = await server.resolve(asked, user_context=of("d5"), choices=[choice])
    assert "net_revenue" == meanings(chosen)["revenue"]
    assert "The caller chose it" in reason(chosen, "revenue")


async def test_two_that_contradict_each_other_are_asked_back_and_answered_as_any_other(server: Running) -> None:
    asked = "pickings last quarter"
    await teach(server, asked, of("d6"), mention="pickings", option_id="net_revenue")
    await teach(server, asked, of("d6", "bob"), mention="pickings", option_id="gross_revenue")
    answer = await server.resolve(asked, user_context=of("d6"), provenance_view=FULL)
    assert types_pb2.RESOLUTION_STATUS_DISAMBIGUATION_REQUIRED == answer.response.status
    assert {"pickings": ["gross_revenue", "net_revenue"]} == options(answer)
    message = answer.response.ambiguities[0].message
    assert "In d6, “pickings” was corrected to mean Gross revenue and to mean Net revenue. Which one?" == message
    for option in ("gross_revenue", "net_revenue"):
        settled = await server.resolve(
            asked,
            user_context=of("d6"),
            choices=[Choice(subject_id="pickings", option_id=option)],
            resume_resolution_id=answer.response.resolution_id,
        )
        assert option == meanings(settled)["pickings"]
    wrong = await server.resolve(asked, user_context=of("d6"), choices=[Choice(subject_id="pickings", option_id="arr")])
    assert ["choices[0].option_id"] == fields(wrong)


async def test_those_who_agree_do_not_contradict(server: Running) -> None:
    asked = "pickings last quarter"
    for name in ("ann", "bob"):
        resolution_id = id_of(await server.resolve(asked, user_context=of("d7", name)))
        await report(server, resolution_id, correction(mention="pickings", option_id="net_revenue"))
    assert "net_revenue" == meanings(await server.resolve(asked, user_context=of("d7")))["pickings"]


async def test_contradictions_of_different_kinds_are_asked_back(server: Running) -> None:
    asked = "net revenue in the far east last quarter"
    for option in ("region.japan", "gross_revenue", "region.apac@finance"):
        await teach(server, asked, of("d8"), mention="far east", option_id=option)
    answer = await server.resolve(asked, user_context=of("d8"))
    assert {"far_east": ["gross_revenue", "region.apac@finance", "region.japan"]} == options(answer)
    settled = await server.resolve(
        asked,
        user_context=of("d8"),
        choices=[Choice(subject_id="far_east", option_id="region.japan")],
        resume_resolution_id=answer.response.resolution_id,
    )
    assert "region.japan" == meanings(settled)["far east"]
    assert "The caller chose it among the meanings of “far east”" == reason(settled, "far east")
    wrong = await server.resolve(
        asked, user_context=of("d8"), choices=[Choice(subject_id="far_east", option_id="region.emea")]
    )
    assert ["choices[0].option_id"] == fields(wrong)


async def test_words_can_be_taught_to_mean_members_dimensions_and_targets(server: Running) -> None:
    asked = "net revenue in nippon by theatre in Q3 FY2024 vs the blueprint"
    await teach(server, asked, of("finance"), mention="nippon", option_id="region.japan")
    await teach(server, asked, of("finance"), mention="theatre", option_id="region")
    await teach(server, asked, of("finance"), mention="blueprint", option_id="target.budget")
    answer = await server.resolve(asked, user_context=of("finance"))
    taught = {"nippon": "region.japan", "theatre": "region", "blueprint": "target.budget"}
    assert taught == {mention: meanings(answer).get(mention) for mention in taught}
    assert ["actual", "budget"] == [query.id for query in answer.response.plan.queries]
    for mention, meant in (("nippon", "Japan"), ("theatre", "Region"), ("blueprint", "budget")):
        assert f"“{mention}” was corrected to mean {meant} on" in reason(answer, mention)


async def test_whose_reading_of_a_member_is_meant_can_be_taught(server: Running) -> None:
    asked = "APAC net revenue last quarter"
    before = await server.resolve(asked, user_context=of("d10"))
    assert {"apac": ["region.apac@finance", "region.apac@sales"]} == options(before)
    await teach(server, asked, of("d10"), subject_id="apac", option_id="region.apac@sales")
    after = await server.resolve(asked, user_context=of("d10"))
    (apac,) = [concept for concept in after.response.concepts if concept.mention.text == "APAC"]
    assert ("region.apac", "sales") == (apac.id, apac.variation)
    assert "was corrected to mean APAC (sales)" in apac.reason
    await teach(server, asked, of("d10"), mention="APAC", option_id="region.apac@finance")
    assert {"apac": ["region.apac@finance", "region.apac@sales"]} == options(
        await server.resolve(asked, user_context=of("d10"))
    )
    finance = await server.resolve(asked, user_context=of("finance"))
    assert ["finance"] == [c.variation for c in finance.response.concepts if c.mention.text == "APAC"]


async def test_it_is_told_as_an_assumption_that_a_choice_can_change_and_a_correction_name(server: Running) -> None:
    asked = "revenue in the far east last quarter"
    await teach(server, asked, of("d14"), mention="revenue", option_id="gross_revenue")
    await teach(server, asked, of("d14"), mention="far east", option_id="region.japan")
    answer = await server.resolve(asked, user_context=of("d14"))
    told = {one.id: one for one in answer.response.assumptions if one.id != "department"}
    assert {"revenue": "gross_revenue", "far_east": "region.japan"} == {of: one.taken.id for of, one in told.items()}
    assert ["net_revenue"] == [option.id for option in told["revenue"].alternatives]
    for mention in ("revenue", "far east"):
        assert reason(answer, mention) == told[mention.replace(" ", "_")].reason
    choices = [
        Choice(subject_id="revenue", option_id="net_revenue"),
        Choice(subject_id="far_east", option_id="region.japan"),
    ]
    chosen = await server.resolve(asked, user_context=of("d14"), choices=choices)
    assert {"revenue": "net_revenue", "far east": "region.japan"}.items() <= meanings(chosen).items()
    assert "revenue" not in [one.id for one in chosen.response.assumptions]
    said = correction(subject_id="revenue", option_id="net_revenue")
    assert "OK" == (await report(server, id_of(answer), said)).code
    assert {"revenue": ["gross_revenue", "net_revenue"]} == options(await server.resolve(asked, user_context=of("d14")))


async def test_a_question_about_the_catalog_says_so_too(server: Running) -> None:
    asked = "which metrics are available for nippon?"
    await teach(server, asked, of("d15"), mention="nippon", option_id="region.japan")
    answer = await server.resolve(asked, user_context=of("d15"))
    assert "region.japan" == meanings(answer)["nippon"]
    assert "was corrected to mean Japan" in reason(answer, "nippon")


async def test_who_a_path_begins_with_is_told_though_no_concept_shows_it(server: Running) -> None:
    asked = "net revenue for products owned by teams reporting to {} last quarter"
    plain = await server.resolve(asked.format("Sarah Chen"), user_context=of("d16"))
    boss = next(concept.path[0].from_id for concept in plain.response.concepts if concept.path)
    await teach(server, asked.format("the chieftain"), of("d16"), mention="chieftain", option_id=boss)
    answer = await server.resolve(asked.format("the chieftain"), user_context=of("d16"), provenance_view=FULL)
    assert plain.response.plan == answer.response.plan
    (told,) = [one for one in answer.response.assumptions if one.id == "chieftain"]
    assert (boss, True) == (told.taken.id, "was corrected to mean Sarah Chen" in told.reason)
    (select,) = [step for step in answer.response.provenance.steps if step.id == "select"]
    assert 1 == len(select.output["precedents"])


async def test_longer_names_of_the_catalog_stay_whole(server: Running) -> None:
    await teach(server, "margin last quarter", of("d11"), mention="margin", option_id="net_revenue")
    answer = await server.resolve("gross margin and margin last quarter", user_context=of("d11"))
    assert ("gross_margin", "net_revenue") == (meanings(answer)["gross margin"], meanings(answer)["margin"])


async def test_the_same_question_has_the_same_answer(server: Running) -> None:
    await teach(server, "booty last quarter", of("d12"), mention="booty", option_id="net_revenue")
    answers = [
        comparable(await server.resolve("booty by region last quarter", user_context=of("d12"), provenance_view=FULL))
        for _ in range(5)
    ]
    assert [answers[0]] * 5 == answers


async def test_a_figure_is_computed_of_what_was_taught(server: Running) -> None:
    await teach(server, "haul in Q3 FY2024", of("d13"), mention="haul", option_id="net_revenue")
    figures = []
    for asked in ("haul in Q3 FY2024", "net revenue in Q3 FY2024"):
        answer = await server.resolve(asked, user_context=of("d13"))
        request = resolve_pb2.ExecuteRequest(resolution_id=answer.response.resolution_id)
        executed = await server.ask(server.resolving.Execute, request)
        figures.append([list(column.values) for column in executed.response.table.columns])
    assert figures[0] == figures[1]
    assert figures[0][0][0]


async def test_what_the_catalog_has_no_more_has_no_effect(meridian: Path, tmp_path: Path) -> None:
    catalog = shutil.copytree(meridian, tmp_path / "catalog")
    async with running(catalog, tmp_path) as server:
        await teach(server, "joy last quarter", of("d1"), mention="joy", option_id="net_promoter_score")
        assert "net_promoter_score" == meanings(await server.resolve("joy", user_context=of("d1")))["joy"]
    removed = without_metric(catalog, "net_promoter_score")
    assert removed
    async with running(catalog, tmp_path) as server:
        assert "NOT_FOUND" == (await server.resolve("joy", user_context=of("d1"))).code


def without_metric(catalog: Path, metric_id: str) -> list[str]:
    """Take a metric out of a catalog, and everything that names it."""
    removed: list[str] = []
    for file in catalog.rglob("*.yaml"):
        documents = file.read_text(encoding="utf-8").split("\n---\n")
        kept = [document for document in documents if metric_id not in document]
        removed += [document for document in documents if metric_id in document]
        file.write_text("\n---\n".join(kept), encoding="utf-8")
    return removed


async def test_another_server_learns_within_the_stated_time(meridian: Path, tmp_path: Path) -> None:
    async with running(meridian, tmp_path) as one, running(meridian, tmp_path) as other:
        for server in (one, other):
            assert "NOT_FOUND" == (await server.resolve("takings", user_context=of("d1"))).code
        await teach(one, "takings", of("d1"), mention="takings", option_id="net_revenue")
        assert "net_revenue" == meanings(await one.resolve("takings", user_context=of("d1")))["takings"]
        async with asyncio.timeout(USABLE_SECONDS + 5):
            while (await other.resolve("takings", user_context=of("d1"))).code != "OK":  # noqa: ASYNC110 - it is another server
                await asyncio.sleep(0.2)


async def test_what_a_server_acknowledged_it_knows_although_it_was_recorded_before(
    meridian: Path, tmp_path: Path
) -> None:
    """As where the first call was lost after its record was on disk: here, because another server took it."""
    async with running(meridian, tmp_path) as one, running(meridian, tmp_path) as other:
        said, key = correction(mention="takings", option_id="net_revenue"), str(uuid.uuid4())
        asked = id_of(await other.resolve("takings", user_context=of("d1")))
        assert "OK" == (await report(one, asked, said, key=key)).code
        assert "OK" == (await report(other, asked, said, key=key)).code
        assert "net_revenue" == meanings(await other.resolve("takings", user_context=of("d1")))["takings"]


@pytest.mark.parametrize("chosen", ["active_customers", "region"])
async def test_of_a_metric_and_a_dimension_that_words_were_corrected_to_either_can_be_chosen(
    server: Running, chosen: str
) -> None:
    """Although the dimension, once it is chosen, has readings of its own to choose between under those words."""
    who = of(f"d either {chosen}")
    for option_id in ("active_customers", "region"):
        await teach(server, "blorb far east", who, mention="far east", option_id=option_id)
    asked = await server.resolve("far east", user_context=who)
    assert {"far_east": ["active_customers", "region"]} == options(asked)
    answer = await server.resolve(
        "far east",
        user_context=who,
        choices=[Choice(subject_id="far_east", option_id=chosen)],
        resume_resolution_id=asked.response.resolution_id,
    )
    assert "OK" == answer.code, answer
    assert chosen in {concept.id for concept in answer.response.concepts}
    refused = await server.resolve(
        "far east", user_context=who, choices=[Choice(subject_id="far_east", option_id="net_revenue")]
    )
    assert ["choices[0].option_id"] == fields(refused)
