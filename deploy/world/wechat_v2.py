"""WeChat Pay v2: flat XML and an MD5 signature, still the only door for customs declarations of mainland merchants.

Source: our reference page on payments, section 3.10.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from html import unescape
from typing import Final

# Flat by definition, so a pattern is the whole parser; DOCTYPE, attributes and nesting simply do not match.
_BODY: Final = re.compile(r"\s*<xml>(.*)</xml>\s*", re.DOTALL)
_FIELD: Final = re.compile(r"\s*<(\w+)>(?:<!\[CDATA\[(.*?)\]\]>|([^<]*))</\1>\s*", re.DOTALL)


def sign(fields: Mapping[str, str], key: str) -> str:
    """MD5, upper-case hex, over the non-empty fields in ASCII order, then the key."""
    pairs = [f"{name}={fields[name]}" for name in sorted(fields) if name != "sign" and fields[name]]
    return hashlib.md5("&".join([*pairs, f"key={key}"]).encode()).hexdigest().upper()  # noqa: S324


def verifies(fields: Mapping[str, str], key: str) -> bool:
    return hmac.compare_digest(fields.get("sign", "").encode(), sign(fields, key).encode())


def parse(body: bytes) -> dict[str, str] | None:
    """Name to text; None for anything that is not a flat document."""
    try:
        outer = _BODY.fullmatch(body.decode())
    except UnicodeDecodeError:
        return None
    if outer is None:
        return None
    fields: dict[str, str] = {}
    position, text = 0, outer[1]
    while position < len(text):
        found = _FIELD.match(text, position)
        if found is None or found[1] in fields:
            return None
        fields[found[1]] = found[2] if found[2] is not None else unescape(found[3])
        position = found.end()
    return fields


def build(fields: Mapping[str, str], key: str) -> bytes:
    """Signed answer; empty values are left out, as they are left out of the signature."""
    signed = {name: text for name, text in fields.items() if text} | {"sign": sign(fields, key)}
    elements = "".join(f"<{name}><![CDATA[{text}]]></{name}>" for name, text in signed.items())
    return f"<xml>{elements}</xml>".encode()
