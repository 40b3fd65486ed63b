"""What comes into orders from outside, and what it asks to be done outside. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from services.orders.order import Order
from services.orders.placing import Snapshot
from services.orders.providers.base import Refund
from shared.events.values import Sealed
from shared.ids import OrderId, ParcelId


@dataclass(frozen=True, slots=True)
class Pushed:
    """A channel's snapshot of one order, and how a new order of it would look; `cancelled` is the channel's reason, if it is."""

    order: Order
    snapshot: Snapshot
    cancelled: str | None = None
    paid_elsewhere: bool = False


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
    """The shop names the buyer whom customs asks for."""

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
    hold: str


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


@dataclass(frozen=True, slots=True)
class ConfirmShipment:
    """Tell the channel, once, that the parcel left under this waybill."""

    order_id: OrderId
    parcel_id: ParcelId
    connection: str
    external_id: str
    carrier: str
    waybill_no: str
