"""Policy in an OPA server.

By default that OPA is somebody's own: its policies come to it as that somebody wishes, as a rule in bundles, and ECP
asks ``data.ecp.policy.decisions`` and changes nothing. Where ECP is to bring the catalog's policies there, see
`opa_push`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import structlog

from ecp_server.domain.errors import PolicyMissing
from ecp_server.domain.identity import Principal
from ecp_server.domain.policy import Action, Decision, PolicyQuestion, Product
from ecp_server.stores.policy.contract import batches, input_document, merged, read_answer
from ecp_server.stores.policy.opa_bundles import BundleAge
from ecp_server.stores.policy.opa_client import OpaClient
from ecp_server.stores.policy.opa_push import PushedPolicies

ADAPTER: Final = "opa"
BATCH_SIZE: Final = 250
"""Products an evaluation; a policy that looks through all of them for each one is quadratic in it."""

_DECISIONS: Final = ("ecp", "policy", "decisions")
_LOG: Final = structlog.get_logger(__name__)


class OpaPolicy:
    """The Policy port over OPA's REST API."""

    adapter = ADAPTER

    def __init__(self, client: OpaClient, *, push: bool, max_age_seconds: float = 0.0) -> None:
        """With ``push`` the policies that `use` is given are brought there; else OPA decides by those that it has.

        Those count where they were confirmed no longer than ``max_age_seconds`` ago (`opa_bundles`); 0 takes any.
        """
        self._client = client
        self._age = BundleAge(client, max_age_seconds=max_age_seconds) if max_age_seconds else None
        self.concurrency = client.pool_size
        self._pushed = PushedPolicies(client) if push else None

    async def use(self, policies: Mapping[str, str]) -> None:
        """Put Rego texts by file name in force, all at once; no texts: the built-in policy.

        Raises `PolicyInvalid` with the place named; the policy so far stays in force. Where OPA does not answer, or
        its policy has been lost since, nothing is decided until `probe` has brought it there.
        """
        if self._pushed is not None:
            await self._pushed.use(policies)
        elif policies:
            _LOG.info("catalog_policies_not_used", reason="OPA decides by policies of its own", files=len(policies))

    async def decide(self, question: PolicyQuestion) -> Mapping[str, Decision]:
        """Evaluate the policy; see `ports.Policy`."""
        if self._age is not None:
            await self._age.require()
        parts = batches(question.products, BATCH_SIZE)
        if self._pushed is None:
            return merged([(part, await self._decide(question, part)) for part in parts])
        async with self._pushed.in_force():  # every part by the same policy
            return merged([(part, await self._decide(question, part)) for part in parts])

    async def probe(self) -> None:
        """Evaluate the policy for no product; where its policy is not in force, bring it there first."""
        if self._pushed is not None:
            await self._pushed.restore()
        if self._age is not None:
            await self._age.probe()
        await self._evaluate(input_document(Action.DISCOVER, Principal(), []))

    async def close(self) -> None:
        """Close the connections; nothing is decided after that."""
        await self._client.close()

    async def _decide(self, question: PolicyQuestion, products: Sequence[Product]) -> Mapping[str, Decision]:
        result = await self._evaluate(input_document(question.action, question.principal, products))
        answer = read_answer(result, [product.id for product in products])
        if answer.malformed:
            _LOG.error("policy_decision_malformed", action=question.action.value, products=answer.malformed)
        return answer.decisions

    async def _evaluate(self, document: Mapping[str, Any]) -> object:
        """Return the decisions; raises `PolicyMissing` where there is no such rule, or it is undefined.

        OPA does not tell these apart, and an OPA that has just started has no rules yet.
        """
        if self._pushed is not None:
            return await self._pushed.evaluate(document)
        result = await self._client.evaluate(_DECISIONS, document)
        if result is None:
            _LOG.error("policy_undefined", path="data." + ".".join(_DECISIONS))
            raise PolicyMissing
        return result
