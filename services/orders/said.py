"""What one step of an order says, its policy, and why an order is held. Values only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from services.orders.order import DECLARABLE, ORDER, Order
from shared.clock import scaled
from shared.events import orders as facts
from shared.events.base import Event
from shared.flow.decision import Decision, Work, WorkName

PAYMENT_OVERDUE: Final = "payment-overdue"
IDENTITY_OVERDUE: Final = "identity-overdue"
HOLD_OVER: Final = "hold-over"
CONFIRM_SHIPMENT: Final = "confirm-shipment"
REMINDER: Final = "reminder"
SHIP_BY: Final = "ship_by"
SHORTAGE: Final = "shortage"
SILENCE: Final = "silence"

# How long each partner may stay silent before the order says so; see silences.py. Project rules, to be tuned by use.
WINDOWS: Final[Mapping[str, timedelta]] = {
    "payment_document": timedelta(hours=2),
    "waybill": timedelta(hours=6),
    "warehouse": timedelta(days=3),
    "customs": timedelta(days=3),
    "channel": timedelta(days=2),
    "carrier": timedelta(days=10),
}

# Why each hold is there and what lifts it, for people; the tower has the same words in two languages.
HOLDS: Final = {
    "address_changed": "the channel tells another address than ours: enter it, or lift this to keep ours",
    "booking_refused": "the carrier does not take the parcel: correct the address, or lift this to book once more",
    "cancel_requested": "a late cancellation: it goes on when customs, or who carries the parcel, has answered",
    "carrier_silent": "nothing was heard of the parcel for long: ask the carrier; its next word lifts this",
    "channel_silent": "the channel tells neither a waybill nor the clearance: ask it; its next word lifts this",
    "customs_silent": "customs has not answered: ask the customs broker; its answer lifts this",
    "customs": "customs refused, holds or questions the papers: correct them or wait for its answer",
    "group_pending": "the group purchase is not complete: the channel says when it is",
    "identity_missing": "customs asks who buys: the shop supplies the identity",
    "parcel_lost": "the carrier gave a parcel up: claim it, then refund or send again",
    "parcel_returned": "a parcel came back: the channel that has the money says what becomes of the order",
    "payer_mismatch": "who paid is not who bought: the money goes back, and the buyer pays from a wallet of his own",
    "payment_audit": "a payment is in question: settle it with the provider or the channel",
    "payment_document_silent": "the payment's document (411) is not accepted yet: ask the provider; its yes lifts this",
    "payment_not_declarable": "paid abroad or not declarable: ask for a payment in CNY, or refuse the order",
    "platform_hold": "the channel changed, refunded or holds the order: compare it with ours",
    "presale_balance": "the balance of the presale is not paid: the channel says when it is",
    "refund_stalled": "the provider does not send the money back: settle it with the provider",
    "risk_review": "the channel is reviewing the order",
    "shipment_unconfirmed": "the channel did not take the fulfilment: confirm it by hand",
    "shortage": "paid, and the goods are not set aside: restock or refund",
    "warehouse_silent": "the warehouse reports nothing of the parcel: ask it; its report lifts this",
    "waybill_silent": "the carrier has not booked or not declared the waybill (511): ask it; its answer lifts this",
}


@dataclass(frozen=True, slots=True)
class Policy:
    """Durations are business time; `time_scale` shortens them.

    shortage_window: how long a paid order may be short before an operator is reminded.
    payer_attempts: how many more attempts a buyer gets whose payer was somebody else.
    windows: how long each partner may stay silent, by the names of silences.py.
    """

    payment_window: timedelta = timedelta(hours=2)
    identity_window: timedelta = timedelta(days=3)
    hold: timedelta = timedelta(days=15)
    time_scale: float = 1.0
    shortage_window: timedelta = timedelta(days=2)
    payer_attempts: int = 2
    windows: Mapping[str, timedelta] = field(default_factory=lambda: WINDOWS)

    def after(self, now: datetime, duration: timedelta) -> datetime:
        return now + scaled(duration, self.time_scale)


@dataclass(frozen=True, slots=True)
class Said:
    """What one step did: the order after it, and what it speaks or asks for."""

    order: Order
    facts: tuple[Event, ...] = ()
    work: tuple[Work, ...] = ()
    cancel: tuple[WorkName, ...] = ()

    def then(self, more: Said) -> Said:
        """This and what followed from it."""
        return Said(more.order, self.facts + more.facts, self.work + more.work, self.cancel + more.cancel)


Guard = Callable[[Order, Policy, datetime], Said | None]


def amended(order: Order) -> facts.OrderAmended:
    """Who buys and who receives, as the order says it now."""
    return facts.OrderAmended(
        order_id=order.id, seller=order.seller, person=order.person, recipient=order.recipient,
        recipient_version=order.recipient_version,
    )  # fmt: skip


def why(order: Order, hold: str) -> str:
    """The hold's words; of a payment that cannot be declared, which of the three it is."""
    if hold != "payment_not_declarable":
        return HOLDS[hold]
    currency = order.amounts.total.currency
    if currency != DECLARABLE:
        return (
            f"placed in {currency}, and only {DECLARABLE} can be declared: let the buyer order anew in {DECLARABLE}, "
            "and cancel this one; what was paid for it the shop refunds"
        )
    if order.money.paper == "refused":
        return "the payment's document (411) was refused: settle it with the provider, its yes lifts this; or cancel"
    return "paid at the shop and not here: refund it there and lift this to ask for a payment here, or cancel"


def decision(before: Order, said: Said) -> Decision:
    """The order as it now is, what was said, and every hold that came or went."""
    order = said.order
    came = [
        facts.HoldSet(order_id=order.id, seller=order.seller, hold=hold, reason=why(order, hold))
        for hold in order.holds
        if hold not in before.holds
    ]
    went = [
        facts.HoldLifted(order_id=order.id, seller=order.seller, hold=hold)
        for hold in before.holds
        if hold not in order.holds
    ]
    return Decision((ORDER.put(order.id, order),), (*said.facts, *came, *went), said.work, said.cancel)
