"""Where things listen and where they are reached, as settings state it."""

from __future__ import annotations

import ipaddress
import re
from typing import Final, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator
from typing_extensions import override

from ecp_server.domain.frozen import dataclass

SQLITE: Final = "sqlite:///PATH"
CUBE: Final = ("cube+http://HOST:PORT", "cube+https://HOST:PORT", "http://HOST:PORT", "https://HOST:PORT")
POSTGRES: Final = "postgresql://USER@HOST:PORT/DATABASE"
NEO4J: Final = (
    "neo4j://USER@HOST:PORT/DATABASE",
    "neo4j+s://…",
    "neo4j+ssc://…",
    "bolt://…",
    "bolt+s://…",
    "bolt+ssc://…",
)
OPA: Final = ("http://HOST:PORT", "https://HOST:PORT")

_HOST_PORT: Final = re.compile(r"(?:\[(?P<ipv6>[0-9A-Fa-f:.]+)\]|(?P<host>[^\[\]:\s]+)):(?P<port>[0-9]{1,5})")
_LAST_PORT: Final = 65_535


@dataclass(frozen=True, slots=True)
class Address:
    """Where to listen; port 0 lets the system choose one."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``HOST:PORT`` or ``[IPV6]:PORT``. Raises `ValueError` for anything else."""
        match = _HOST_PORT.fullmatch(text)
        if match is None or int(match["port"]) > _LAST_PORT:
            raise ValueError("must be HOST:PORT, e.g. 127.0.0.1:50051 or [::1]:50051")
        return cls(match["ipv6"] or match["host"], int(match["port"]))

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it; a name other than localhost counts as reachable from elsewhere."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost"

    @override
    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def as_address(value: object) -> object:
    """Read an address where there is a text. Raises `ValueError`."""
    return Address.parse(value) if isinstance(value, str) else value


def url_of(*forms: str) -> BeforeValidator:
    """Accept URLs that begin as one of the forms does, e.g. ``postgresql://USER@HOST/DATABASE``; "" is none."""

    def check(value: object) -> object:
        beginnings = tuple(re.split(r"[A-Z…]", form)[0] for form in forms)
        if isinstance(value, str) and not (value.startswith(beginnings) and _can_be_read(value)):
            raise ValueError(f"must be a URL of the form {' or '.join(forms)}")
        if isinstance(value, str) and value.startswith("postgresql://") and not _driver_reads(value):
            raise ValueError(f"must be a URL of the form {POSTGRES} that PostgreSQL's client can read: % is %25 in it")
        return value

    return BeforeValidator(check)


def as_readable(value: object) -> object:
    """Accept what can be taken apart as a URL, with or without a scheme. Raises `ValueError` without the value."""
    if isinstance(value, str) and not _can_be_read(value):
        raise ValueError("must be a URL")
    return value


def _can_be_read(url: str) -> bool:
    """Tell whether host and port can be told: else whoever connects raises, with a part of the password perhaps."""
    try:
        parts = urlsplit(url)
        if "," not in parts.netloc.rpartition("@")[2]:  # several hosts can be PostgreSQL's: its driver reads them
            _ = parts.port
    except ValueError:
        return False
    return True


def _driver_reads(postgres_url: str) -> bool:
    """Tell whether the driver can connect by a URL at all: what it cannot read is no outage that passes."""
    from psycopg import ProgrammingError  # noqa: PLC0415 - heavy, and needed then anyway
    from psycopg.conninfo import conninfo_to_dict  # noqa: PLC0415

    try:
        conninfo_to_dict(postgres_url)
    except ProgrammingError:
        return False
    return True
