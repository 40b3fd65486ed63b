"""The way out: how far an order can be undone, and its undoing step by step, each when the one before is answered."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Literal

from services.orders.order import Order
from services.orders.said import IDENTITY_OVERDUE, PAYMENT_OVERDUE, Policy, Said
from services.orders.tracks import Carriage, Goods, Intent, Money, Papers
from shared.events import orders as facts
from shared.events.values import StockLine
from shared.flow.decision import WorkName
from shared.http.problem import Conflict

By = Literal["buyer", "operator", "system"]


class TooLate(Conflict):
    """The order is past the point where this can be done; the message says what can be done instead."""


def cancel(order: Order, by: By, reason: str) -> Said:
    """By the deepest gate passed: before the declaration everything is undone; behind it, it waits for customs.

    Raises TooLate for an order that the buyer has.
    """
    if order.intent in (Intent.CLOSING, Intent.CANCELLED):
        return Said(order)
    if order.intent is Intent.COMPLETED or order.delivered:
        raise TooLate("delivered: open a return instead")
    if order.may_cancel():
        return close(order, by, reason)
    return Said(replace(order, reason=reason).holding("cancel_requested"))


def close(order: Order, by: By, reason: str) -> Said:
    fact = facts.CancellationRequested(order_id=order.id, seller=order.seller, by=by, reason=reason)
    timers = tuple(WorkName(kind, order.id) for kind in (PAYMENT_OVERDUE, IDENTITY_OVERDUE))
    return Said(replace(order, intent=Intent.CLOSING, reason=reason), (fact,), cancel=timers)


# --- guards -----------------------------------------------------------------------------------------------------------


def give_up(order: Order, _: Policy, __: datetime) -> Said | None:
    """An unpaid order that cannot go on ends by itself; a paid one waits for a person."""
    unpaid = order.money.state in (Money.NONE, Money.ASKED, Money.OPEN, Money.FAILED, Money.CLOSED)
    if order.intent is not Intent.PLACED or order.funded or not unpaid:
        return None
    reason = dead_end(order)
    return close(order, "system", reason) if reason else None


def dead_end(order: Order) -> str:
    """Why an unpaid order cannot go on; "" where it can."""
    if order.goods.state is Goods.SHORT:
        return "short"
    if order.import_papers.state is Papers.INADMISSIBLE:
        return "inadmissible"
    if order.goods.state is Goods.RELEASED:
        return "stock_expired"
    return {Money.FAILED: "payment_failed", Money.CLOSED: "payment_overdue"}.get(order.money.state, "")


def resume_cancellation(order: Order, _: Policy, __: datetime) -> Said | None:
    """A cancellation that waited for customs goes on when customs has refused the declaration."""
    if order.intent is not Intent.PLACED or "cancel_requested" not in order.holds or not order.may_cancel():
        return None
    return close(order.lifting("cancel_requested"), "buyer", order.reason or "cancelled")


def close_attempt(order: Order, _: Policy, __: datetime) -> Said | None:
    """The attempt goes first: "already paid" means paid, and then the money has to go back."""
    if order.intent is not Intent.CLOSING or order.money.state not in (Money.ASKED, Money.OPEN):
        return None
    fact = facts.PaymentCloseRequested(order_id=order.id, seller=order.seller, attempt=order.money.attempt)
    return Said(order.with_money(replace(order.money, state=Money.CLOSING)), (fact,))


def refund(order: Order, _: Policy, __: datetime) -> Said | None:
    """Captured, and the order is over; also after it was cancelled: the charge won the race."""
    if order.intent not in (Intent.CLOSING, Intent.CANCELLED) or order.money.state is not Money.COVERED:
        return None
    assert order.money.captured is not None
    number = order.money.refunds + 1
    plan = replace(order.money, state=Money.REFUNDING, refunds=number)
    fact = facts.RefundRequested(
        order_id=order.id, seller=order.seller, refund_id=f"whole-{number}", amount=order.money.captured,
        reason=order.reason,
    )  # fmt: skip
    return Said(order.with_money(plan), (fact,))


def release_stock(order: Order, _: Policy, __: datetime) -> Said | None:
    if order.intent is not Intent.CLOSING or order.goods.state not in (Goods.ASKED, Goods.RESERVED):
        return None
    if order.money.state in (Money.ASKED, Money.OPEN, Money.CLOSING):
        return None  # the buyer may still win the race with the closing
    lines = order.goods.lines or tuple(
        StockLine(line.number, line.sku, line.quantity, order.warehouse, "") for line in order.lines
    )
    fact = facts.ReservationReleaseRequested(order_id=order.id, seller=order.seller, lines=lines)
    return Said(replace(order, goods=replace(order.goods, state=Goods.UNDOING)), (fact,))


def void_waybill(order: Order, _: Policy, __: datetime) -> Said | None:
    """A waybill that is still being booked is voided when its number is known."""
    if order.intent is not Intent.CLOSING:
        return None
    for parcel_id, parcel in order.parcels.items():
        if parcel.state is Carriage.BOOKED:
            fact = facts.ShipmentCancelRequested(order_id=order.id, seller=order.seller, parcel_id=parcel_id)
            return Said(order.with_parcel(parcel_id, replace(parcel, state=Carriage.VOIDING)), (fact,))
    return None


def end(order: Order, _: Policy, __: datetime) -> Said | None:
    if order.intent is not Intent.CLOSING or not order.at_rest:
        return None
    fact = facts.OrderCancelled(order_id=order.id, seller=order.seller, reason=order.reason)
    return Said(replace(order, intent=Intent.CANCELLED, holds=()), (fact,))
