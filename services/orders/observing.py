"""What a channel tells of an order beside its lines: paid, cleared, its own waybill, received, over. Pure.

Each says its news once; the same again, or an older word of it, says nothing.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final, Literal

from services.orders import undoing
from services.orders.order import Order
from services.orders.said import HOLD_OVER, Said
from services.orders.tracks import Carriage, Funds, Intent, Money
from shared.events import orders as facts
from shared.flow.decision import WorkName
from shared.money import Money as Amount

_CLEARANCE_RANK: Final = {"": 0, "clearing": 1, "refused": 2, "released": 3}


def paid(order: Order, amount: Amount, method: str, external_no: str, customs_no: str, paid_at: datetime) -> Said:
    """The channel collected it. Payments books that and confirms; until then nothing is covered."""
    if order.collected_by != "channel" or order.money.observed or order.money.state is not Money.NONE:
        return Said(order)
    fact = facts.PaymentObserved(
        order_id=order.id, seller=order.seller, amount=amount, method=method, external_no=external_no,
        customs_no=customs_no, paid_at=paid_at, shop=order.shop,
    )  # fmt: skip
    return Said(order.with_money(replace(order.money, observed=True)), (fact,))


def cleared(order: Order, status: Literal["clearing", "released", "refused"], at: datetime) -> Said:
    """How far customs is with an order that the platform declares; a refusal is for a person."""
    if order.declares or _CLEARANCE_RANK[status] <= _CLEARANCE_RANK[order.clearance]:
        return Said(order)
    fact = facts.ClearanceObserved(order_id=order.id, seller=order.seller, role="import", status=status, at=at)
    seen = replace(order, clearance=status)
    refused = status == "refused" and seen.intent is Intent.PLACED
    return Said(seen.holding("customs") if refused else seen, (fact,))


def waybill_given(order: Order, carrier: str, number: str) -> Said:
    """The channel names the waybill: one of its own, which we adopt, or ours. Any other is for a person."""
    if not number or order.channel_waybill == (carrier, number):
        return Said(order)
    given = replace(order, channel_waybill=(carrier, number))
    booked = [parcel.waybill_no for parcel in order.live.values() if parcel.waybill_no]
    other = bool(booked) and number not in booked and order.intent is Intent.PLACED
    return Said(given.holding("platform_hold") if other else given)


def receipt_confirmed(order: Order, at: datetime) -> Said:
    """The buyer has it, and says so: nothing is left to wait for. What has not left, or is over, is not received."""
    if order.received_at is not None or order.intent is not Intent.PLACED or order.funds is Funds.RELEASED:
        return Said(order)
    fact = facts.ReceiptConfirmed(order_id=order.id, seller=order.seller, at=at)
    return Said(replace(order, received_at=at), (fact,), cancel=(WorkName(HOLD_OVER, order.id),))


def refunded(order: Order, reason: str, now: datetime) -> Said:
    """The channel says that it is over, and has sent back what it collected. What the buyer has is for a person."""
    if order.intent in (Intent.CLOSING, Intent.CANCELLED):
        return Said(order)
    if order.intent is Intent.COMPLETED or order.funds in (Funds.RELEASING, Funds.RELEASED):
        detail = f"the channel: {reason}"[:200]
        return undoing.case(order, "intent", order.intent.value, "channel.refunded", detail, now)
    if any(parcel.state is Carriage.DELIVERED for parcel in order.live.values()):
        return Said(order.holding("platform_hold"))
    return undoing.close(order, "buyer", reason)
