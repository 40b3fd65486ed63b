"""Format check by XML Schema, before anything is sent and before anything received is trusted.

`ceb-import.xsd` is our own schema of edition 202205's messages: structure, lengths and fixed values are the official
ones, the content of ds:Signature is left to `signature`.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final

from lxml import etree

from shared.errors import BadInput

_NAMED: Final = re.compile(r"^Element '(?:\{[^}]*\})?([^']{1,60})'")


@cache
def _import_schema() -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(Path(__file__).with_name("ceb-import.xsd"))))


def errors(root: etree._Element) -> tuple[tuple[str, str], ...]:
    """(element, kind of error) each. The validator's own text is dropped: it quotes values, which may be personal."""
    schema = _import_schema()
    if schema.validate(root):
        return ()
    return tuple((_element(entry.message), entry.type_name.removeprefix("SCHEMAV_")) for entry in schema.error_log)


def _element(message: str) -> str:
    found = _NAMED.match(message)
    return found[1] if found else "document"


def check(root: etree._Element) -> None:
    """BadInput names the first offending element and what is wrong with it, never its value."""
    found = errors(root)
    if found:
        element, kind = found[0]
        raise BadInput(f"not valid for the message schema: {kind}", where=element, fix="see GACC edition 202205")
