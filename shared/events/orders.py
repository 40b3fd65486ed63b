"""What orders speaks. Key: the order id, always."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field

from shared.events.base import Event, event
from shared.events.values import Amounts, Components, DeclaredBy, OrderLine, Role, Sealed, StockLine
from shared.ids import OrderId, ParcelId
from shared.money import Money


class OrderFact(Event):
    order_id: OrderId
    seller: str


@event("orders.order.received", version=1, key="order_id")
class OrderReceived(OrderFact):
    """A channel named an order of which we know no more than its number: it is being fetched. Nothing is placed."""

    connection: str
    shop: str
    channel: str
    external_id: str


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
    ship_by: AwareDatetime | None = None
    """When the channel wants to hear of the hand-over at the latest; None where it names no time."""


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


@event("orders.order.payment-observed", version=1, key="order_id")
class PaymentObserved(OrderFact):
    """The channel says that the buyer paid it. The channel has the money; nothing of it is booked here yet.

    external_no is the payment's number, customs_no the one to be quoted to customs ("" where it tells none).
    """

    amount: Money
    method: str
    external_no: str
    customs_no: str
    paid_at: AwareDatetime
    shop: str = ""
    """The shop that sold; "" is the seller's only one whose money a channel collects."""


@event("orders.order.payment-close-requested", version=1, key="order_id")
class PaymentCloseRequested(OrderFact):
    """We asked payments to close the open attempt. The buyer may still win the race."""

    attempt: int


class Shipment(OrderFact):
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
    flow: str = ""
    """The corridor's flow: in direct mail the origin warehouse packs as soon as the waybill is there."""


@event("orders.order.shipment-requested", version=1, key="order_id")
class ShipmentRequested(Shipment):
    """We asked logistics to book one waybill. The carrier has not answered."""


@event("orders.order.waybill-assigned", version=1, key="order_id")
class WaybillAssigned(Shipment):
    """The channel gave the parcel a waybill of its own: logistics adopts it and books nothing."""

    waybill_no: str


@event("orders.order.shipment-cancel-requested", version=1, key="order_id")
class ShipmentCancelRequested(OrderFact):
    """We asked logistics to bring a parcel back: a waybill that was not handed over is voided, a parcel that was is
    intercepted. The answer is `voided`, `returned`, or that it came too late (`delivered`)."""

    parcel_id: ParcelId


@event("orders.order.declaration-requested", version=1, key="order_id")
class DeclarationRequested(OrderFact):
    """Money, waybill and identity are there: customs may declare as soon as its own parts agree."""

    role: Role
    attempt: int


@event("orders.order.clearance-observed", version=1, key="order_id")
class ClearanceObserved(OrderFact):
    """The channel, which declares this order itself, says how far customs is. No document of ours exists."""

    role: Role
    status: Literal["clearing", "released", "refused"]
    at: AwareDatetime


@event("orders.order.withdrawal-requested", version=1, key="order_id")
class WithdrawalRequested(OrderFact):
    """A declaration has to be undone: `cancel` (623) before customs released it, `return` (625) afterwards, while the
    goods are inside or back again. Until customs agrees it stands."""

    role: Role
    kind: Literal["cancel", "return"]
    reason: str


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
    """The stock is no longer needed; goods that were drawn come back to the shelf, or are given up (`write_off`)."""

    lines: tuple[StockLine, ...]
    disposition: Literal["back", "write_off"] = "back"


@event("orders.order.refund-requested", version=1, key="order_id")
class RefundRequested(OrderFact):
    """Money has to go back. It has not."""

    refund_id: str
    amount: Money
    reason: str
    components: Components | None = None
    executor: Literal["payments", "channel"] = "payments"
    """`channel`: the marketplace that collected the money sends it back; payments only books it."""


@event("orders.order.receipt-confirmed", version=1, key="order_id")
class ReceiptConfirmed(OrderFact):
    """The buyer, or the channel in the buyer's name, confirmed the receipt. It ends the hold period early."""

    at: AwareDatetime


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
    number: int = 0
    """Its number within the order, by which it is closed; 0 of old ones, which were never numbered."""


@event("orders.order.conflict-closed", version=1, key="order_id")
class ConflictClosed(OrderFact):
    """A person found out what is so, and says it in `note`. Nothing moved by it."""

    number: int
    note: str


@event("orders.order.cancelled", version=1, key="order_id")
class OrderCancelled(OrderFact):
    """Every track is at rest: no money of the buyer, no stock, no waybill is left with us."""

    reason: str


@event("orders.order.completed", version=1, key="order_id")
class OrderCompleted(OrderFact):
    """Delivered and funds released. After-sale cases may still open."""
