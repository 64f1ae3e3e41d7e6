"""One Rego policy, compiled once, as the native interpreter (regopy, that is rego-cpp) runs it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import islice
from typing import Any, Final

from ecp_server.stores.policy.contract import PolicyInvalid, strict_json
from ecp_server.stores.policy.native import Interpreter, LogLevel, Piece, RegoError, evaluate

_ENTRY: Final = "ecp/policy/decisions"
"""As a query the same would take a fifth more: the engine would unify a variable and keep it among the bindings."""

# The engine writes "(error 12:FILE.rego|861|77\n    (errormsg 18:Invalid collection)\n": texts after their lengths, and
# of the place offset and length in bytes.
_FAULT: Final = re.compile(r"\(error (?:\d+:[^\n|]*)?\|(?P<offset>\d+)\|\d+\s+\(errormsg \d+:(?P<message>[^\n]*)\)")
_MAX_FAULTS: Final = 10
_MESSAGE: Final = re.compile(r"\(errormsg \d+:(?P<message>[^\n]*)\)")


class EvaluationFailed(Exception):
    """The engine gave no answer. The message tells the engine's reason and nothing of the input."""


class Engine:
    """A compiled policy. It is not to be used from two threads at once."""

    def __init__(self, policies: Mapping[str, str]) -> None:
        """Compile Rego texts by file name. Raises `PolicyInvalid`."""
        self._interpreter = Interpreter()
        self._interpreter.log_level = LogLevel.NONE
        for file, text in policies.items():
            try:
                self._interpreter.add_module(file, text)
            except RegoError as error:
                raise PolicyInvalid(_faults(file, text, str(error))) from None
            except UnicodeError:
                raise PolicyInvalid(f"{file}: not valid Unicode") from None
        try:
            self._bundle = self._interpreter.build(None, [_ENTRY])
        except RegoError as error:
            raise PolicyInvalid(_message(str(error))) from None

    def evaluate(self, document: dict[str, Any] | Piece) -> object:
        """Return the decisions for the input, as `contract.strict_json` reads them; None where undefined.

        The document, or parts of it, may be `native.Piece`s.

        Raises `EvaluationFailed`.
        """
        try:
            is_ok, text = evaluate(self._interpreter, self._bundle, _ENTRY, document)
            if not is_ok:
                raise EvaluationFailed("an error in the evaluation, such as two rules that contradict each other")
            result = None if text == "undefined" else strict_json(text)
        except json.JSONDecodeError as error:
            # An error within the evaluation comes as text that is no JSON, and as success.
            raise EvaluationFailed(_message(error.doc)) from None
        except (RegoError, ValueError, RecursionError) as error:
            raise EvaluationFailed(f"the engine failed with {type(error).__name__}") from None
        match result:
            case None:
                return None
            case {"expressions": [answer]}:
                return answer
            case _:
                raise EvaluationFailed("the engine's result cannot be read")


def _faults(file: str, text: str, report: str) -> str:
    """Return the engine's first faults in one file, each as a line FILE:LINE:COLUMN: MESSAGE."""
    source = text.encode()
    places: dict[str, None] = {}
    for fault in islice(_FAULT.finditer(report), _MAX_FAULTS):
        before = source[: int(fault["offset"])].decode(errors="replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        places[f"{file}:{line}:{column}: {fault['message']}"] = None
    return "\n".join(places) or f"{file}: {_message(report)}"


def _message(report: str) -> str:
    found = _MESSAGE.search(report)
    return found["message"] if found else "the engine reports an error without a message"
