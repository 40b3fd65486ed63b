"""What orders speaks. Key: the order id, always."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field

from shared.events.base import Event, event
from shared.events.values import Amounts, DeclaredBy, OrderLine, Role, Sealed, StockLine
from shared.ids import OrderId, ParcelId
from shared.money import Money


class OrderFact(Event):
    order_id: OrderId
    seller: str


@event("orders.order.placed", version=1, key="order_id")
class OrderPlaced(OrderFact):
    """A buyer committed to buy. Nothing is reserved, assessed or declared yet; money is another track's fact."""

    connection: str
    shop: str
    channel: str
    external_id: str
    flow: str
    direction: Literal["sale", "purchase"]
    kind: Literal["normal", "group_buy", "presale", "b2b", "reissue"]
    collected_by: Literal["self", "channel"]
    declared_by: DeclaredBy
    warehouse: str
    lines: tuple[OrderLine, ...] = Field(min_length=1)
    amounts: Amounts
    person: Sealed | None
    recipient: Sealed
    recipient_version: int
    placed_at: AwareDatetime


@event("orders.order.amended", version=1, key="order_id")
class OrderAmended(OrderFact):
    """The buyer's identity or the recipient was supplied or corrected. Documents already sent still say the old one."""

    person: Sealed | None
    recipient: Sealed
    recipient_version: int


@event("orders.order.hold-set", version=1, key="order_id")
class HoldSet(OrderFact):
    """Something must be cleared before the next irreversible step. Nothing is cancelled by it."""

    hold: str
    reason: str


@event("orders.order.hold-lifted", version=1, key="order_id")
class HoldLifted(OrderFact):
    """One hold is gone; others may remain."""

    hold: str


@event("orders.order.payment-requested", version=1, key="order_id")
class PaymentRequested(OrderFact):
    """We asked payments to open an attempt. No QR exists yet."""

    part: str
    attempt: int
    amount: Money
    title: str
    shop: str
    person: Sealed | None
    expires_at: AwareDatetime


@event("orders.order.payment-close-requested", version=1, key="order_id")
class PaymentCloseRequested(OrderFact):
    """We asked payments to close the open attempt. The buyer may still win the race."""

    attempt: int


@event("orders.order.shipment-requested", version=1, key="order_id")
class ShipmentRequested(OrderFact):
    """We asked logistics to book one waybill. The carrier has not answered."""

    parcel_id: ParcelId
    shop: str
    carrier: str
    warehouse: str
    order_no: str
    recipient: Sealed
    goods: str
    lines: tuple[StockLine, ...]
    gross_grams: int
    net_grams: int
    freight: Money
    value: Money


@event("orders.order.shipment-cancel-requested", version=1, key="order_id")
class ShipmentCancelRequested(OrderFact):
    """We asked logistics to void a waybill that was not handed over."""

    parcel_id: ParcelId


@event("orders.order.declaration-requested", version=1, key="order_id")
class DeclarationRequested(OrderFact):
    """Money, waybill and identity are there: customs may declare as soon as its own parts agree."""

    role: Role
    attempt: int


@event("orders.order.exit-authorised", version=1, key="order_id")
class ExitAuthorised(OrderFact):
    """Goods may pass the gate; in a bonded flow it is also the pick order. Nothing was picked yet."""

    parcel_id: ParcelId
    dossier_version: int
    warehouse: str
    lines: tuple[StockLine, ...]


@event("orders.order.exit-withdrawn", version=1, key="order_id")
class ExitWithdrawn(OrderFact):
    """The authorisation is taken back. A parcel that has already passed the gate is out all the same."""

    parcel_id: ParcelId
    reason: str


@event("orders.order.cancellation-requested", version=1, key="order_id")
class CancellationRequested(OrderFact):
    """Someone wants out. Starts nothing elsewhere by itself; each request follows when the one before is answered."""

    by: Literal["buyer", "operator", "system"]
    reason: str


@event("orders.order.reservation-release-requested", version=1, key="order_id")
class ReservationReleaseRequested(OrderFact):
    """The stock is no longer needed."""

    lines: tuple[StockLine, ...]


@event("orders.order.refund-requested", version=1, key="order_id")
class RefundRequested(OrderFact):
    """Money has to go back. It has not."""

    refund_id: str
    amount: Money
    reason: str


@event("orders.order.funds-release-authorised", version=1, key="order_id")
class FundsReleaseAuthorised(OrderFact):
    """Delivered, undisputed and held long enough: payments may release the escrow."""


@event("orders.order.shipment-confirmed", version=1, key="order_id")
class ShipmentConfirmed(OrderFact):
    """The channel took our fulfilment. The buyer does not have the goods."""

    parcel_id: ParcelId
    waybill_no: str


@event("orders.order.conflict-found", version=1, key="order_id")
class ConflictFound(OrderFact):
    """Two facts cannot both be true: a case for a person. Nothing was parked and nothing moved."""

    track: str
    state: str
    fact: str
    detail: str


@event("orders.order.cancelled", version=1, key="order_id")
class OrderCancelled(OrderFact):
    """Every track is at rest: no money of the buyer, no stock, no waybill is left with us."""

    reason: str


@event("orders.order.completed", version=1, key="order_id")
class OrderCompleted(OrderFact):
    """Delivered and funds released. After-sale cases may still open."""
