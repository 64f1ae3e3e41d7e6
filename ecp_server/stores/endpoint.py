"""Where a store is, and with which password: the URL of a setting, the password in it or in a file beside it."""

from __future__ import annotations

import errno
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from ecp_server.domain.frozen import dataclass


@dataclass(frozen=True, slots=True, repr=False)
class Endpoint:
    """A store's URL. It is never printed: a password may stand in it.

    The settings of each store are ``NAME_url`` and ``NAME_password_file``; a file wins over a password in the URL.
    """

    url: str
    password_file: Path | None = None
    """Holds the password alone, a line feed at its end aside: a mounted secret."""

    @property
    def parts(self) -> SplitResult:
        """Return the URL in its parts."""
        return urlsplit(self.url)

    @property
    def user(self) -> str:
        """Return the user, "" where none is named."""
        return unquote(self.parts.username or "")

    def password(self) -> str:
        """Return the password, "" where there is none.

        Reads the file anew each time, so that the next connection uses a secret that was rotated. Raises `OSError`.
        """
        if self.password_file is not None:
            try:
                return self.password_file.read_text(encoding="utf-8").rstrip("\r\n")
            except UnicodeDecodeError:  # it has the password in it
                raise OSError(errno.EILSEQ, "the password is not UTF-8") from None
        return unquote(self.parts.password or "")
