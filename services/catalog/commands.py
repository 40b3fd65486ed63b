"""What comes into catalog from outside, and its timer's task. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from services.catalog.stock import Product
from shared.events.values import StockLine
from shared.ids import OrderId


@dataclass(frozen=True, slots=True)
class ProductRevised:
    product: Product


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
