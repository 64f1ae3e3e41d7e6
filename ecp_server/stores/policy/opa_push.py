"""Brings a catalog's policies to an OPA server that is ECP's own, such as a sidecar of it.

OPA takes policies one file at a time, and forgets them when it restarts. So a last file, the gate, opens them: it names
their revision, and decisions are read through it. It is closed first and opened last, so nobody decides by a mixture of
two policies; and an OPA that has lost them, or has another server's, gives no decision until `restore` has brought them
there anew.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import structlog

from ecp_server.domain.errors import PolicyMissing, PolicyUnavailable, StoreError
from ecp_server.domain.identity import Principal
from ecp_server.domain.policy import Action, Product
from ecp_server.stores.policy.builtin import builtin_policies
from ecp_server.stores.policy.contract import PolicyInvalid, input_document
from ecp_server.stores.policy.opa_client import OpaClient

_FOLDER: Final = "ecp-catalog/"
_GATE: Final = "ecp-catalog-gate.rego"
_OURS: Final = (_FOLDER, _GATE)
_GATE_PATH: Final = ("ecp", "gate")
_SAMPLE: Final = Product(id="sample", kind="metric", certification_tier=1)
_LOG: Final = structlog.get_logger(__name__)


class PushedPolicies:
    """The policies that are to be in force in OPA."""

    def __init__(self, client: OpaClient) -> None:
        self._client = client
        self._wanted: Mapping[str, str] | None = None
        self._in_force = ""
        """The revision that OPA is known to have; "" where that is not known."""
        self._change = asyncio.Lock()
        self._deciding = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def use(self, policies: Mapping[str, str]) -> None:
        """Bring Rego texts by file name there, or the built-in policy where there are none.

        Raises `PolicyInvalid` where OPA refuses them; what was in force before is then brought back. Where OPA does not
        answer they are kept, and `restore` brings them there.
        """
        async with self._change:
            before, self._wanted = self._wanted, dict(policies) or builtin_policies()
            try:
                await self._bring(self._wanted)
            except PolicyInvalid:
                self._wanted = before
                if before is not None:
                    await self._bring(before)
                raise
            except StoreError:
                _LOG.warning("policies_not_brought", reason="OPA does not answer")

    async def restore(self) -> None:
        """Bring the policies there if OPA does not have them. Raises `PolicyUnavailable` where that fails."""
        if self._wanted is None or (self._in_force and await self._revision() == self._in_force):
            return
        async with self._change:
            try:
                await self._bring(self._wanted)
            except PolicyInvalid as invalid:
                _LOG.error("policies_refused", reason=str(invalid))
                raise PolicyUnavailable(retry_after_seconds=None) from invalid

    @asynccontextmanager
    async def in_force(self) -> AsyncIterator[None]:
        """Keep this process from changing the policies meanwhile."""
        async with self._change:
            self._deciding += 1
            self._idle.clear()
        try:
            yield
        finally:
            self._deciding -= 1
            if not self._deciding:
                self._idle.set()

    async def evaluate(self, document: Mapping[str, Any]) -> object:
        """Return the decisions of the policies in force; None where they are undefined.

        Raises `PolicyMissing` where others are in force, and `PolicyUnavailable`.
        """
        answer = await self._client.evaluate(_GATE_PATH, document)
        match answer:
            case {"revision": str(revision), **rest} if self._in_force and revision == self._in_force:
                return rest.get("decisions")
            case _:
                _LOG.error("policies_not_in_force")
                raise PolicyMissing

    async def _bring(self, policies: Mapping[str, str]) -> None:
        revision = _revision_of(policies)
        await self._idle.wait()
        there = await self._modules()
        if there == _modules(policies, revision):
            self._in_force = revision
            return
        self._in_force = ""
        for name in sorted(there, key=lambda name: (name != _GATE, name)):
            await self._delete(name)
        modules = {_FOLDER + file: text for file, text in policies.items()}
        await self._put_all(modules)
        await self._try()
        if await self._modules() != modules:
            raise PolicyUnavailable  # another server brings others at the same time
        await self._put(_GATE, _gate(revision))
        self._in_force = revision

    async def _put_all(self, modules: Mapping[str, str]) -> None:
        """Put modules of which some call functions of others, hence in whatever order OPA takes them."""
        waiting = dict(modules)
        while waiting:
            refusals = {name: refusal for name, text in waiting.items() if (refusal := await self._put(name, text))}
            if len(refusals) == len(waiting):
                raise PolicyInvalid("\n".join(refusals.values()))
            waiting = {name: text for name, text in waiting.items() if name in refusals}

    async def _try(self) -> None:
        """Evaluate each action once. Raises `PolicyInvalid` where that fails."""
        for action in Action:
            document = {"input": input_document(action, Principal(), [_SAMPLE])}
            reply = await self._client.request("POST", "/v1/data/ecp/policy/decisions", json=document)
            if reply.status_code != HTTPStatus.OK:
                raise PolicyInvalid(f"evaluating {action.value}: {_problem(self._client.body(reply))}")

    async def _modules(self) -> Mapping[str, str]:
        """Return the modules in OPA that are ours, by id."""
        reply = await self._client.request("GET", "/v1/policies")
        body = self._client.body(reply)
        match body:
            case {"result": list(modules)} if reply.status_code == HTTPStatus.OK:
                found = {module["id"]: module["raw"] for module in modules if _is_module(module)}
                return {name: text for name, text in found.items() if name.startswith(_OURS)}
            case _:
                raise PolicyUnavailable(retry_after_seconds=None)

    async def _revision(self) -> str:
        answer = await self._client.evaluate((*_GATE_PATH, "revision"), {})
        return answer if isinstance(answer, str) else ""

    async def _put(self, name: str, text: str) -> str:
        """Put a module; return what OPA has against it, "" where it takes it."""
        reply = await self._client.request("PUT", _path(name), content=text.encode("utf-8", "surrogatepass"))
        if reply.status_code == HTTPStatus.OK:
            return ""
        if reply.status_code == HTTPStatus.BAD_REQUEST:
            return _problem(self._client.body(reply), name.removeprefix(_FOLDER))
        raise PolicyUnavailable(retry_after_seconds=None)

    async def _delete(self, name: str) -> None:
        reply = await self._client.request("DELETE", _path(name))
        if reply.status_code not in (HTTPStatus.OK, HTTPStatus.NOT_FOUND):
            raise PolicyUnavailable(retry_after_seconds=None)


def _modules(policies: Mapping[str, str], revision: str) -> Mapping[str, str]:
    return {**{_FOLDER + file: text for file, text in policies.items()}, _GATE: _gate(revision)}


def _gate(revision: str) -> str:
    return f'package ecp.gate\n\nrevision := "{revision}"\n\ndecisions := data.ecp.policy.decisions\n'


def _revision_of(policies: Mapping[str, str]) -> str:
    return hashlib.sha256(json.dumps(policies, sort_keys=True).encode()).hexdigest()[:32]


def _path(name: str) -> str:
    return f"/v1/policies/{quote(name, safe='/')}"


def _is_module(value: object) -> bool:
    return isinstance(value, dict) and isinstance(value.get("id"), str) and isinstance(value.get("raw"), str)


def _problem(body: object, file: str = "") -> str:
    """Return what an error says, each fault as a line FILE:LINE:COLUMN: MESSAGE."""
    faults = list(_faults(body, file))
    if faults:
        return "\n".join(faults)
    message = body.get("message") if isinstance(body, dict) else None
    text = message if isinstance(message, str) else "OPA gives no reason"
    return f"{file}:1:1: {text}" if file else text


def _faults(body: object, file: str) -> Iterator[str]:
    errors: Sequence[object] = body.get("errors") or () if isinstance(body, dict) else ()
    for error in errors:
        match error:
            case {"message": str(message), "location": {"row": int(row), "col": int(column), **place}}:
                where = str(place.get("file") or file).removeprefix(_FOLDER)
                yield f"{where}:{row}:{column}: {message}"
            case {"message": str(message)}:
                yield message
            case _:
                pass
