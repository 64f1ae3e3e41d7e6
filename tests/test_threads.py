"""How a server's threads share what they run on, in processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="scheduling policies are Linux's")

_PROGRAM = """
import os, sys, threading
from ecp_server import threads

os.sched_setaffinity(0, {cores})
threads.share()
policies = []
thread = threading.Thread(target=lambda: policies.append(os.sched_getscheduler(threading.get_native_id())))
thread.start()
thread.join()
print(policies[0] == os.SCHED_BATCH, threads.giving_way() is not None, sys.getswitchinterval())
"""


def shared(cores: set[int]) -> list[str]:
    program = [sys.executable, "-c", _PROGRAM.format(cores=cores)]
    return subprocess.run(program, check=True, capture_output=True, text=True).stdout.split()


def test_on_one_core_threads_are_batch_work_and_the_loop_gives_way() -> None:
    assert ["True", "True", "0.0005"] == shared({min(os.sched_getaffinity(0))})


def test_with_several_cores_they_are_not() -> None:
    if len(os.sched_getaffinity(0)) == 1:
        pytest.skip("there is one core")
    assert ["False", "False", "0.0005"] == shared(os.sched_getaffinity(0))
