"""The flat XML of WeChat Pay's v2 interfaces: `<xml><name><![CDATA[value]]></name>…</xml>`. Pure, and closed.

Nothing of XML is understood beyond that shape: a document type, an entity, an attribute, a comment, a processing
instruction, a namespace or a second level is refused by the parser's own callbacks, before any of it has an effect.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, NoReturn
from xml.parsers import expat

from shared.errors import BadInput

MAX_BYTES: Final = 64 * 1024
_FINAL: Final = True
_FORBIDDEN: Final = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MAX_FIELDS: Final = 1024  # a customs query of 50 sub-orders has about 660


def write(fields: Mapping[str, str]) -> bytes:
    """In the given order, every value in CDATA. Characters that XML 1.0 cannot carry are refused."""
    for name, value in fields.items():
        if _FORBIDDEN.search(value):
            raise BadInput("a character that XML cannot carry", where=name)
    body = "".join(f"<{name}><![CDATA[{_cdata(value)}]]></{name}>" for name, value in fields.items())
    return f"<xml>{body}</xml>".encode()


def read(raw: bytes) -> dict[str, str]:
    """Name → text, untrimmed, in order. BadInput for anything but one flat document in UTF-8 without duplicates."""
    if len(raw) > MAX_BYTES:
        raise BadInput(f"{len(raw)} bytes are too many", where="body")
    reader = _Reader()
    try:
        # Decoded here, so that no encoding declaration can choose another reading of the same bytes.
        reader.parser.Parse(raw.decode("utf-8").removeprefix("\ufeff"), _FINAL)
    except (expat.ExpatError, ValueError) as error:
        raise BadInput("not well-formed XML in UTF-8", where="body") from error
    return reader.fields


class _Reader:
    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self._depth, self._name, self._parts = 0, "", list[str]()
        parser = expat.ParserCreate()
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = parser.UnparsedEntityDeclHandler = _refuse
        parser.ProcessingInstructionHandler = parser.CommentHandler = parser.SkippedEntityHandler = _refuse
        parser.buffer_text = True
        self.parser = parser

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        self._depth += 1
        flat = name == "xml" if self._depth == 1 else self._depth == 2 and name not in self.fields
        if not flat or attributes or ":" in name or len(self.fields) >= _MAX_FIELDS:
            _refuse()
        self._name, self._parts = name, []

    def _text(self, text: str) -> None:
        if self._depth == 1 and text.strip():
            _refuse()
        self._parts.append(text)

    def _end(self, name: str) -> None:
        if self._depth == 2:
            self.fields[name] = "".join(self._parts)
        self._depth -= 1


def _refuse(*_told: object) -> NoReturn:
    raise BadInput("not the flat XML of WeChat Pay", where="body")


def _cdata(value: str) -> str:
    return value.replace("]]>", "]]]]><![CDATA[>")
