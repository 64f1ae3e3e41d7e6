"""The client stands on grpcio and protobuf alone, on all of their versions that it admits."""

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from google.rpc import error_details_pb2, status_pb2  # type: ignore[import-untyped]  # it ships no types

from ecp.v1 import error_reason_pb2, types_pb2

PROGRAM = textwrap.dedent(
    """
    import sys
    from concurrent.futures import ThreadPoolExecutor

    import grpc
    from ecp.v1 import resolve_pb2, resolve_pb2_grpc

    import ecp_client

    class Servicer(resolve_pb2_grpc.ResolveServiceServicer):
        def Resolve(self, request, context):
            if request.concept == "revenue":
                period = {"start_date": "2024-07-01"}
                return resolve_pb2.ResolveResponse(resolution_id="r-1", intent=1, time_range=period)
            context.set_trailing_metadata((("grpc-status-details-bin", bytes.fromhex(sys.argv[1])),))
            context.abort(grpc.StatusCode.NOT_FOUND, "nothing like that")

    server = grpc.server(ThreadPoolExecutor(1))
    resolve_pb2_grpc.add_ResolveServiceServicer_to_server(Servicer(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with ecp_client.Client.connect(f"127.0.0.1:{port}", insecure=True) as client:
        answer = client.resolve("revenue")
        print(answer.resolution_id, answer.intent, answer.time_range.start_date)
        try:
            client.resolve("ARRR")
        except ecp_client.NotFound as error:
            print(error.reason, error.suggestions[0].id, error.metadata["clue"])
    server.stop(None).wait()
    """
)
EXPECTED = "r-1 metric 2024-07-01\nconcept_not_found arr x\n"


@pytest.fixture(scope="module")
def details() -> str:
    """The details of an error as ``google.rpc`` of googleapis-common-protos writes them, in hexadecimal."""
    status = status_pb2.Status(code=5, message="nothing like that")
    for detail in (
        error_details_pb2.ErrorInfo(reason="ERROR_REASON_CONCEPT_NOT_FOUND", domain="ecp", metadata={"clue": "x"}),
        error_reason_pb2.ConceptNotFoundDetail(suggestions=[types_pb2.Option(id="arr")]),
    ):
        status.details.add().Pack(detail)
    return bytes(status.SerializeToString()).hex()


def run(python: str, program: str, details: str, cwd: Path) -> tuple[int, str]:
    """The exit status and output of the program, for which every warning is an error."""
    done = subprocess.run(
        [python, "-W", "error", "-c", program, details], cwd=cwd, check=False, capture_output=True, text=True
    )
    return done.returncode, done.stdout or done.stderr


@pytest.mark.parametrize(
    "first",
    [
        "import sys; sys.modules['google.rpc'] = None",
        "from google.rpc import status_pb2, error_details_pb2",
        "import ecp_client; from google.rpc import status_pb2, error_details_pb2",
    ],
    ids=["absent", "imported before", "imported after"],
)
def test_details_are_read_with_and_without_googleapis_common_protos(first: str, details: str, tmp_path: Path) -> None:
    assert (0, EXPECTED) == run(sys.executable, f"{first}\n{PROGRAM}", details, tmp_path)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("resolution", ["lowest", "highest"])
def test_a_call_and_an_error_work_at_both_ends_of_the_ranges(
    resolution: str, details: str, project_root: Path, tmp_path: Path
) -> None:
    uv = [sys.executable, "-m", "uv"]
    python = str(tmp_path / "venv" / "bin" / "python")
    subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, str(tmp_path / "venv")], check=True)
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(tmp_path)]
    subprocess.run(build, cwd=project_root, check=True, capture_output=True)
    [wheel] = tmp_path.glob("*.whl")
    install = [*uv, "pip", "install", "--quiet", "--python", python, "--resolution", resolution, str(wheel)]
    subprocess.run(install, cwd=tmp_path, check=True)

    assert (0, EXPECTED) == run(python, PROGRAM, details, tmp_path)
