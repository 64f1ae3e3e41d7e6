"""The policy: Rego in process, or OPA where its URL says so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecp_server.catalog.errors import CatalogError, CatalogInvalid
from ecp_server.domain.catalog import Catalog
from ecp_server.settings import Settings
from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.policy.embedded import EmbeddedPolicy, PolicyInvalid

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
    return OpaPolicy(client, push=settings.policy_push, max_age_seconds=settings.policy_max_age_seconds)


async def try_policies(settings: Settings, catalog: Catalog) -> None:
    """Refuse policies that no server would put in force, each fault named. Raises `CatalogInvalid`.

    OPA takes Rego that the engine in process does not, and cannot try what it does not put in force: where it decides,
    nothing is tried here, and servers keep the catalog before where OPA refuses.
    """
    if settings.policy_url is not None:
        return
    policy = EmbeddedPolicy()
    try:
        await policy.use(catalog.policies)
    except PolicyInvalid as invalid:
        faults = str(invalid).splitlines()
        raise CatalogInvalid(tuple(CatalogError("policies", 0, "", fault) for fault in faults)) from invalid
    finally:
        await policy.close()
