"""What catalog speaks."""

from __future__ import annotations

from pydantic import AwareDatetime

from shared.events.base import Event, event
from shared.events.values import CountryCode, Goods, StockLine
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


@event("catalog.reservation.restocked", version=1, key="order_id")
class ReservationRestocked(ReservationFact):
    """Goods that had been drawn are on the shelf again; physical and account-book counters went up."""

    lines: tuple[StockLine, ...]
    return_id: str = ""
    grade: str = "A"


@event("catalog.reservation.written-off", version=1, key="order_id")
class ReservationWrittenOff(ReservationFact):
    """The order's goods will not come back: no counter holds them any longer."""

    lines: tuple[StockLine, ...]
    reason: str


@event("catalog.product.revised", version=1, key="sku")
class ProductRevised(Event):
    """A product has a new version. Orders that were reserved before keep the version that they name."""

    sku: str
    seller: str
    product_version: int
    title_en: str
    title_zh: str
    hs_code: str
    origin: CountryCode
    record_no: str


@event("catalog.stock.changed", version=1, key="stock_key")
class StockChanged(Event):
    """Counters of one SKU at one location after a change. Published numbers of channels follow later."""

    stock_key: str
    sku: str
    location: str
    on_hand: int
    reserved: int
    reason: str
