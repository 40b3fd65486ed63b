"""Record headers as one column."""

from __future__ import annotations

import json
from typing import Final

from shared.broker.ports import Headers

_ODD: Final = b"\0"  # begins the rare form


def pack(headers: Headers) -> bytes:
    """Name, value, name, value …, each ended by a newline; where a foreign header holds one itself, as JSON. Loses
    nothing."""
    packed = b"".join(name.encode() + b"\n" + value + b"\n" for name, value in headers)
    if packed.count(b"\n") == 2 * len(headers) and not packed.startswith(_ODD):
        return packed
    return _ODD + json.dumps([(name, value.hex()) for name, value in headers]).encode()


def unpack(packed: bytes) -> Headers:
    if packed.startswith(_ODD):
        return tuple((name, bytes.fromhex(value)) for name, value in json.loads(packed[1:]))
    parts = packed.split(b"\n")
    return tuple((parts[i].decode(), parts[i + 1]) for i in range(0, len(parts) - 1, 2))
