"""YAML as an import writes it: the same text for the same values, whatever the machine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

import yaml
from typing_extensions import override

_WIDTH: Final = 120


class _Words(list[Any]):
    """A list without lists or mappings in it, which is written in one line where it fits."""


class _Dumper(yaml.SafeDumper):
    """Indents lists below their key, and never writes a value by reference to another."""

    @override
    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, indentless=False)

    @override
    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    """Write several lines as a block, where YAML can; it quotes what would not come back as text."""
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text.strip("\n") else None)


def _words(dumper: yaml.SafeDumper, words: _Words) -> yaml.SequenceNode:
    return dumper.represent_sequence("tag:yaml.org,2002:seq", words, flow_style=True)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(_Words, _words)


def document(value: Mapping[str, Any]) -> str:
    """Return one mapping as YAML, its keys in their order, those without a value left out."""
    kept = {key: each for key, each in value.items() if each not in (None, "", (), [], {})}
    return yaml.dump(_plain(kept), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=_WIDTH)


def documents(values: Iterable[Mapping[str, Any]]) -> str:
    """Return mappings as the documents of one file."""
    return "---\n".join(document(value) for value in values)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        nested = any(isinstance(each, Mapping | list | tuple) for each in value)
        return [_plain(each) for each in value] if nested else _Words(value)
    return value
