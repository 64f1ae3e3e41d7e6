"""Version 1 of the contract: one generated module a `.proto` file, e.g. `from ecp.v1 import resolve_pb2`."""
