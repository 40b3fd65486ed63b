"""From a channel's canonical order to an order of ours. Pure: whatever is personal arrives sealed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from services.orders.canonical import CanonicalOrder, ChannelHold, ChannelStatus, Line, Recipient
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
    )


def _line(number: int, line: Line) -> OrderLine:
    if not line.seller_sku or line.unit_price is None:
        raise Unrecognised("line without a SKU or a whole unit price", line.external_line_id)
    return OrderLine(
        number, line.seller_sku, line.title[:200], line.quantity, line.unit_price, line.gross, line.discount
    )


def paid_elsewhere(order: CanonicalOrder) -> bool:
    """Paid at the channel, or to be paid in another currency: no payment document can be made for it."""
    unpaid = order.status in (ChannelStatus.PENDING, ChannelStatus.CANCELLED)
    return not unpaid or order.currency != DECLARABLE


def hold_of(order: CanonicalOrder) -> str:
    """What the channel holds it for, in our words; those that mean a track of ours are the channel's own affair."""
    if order.hold is None:
        return ""
    return order.hold.value if order.hold in CHANNEL_HOLDS else ChannelHold.PLATFORM_HOLD.value


def cancelled(order: CanonicalOrder) -> str | None:
    """The channel's reason, where it says that the order is cancelled."""
    return "cancelled_at_channel" if order.status is ChannelStatus.CANCELLED else None
