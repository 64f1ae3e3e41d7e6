"""The ports of ECP (`ports`), their adapters (a folder a port, a file an engine) and the wrappers around them."""
