"""From value to node and back, by the schema's element table (codes/ceb_elements.csv): order there, types here.

A field's element is its name in camel case; the exceptions are listed. Reading is by name and does not mind the order
(the schema does), but an element that comes twice or has children is refused: two readers could read two things.
"""

from __future__ import annotations

import re
import types
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Generic, TypeVar, get_args, get_origin, get_type_hints

from lxml import etree

from services.customs.codebook import rows
from services.customs.documents import BEIJING
from shared.errors import BadInput

NS: Final = "http://www.chinaport.gov.cn/ceb"
Q: Final = "{" + NS + "}"
T = TypeVar("T")

_ELEMENTS: Final = {
    "actual_paid": "acturalPaid",  # the schema's spelling
    "number": "gnum",
    "hs_code": "gcode",
    "goods_name": "gname",
    "model": "gmodel",
    "declared_on": "declTime",
    "entered_on": "ieDate",
    "gross_kg": "grossWeight",
    "net_kg": "netWeight",
    "weight_kg": "weight",
}
_DECIMAL: Final = re.compile(r"[+-]?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})", re.ASCII)
_INTEGER: Final = re.compile(r"[+-]?\d{1,9}", re.ASCII)


def element_of(field: str) -> str:
    """`order_no` is `orderNo`; `qty_1` is `qty1`."""
    head, *rest = _ELEMENTS.get(field, field).split("_")
    return head + "".join(part.capitalize() for part in rest)


def write_time(at: datetime) -> str:
    """yyyyMMddHHmmss in Beijing time (that any other zone is accepted is unconfirmed)."""
    return at.astimezone(BEIJING).strftime("%Y%m%d%H%M%S")


def read_time(text: str) -> datetime:
    """14 digits, or 17 with milliseconds; aware, Beijing time."""
    if not (text.isascii() and text.isdigit() and len(text) in {14, 17}):
        raise ValueError("not 14 or 17 digits")
    at = datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=BEIJING)
    return at.replace(microsecond=int(text[14:] or 0) * 1000)


def _read_date(text: str) -> date:
    if not (text.isascii() and text.isdigit() and len(text) == 8):
        raise ValueError("not 8 digits")
    return datetime.strptime(text, "%Y%m%d").replace(tzinfo=BEIJING).date()


def _read_decimal(text: str) -> Decimal:
    if not _DECIMAL.fullmatch(text.strip()):
        raise ValueError("not a decimal")
    return Decimal(text.strip())


def _read_integer(text: str) -> int:
    if not _INTEGER.fullmatch(text.strip()):
        raise ValueError("not an integer")
    return int(text)


_WRITERS: Final[Mapping[type, Callable[[Any], str]]] = {
    str: str,
    int: str,
    Decimal: "{:f}".format,
    datetime: write_time,
    date: "{:%Y%m%d}".format,
}
_READERS: Final[Mapping[type, Callable[[str], Any]]] = {
    str: str,
    int: _read_integer,
    Decimal: _read_decimal,
    datetime: read_time,
    date: _read_date,
}


@dataclass(frozen=True, slots=True)
class _Slot:
    field: str
    tag: str
    optional: bool
    write: Callable[[Any], str]
    read: Callable[[str], Any]


def _slot(field: str, hint: Any) -> _Slot:  # noqa: ANN401 - a type annotation is whatever it is
    optional = isinstance(hint, types.UnionType)
    plain = next(part for part in get_args(hint) if part is not type(None)) if optional else hint
    return _Slot(field, Q + element_of(field), optional, _WRITERS[plain], _READERS[plain])


class Node(Generic[T]):
    """The codec of one schema node: `Node(OrderItem, "311", "OrderList")`."""

    def __init__(self, value: type[T], message: str, node: str) -> None:
        order = [
            row["element"]
            for row in rows("ceb_elements")
            if (row["direction"], row["message"], row["node"]) == ("import", message, node)
        ]
        hints = get_type_hints(value)
        slots = [
            _slot(field.name, hints[field.name])
            for field in fields(value)  # type: ignore[arg-type]
            if get_origin(hints[field.name]) is not tuple
        ]
        self.value, self.tag, self.elements = value, Q + node, tuple(order)
        rank = {name: position for position, name in enumerate(order)}
        # An element that is in real bills but not in the schema's list stands last.
        self.slots = tuple(sorted(slots, key=lambda slot: rank.get(slot.tag.removeprefix(Q), len(rank))))

    def write(self, parent: etree._Element, value: T) -> None:
        """Append the elements in schema order; absent optional ones are left out."""
        for slot in self.slots:
            content = getattr(value, slot.field)
            if content is not None:
                etree.SubElement(parent, slot.tag).text = slot.write(content)

    def read(self, element: etree._Element, **more: object) -> T:
        """`more`: fields that are no elements (the lines)."""
        found = texts(element)
        return self.value(**{slot.field: self._read(slot, found) for slot in self.slots}, **more)

    def _read(self, slot: _Slot, found: Mapping[str, str]) -> object:
        text = found.get(slot.tag)
        if slot.optional and not text:
            return None
        if text is None:
            raise BadInput("mandatory element is missing", where=slot.tag.removeprefix(Q))
        try:
            return slot.read(text)
        except ValueError:
            raise BadInput("unreadable", where=slot.tag.removeprefix(Q)) from None


def texts(element: etree._Element) -> Mapping[str, str]:
    """Texts of the simple children by tag."""
    found: dict[str, str] = {}
    for child in element:
        if len(child):
            continue
        if child.tag in found:
            raise BadInput("element comes twice", where=str(child.tag).rpartition("}")[2])
        found[str(child.tag)] = child.text or ""
    return found
