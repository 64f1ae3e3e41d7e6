"""What comes from a server, made safe to print: whoever wrote it, a terminal obeys control characters."""

import json
import re
import sys
from typing import Any

from google.protobuf import json_format
from google.protobuf.message import Message
from rich.text import Text

# C0 and C1 controls, line and paragraph separators, bidirectional and invisible formatting, lone surrogates, tags.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_SPACE = re.compile(r"[ \t]*[\r\n]+[ \t]*")


def safe(text: object) -> str:
    """Return the text in one line, with whatever a terminal might obey, or hide, written out as an escape."""
    return _UNSAFE.sub(_escape, _SPACE.sub(" ", str(text)))


def plain(text: object, style: str = "") -> Text:
    """Return the text for rich, which takes nothing in it for markup."""
    return Text(safe(text), style=style)


def as_dict(message: Message) -> dict[str, Any]:
    """Return a message in the JSON form and with the field names of the contract."""
    document: dict[str, Any] = json_format.MessageToDict(message, preserving_proto_field_name=True)
    return document


def as_json(value: Message | dict[str, Any]) -> str:
    """Return JSON, of a message in the form and with the field names of the contract."""
    document = as_dict(value) if isinstance(value, Message) else value
    text = _UNSAFE.sub(_escape_in_json, json.dumps(document, indent=2, ensure_ascii=False))
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")  # closed, it is None
    except UnicodeEncodeError:  # JSON has escapes of its own
        return json.dumps(document, indent=2)
    return text


def _escape(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


def _escape_in_json(match: re.Match[str]) -> str:
    """Keep the line breaks between keys; inside of strings JSON escapes them itself."""
    return "\n" if match[0] == "\n" else json.dumps(match[0])[1:-1]
