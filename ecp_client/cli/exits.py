"""How the command ends."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes, for scripts. docs/command.md has the same list."""

    OK = 0
    """Answered."""
    FAILED = 1
    """Anything that has no code of its own; also a server that says that it is not healthy."""
    USAGE = 2
    """An option or argument that is not as it should be."""
    CHOICE = 3
    """The question is ambiguous, and there was nobody to ask or nothing was chosen."""
    NOT_FOUND = 4
    """Nothing in the catalog matches, or there is no such resolution."""
    DOES_NOT_FIT = 5
    """Known words that do not fit together, or an expired resolution."""
    DENIED = 6
    """A policy denies it."""
    UNREACHABLE = 7
    """No server answers, or not in time, or one of its stores is down."""
