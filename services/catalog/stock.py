"""Products, stock by location and lot, reservations: values and their arithmetic. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from typing import Final

from shared.errors import Permanent
from shared.events.values import Goods, StockLine
from shared.flow.decision import Kind
from shared.ids import OrderId


@dataclass(frozen=True, slots=True)
class Product:
    """One SKU as documents and shelves know it; `goods` is what customs must know of one piece."""

    sku: str
    seller: str
    version: int
    title_zh: str
    title_en: str
    goods: Goods


@dataclass(frozen=True, slots=True)
class Lot:
    """available = on hand - reserved. Goods drawn leave both the shelf and `book`, the bonded account book."""

    lot: str
    best_before: date
    on_hand: int
    reserved: int
    book: int

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved


@dataclass(frozen=True, slots=True)
class Stock:
    """One SKU at one location, lots by best-before date."""

    sku: str
    location: str
    lots: tuple[Lot, ...] = ()

    @property
    def on_hand(self) -> int:
        return sum(lot.on_hand for lot in self.lots)

    @property
    def reserved(self) -> int:
        return sum(lot.reserved for lot in self.lots)

    def received(self, lot: str, best_before: date, quantity: int) -> Stock:
        known = next((one for one in self.lots if one.lot == lot), Lot(lot, best_before, 0, 0, 0))
        more = replace(known, on_hand=known.on_hand + quantity, book=known.book + quantity)
        rest = [one for one in self.lots if one.lot != lot]
        return replace(self, lots=tuple(sorted((*rest, more), key=lambda one: (one.best_before, one.lot))))

    def reserve(self, quantity: int) -> tuple[Stock, str] | None:
        """Set aside `quantity` from the first-expiring lot that has all of it: a line is one lot. None if none has."""
        for lot in self.lots:
            if lot.available >= quantity:
                return self._with(replace(lot, reserved=lot.reserved + quantity)), lot.lot
        return None

    def release(self, line: StockLine) -> Stock:
        lot = self._lot(line)
        return self._with(replace(lot, reserved=lot.reserved - line.quantity))

    def draw(self, line: StockLine) -> Stock:
        """The reserved quantity leaves the shelf and the account book."""
        lot = self._lot(line)
        left = replace(
            lot,
            on_hand=lot.on_hand - line.quantity,
            reserved=lot.reserved - line.quantity,
            book=lot.book - line.quantity,
        )
        return self._with(left)

    def _lot(self, line: StockLine) -> Lot:
        for lot in self.lots:
            if lot.lot == line.lot:
                return lot
        raise NoSuchLot(f"{line.sku}@{line.location} has no lot {line.lot}")

    def _with(self, changed: Lot) -> Stock:
        return replace(self, lots=tuple(changed if lot.lot == changed.lot else lot for lot in self.lots))


class NoSuchLot(Permanent):
    """A line names a lot that is not at this location."""

    code = "catalog.no_such_lot"


class Held(StrEnum):
    RESERVED = "reserved"
    REFUSED = "refused"
    RELEASED = "released"
    DRAWN = "drawn"


@dataclass(frozen=True, slots=True)
class Reservation:
    order_id: OrderId
    seller: str
    state: Held
    lines: tuple[StockLine, ...]
    expires_at: datetime | None = None


STOCK: Final = Kind("stock", Stock)
PRODUCT: Final = Kind("product", Product)
RESERVATION: Final = Kind("reservation", Reservation)


def stock_key(sku: str, location: str) -> str:
    return f"{sku}@{location}"


def keys_of(lines: Sequence[StockLine]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(stock_key(line.sku, line.location) for line in lines))
