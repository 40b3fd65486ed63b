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
    """available = on hand - reserved. `book` is what the bonded account book has of it; 0 where there is none."""

    lot: str
    best_before: date
    on_hand: int
    reserved: int
    book: int

    @property
    def available(self) -> int:
        return self.on_hand - self.reserved

    def with_more(self, on_hand: int, reserved: int, book: int) -> Lot:
        return replace(self, on_hand=self.on_hand + on_hand, reserved=self.reserved + reserved, book=self.book + book)


@dataclass(frozen=True, slots=True)
class Stock:
    """One SKU at one location, lots by best-before date. `bonded`: an account book is kept beside the shelf."""

    sku: str
    location: str
    lots: tuple[Lot, ...] = ()
    bonded: bool = True

    @property
    def on_hand(self) -> int:
        return sum(lot.on_hand for lot in self.lots)

    @property
    def reserved(self) -> int:
        return sum(lot.reserved for lot in self.lots)

    @property
    def book(self) -> int:
        return sum(lot.book for lot in self.lots)

    def received(self, lot: str, best_before: date, quantity: int) -> Stock:
        known = next((one for one in self.lots if one.lot == lot), Lot(lot, best_before, 0, 0, 0))
        rest = [one for one in self.lots if one.lot != lot]
        more = known.with_more(quantity, 0, self._booked(quantity))
        return replace(self, lots=tuple(sorted((*rest, more), key=lambda one: (one.best_before, one.lot))))

    def reserve(self, quantity: int, keeps_until: date) -> tuple[Stock, str] | None:
        """Set aside `quantity` from the first-expiring lot that has all of it and keeps at least until that day.

        A line is one lot: customs is told one book entry for it. None if no lot has all.
        """
        for lot in self.lots:
            if lot.available >= quantity and lot.best_before >= keeps_until:
                return self._with(lot.with_more(0, quantity, 0)), lot.lot
        return None

    def release(self, line: StockLine) -> Stock:
        return self._with(self._lot(line).with_more(0, -line.quantity, 0))

    def draw(self, line: StockLine) -> Stock:
        """The reserved quantity leaves the shelf and the account book."""
        gone = -line.quantity
        return self._with(self._lot(line).with_more(gone, gone, self._booked(gone)))

    def restock(self, line: StockLine) -> Stock:
        """What was drawn lies in its lot again, on the shelf and in the account book."""
        return self._with(self._lot(line).with_more(line.quantity, 0, self._booked(line.quantity)))

    def _booked(self, quantity: int) -> int:
        return quantity if self.bonded else 0

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
    """`released` by request, `expired` by time: after the second nobody but us knows that the goods are free again."""

    RESERVED = "reserved"
    REFUSED = "refused"
    RELEASED = "released"
    EXPIRED = "expired"
    DRAWN = "drawn"
    RESTOCKED = "restocked"
    WRITTEN_OFF = "written_off"


@dataclass(frozen=True, slots=True)
class Reservation:
    """`paid` is kept where it came before the goods: a reservation that is made then does not expire."""

    order_id: OrderId
    seller: str
    state: Held
    lines: tuple[StockLine, ...]
    expires_at: datetime | None = None
    paid: bool = False


STOCK: Final = Kind("stock", Stock)
PRODUCT: Final = Kind("product", Product)
RESERVATION: Final = Kind("reservation", Reservation)


def stock_key(sku: str, location: str) -> str:
    return f"{sku}@{location}"


def keys_of(lines: Sequence[StockLine]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(stock_key(line.sku, line.location) for line in lines))
