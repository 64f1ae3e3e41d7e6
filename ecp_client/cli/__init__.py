"""The command `ecp`: asks a server from a terminal or a script."""

import sys
from io import TextIOWrapper

_NEEDED = frozenset({"click", "rich"})


def main() -> None:
    """Run the command. What it needs beyond the client is the extra `cli`."""
    try:
        from ecp_client.cli.commands import ecp  # noqa: PLC0415 - may fail, and that is told
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] not in _NEEDED:
            raise
        sys.exit("ecp needs click and rich: pip install 'enterprise-context-platform[cli]'")
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as standard error does: an answer is not lost for a bar
    try:
        ecp(prog_name="ecp")
    except OSError as full:  # of the output: the client's own errors are others
        sys.exit(f"Error: the output cannot be written: {full.strerror}")
