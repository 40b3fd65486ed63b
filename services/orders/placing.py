"""From a channel's canonical order to an order of ours. Pure: whatever is personal arrives sealed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, Literal

from services.orders.canonical import CanonicalOrder, ChannelHold, ChannelStatus, Line, Recipient, Refund
from services.orders.order import DECLARABLE, Order
from shared.corridor import Flow, Shop
from shared.errors import Unrecognised
from shared.events.values import Amounts, OrderLine, Sealed
from shared.flow.decision import Kind
from shared.ids import order_id

CHANNEL_HOLDS: Final = frozenset(
    {
        ChannelHold.GROUP_PENDING,
        ChannelHold.PRESALE_BALANCE,
        ChannelHold.RISK_REVIEW,
        ChannelHold.PLATFORM_HOLD,
        ChannelHold.PAYMENT_AUDIT,
    }
)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The channel's last word on an order, as it said it. Who buys and who receives is taken out and kept sealed."""

    order: CanonicalOrder
    personal: str  # base64 of the sealed JSON of buyer and recipient


SNAPSHOT: Final = Kind("snapshot", Snapshot)


@dataclass(frozen=True, slots=True)
class Fetching:
    """An order that a channel named without showing it; `claims` are refunds that its pushes told of, by their id."""

    external_id: str
    claims: tuple[Refund, ...] = ()

    def claiming(self, claim: Refund | None) -> Fetching:
        if claim is None:
            return self
        others = tuple(one for one in self.claims if one.external_refund_id != claim.external_refund_id)
        return replace(self, claims=(*others, claim))


FETCHING: Final = Kind("fetching", Fetching)


@dataclass(frozen=True, slots=True)
class Connection:
    """A seller's shop on one channel, as the profile knows it."""

    id: str
    channel: str
    domain: str
    shop: Shop
    flow: Flow


def without_people(order: CanonicalOrder) -> CanonicalOrder:
    return replace(order, buyer=None, recipient=replace(Recipient.absent(), country=order.recipient.country))


def order_of(order: CanonicalOrder, connection: Connection, recipient: Sealed) -> Order:
    """How the order looks when it is placed.

    Raises Unrecognised for a line without a SKU of ours: nobody could say what to reserve.
    """
    shop, amounts = connection.shop, order.amounts
    return Order(
        id=order_id(connection.id, order.external_order_id),
        seller=shop.seller,
        connection=connection.id,
        shop=shop.id,
        channel=connection.channel,
        external_id=order.external_order_id,
        flow=connection.flow.id,
        flow_kind=connection.flow.kind,
        collected_by=shop.collected_by,
        declared_by=shop.declared_by,
        warehouse=shop.warehouse,
        carrier=shop.carrier,
        lines=tuple(_line(number, line) for number, line in enumerate(order.lines, start=1)),
        amounts=Amounts(
            goods=amounts.items_gross,
            shipping=amounts.shipping - amounts.shipping_discount,
            discount=amounts.discount_seller + amounts.discount_platform - amounts.adjustment,
            tax=amounts.tax,
            tax_included=amounts.tax_included,
            total=amounts.total,
        ),
        recipient=recipient,
        recipient_version=1,
        placed_at=order.created_at,
        channel_address=recipient.fingerprint,
        ship_by=order.ship_by,
    )


def _line(number: int, line: Line) -> OrderLine:
    if not line.seller_sku or line.unit_price is None:
        raise Unrecognised("line without a SKU or a whole unit price", line.external_line_id)
    return OrderLine(
        number, line.seller_sku, line.title[:200], line.quantity, line.unit_price, line.gross, line.discount
    )


def paid_elsewhere(order: CanonicalOrder) -> bool:
    """Of an own shop: paid there, or to be paid in another currency. No payment document can be made for it."""
    unpaid = order.paid_at is None and order.status in _UNPAID
    return not unpaid or order.currency != DECLARABLE


def hold_of(order: CanonicalOrder) -> str:
    """What the channel holds it for, in our words. That it is being cleared is the papers track's affair, no hold."""
    if order.hold in (None, ChannelHold.CUSTOMS):
        return ChannelHold.PLATFORM_HOLD.value if order.status is ChannelStatus.REFUNDING else ""
    return order.hold.value if order.hold in CHANNEL_HOLDS else ChannelHold.PLATFORM_HOLD.value


def cancelled(order: CanonicalOrder) -> str | None:
    """The channel's reason, where it says that the order is cancelled."""
    return "cancelled_at_channel" if order.status is ChannelStatus.CANCELLED else None


def paid_at(order: CanonicalOrder) -> datetime | None:
    """When the buyer paid, by the channel's own word; a status that comes after paying says that it happened."""
    if order.paid_at is None and order.status not in _UNPAID:
        return order.updated_at
    return order.paid_at


def clearance(order: CanonicalOrder) -> Literal["", "clearing", "released"]:
    """How far customs is, as far as the channel tells; what was shipped to China had been released."""
    if order.customs is None or order.status in _OVER:
        return ""
    if order.status is ChannelStatus.DECLARED:
        return "clearing" if order.hold is ChannelHold.CUSTOMS else "released"
    return "released" if order.status in (ChannelStatus.SHIPPED, ChannelStatus.COMPLETED) else ""


_UNPAID: Final = (ChannelStatus.PENDING, ChannelStatus.CANCELLED)
_OVER: Final = (ChannelStatus.CANCELLED, ChannelStatus.REFUNDED)


def over(order: CanonicalOrder) -> bool:
    """The channel says that nothing will come of it any more."""
    return order.status in _OVER
