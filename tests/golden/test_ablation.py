"""Each step of the path counts: without it a tenth of the golden questions of the default catalog comes out wrong."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.long
@pytest.mark.timeout(600)
def test_a_tenth_of_the_questions_misses_any_step(project_root: Path) -> None:
    program = [sys.executable, str(project_root / "scripts" / "ablate.py")]
    done = subprocess.run(program, check=False, capture_output=True, text=True)
    assert (0, "") == (done.returncode, done.stderr), done.stdout
    assert done.stdout.startswith("none                    0 of ")
