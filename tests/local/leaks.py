"""Looks for the simulated buyers' personal data in whatever text or bytes, through the usual encodings."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path

import asyncpg

from deploy.world.people import GIVEN, STREETS, SURNAMES

NAMES = "|".join(map("".join, product(SURNAMES, GIVEN)))
PERSONAL = re.compile(rf"{NAMES}|999999(?:19|20)\d{{9}}[\dX]|(?:{'|'.join(STREETS)})\d+号")
ESCAPED = re.compile(r"\\u([0-9a-fA-F]{4})")
ENCODED = re.compile(r"[A-Za-z0-9+/_-]{24,}={0,2}")


def personal(text: str) -> set[str]:
    """What of it is a buyer's name, identity number or street, however deep it was encoded."""
    found: set[str] = set()
    for reading in readings(text):
        found |= set(PERSONAL.findall(reading))
    return found


def readings(text: str, depth: int = 2) -> Iterator[str]:
    """The text itself, without JSON's escapes, and what its base64 and hexadecimal parts say."""
    plain = ESCAPED.sub(lambda match: chr(int(match[1], 16)), text)
    yield plain
    for token in ENCODED.findall(plain) if depth else ():
        for raw in filter(None, (_base64(token), _hex(token))):
            yield from readings(raw.decode("utf-8", "replace"), depth - 1)


def _base64(token: str) -> bytes | None:
    padded = token.rstrip("=") + "=" * (-len(token.rstrip("=")) % 4)
    try:
        return base64.b64decode(padded.replace("-", "+").replace("_", "/"), validate=True)
    except binascii.Error:
        return None


def _hex(token: str) -> bytes | None:
    try:
        return bytes.fromhex(token)
    except ValueError:
        return None


async def dumped(dsn: str) -> list[tuple[str, str]]:
    """Every row of every table of one database as text, bytes decoded where they are text."""
    connection = await asyncpg.connect(dsn)
    try:
        tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return [
            (table, " ".join(map(_text, row.values())))
            for (table,) in tables
            for row in await connection.fetch(f'SELECT * FROM "{table}"')
        ]
    finally:
        await connection.close()


def _text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else json.dumps(value, default=str)


def in_files(paths: Iterable[Path]) -> dict[str, set[str]]:
    texts = {path.name: path.read_text("utf-8", "replace") for path in paths}
    return {name: found for name, text in texts.items() if (found := personal(text))}
