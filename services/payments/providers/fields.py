"""Reading a partner's JSON without trusting it: strict text, typed access, one error that names the field. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from shared.errors import BadInput
from shared.money import Money

MAX_BODY_BYTES: Final = 256 * 1024  # the largest real one, a certificate list, has about 8 KiB
_MAX_DEPTH: Final = 16
_UNSTORABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_MAX_FEN: Final = 10**13


@dataclass(frozen=True, slots=True)
class Fields:
    """One JSON object. `where` is its path from the root, for the error."""

    values: dict[str, object]
    where: str = ""

    @classmethod
    def parse(cls, raw: bytes) -> Fields:
        """One JSON object in strict UTF-8: no duplicate keys, NaN, giant numbers, deep nesting or more than 256 KiB."""
        if len(raw) > MAX_BODY_BYTES:
            raise BadInput(f"{len(raw)} bytes are too many", where="body")
        try:
            value = json.loads(raw.decode("utf-8"), object_pairs_hook=_no_duplicates, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise BadInput("not one JSON object in UTF-8", where="body") from error
        if not isinstance(value, dict) or _deeper_than(value, _MAX_DEPTH):
            raise BadInput("not one JSON object of sane depth", where="body")
        return cls(value)

    def text(self, name: str, *, limit: int = 4096) -> str:
        """A non-empty string without control characters or lone surrogates (neither can be stored)."""
        value = self.optional_text(name, limit=limit)
        if not value:
            raise BadInput("a non-empty string is required", where=self._path(name))
        return value

    def optional_text(self, name: str, *, limit: int = 4096) -> str:
        """Empty where absent or null."""
        value = self.values.get(name)
        if value is None:
            return ""
        if not isinstance(value, str) or len(value) > limit or _UNSTORABLE.search(value):
            raise BadInput("not a plain string", where=self._path(name))
        return value

    def whole(self, name: str) -> int:
        """A JSON integer, 0 to 10^13; `true` and `1.0` are none."""
        value = self.values.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= _MAX_FEN:
            raise BadInput("not a whole number", where=self._path(name))
        return value

    def money(self, name: str, currency: str) -> Money:
        """Minor units under `name`."""
        return Money(self.whole(name), currency)

    def moment(self, name: str) -> datetime:
        """RFC 3339 with offset, of this century (any year else cannot be meant); in UTC."""
        try:
            moment = datetime.fromisoformat(self.text(name, limit=40))
        except ValueError as error:
            raise BadInput("not an RFC 3339 time", where=self._path(name)) from error
        if moment.tzinfo is None or not 2000 < moment.year < 2100:
            raise BadInput("a time without offset, or of another century", where=self._path(name))
        return moment.astimezone(UTC)

    def optional_moment(self, name: str) -> datetime | None:
        return self.moment(name) if self.optional_text(name, limit=40) else None

    def inner(self, name: str) -> Fields:
        value = self.values.get(name)
        if not isinstance(value, dict):
            raise BadInput("not an object", where=self._path(name))
        return Fields(value, self._path(name))

    def optional_inner(self, name: str) -> Fields:
        return self.inner(name) if self.values.get(name) is not None else Fields({}, self._path(name))

    def rows(self, name: str, *, limit: int = 100) -> tuple[Fields, ...]:
        """A list of objects."""
        value = self.values.get(name)
        if not isinstance(value, list) or len(value) > limit or not all(isinstance(row, dict) for row in value):
            raise BadInput("not a list of objects", where=self._path(name))
        return tuple(Fields(row, f"{self._path(name)}.{number}") for number, row in enumerate(value))

    def _path(self, name: str) -> str:
        return f"{self.where}.{name}" if self.where else name


def dump(value: Mapping[str, object]) -> bytes:
    """Compact JSON in UTF-8; serialised once, since exactly these bytes are signed and sent."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode("utf-8")
    except UnicodeEncodeError as error:
        raise BadInput("text with a lone surrogate", where="body") from error


def _no_duplicates(pairs: Sequence[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) != len(pairs):
        raise ValueError("duplicate key")
    return values


def _no_constant(word: str) -> object:
    raise ValueError(f"{word} is not JSON")


def _deeper_than(value: object, limit: int) -> bool:
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return limit == 0 or any(_deeper_than(item, limit - 1) for item in inner)
