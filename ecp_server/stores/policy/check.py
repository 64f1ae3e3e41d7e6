"""Tries a policy in a process of its own, where a crash of the native engine or an endless evaluation costs nothing."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Mapping
from typing import Final

from ecp_server.domain.identity import Principal
from ecp_server.domain.policy import Action, Product
from ecp_server.stores.policy.contract import PolicyInvalid, input_document
from ecp_server.stores.policy.engine import Engine, EvaluationFailed

MAX_EVALUATION_SECONDS: Final = 0.25
"""For one product; an ordinary policy takes a thousandth of it."""

_SAMPLE: Final = Product(id="sample", kind="metric", certification_tier=1)


def try_policy(policies: Mapping[str, str]) -> None:
    """Compile the Rego texts and evaluate each action once. Raises `PolicyInvalid`."""
    engine = Engine(policies)
    for action in Action:
        started = time.perf_counter()
        try:
            engine.evaluate(input_document(action, Principal(), [_SAMPLE]))
        except EvaluationFailed as error:
            raise PolicyInvalid(f"evaluating {action.value}: {error}") from error
        seconds = time.perf_counter() - started
        if seconds > MAX_EVALUATION_SECONDS:
            raise PolicyInvalid(f"evaluating {action.value} takes {seconds:.1f} s: it would hold up every other call")


async def check(policies: Mapping[str, str], *, timeout_seconds: float) -> None:
    """Run `try_policy` in a process of its own.

    Raises `PolicyInvalid`, also where that process dies or takes too long.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", __spec__.name),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(timeout_seconds):
            output, _ = await process.communicate(json.dumps(dict(policies)).encode())
    except TimeoutError:
        raise PolicyInvalid(f"the policy engine took more than {timeout_seconds:g} s to read and try it") from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0 and not output:
        raise PolicyInvalid(f"the policy engine crashed on it (exit status {process.returncode})")
    if output:
        raise PolicyInvalid(output.decode(errors="replace").strip())


def main() -> None:
    """Try the policy on standard input; standard output says what is wrong, and nothing where it is sound."""
    try:
        try_policy(json.load(sys.stdin))
    except PolicyInvalid as error:
        sys.stdout.write(str(error))


if __name__ == "__main__":
    main()
