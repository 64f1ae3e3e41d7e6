"""The wire contract of ECP as Python modules; see `ecp.v1`."""
