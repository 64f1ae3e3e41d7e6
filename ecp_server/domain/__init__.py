"""The words of ECP as frozen dataclasses: no I/O, no transport, no store."""
