"""How catalogs read YAML."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecp_server.catalog.yaml_documents import (
    Fault,
    Value,
    YamlError,
    document_lines,
    parse_document,
    split_documents,
)


def parse(text: str) -> Value:
    faults: list[Fault] = []
    value = parse_document(text, faults)
    assert not faults
    return value


@pytest.mark.parametrize(
    "text", ["NO", "no", "yes", "on", "true", "007", "0x1F", "12:30", "1_000", "2024-01-31", "1e3", ".inf", "1.10", "="]
)
def test_plain_scalars_stay_text(text: str) -> None:
    assert {"a": text} == parse(f"a: {text}")


def test_on_stays_a_key() -> None:
    assert {"on": "value", "no": "x", "y": "z"} == parse("on: value\nno: x\ny: z")


@pytest.mark.parametrize("text", ["", "~", "null", "Null", "NULL"])
def test_only_null_is_typed(text: str) -> None:
    assert {"a": None} == parse(f"a: {text}")


@pytest.mark.parametrize("text", ["'null'", '"~"', "''", "!!str null"])
def test_quoted_or_tagged_null_is_text(text: str) -> None:
    assert isinstance(parse(text), str)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('a: b\nc: "x\\0y"', Fault(1, "holds the control character U+0000")),
        ('a: "\\e[31mred"', Fault(0, "holds the control character U+001B")),
        ('"\\x07": b', Fault(0, "holds the control character U+0007")),
        ('- "\\u009b"', Fault(0, "holds the control character U+009B")),
    ],
)
def test_control_characters_by_escapes_are_faults(text: str, fault: Fault) -> None:
    faults: list[Fault] = []
    parse_document(text, faults)
    assert [fault] == faults


def test_white_space_by_escapes_is_text() -> None:
    assert {"a": "x\ty\r\nz\u00a0\x85"} == parse('a: "x\\ty\\r\\nz\\_\\N"')


def test_aliases_stand_for_their_values() -> None:
    assert {"a": ["x"], "b": ["x"]} == parse("a: &some [x]\nb: *some")


def test_scalars_can_be_anchors() -> None:
    assert {"a": "x", "b": "x"} == parse("a: &name x\nb: *name")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: b\nc: [1", 1, "is not YAML: did not find expected ',' or ']'"),
        ("a: b\n- c", 1, "is not YAML: did not find expected key"),
        ("a: b\na: b: c", 1, "is not YAML: mapping values are not allowed in this context"),
        ("a: ü\n\nb: \x07", 2, "is not YAML: holds a character that YAML does not allow"),
        ("{a: b} {c: d}", 0, "is not YAML: did not find expected <document start>"),
        ("a: *b", 0, "*b names no value before it"),
        ("a: &b [*b]", 0, "*b names no value before it"),
        ("a: b\n? [c]\n: d", 1, "a key is not text"),
        ("~: b", 0, "a key is not text"),
        ("a: b\u2028---\nc: d", 1, "holds a second document, whose `---` begins no line of the file"),
        ("a: b\x85--- {c: d}", 1, "holds a second document, whose `---` begins no line of the file"),
        ("[" * 41 + "]" * 41, 0, "is nested deeper than 40"),
        ("[" * 100_000, 0, "is nested deeper than 40"),
    ],
)
def test_what_cannot_be_read(text: str, line: int, message: str) -> None:
    with pytest.raises(YamlError) as caught:
        parse_document(text, [])
    assert Fault(line, message) == caught.value.fault


def test_aliases_cannot_stand_for_millions_of_values() -> None:
    laughs = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
    )
    with pytest.raises(YamlError, match="stands for more than 5000000 values"):
        parse_document(laughs, [])


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: 1\nb: 2\na: 3", Fault(2, "the key 'a' is given twice")),
        ("x:\n  - {a: 1,\n     a: 2}", Fault(2, "the key 'a' is given twice")),
        ("a: !!int 3", Fault(0, "the tag tag:yaml.org,2002:int is not supported")),
        ("a: !!python/name:os.system x", Fault(0, "the tag tag:yaml.org,2002:python/name:os.system is not supported")),
        ("a: !mine [b]", Fault(0, "the tag !mine is not supported")),
    ],
)
def test_what_is_wrong_but_hides_nothing_else(text: str, fault: Fault) -> None:
    faults: list[Fault] = []
    parse_document(text, faults)
    assert [fault] == faults


def test_the_first_of_two_equal_keys_counts() -> None:
    assert {"a": "1"} == parse_document("a: 1\na: 2", [])


def test_documents_are_split_with_their_first_lines() -> None:
    text = "# about\n---\na: 1\n--- # second\nb: 2\n...\nc: 3\n---\n---\n# nothing\n"
    assert [(2, "---\na: 1\n"), (4, "--- # second\nb: 2\n"), (6, "\nc: 3\n")] == list(split_documents(text))


def test_directives_before_a_document_are_passed_over() -> None:
    assert [(2, "---\na: 1\n")] == list(split_documents("%YAML 1.2\n---\na: 1\n"))


def test_dashes_within_a_line_or_in_a_block_split_nothing() -> None:
    text = "a: x --- y\nb: |\n  ---\nc: ---x\n"
    assert [(1, text)] == list(split_documents(text))
    assert {"a": "x --- y", "b": "---\n", "c": "---x"} == parse(text)


def test_lines_are_those_of_keys_and_of_items() -> None:
    text = "kind: x\nlist:\n  - a\n  - b: 1\n    c:\n      2\nflow: {d: [e,\n  f]}\nalias: &g [h]\nagain: *g"
    assert document_lines(text) == {
        (): 0,
        ("kind",): 0,
        ("list",): 1,
        ("list", 0): 2,
        ("list", 1): 3,
        ("list", 1, "b"): 3,
        ("list", 1, "c"): 4,
        ("flow",): 6,
        ("flow", "d"): 6,
        ("flow", "d", 0): 6,
        ("flow", "d", 1): 7,
        ("alias",): 8,
        ("alias", 0): 8,
        ("again",): 9,
    }


CHARACTERS = st.characters(exclude_categories=("Cs", "Cc")) | st.sampled_from("\t\n\r\x85")
VALUES = st.recursive(
    st.none() | st.text(CHARACTERS, max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(CHARACTERS, max_size=4), inner, max_size=3),
    max_leaves=12,
)


def written(value: Value) -> str:
    """Write a value as JSON does, which is YAML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"? {written(key)} : {written(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(written(item) for item in value) + "]"
    if value is None:
        return "~"
    return '"' + "".join(c if c.isalnum() and c.isascii() else f"\\U{ord(c):08x}" for c in value) + '"'


@given(VALUES)
def test_any_value_written_is_read_back(value: Value) -> None:
    assert value == parse(written(value))


@given(st.text(alphabet="ab:-[]{}&*!|>'\"#%\n ~?,", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    for _, document in split_documents(text):
        with suppress(YamlError):
            parse_document(document, [])
            assert document_lines(document)
