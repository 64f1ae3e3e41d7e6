"""The version of a catalog: a hash of what it says."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Final

from ecp_server.catalog.yaml_documents import Value

# 64 bits: versions of one catalog are told apart, nobody is kept from forging one.
_HEX_DIGITS: Final = 16


def content_version(documents: Iterable[Value], texts: Mapping[str, str]) -> str:
    """Return 16 hexadecimal digits of the SHA-256 of the documents and of the ``texts`` of other files by path.

    The same however documents are split into files and ordered, and whatever the order of keys, quoting and comments.
    """
    digests = sorted(_digest(document) for document in documents)
    return _digest(["ecp-catalog/1", digests, dict(texts)])[:_HEX_DIGITS]


def _digest(value: object) -> str:
    return sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
