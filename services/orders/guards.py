"""What orders says by itself: each guard that became true speaks once, until none does. Pure.

A guard's own step (asked, closing, authorised …) is what makes it speak only once.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from services.orders import undoing
from services.orders.commands import ConfirmShipment, HoldOver, PaymentOverdue
from services.orders.order import Order, Parcel
from services.orders.said import CONFIRM_SHIPMENT, HOLD_OVER, PAYMENT_OVERDUE, Guard, Policy, Said
from services.orders.tracks import Carriage, Funds, Goods, Intent, Money, Papers
from shared.events import orders as facts
from shared.flow.decision import Work
from shared.ids import parcel_id


def mark_shortage(order: Order, _: Policy, __: datetime) -> Said | None:
    """A paid order found short waits for an operator; it goes on when the goods are set aside after all."""
    short = order.goods.state in (Goods.SHORT, Goods.RELEASED) and order.funded and order.intent is Intent.PLACED
    if short == ("shortage" in order.holds):
        return None
    return Said(order.holding("shortage") if short else order.lifting("shortage"))


def mark_inadmissible(order: Order, _: Policy, __: datetime) -> Said | None:
    """Paid, and a later assessment says that it cannot be declared: corrected, refunded, but not in silence."""
    barred = order.import_papers.state is Papers.INADMISSIBLE and order.funded and order.intent is Intent.PLACED
    return Said(order.holding("customs")) if barred and "customs" not in order.holds else None


def ask_payment(order: Order, policy: Policy, now: datetime) -> Said | None:
    """The attempt never outlives the reservation: nobody pays for goods that are given away."""
    if not order.may_ask_payment() or order.goods.expires_at is None or order.goods.expires_at <= now:
        return None
    attempt = order.money.attempt + 1
    expires = min(policy.after(now, policy.payment_window), order.goods.expires_at)
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
    parcel = parcel_id(order.id, len(order.parcels) + 1)
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
    for parcel_id_, parcel in order.live.items():
        if parcel.exit != "authorised" and order.may_exit(parcel):
            fact = facts.ExitAuthorised(
                order_id=order.id, seller=order.seller, parcel_id=parcel_id_, warehouse=order.warehouse,
                dossier_version=order.import_papers.released_version, lines=order.goods.lines,
            )  # fmt: skip
            return Said(order.with_parcel(parcel_id_, replace(parcel, exit="authorised")), (fact,))
    return None


def withdraw_exit(order: Order, _: Policy, __: datetime) -> Said | None:
    """Release is revocable: what made the authorisation untrue takes it back, as long as the goods are inside."""
    for parcel_id_, parcel in order.live.items():
        inside = parcel.state in (Carriage.BOOKED, Carriage.PACKED)
        if parcel.exit == "authorised" and inside and not order.may_exit(parcel):
            reason = ", ".join(order.holds) or order.import_papers.state.value
            fact = facts.ExitWithdrawn(order_id=order.id, seller=order.seller, parcel_id=parcel_id_, reason=reason)
            return Said(order.with_parcel(parcel_id_, replace(parcel, exit="withdrawn")), (fact,))
    return None


def confirm_shipment(order: Order, _: Policy, now: datetime) -> Said | None:
    """The channel hears of the exit once, and never before there was one."""
    for parcel_id_, parcel in order.live.items():
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
    delivered = max(parcel.delivered_at for parcel in order.live.values() if parcel.delivered_at)
    due = policy.after(delivered, policy.hold)
    return Said(replace(order, release_due_at=due), work=(Work(HOLD_OVER, order.id, due, HoldOver(order.id)),))


def release_funds(order: Order, _: Policy, __: datetime) -> Said | None:
    if not order.may_release_funds():
        return None
    fact = facts.FundsReleaseAuthorised(order_id=order.id, seller=order.seller)
    return Said(replace(order, hold_over=False), (fact,))


def complete(order: Order, _: Policy, __: datetime) -> Said | None:
    if order.intent is not Intent.PLACED or order.funds is not Funds.RELEASED or not order.delivered:
        return None
    done = replace(order, intent=Intent.COMPLETED, reason="")
    return Said(done, (facts.OrderCompleted(order_id=order.id, seller=order.seller),))


GUARDS: Final[tuple[Guard, ...]] = (
    mark_shortage, mark_inadmissible, undoing.resume_cancellation, undoing.give_up, withdraw_exit,
    ask_payment, book, request_declaration, authorise_exit, confirm_shipment, start_hold, release_funds, complete,
    undoing.close_attempt, undoing.refund, undoing.release_stock, undoing.void_waybill, undoing.end,
)  # fmt: skip


def settle(said: Said, policy: Policy, now: datetime) -> Said:
    """Every guard that is true speaks, in this order, until nothing more follows."""
    spoken = True
    while spoken:
        spoken = False
        for guard in GUARDS:
            if (more := guard(said.order, policy, now)) is not None:
                said, spoken = said.then(more), True
    return said
