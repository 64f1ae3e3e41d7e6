"""Statements of a batch are put together, and do what each of them would do."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecp_server.stores.state.statements import MAX_ROWS, Statement, insert, together

TABLES = {
    "a": "CREATE TABLE a (sequence INTEGER PRIMARY KEY, id TEXT UNIQUE, v BLOB)",
    "b": "CREATE TABLE b (id TEXT PRIMARY KEY, w)",
}
ROWS = st.lists(
    st.one_of(
        st.tuples(st.just("a"), st.integers(0, 90).map(str), st.binary(max_size=3)),
        st.tuples(st.just("b"), st.integers(0, 90).map(str), st.sampled_from([None, "?", "(?, ?)", "x'"])),
    ),
    max_size=120,
)


def stored(statements: list[Statement]) -> list[list[tuple[object, ...]]]:
    with closing(sqlite3.connect(":memory:")) as connection:
        for table in TABLES.values():
            connection.execute(table)
        for statement in statements:
            connection.execute(statement.sql, statement.parameters)
        return [connection.execute(f"SELECT * FROM {table} ORDER BY 1").fetchall() for table in TABLES]  # noqa: S608 - ours


@given(ROWS)
def test_rows_that_are_put_together_are_the_same_rows_in_the_same_order(rows: list[tuple[str, str, object]]) -> None:
    statements = [insert(table, "id, v" if table == "a" else "id, w", (key, value)) for table, key, value in rows]
    fewer = list(together(statements))
    assert stored(statements) == stored(fewer)
    assert len(fewer) == sum(-(-len([row for row in rows if row[0] == table]) // MAX_ROWS) for table in "ab")


def test_what_is_no_row_comes_after_the_rows_that_it_may_look_for() -> None:
    looks = Statement("INSERT INTO b (id, w) SELECT ?, v FROM a WHERE id = '1'", ("found",))
    statements = [looks, insert("a", "id, v", ("1", b"x")), insert("a", "id, v", ("2", b"y"))]
    fewer = list(together(statements))
    assert 2 == len(fewer)
    assert [("found", b"x")] == stored(fewer)[1]


@pytest.mark.parametrize("columns", [12, 17])
def test_any_sqlite_takes_as_many_parameters(columns: int) -> None:
    assert columns * MAX_ROWS <= 999
