"""What comes into orders from outside, and what it asks to be done outside. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from services.orders.canonical import Refund
from services.orders.order import Order
from services.orders.placing import Connection, Snapshot
from shared.events.values import Sealed
from shared.ids import OrderId, ParcelId


@dataclass(frozen=True, slots=True)
class Pushed:
    """A channel's snapshot of one order, and how a new order of it would look.

    cancelled: the channel's reason, where it says that the order is cancelled.
    paid_elsewhere: no payment document can be made for it.
    hold: what the channel itself holds it for, or "".
    address: fingerprint of the recipient as the channel tells it, "" where it tells none.
    """

    order: Order
    snapshot: Snapshot
    cancelled: str | None = None
    paid_elsewhere: bool = False
    hold: str = ""
    address: str = ""


@dataclass(frozen=True, slots=True)
class OrderNamed:
    """A channel named an order whose content it does not push: it is to be fetched.

    claim: a refund that the push tells of; no money moves by it.
    """

    order_id: OrderId
    connection: Connection
    external_id: str
    claim: Refund | None = None


@dataclass(frozen=True, slots=True)
class RefundPushed:
    """The channel made a refund of its own; it stays attached to its snapshot of the order."""

    order_id: OrderId
    refund: Refund


@dataclass(frozen=True, slots=True)
class Nothing:
    """Authentic and understood, and nothing follows from it."""

    order_id: OrderId


@dataclass(frozen=True, slots=True)
class IdentitySupplied:
    """The shop names the buyer whom customs asks for. `seller` is whose orders the asker may touch, "" all."""

    order_id: OrderId
    seller: str
    person: Sealed


@dataclass(frozen=True, slots=True)
class AddressCorrected:
    """A better address, usually after customs refused the old one."""

    order_id: OrderId
    seller: str
    recipient: Sealed


@dataclass(frozen=True, slots=True)
class CancelAsked:
    order_id: OrderId
    seller: str
    by: Literal["buyer", "operator"]
    reason: str


@dataclass(frozen=True, slots=True)
class HoldLiftAsked:
    """An operator says that what held the order is settled."""

    order_id: OrderId
    seller: str
    hold: str


@dataclass(frozen=True, slots=True)
class ReceiptConfirmed:
    """The buyer of an own shop has it, and told the shop so."""

    order_id: OrderId
    seller: str


@dataclass(frozen=True, slots=True)
class PaymentAskedAnew:
    """The buyer's code ran out, or is lost: another one for the same order."""

    order_id: OrderId
    seller: str


@dataclass(frozen=True, slots=True)
class CaseClosed:
    """An operator found out what is so; `note` says it."""

    order_id: OrderId
    seller: str
    number: int
    note: str


Command = (
    IdentitySupplied | AddressCorrected | CancelAsked | HoldLiftAsked | ReceiptConfirmed | PaymentAskedAnew | CaseClosed
)


@dataclass(frozen=True, slots=True)
class PaymentOverdue:
    order_id: OrderId
    attempt: int


@dataclass(frozen=True, slots=True)
class IdentityOverdue:
    order_id: OrderId


@dataclass(frozen=True, slots=True)
class HoldOver:
    """The time after delivery in which the buyer may still object is over."""

    order_id: OrderId


FETCH_ORDER: Final = "fetch-order"


@dataclass(frozen=True, slots=True)
class FetchOrder:
    """Ask the channel how the order stands; `claims` are refunds that only its pushes name."""

    order_id: OrderId
    connection: str
    external_id: str
    claims: tuple[Refund, ...] = ()


@dataclass(frozen=True, slots=True)
class Reminder:
    """A deadline that ends nothing by itself: `what` is ship_by, shortage or silence."""

    order_id: OrderId
    what: str


@dataclass(frozen=True, slots=True)
class ConfirmShipment:
    """Tell the channel, once, that the parcel left under this waybill."""

    order_id: OrderId
    parcel_id: ParcelId
    connection: str
    external_id: str
    carrier: str
    waybill_no: str
