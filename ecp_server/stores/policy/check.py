"""Tries a policy in a process of its own, where a crash of the native engine or an endless evaluation costs nothing."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from typing import Final

from ecp_server.stores.policy.contract import PolicyInvalid

_PROGRAM: Final = "ecp_server.stores.policy.trial"


async def check(policies: Mapping[str, str], *, timeout_seconds: float) -> None:
    """Run `trial.try_policy` in a process of its own.

    Raises `PolicyInvalid`, also where that process dies or takes too long.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", _PROGRAM),
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
