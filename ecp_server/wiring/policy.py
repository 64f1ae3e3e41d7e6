"""The policy: Rego in process, or OPA where its URL says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecp_server.settings import Settings
from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.policy.embedded import EmbeddedPolicy

if TYPE_CHECKING:
    from ecp_server.stores.policy.opa import OpaPolicy


def policy_store(settings: Settings) -> EmbeddedPolicy | OpaPolicy:
    """Return the adapter."""
    if (url := settings.policy_url) is None:
        return EmbeddedPolicy()
    # With their driver.
    from ecp_server.stores.policy.opa import OpaPolicy  # noqa: PLC0415
    from ecp_server.stores.policy.opa_client import OpaClient  # noqa: PLC0415

    client = OpaClient(
        Endpoint(url.get_secret_value(), settings.policy_password_file),
        pool_size=settings.policy_pool_size,
        timeout_seconds=settings.store_timeout_seconds,
    )
    return OpaPolicy(client, push=settings.policy_push)
