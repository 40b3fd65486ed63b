"""The one way XML comes in: bounded, UTF-8, without DOCTYPE, entities, network, comments or processing instructions."""

from __future__ import annotations

import re
from typing import Final

from lxml import etree

from shared.errors import BadInput

MAX_BYTES: Final = 4_000_000  # an envelope with 100 full inventories is about 3 MB of base64
MAX_DEPTH: Final = 24  # the deepest documented path has six levels, a signature nine
_DECLARED: Final = re.compile(rb"""\A<\?xml\s[^>]{0,100}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_TOO_DEEP: Final = etree.XPath("boolean(" + "/*" * (MAX_DEPTH + 1) + ")")


def _parser() -> etree.XMLParser:
    # Comments go while reading, so that text around one is one text: canonical form drops them, and a reader that saw
    # only the first half would read something else than what was signed.
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        recover=False,
    )


def _checked(data: bytes, limit: int) -> bytes:
    if len(data) > limit:
        raise BadInput(f"XML of {len(data)} bytes, at most {limit} are taken", where="body")
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise BadInput("not UTF-8", where=f"byte {error.start}") from error
    data = data.removeprefix(b"\xef\xbb\xbf")
    declared = _DECLARED.match(data)
    if declared is not None and declared[1].upper() != b"UTF-8":
        raise BadInput("declared encoding is not UTF-8", where="xml declaration")
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:  # before the parser sees it: no bomb is unpacked, no file opened
        raise BadInput("a document type is not accepted", where="prolog")
    return data


def parse(data: bytes, *, limit: int = MAX_BYTES) -> etree._Element:
    """The root of a well-formed document, or BadInput; nothing of the content stands in the message."""
    try:
        root = etree.fromstring(_checked(data, limit), _parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        raise BadInput("not well-formed XML", where=f"line {line}") from error
    if _TOO_DEEP(root):
        raise BadInput(f"nested deeper than {MAX_DEPTH}", where="body")
    return root
