"""What a client that shares no code with us makes of the server: grpcurl knows of it only what reflection tells."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.running import Running, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

SERVICES = ["ecp.v1.CatalogService", "ecp.v1.HealthService", "ecp.v1.ResolveService", "grpc.health.v1.Health"]
NOT_FOUND, INVALID_ARGUMENT, UNIMPLEMENTED = 64 + 5, 64 + 3, 64 + 12
"""grpcurl exits with 64 and the status code."""


@dataclass(frozen=True)
class Ended:
    """What grpcurl said and how it exited."""

    code: int
    output: str
    errors: str

    @property
    def answer(self) -> Any:
        """The response as JSON."""
        assert self.code == 0, self.errors
        return json.loads(self.output)


async def run(grpcurl: Path, server: Running, *arguments: str, body: Any = None) -> Ended:
    """Run grpcurl against the server; ``body`` is the request."""
    data = () if body is None else ("-d", json.dumps(body))
    address = str(server.address)
    program = await asyncio.create_subprocess_exec(
        *(grpcurl, "-plaintext", "-max-time", "30", *data, address, *arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, errors = await program.communicate()
    assert program.returncode is not None
    return Ended(program.returncode, output.decode(), errors.decode())


async def test_it_lists_the_services(grpcurl: Path, server: Running) -> None:
    listed = await run(grpcurl, server, "list")
    assert set(SERVICES) <= set(listed.output.split())


@pytest.mark.parametrize("service", SERVICES)
async def test_it_describes_every_service_with_all_its_messages(grpcurl: Path, server: Running, service: str) -> None:
    described = await run(grpcurl, server, "describe", service)
    messages = {word for word in described.output.split() if word.startswith((".ecp.v1.", ".grpc.health."))}
    assert messages
    for message in sorted(messages):
        assert 0 == (await run(grpcurl, server, "describe", message.removeprefix("."))).code


async def test_it_asks_a_question(grpcurl: Path, server: Running) -> None:
    context = {"department": "finance", "roles": ["finance_analyst"]}
    body = {"concept": "APAC revenue in Q4 FY2019 vs budget", "user_context": context}
    answer = (await run(grpcurl, server, "ecp.v1.ResolveService/Resolve", body=body)).answer
    assert "RESOLUTION_STATUS_RESOLVED" == answer["status"]
    assert ["apac_q4_2019"] == [warning["id"] for warning in answer["warnings"]]
    found = await run(
        grpcurl, server, "ecp.v1.ResolveService/GetResolution", body={"resolution_id": answer["resolution_id"]}
    )
    assert body["concept"] == found.answer["request"]["concept"]


async def test_it_reads_the_details_of_errors(grpcurl: Path, server: Running) -> None:
    refused = await run(grpcurl, server, "ecp.v1.ResolveService/Resolve", body={"concept": "flux capacitance"})
    assert NOT_FOUND == refused.code
    for told in ("ERROR_REASON_CONCEPT_NOT_FOUND", "ecp.v1.ConceptNotFoundDetail", "google.rpc.RequestInfo"):
        assert told in refused.errors
    wrong = await run(grpcurl, server, "ecp.v1.ResolveService/Resolve", body={"concept": "", "time_zone": "Nowhere"})
    assert INVALID_ARGUMENT == wrong.code
    assert "google.rpc.BadRequest" in wrong.errors
    assert "must be an IANA time zone" in wrong.errors


async def test_it_asks_how_the_server_fares(grpcurl: Path, server: Running) -> None:
    check = {"service": "ecp.v1.ResolveService"}
    answer = (await run(grpcurl, server, "grpc.health.v1.Health/Check", body=check)).answer
    assert {"status": "SERVING"} == answer
    stores = (await run(grpcurl, server, "ecp.v1.HealthService/GetHealth")).answer["stores"]
    assert {"STORE_GRAPH", "STORE_VECTOR", "STORE_REGISTRY", "STORE_SEMANTIC", "STORE_POLICY", "STORE_STATE"} == {
        store["store"] for store in stores
    }


async def test_reflection_can_be_switched_off(grpcurl: Path, meridian: Path, tmp_path: Path) -> None:
    async with running(meridian, tmp_path, reflection="false") as server:
        listed = await run(grpcurl, server, "list")
        assert (1, "") == (listed.code, listed.output)
        assert "server does not support the reflection API" in listed.errors
        assert "OK" == (await server.resolve("net revenue last quarter")).code
