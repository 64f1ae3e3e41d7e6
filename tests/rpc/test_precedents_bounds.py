"""What operators decide about precedents: whether they are heeded, and how many one user may make in a day."""

from __future__ import annotations

import uuid
from datetime import timedelta
from pathlib import Path

from ecp.v1 import resolve_pb2, types_pb2
from tests.rpc.refusals import refused
from tests.rpc.reporting import CORRECTED, REJECTED, correction, id_of, meanings, report, teach
from tests.running import running, user

ANN = user("ann", "finance_analyst", department="finance")
BOB = user("bob", "finance_analyst", department="finance")
ASKED = "takings last quarter"


async def test_what_is_not_heeded_is_recorded_and_waits(meridian: Path, tmp_path: Path) -> None:
    """An operator who begins to heed them finds all that was taught meanwhile in force."""
    async with running(meridian, tmp_path, heed_precedents="false") as server:
        before = await server.resolve(ASKED, user_context=ANN)
        await teach(server, ASKED, ANN, mention="takings", option_id="net_revenue")
        after = await server.resolve(ASKED, user_context=ANN)
        assert "NOT_FOUND" == before.code == after.code
    async with running(meridian, tmp_path) as server:
        assert "net_revenue" == meanings(await server.resolve(ASKED, user_context=ANN))["takings"]


async def test_one_user_teaches_so_much_a_day_and_others_as_much(meridian: Path, tmp_path: Path) -> None:
    words = [f"takings{letter}" for letter in "abcdefghijklmnopqrstu"]
    async with running(meridian, tmp_path, precedents_per_day="20") as server:
        resolution_id = id_of(await server.resolve(" ".join(words), user_context=ANN))
        choices = [types_pb2.Choice(mention=word, option_id="net_revenue") for word in words]
        many = types_pb2.Feedback(verdict=CORRECTED, corrections=choices[:19])
        request = resolve_pb2.ReportFeedbackRequest(
            resolution_id=resolution_id, feedback=many, request_id=str(uuid.uuid4())
        )
        first = await server.ask(server.resolving.ReportFeedback, request)
        assert "OK" == first.code, first
        two = types_pb2.Feedback(verdict=CORRECTED, corrections=choices[19:])
        outcome = await report(server, resolution_id, two)
        refused(outcome, "RESOURCE_EXHAUSTED", "RATE_LIMITED")
        assert "too many corrections of this user" == outcome.message
        wait = outcome.details["RetryInfo"].retry_delay.ToTimedelta()
        assert timedelta(hours=23) < wait <= timedelta(hours=24)
        # What was taken is answered as it was, one more fits in, and what teaches nothing is as welcome as ever.
        assert first.response == (await server.ask(server.resolving.ReportFeedback, request)).response
        one = correction(mention=words[19], option_id="net_revenue")
        assert "OK" == (await report(server, resolution_id, one)).code
        refused(
            await report(server, resolution_id, correction(mention=words[20], option_id="net_revenue")),
            "RESOURCE_EXHAUSTED",
            "RATE_LIMITED",
        )
        assert "OK" == (await report(server, resolution_id, types_pb2.Feedback(verdict=REJECTED))).code
        await teach(server, "plunder last quarter", BOB, mention="plunder", option_id="net_revenue")
        # What was refused left nothing behind.
        shown = (await server.recorded(resolution_id)).response.feedback
        assert [REJECTED, CORRECTED, CORRECTED] == [feedback.verdict for feedback in shown]
