"""What tests need from outside the checkout, and whether its absence may skip them.

A test that cannot have a server or the evaluation data skips with the reason; with ECP_TEST_REQUIRE_SERVERS=1 or
ECP_TEST_REQUIRE_DATA=1, as in .ci/run, it fails instead.
"""

import os
import shutil
from pathlib import Path
from typing import NoReturn

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]

settings.register_profile("ecp", deadline=None)  # no test is timed: machines differ
settings.load_profile("ecp")


def skip_or_fail(reason: str, *, required_by: str) -> NoReturn:
    """Skip the test for ``reason``, or fail it where the environment variable ``required_by`` is 1."""
    if os.environ.get(required_by) == "1":
        pytest.fail(f"{reason}, and {required_by}=1 asks for it", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The root of the checkout."""
    return ROOT


@pytest.fixture(scope="session")
def evaluation_data() -> Path:
    """The folder of public material to measure with: ECP_EVALUATION_DATA, by default ../shared/data."""
    folder = ROOT / os.environ.get("ECP_EVALUATION_DATA", "../shared/data")
    if not folder.is_dir():
        skip_or_fail(f"no evaluation data at {folder} (ECP_EVALUATION_DATA)", required_by="ECP_TEST_REQUIRE_DATA")
    return folder.resolve()


@pytest.fixture(scope="session")
def grpcurl() -> Path:
    """The grpcurl program: ECP_GRPCURL, else the one on PATH. `scripts/fetch_grpcurl` builds one."""
    program = shutil.which(os.environ.get("ECP_GRPCURL", "grpcurl"))
    if program is None:
        skip_or_fail("no grpcurl (scripts/fetch_grpcurl builds one)", required_by="ECP_TEST_REQUIRE_SERVERS")
    return Path(program)


@pytest.fixture(scope="session")
def envoy() -> Path:
    """The Envoy program: ECP_ENVOY, else the one on PATH. `scripts/fetch_envoy` fetches one."""
    program = shutil.which(os.environ.get("ECP_ENVOY", "envoy"))
    if program is None:
        skip_or_fail("no Envoy (scripts/fetch_envoy fetches one)", required_by="ECP_TEST_REQUIRE_SERVERS")
    return Path(program)
