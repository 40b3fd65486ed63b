"""What comes into catalog from outside, and its timers' tasks. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from services.catalog.stock import Product
from shared.events.values import Goods, StockLine
from shared.ids import OrderId


@dataclass(frozen=True, slots=True)
class ProductRevised:
    """A product in the version that the seed gives it; an older one than is known changes nothing."""

    product: Product


@dataclass(frozen=True, slots=True)
class ProductOffered:
    """A seller or an operator says what a product is from now on; the version is the next one.

    seller: whose it is; "" leaves it to the product that is there. based_on: the version that the asker saw, 0 for a
    new product; None takes whatever is there. operator: who may enter products and say what customs and tax depend on.
    """

    sku: str
    seller: str
    title_zh: str
    title_en: str
    goods: Goods
    based_on: int | None = None
    operator: bool = True


@dataclass(frozen=True, slots=True)
class StockReceived:
    """Goods arrived at a location; the document's number makes a repeat a repeat."""

    sku: str
    location: str
    lot: str
    best_before: date
    quantity: int


@dataclass(frozen=True, slots=True)
class Expiry:
    """The unpaid order's time is over. Carries its lines: they name the lanes."""

    order_id: OrderId
    lines: tuple[StockLine, ...]


@dataclass(frozen=True, slots=True)
class WantedLine:
    number: int
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an order wants at one warehouse, to be tried again while it is short.

    `waits`: the channel has the buyer's money, so a shortage is waited out and never ends the order by itself.
    """

    order_id: OrderId
    seller: str
    warehouse: str
    lines: tuple[WantedLine, ...]
    waits: bool
