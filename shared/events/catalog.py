"""What catalog speaks."""

from __future__ import annotations

from pydantic import AwareDatetime

from shared.events.base import Event, event
from shared.events.values import Goods, StockLine
from shared.ids import OrderId


class ReservationFact(Event):
    order_id: OrderId
    seller: str


@event("catalog.reservation.made", version=1, key="order_id")
class ReservationMade(ReservationFact):
    """Every line of the order is set aside at one location. Nothing left the shelf."""

    lines: tuple[StockLine, ...]
    goods: tuple[Goods, ...]
    product_version: int
    expires_at: AwareDatetime


@event("catalog.reservation.refused", version=1, key="order_id")
class ReservationRefused(ReservationFact):
    """At least one line is short: nothing is reserved."""

    short: tuple[str, ...]
    reason: str


@event("catalog.reservation.released", version=1, key="order_id")
class ReservationReleased(ReservationFact):
    """The quantity is available to others again."""

    lines: tuple[StockLine, ...]


@event("catalog.reservation.drawn", version=1, key="order_id")
class ReservationDrawn(ReservationFact):
    """The goods left the shelf into a parcel; physical and account-book counters went down."""

    lines: tuple[StockLine, ...]


@event("catalog.stock.changed", version=1, key="stock_key")
class StockChanged(Event):
    """Counters of one SKU at one location after a change. Published numbers of channels follow later."""

    stock_key: str
    sku: str
    location: str
    on_hand: int
    reserved: int
    reason: str
