"""How keyword search ranks."""

from __future__ import annotations

from ecp_server.domain.catalog import AssetKind, AssetRef
from ecp_server.stores.documents import Document
from ecp_server.stores.registry.keywords import KeywordIndex

_ALL = frozenset(AssetKind)


def _index(**names_and_bodies: tuple[tuple[str, ...], str]) -> KeywordIndex:
    return KeywordIndex(
        [Document(AssetRef(AssetKind.TERM, key), *said) for key, said in sorted(names_and_bodies.items())]
    )


def _ranked(index: KeywordIndex, text: str) -> list[str]:
    return [hit.ref.id for hit in index.search(text, _ALL, 10)]


def test_a_word_in_a_name_outweighs_one_in_a_definition() -> None:
    index = _index(a=(("Cost",), "What sales cost."), b=(("Sales",), "What customers pay."))

    assert _ranked(index, "sales") == ["b", "a"]


def test_a_rare_word_outweighs_a_common_one() -> None:
    index = _index(a=(("net churn",), ""), b=(("net cost",), ""), c=(("net price",), ""), d=(("gross margin",), ""))

    assert _ranked(index, "net margin")[0] == "d"


def test_a_short_document_outranks_a_long_one_with_the_same_words() -> None:
    index = _index(a=(("revenue of all the other things that there are",), ""), b=(("revenue",), ""))

    assert _ranked(index, "revenue") == ["b", "a"]


def test_equal_documents_are_in_the_order_of_refs() -> None:
    index = _index(b=(("revenue",), ""), a=(("revenue",), ""), c=(("revenue",), ""))

    assert _ranked(index, "revenue") == ["a", "b", "c"]


def test_words_that_no_document_holds_lower_the_score() -> None:
    index = _index(a=(("revenue",), ""), b=(("cost",), ""))
    (alone,), (among_others,) = index.search("revenue", _ALL, 1), index.search("revenue zebra", _ALL, 1)

    assert 0 < among_others.score < alone.score < 1


def test_an_empty_index_finds_nothing() -> None:
    assert _index().search("revenue", _ALL, 10) == ()
