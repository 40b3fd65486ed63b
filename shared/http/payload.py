"""Bodies from outside, read strictly: JSON objects and forms. Pure; only BadInput leaves it.

What is refused here would hurt later: duplicate members (two readers, two meanings), numbers that lose digits,
NUL and lone surrogates (PostgreSQL's text takes neither), nesting deeper than the reader's stack, times that nobody can
mean (a page that adds an offset to the year 1 or 9999 falls over).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final, NoReturn
from urllib.parse import parse_qsl

from shared.errors import BadInput
from shared.money import Money

_AMOUNT: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,10})?", re.ASCII)
UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")
_LONGEST_ID: Final = 64
_YEARS: Final = range(2000, 2100)
_MOST_FIELDS: Final = 64


def read_object(body: bytes) -> Fields:
    """The JSON object that these bytes say (RFC 8259, UTF-8 without a mark); decimals stay decimal."""
    return Fields(_object(_parsed(body)))


def read_list(body: bytes) -> tuple[Fields, ...]:
    """The same for a JSON list of objects."""
    values = _parsed(body)
    if not isinstance(values, list):
        raise BadInput("not a JSON list", where="body", fix="send one UTF-8 JSON list of objects")
    return Fields({"body": values}).children("body")


def read_form(body: bytes, encoding: str = "utf-8") -> dict[str, str]:
    """An `application/x-www-form-urlencoded` body; a name that comes twice is refused, not chosen from."""
    try:
        text = body.decode(encoding)
    except UnicodeDecodeError as error:
        raise BadInput(f"not a form: {_why(error)}", where="body") from error
    try:
        pairs = parse_qsl(text, keep_blank_values=True, encoding=encoding, errors="strict", max_num_fields=_MOST_FIELDS)
    except ValueError as error:
        raise BadInput("not a form", where="body") from error
    form = dict(pairs)
    if len(form) != len(pairs):
        raise BadInput("a form field comes twice", where="body")
    return form


@dataclass(frozen=True, slots=True)
class Fields:
    """One JSON object, read by name. A missing or mistyped member is BadInput that tells its path, never its value."""

    values: Mapping[str, object] = field(repr=False)
    where: str = ""

    def path(self, name: str) -> str:
        return f"{self.where}.{name}" if self.where else name

    def refuse(self, name: str, wanted: str) -> NoReturn:
        raise BadInput(f"{self.path(name)} is not {wanted}", where=self.path(name), fix=f"send {wanted}")

    def has(self, name: str) -> bool:
        """True where the member is there and not null."""
        return self.values.get(name) is not None

    def text(self, name: str) -> str:
        value = self.values.get(name)
        return value if isinstance(value, str) and value else self.refuse(name, "a text")

    def maybe_text(self, name: str) -> str | None:
        """None where it is absent, null or empty: partners use all three for "nothing"."""
        return self.text(name) if self.values.get(name) not in (None, "") else None

    def identifier(self, name: str) -> str:
        """An id as text, whether it was sent as text or as a number (many are greater than 2^53)."""
        value = self.values.get(name)
        if type(value) is int and value >= 0:
            value = str(value) if value < 10**_LONGEST_ID else ""
        if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_ID:
            self.refuse(name, "an id")
        return value

    def maybe_identifier(self, name: str) -> str | None:
        return self.identifier(name) if self.has(name) else None

    def integer(self, name: str, *, least: int = 0, most: int = 10**15) -> int:
        value = self.values.get(name)
        return value if type(value) is int and least <= value <= most else self.refuse(name, "a whole number in range")

    def decimal(self, name: str, *, below: int = 10**9) -> Decimal:
        """A number that is not negative; bounded before anybody makes an integer of its exponent."""
        value = self.values.get(name)
        number = Decimal(value) if type(value) is int else value
        return number if isinstance(number, Decimal) and 0 <= number < below else self.refuse(name, "a number in range")

    def flag(self, name: str) -> bool:
        """False where it is absent or null."""
        value = self.values.get(name, False)
        return bool(value) if isinstance(value, bool) or value is None else self.refuse(name, "true or false")

    def amount(self, name: str, currency: str) -> Money:
        """A decimal text in major units; more places than the currency has is an error."""
        text = self.text(name)
        return Money.parse(text, currency) if _AMOUNT.fullmatch(text) else self.refuse(name, "a decimal text")

    def moment(self, name: str) -> datetime:
        """An ISO 8601 time with offset, as UTC, of this century."""
        return moment(self.text(name), self.path(name))

    def maybe_moment(self, name: str) -> datetime | None:
        return self.moment(name) if self.maybe_text(name) is not None else None

    def child(self, name: str) -> Fields:
        value = self.values.get(name)
        return Fields(value, self.path(name)) if isinstance(value, dict) else self.refuse(name, "an object")

    def maybe_child(self, name: str) -> Fields | None:
        return self.child(name) if self.has(name) else None

    def children(self, name: str) -> tuple[Fields, ...]:
        """A list of objects; empty where it is absent or null."""
        value = self.values.get(name) or []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            self.refuse(name, "a list of objects")
        return tuple(Fields(item, f"{self.path(name)}[{i}]") for i, item in enumerate(value))

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts; empty where it is absent or null."""
        value = self.values.get(name) or []
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            self.refuse(name, "a list of texts")
        return tuple(value)


def moment(text: str, where: str) -> datetime:
    """An ISO 8601 time with offset, as UTC, of the years 2000 to 2099; digits beyond the microsecond are dropped."""
    try:
        at = datetime.fromisoformat(text)
        if at.tzinfo is not None:
            return of_this_century(at.astimezone(UTC), where)
    except (ValueError, OverflowError) as error:
        raise BadInput(f"{where} is not a time", where=where, fix="send ISO 8601 with offset") from error
    raise BadInput(f"{where} has no offset", where=where, fix="send ISO 8601 with offset")


def of_this_century(at: datetime, where: str) -> datetime:
    """The time itself. Raises BadInput for any year that cannot be meant."""
    if at.year in _YEARS:
        return at
    words = f"{_YEARS.start} to {_YEARS.stop - 1}"
    raise BadInput(f"{where} is of no year from {words}", where=where, fix=f"send a time of the years {words}")


def _parsed(body: bytes) -> object:
    try:
        value: object = json.loads(
            body.decode("utf-8"), object_pairs_hook=_unique, parse_float=Decimal, parse_constant=_no_constant
        )
        _refuse_unstorable(body, value)
    except (ValueError, ArithmeticError, RecursionError) as error:
        # RecursionError too: the reader's own limit is the bound on nesting.
        raise BadInput(f"not a JSON text: {_why(error)}", where="body", fix="send one UTF-8 JSON object") from error
    return value


def _why(error: Exception) -> str:
    """What is wrong and at which byte, for who looks at a quarantined body; never a part of the body itself."""
    match error:
        case UnicodeDecodeError():
            return f"not {error.encoding.upper()} at byte {error.start}"
        case json.JSONDecodeError():
            return f"{error.msg.removesuffix(' at')} at byte {len(error.doc[: error.pos].encode())}"
        case RecursionError():
            return "nested too deep"
        case ArithmeticError():
            return "a number out of range"
        case _:
            return str(error)


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise BadInput("not a JSON object", where="body", fix="send one UTF-8 JSON object")
    return value


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member comes twice")
    return members


def _no_constant(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


def _refuse_unstorable(body: bytes, value: object) -> None:
    # Only an escape can bring them in: raw ones are not UTF-8, or not JSON. So almost no body pays for this walk.
    if b"\\u0000" not in body and b"\\ud" not in body and b"\\uD" not in body:
        return
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            left += [*one.keys(), *one.values()]
        elif isinstance(one, list):
            left += one
        elif isinstance(one, str) and UNSTORABLE.search(one):
            raise ValueError("NUL or half a surrogate pair")
