"""What a caller or an image installs: the wheel, the pins, and what no tracked file may hold."""

import re
import subprocess
import sys
import zipfile
from email.parser import HeaderParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

PACKAGE_OF = {"protos/ecp/": "ecp/", "catalogs/": "ecp_server/catalogs/"}


def tracked_files(root: Path, *paths: str) -> list[str]:
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--", *paths], cwd=root, check=True, capture_output=True, text=True
    )
    return [name for name in listing.stdout.split("\0") if name and (root / name).is_file()]


@pytest.fixture(scope="module")
def wheel(project_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)],
        cwd=project_root,
        check=True,
        capture_output=True,
    )
    [built] = folder.glob("*.whl")
    return built


def test_the_wheel_holds_every_tracked_file_of_the_packages_and_the_catalogs(wheel: Path, project_root: Path) -> None:
    expected = set()
    for name in tracked_files(project_root, "ecp_client", "ecp_server", *PACKAGE_OF):
        source = next((prefix for prefix in PACKAGE_OF if name.startswith(prefix)), "")
        expected.add(PACKAGE_OF.get(source, "") + name.removeprefix(source))

    with zipfile.ZipFile(wheel) as archive:
        packaged = set(archive.namelist())

    assert {"ecp/py.typed", "ecp_client/py.typed", "ecp_server/py.typed", "ecp/v1/resolve_pb2_grpc.pyi"} <= packaged
    assert set() == expected - packaged


def test_a_caller_installs_grpcio_and_protobuf_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        [metadata] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        headers = HeaderParser().parsestr(archive.read(metadata).decode())

    requirements = [Requirement(line) for line in headers.get_all("Requires-Dist", [])]

    assert {"grpcio", "protobuf"} == {r.name for r in requirements if r.marker is None or "extra" not in str(r.marker)}


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize(("resolution", "protobuf_major"), [("lowest", "6"), ("highest", "7")])
def test_client_and_stubs_import_without_a_warning_at_both_ends_of_their_ranges(
    resolution: str, protobuf_major: str, wheel: Path, project_root: Path, tmp_path: Path
) -> None:
    uv = [sys.executable, "-m", "uv"]
    python = tmp_path / "venv" / "bin" / "python"
    subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, str(tmp_path / "venv")], check=True)
    install = [*uv, "pip", "install", "--quiet", "--python", str(python), "--resolution", resolution, str(wheel)]
    subprocess.run(install, cwd=tmp_path, check=True)
    modules = ["ecp_client", *(f"ecp.v1.{path.stem}" for path in (project_root / "protos/ecp/v1").glob("*_pb2*.py"))]

    program = "".join(f"import {module}\n" for module in modules)
    program += "import google.protobuf\nprint(google.protobuf.__version__.split('.')[0])"

    imported = subprocess.run(
        [str(python), "-W", "error", "-c", program],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
    )

    assert ("", f"{protobuf_major}\n") == (imported.stderr, imported.stdout)


def test_pins_are_exact_and_carry_no_address_and_only_opentelemetry_is_a_pre_release(project_root: Path) -> None:
    lines = [
        line
        for path in sorted((project_root / "requirements").glob("*.txt"))
        for line in path.read_text().splitlines()
        if not line.lstrip().startswith("#")
    ]
    pins = [Requirement(line) for line in lines]

    assert [] == [str(pin) for pin in pins if pin.url or [s.operator for s in pin.specifier] != ["=="]]
    early = {pin.name for pin in pins for s in pin.specifier if Version(s.version).is_prerelease}
    assert {"opentelemetry-exporter-prometheus"} <= early
    assert set() == {name for name in early if not name.startswith("opentelemetry-")}


def test_no_tracked_file_names_a_folder_of_one_machine_or_a_package_registry(project_root: Path) -> None:
    forbidden = re.compile(
        r"/(?:home|root|Users)/\w|(?:pypi|pythonhosted|npmjs)\.org|proxy\.golang\.org|"
        + re.escape(f"{project_root.parent}/")
    )
    found = [
        f"{name}: {match.group()}"
        for name in tracked_files(project_root)
        if (match := forbidden.search((project_root / name).read_text(errors="replace")))
    ]

    assert [] == found
