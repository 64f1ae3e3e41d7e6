"""Tries a policy: the program that `check` runs. It imports nothing beyond the engine, for starting waits for it."""

from __future__ import annotations

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


def main() -> None:
    """Try the policy on standard input; standard output says what is wrong, and nothing where it is sound."""
    try:
        try_policy(json.load(sys.stdin))
    except PolicyInvalid as error:
        sys.stdout.write(str(error))


if __name__ == "__main__":
    main()
