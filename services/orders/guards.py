"""What orders says by itself: each guard that became true speaks once, until none does. Pure.

A guard's own step (asked, closing, authorised …) is what makes it speak only once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from services.orders.commands import ConfirmShipment, HoldOver, PaymentOverdue
from services.orders.order import BEFORE_DECLARATION, Order, Parcel
from services.orders.tracks import Carriage, Funds, Goods, Intent, Money, Papers
from shared.clock import scaled
from shared.events import orders as facts
from shared.events.base import Event
from shared.events.values import StockLine
from shared.flow.decision import Work, WorkName
from shared.ids import parcel_id

PAYMENT_OVERDUE: Final = "payment-overdue"
IDENTITY_OVERDUE: Final = "identity-overdue"
HOLD_OVER: Final = "hold-over"
CONFIRM_SHIPMENT: Final = "confirm-shipment"


@dataclass(frozen=True, slots=True)
class Policy:
    """Durations are business time; `time_scale` shortens them."""

    payment_window: timedelta = timedelta(hours=2)
    identity_window: timedelta = timedelta(days=3)
    hold: timedelta = timedelta(days=15)
    time_scale: float = 1.0

    def after(self, now: datetime, duration: timedelta) -> datetime:
        return now + scaled(duration, self.time_scale)


@dataclass(frozen=True, slots=True)
class Said:
    """What one guard did: the order after it, and what it speaks or asks for."""

    order: Order
    facts: tuple[Event, ...] = ()
    work: tuple[Work, ...] = ()
    cancel: tuple[WorkName, ...] = ()


Guard = Callable[[Order, Policy, datetime], Said | None]


def ask_payment(order: Order, policy: Policy, now: datetime) -> Said | None:
    if not order.may_ask_payment():
        return None
    attempt, expires = order.money.attempt + 1, policy.after(now, policy.payment_window)
    # A shop that shows tax included is asked exactly the order's total; assessment split it, it did not change it.
    plan = replace(order.money, state=Money.ASKED, attempt=attempt, asked=order.amounts.total, expires_at=expires)
    fact = facts.PaymentRequested(
        order_id=order.id, seller=order.seller, part="whole", attempt=attempt, amount=order.amounts.total,
        title=order.lines[0].title[:60], shop=order.shop, person=order.person, expires_at=expires,
    )  # fmt: skip
    overdue = Work(PAYMENT_OVERDUE, order.id, expires, PaymentOverdue(order.id, attempt))
    return Said(order.with_money(plan), (fact,), (overdue,))


def book(order: Order, _: Policy, __: datetime) -> Said | None:
    if not order.may_book() or order.valuation is None:
        return None
    parcel = parcel_id(order.id, 1)
    fact = facts.ShipmentRequested(
        order_id=order.id, seller=order.seller, parcel_id=parcel, shop=order.shop, carrier=order.carrier,
        warehouse=order.warehouse, order_no=order.money.out_trade_no, recipient=order.recipient,
        goods=order.lines[0].title[:60], lines=order.goods.lines, gross_grams=order.goods.gross_grams,
        net_grams=order.goods.net_grams, freight=order.valuation.freight, value=order.valuation.goods,
    )  # fmt: skip
    return Said(order.with_parcel(parcel, Parcel(carrier=order.carrier)), (fact,))


def request_declaration(order: Order, _: Policy, __: datetime) -> Said | None:
    if not order.may_request_declaration():
        return None
    trail = order.import_papers
    trail = replace(trail, state=Papers.ASKED, attempt=trail.attempt + 1, reason="")
    fact = facts.DeclarationRequested(order_id=order.id, seller=order.seller, role="import", attempt=trail.attempt)
    return Said(order.with_papers("import", trail), (fact,))


def authorise_exit(order: Order, _: Policy, __: datetime) -> Said | None:
    for parcel_id_, parcel in order.parcels.items():
        if parcel.exit != "authorised" and order.may_exit(parcel):
            fact = facts.ExitAuthorised(
                order_id=order.id, seller=order.seller, parcel_id=parcel_id_, warehouse=order.warehouse,
                dossier_version=order.import_papers.released_version, lines=order.goods.lines,
            )  # fmt: skip
            return Said(order.with_parcel(parcel_id_, replace(parcel, exit="authorised")), (fact,))
    return None


def withdraw_exit(order: Order, _: Policy, __: datetime) -> Said | None:
    """Release is revocable: whatever made the authorisation untrue takes it back, as long as the goods are inside."""
    for parcel_id_, parcel in order.parcels.items():
        if (
            parcel.exit == "authorised"
            and parcel.state in (Carriage.BOOKED, Carriage.PACKED)
            and not order.may_exit(parcel)
        ):
            reason = ", ".join(order.holds) or order.import_papers.state.value
            fact = facts.ExitWithdrawn(order_id=order.id, seller=order.seller, parcel_id=parcel_id_, reason=reason)
            return Said(order.with_parcel(parcel_id_, replace(parcel, exit="withdrawn")), (fact,))
    return None


def confirm_shipment(order: Order, _: Policy, now: datetime) -> Said | None:
    """The channel hears of the exit once, and never before there was one."""
    for parcel_id_, parcel in order.parcels.items():
        if parcel.confirmed == "no" and parcel.state in (Carriage.EXITED, Carriage.DELIVERED):
            task = ConfirmShipment(
                order.id, parcel_id_, order.connection, order.external_id, parcel.carrier, parcel.waybill_no
            )
            work = Work(CONFIRM_SHIPMENT, order.id, now, task, parcel_id_)
            return Said(order.with_parcel(parcel_id_, replace(parcel, confirmed="asked")), work=(work,))
    return None


def start_hold(order: Order, policy: Policy, _: datetime) -> Said | None:
    if not order.delivered or order.release_due_at is not None or order.funds is not Funds.HELD:
        return None
    delivered = max(parcel.delivered_at for parcel in order.parcels.values() if parcel.delivered_at)
    due = policy.after(delivered, policy.hold)
    return Said(replace(order, release_due_at=due), work=(Work(HOLD_OVER, order.id, due, HoldOver(order.id)),))


def release_funds(order: Order, _: Policy, __: datetime) -> Said | None:
    if not order.may_release_funds():
        return None
    return Said(
        replace(order, hold_over=False), (facts.FundsReleaseAuthorised(order_id=order.id, seller=order.seller),)
    )


def complete(order: Order, _: Policy, __: datetime) -> Said | None:
    if order.intent is not Intent.PLACED or order.funds is not Funds.RELEASED or not order.delivered:
        return None
    done = replace(order, intent=Intent.COMPLETED, reason="")
    return Said(done, (facts.OrderCompleted(order_id=order.id, seller=order.seller),))


# --- the way out ------------------------------------------------------------------------------------------------------


def give_up(order: Order, _: Policy, __: datetime) -> Said | None:
    """An unpaid order that cannot go on ends by itself; a paid one waits for a person."""
    if order.intent is not Intent.PLACED or order.money.state not in (Money.NONE, Money.FAILED):
        return None
    reason = (
        "short" if order.goods.state is Goods.SHORT
        else "inadmissible" if order.import_papers.state is Papers.INADMISSIBLE
        else "stock_expired" if order.goods.state is Goods.RELEASED
        else "payment_failed" if order.money.state is Money.FAILED
        else ""
    )  # fmt: skip
    return close(order, "system", reason) if reason else None


def resume_cancellation(order: Order, _: Policy, __: datetime) -> Said | None:
    """A cancellation that waited for customs goes on when customs has refused the declaration."""
    if order.intent is not Intent.PLACED or "cancel_requested" not in order.holds or not order.may_cancel():
        return None
    return close(order.lifting("cancel_requested"), "buyer", order.reason or "cancelled")


def close(order: Order, by: str, reason: str) -> Said:
    fact = facts.CancellationRequested.model_validate(
        {"order_id": order.id, "seller": order.seller, "by": by, "reason": reason}
    )
    timers = tuple(WorkName(kind, order.id) for kind in (PAYMENT_OVERDUE, IDENTITY_OVERDUE))
    return Said(replace(order, intent=Intent.CLOSING, reason=reason), (fact,), cancel=timers)


def close_attempt(order: Order, _: Policy, __: datetime) -> Said | None:
    """The attempt goes first: "already paid" means paid, and then the money has to go back."""
    if order.intent is not Intent.CLOSING or order.money.state not in (Money.ASKED, Money.OPEN):
        return None
    fact = facts.PaymentCloseRequested(order_id=order.id, seller=order.seller, attempt=order.money.attempt)
    return Said(order.with_money(replace(order.money, state=Money.CLOSING)), (fact,))


def refund(order: Order, _: Policy, __: datetime) -> Said | None:
    """Captured and nobody wants the goods any more; also after the order was cancelled (a charge that won the race)."""
    if order.intent not in (Intent.CLOSING, Intent.CANCELLED) or order.money.state is not Money.COVERED:
        return None
    assert order.money.captured is not None
    number = order.money.refunds + 1
    plan = replace(order.money, state=Money.REFUNDING, refunds=number)
    fact = facts.RefundRequested(
        order_id=order.id,
        seller=order.seller,
        refund_id=f"whole-{number}",
        amount=order.money.captured,
        reason=order.reason,
    )
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
    if order.intent is not Intent.CLOSING or order.import_papers.state not in BEFORE_DECLARATION:
        return None
    for parcel_id_, parcel in order.parcels.items():
        if parcel.state in (Carriage.BOOKED, Carriage.PACKED):
            fact = facts.ShipmentCancelRequested(order_id=order.id, seller=order.seller, parcel_id=parcel_id_)
            return Said(order.with_parcel(parcel_id_, replace(parcel, state=Carriage.VOIDING)), (fact,))
    return None


def end(order: Order, _: Policy, __: datetime) -> Said | None:
    if order.intent is not Intent.CLOSING or not order.at_rest:
        return None
    fact = facts.OrderCancelled(order_id=order.id, seller=order.seller, reason=order.reason)
    return Said(replace(order, intent=Intent.CANCELLED, holds=()), (fact,))


GUARDS: Final[tuple[Guard, ...]] = (
    resume_cancellation, give_up, withdraw_exit,
    ask_payment, book, request_declaration, authorise_exit, confirm_shipment, start_hold, release_funds, complete,
    close_attempt, refund, release_stock, void_waybill, end,
)  # fmt: skip


def settle(order: Order, policy: Policy, now: datetime) -> Said:
    """Every guard that is true speaks, in this order, until nothing more follows."""
    said = Said(order)
    spoken = True
    while spoken:
        spoken = False
        for guard in GUARDS:
            if (more := guard(said.order, policy, now)) is not None:
                said = Said(more.order, said.facts + more.facts, said.work + more.work, said.cancel + more.cancel)
                spoken = True
    return said
