"""Where a store is, and with which password."""

from __future__ import annotations

from pathlib import Path

import pytest

from ecp_server.stores.endpoint import Endpoint


def test_user_and_password_of_a_url_are_decoded() -> None:
    endpoint = Endpoint("postgresql://ann%40home:p%2Fw%25@db:5432/ecp")
    assert (endpoint.user, endpoint.password()) == ("ann@home", "p/w%")


def test_a_url_may_have_neither() -> None:
    endpoint = Endpoint("http://opa:8181")
    assert (endpoint.user, endpoint.password()) == ("", "")


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_file_wins_over_the_url_and_its_last_line_feed_is_no_part_of_the_password(tmp_path: Path, end: str) -> None:
    secret = tmp_path / "password"
    secret.write_bytes(f" of the file {end}".encode())
    assert Endpoint("postgresql://ann:of-the-url@db/ecp", secret).password() == " of the file "


def test_a_secret_that_was_rotated_is_read_anew(tmp_path: Path) -> None:
    secret = tmp_path / "password"
    secret.write_text("old")
    endpoint = Endpoint("postgresql://ann@db/ecp", secret)
    assert endpoint.password() == "old"
    secret.write_text("new")
    assert endpoint.password() == "new"


def test_it_shows_nothing_when_printed() -> None:
    assert (
        "secret" not in f"{Endpoint('postgresql://ann:secret@db/ecp')!r} {Endpoint('postgresql://ann:secret@db/ecp')}"
    )


def test_a_file_that_is_no_text_is_like_one_that_cannot_be_read(tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_bytes(b"hunter2\xff")
    with pytest.raises(OSError, match="not UTF-8") as raised:
        Endpoint("http://db.test", file).password()
    assert raised.value.__suppress_context__
