"""A policy is tried in a process of its own before it comes into force."""

from __future__ import annotations

import asyncio
import io
import json
import os
import sys
from pathlib import Path

import pytest

from ecp_server.stores.policy import trial
from ecp_server.stores.policy.check import check
from ecp_server.stores.policy.contract import PolicyInvalid
from ecp_server.stores.policy.trial import main, try_policy

HEAD = "package ecp.policy\n\n"
SOUND = HEAD + 'decisions[p.id] := {"allow": true, "policy": "p"} if some p in input.products\n'


async def test_a_sound_policy_passes() -> None:
    await check({"a.rego": SOUND}, timeout_seconds=30)


async def test_a_policy_that_crashes_the_engine_is_refused() -> None:
    """The parser recurses without a limit: a real crash of the native code."""
    with pytest.raises(PolicyInvalid, match="crashed"):
        await check({"a.rego": HEAD + "x := " + "[" * 100_000 + "]" * 100_000}, timeout_seconds=60)


async def test_a_policy_that_does_not_end_is_refused() -> None:
    with pytest.raises(PolicyInvalid, match=r"more than 1\.5 s"):
        await check({"a.rego": HEAD + "decisions := count(numbers.range(1, 2000000000))"}, timeout_seconds=1.5)


async def test_a_broken_policy_is_refused_with_its_place() -> None:
    with pytest.raises(PolicyInvalid, match=r"^sub/a\.rego:3:14: this is unclosed"):
        await check({"sub/a.rego": HEAD + "decisions := {"}, timeout_seconds=30)


def test_a_policy_whose_evaluation_fails_is_refused() -> None:
    with pytest.raises(PolicyInvalid, match=r"^evaluating discover: Function not found: secret_function$"):
        try_policy({"a.rego": HEAD + "decisions := secret_function(1)"})


def test_a_policy_that_would_hold_up_every_other_call_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "MAX_EVALUATION_SECONDS", 0.0)
    with pytest.raises(PolicyInvalid, match="evaluating discover takes"):
        try_policy({"a.rego": SOUND})


async def test_a_process_that_says_nothing_refuses(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\nexit 3\n")
    python.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(python))
    with pytest.raises(PolicyInvalid, match="exit status 3"):
        await check({"a.rego": SOUND}, timeout_seconds=30)


async def test_giving_up_ends_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process tells its id through a pipe, and would sleep for ever."""
    python, pipe = tmp_path / "python", tmp_path / "pipe"
    os.mkfifo(pipe)
    python.write_text(f'#!/bin/sh\necho $$ > "{pipe}"\nexec sleep 600\n')
    python.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(python))
    checking = asyncio.create_task(check({"a.rego": SOUND}, timeout_seconds=60))
    process_id = int(await asyncio.to_thread(pipe.read_text))
    checking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await checking
    with pytest.raises(ProcessLookupError):
        os.kill(process_id, 0)


@pytest.mark.parametrize(
    ("text", "said"),
    [(SOUND, ""), (HEAD + "decisions := 1 +\n", "a.rego:3:16: Invalid arithmetic operator")],
)
def test_the_program_says_what_is_wrong_and_nothing_else(
    text: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps({"a.rego": text})))
    main()
    assert said == capsys.readouterr().out
