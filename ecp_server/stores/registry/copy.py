"""A copy on disk of the catalog that the registry gave last, for a start while the registry is away."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from typing import Final

from ecp_server.domain.catalog import Catalog
from ecp_server.stores.endpoint import Endpoint
from ecp_server.stores.registry.items import Item, Key, UnknownFormat, catalog_of, items

_FORMAT: Final = "ecp-catalog-copy/1"


class CatalogCopy:
    """One file: a line that says what it is, then a line an item. Both methods block."""

    def __init__(self, path: Path, endpoint: Endpoint) -> None:
        """A copy of another registry than ``endpoint``'s does not count."""
        parts = endpoint.parts
        self._path = path
        # Which registry, without saying where it is.
        self._registry = sha256(f"{parts.hostname}:{parts.port}{parts.path}".encode()).hexdigest()

    def write(self, catalog: Catalog) -> None:
        """Replace the copy, all at once. Raises `OSError`."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self._path.with_name(f"{self._path.name}.{os.getpid()}")
        try:
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                header = {"format": _FORMAT, "registry": self._registry, "version": catalog.version}
                file.write(json.dumps(header).encode() + b"\n")
                for item in items(catalog):
                    key = json.dumps([*item.key, item.digest.hex()], ensure_ascii=False).encode()
                    file.write(b"[%b, %b]\n" % (key, item.body))
                file.flush()
                os.fsync(file.fileno())
            new.replace(self._path)
        finally:
            with suppress(FileNotFoundError):
                new.unlink()

    def read(self) -> Catalog | None:
        """Return the catalog of the copy; None where there is none of this registry that this release can read."""
        try:
            with self._path.open("rb") as file:
                header = json.loads(file.readline())
                if header["format"] != _FORMAT or header["registry"] != self._registry:
                    return None
                return catalog_of(header["version"], _items(file))
        except (OSError, ValueError, KeyError, TypeError, UnknownFormat):
            return None


def _items(lines: Iterator[bytes]) -> Iterator[Item]:
    for line in lines:
        (kind, item_id, digest), body = json.loads(line)
        yield Item(Key(kind, item_id), json.dumps(body).encode(), bytes.fromhex(digest))
