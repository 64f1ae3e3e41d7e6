"""Names the adapters and puts everything together: settings → catalog → guarded ports → path → services.

A file a port chooses its adapter by the settings, and imports no driver but the one that it needs.
"""

from ecp_server.wiring.application import EcpApplication, asking, build

__all__ = ["EcpApplication", "asking", "build"]
