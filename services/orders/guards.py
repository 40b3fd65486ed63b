"""What orders says by itself: each guard that became true speaks once, until none does. Pure.

A guard's own step (asked, closing, authorised …) is what makes it speak only once.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from services.orders import closing, silences, undoing
from services.orders.commands import ConfirmShipment, HoldOver, IdentityOverdue, PaymentOverdue, Reminder
from services.orders.order import UNDONE, Order, Parcel
from services.orders.said import (
    CONFIRM_SHIPMENT,
    HOLD_OVER,
    IDENTITY_OVERDUE,
    PAYMENT_OVERDUE,
    REMINDER,
    SHIP_BY,
    SHORTAGE,
    Guard,
    Policy,
    Said,
)
from services.orders.tracks import Funds, Goods, Intent, Money, Papers
from shared.events import orders as facts
from shared.flow.decision import Work, WorkName
from shared.ids import ParcelId, parcel_id


def mark_shortage(order: Order, _: Policy, __: datetime) -> Said | None:
    """A paid order found short waits for an operator; it goes on when the goods are set aside after all. Where nothing
    was paid here, goods are not what it waits for: what holds its money up says so."""
    paid = order.money.state is Money.COVERED or order.money.observed or order.collected_by == "channel"
    here = paid or "payment_audit" in order.holds
    short = order.goods.state in (Goods.SHORT, Goods.RELEASED) and here and order.intent is Intent.PLACED
    if short == ("shortage" in order.holds):
        return None
    return Said(order.holding("shortage") if short else order.lifting("shortage"))


def mark_inadmissible(order: Order, _: Policy, __: datetime) -> Said | None:
    """Paid, and a later assessment says that it cannot be declared: corrected, refunded, but not in silence."""
    trail = order.import_papers
    barred = trail.state is Papers.INADMISSIBLE and not trail.identity and order.funded
    waits = barred and order.intent is Intent.PLACED and "customs" not in order.holds
    return Said(order.holding("customs")) if waits else None


def mark_undeclared(order: Order, _: Policy, now: datetime) -> Said | None:
    """A scan says that it passed the gate, and customs has never released it: no money for it before customs has."""
    if not order.left_undeclared or order.intent is not Intent.PLACED:
        return None
    if not any(one.fact == _UNDECLARED for one in order.cases):
        state = order.import_papers.state.value
        return undoing.case(order, "papers", state, _UNDECLARED, f"out or delivered, and the papers are {state}", now)
    return Said(order.holding("customs")) if "customs" not in order.holds else None


_UNDECLARED: Final = "orders.exit.undeclared"


def ask_identity(order: Order, policy: Policy, now: datetime) -> Said | None:
    """Refused for nothing but who buys: the buyer is named anew, with all the time of the first time."""
    lacks = order.identity_refused and order.intent is Intent.PLACED
    if lacks == ("identity_missing" in order.holds) or order.person is None:
        return None
    if not lacks:
        return Said(order.lifting("identity_missing"), cancel=(WorkName(IDENTITY_OVERDUE, order.id),))
    due = policy.after(now, policy.identity_window)
    overdue = Work(IDENTITY_OVERDUE, order.id, due, IdentityOverdue(order.id))
    return Said(order.holding("identity_missing"), work=(overdue,))


def remind(order: Order, policy: Policy, now: datetime) -> Said | None:
    """Deadlines that end nothing by themselves: when one passes, a person is told."""
    placed = order.intent is Intent.PLACED
    told = any(parcel.state in order.way.told_at for parcel in order.live.values())
    for what, due_at in (
        (SHIP_BY, None if told else order.ship_by),
        (SHORTAGE, policy.after(now, policy.shortage_window) if "shortage" in order.holds else None),
    ):
        if placed and due_at is not None and what not in order.reminders:
            work = Work(REMINDER, order.id, due_at, Reminder(order.id, what), what)
            return Said(replace(order, reminders=(*order.reminders, what)), work=(work,))
        if what in order.reminders and (due_at is None or not placed):
            rest = tuple(other for other in order.reminders if other != what)
            return Said(replace(order, reminders=rest), cancel=(WorkName(REMINDER, order.id, what),))
    return None


def stop_payment_clock(order: Order, _: Policy, __: datetime) -> Said | None:
    if order.money.state is not Money.COVERED or order.money.expires_at is None:
        return None
    return Said(order.with_money(replace(order.money, expires_at=None)), cancel=(WorkName(PAYMENT_OVERDUE, order.id),))


def return_to_unpaid(order: Order, _: Policy, __: datetime) -> Said | None:
    """Customs takes a payment from the buyer alone: what somebody else paid goes back while the order goes on."""
    sent = order.import_papers.state not in UNDONE
    if "payer_mismatch" not in order.holds or order.intent is not Intent.PLACED or sent:
        return None
    return closing.asked_back(order, "payer_mismatch") if order.money.state is Money.COVERED else None


def pay_anew(order: Order, policy: Policy, _: datetime) -> Said | None:
    """The next attempt has a number of its own, which all documents will quote."""
    plan = order.money
    if order.intent is not Intent.PLACED or plan.state is not Money.REFUNDED or order.collected_by != "self":
        return None
    if len(plan.abandoned) >= policy.payer_attempts:
        return undoing.close(order, "system", "payer_mismatch")
    anew = replace(
        plan, state=Money.NONE, out_trade_no="", qr="", captured=None, transaction_id="", paper="none",
        abandoned=(*plan.abandoned, plan.out_trade_no),
    )  # fmt: skip
    return Said(order.with_money(anew).lifting("payer_mismatch"))


def ask_payment(order: Order, policy: Policy, now: datetime) -> Said | None:
    """The attempt never outlives a reservation that can expire: nobody pays for goods that are given away."""
    if not order.may_ask_payment() or order.goods.expires_at is None or undoing.stock_over(order, now):
        return None
    attempt = order.money.attempt + 1
    window = policy.after(now, policy.payment_window)
    expires = window if undoing.stock_kept(order) else min(window, order.goods.expires_at)
    # A shop that shows tax included is asked exactly the order's total; assessment split it, it did not change it.
    plan = replace(order.money, state=Money.ASKED, attempt=attempt, asked=order.amounts.total, expires_at=expires)
    fact = facts.PaymentRequested(
        order_id=order.id, seller=order.seller, part="whole", attempt=attempt, amount=order.amounts.total,
        title=order.lines[0].title[:60], shop=order.shop, person=order.person, expires_at=expires,
    )  # fmt: skip
    overdue = Work(PAYMENT_OVERDUE, order.id, expires, PaymentOverdue(order.id, attempt))
    return Said(order.with_money(plan), (fact,), (overdue,))


def book(order: Order, _: Policy, __: datetime) -> Said | None:
    """A waybill that the channel gave is adopted, any other is asked for."""
    if not order.may_book() or order.valuation is None:
        return None
    parcel = parcel_id(order.id, len(order.parcels) + 1)
    given = order.channel_waybill if order.declared_by.waybill == "platform" else None
    fact = _adopted(order, parcel, given[1]) if given else facts.ShipmentRequested(**_shipment(order, parcel))
    return Said(order.with_parcel(parcel, Parcel(carrier=order.carrier)), (fact,))


def _adopted(order: Order, parcel: ParcelId, waybill_no: str) -> facts.WaybillAssigned:
    return facts.WaybillAssigned(**_shipment(order, parcel), waybill_no=waybill_no)


def _shipment(order: Order, parcel: ParcelId) -> dict[str, Any]:
    assert order.valuation is not None
    return {
        "order_id": order.id, "seller": order.seller, "parcel_id": parcel, "shop": order.shop, "carrier": order.carrier,
        "warehouse": order.warehouse, "order_no": order.order_no, "recipient": order.recipient,
        "goods": order.lines[0].title[:60], "lines": order.goods.lines, "gross_grams": order.goods.gross_grams,
        "net_grams": order.goods.net_grams, "freight": order.valuation.freight, "value": order.valuation.goods,
        "flow": order.flow,
    }  # fmt: skip


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
        inside = parcel.state in order.way.gate
        if parcel.exit == "authorised" and inside and not order.may_exit(parcel):
            reason = ", ".join(order.holds) or order.reason or order.import_papers.state.value
            fact = facts.ExitWithdrawn(order_id=order.id, seller=order.seller, parcel_id=parcel_id_, reason=reason)
            return Said(order.with_parcel(parcel_id_, replace(parcel, exit="withdrawn")), (fact,))
    return None


def confirm_shipment(order: Order, _: Policy, now: datetime) -> Said | None:
    """The channel hears of the hand-over, or of the exit, once, and never before there was one."""
    if order.intent is not Intent.PLACED:
        return None
    for parcel_id_, parcel in order.live.items():
        if parcel.confirmed == "no" and parcel.state in order.way.told_at:
            code, number = order.channel_waybill or ("", "")
            carrier = code if code and number == parcel.waybill_no else parcel.carrier
            task = ConfirmShipment(
                order.id, parcel_id_, order.connection, order.external_id, carrier, parcel.waybill_no
            )
            work = Work(CONFIRM_SHIPMENT, order.id, now, task, parcel_id_)
            return Said(order.with_parcel(parcel_id_, replace(parcel, confirmed="asked")), work=(work,))
    return None


def start_hold(order: Order, policy: Policy, _: datetime) -> Said | None:
    """A buyer who has confirmed the receipt is not waited for."""
    waits = order.intent is Intent.PLACED and order.funds is Funds.HELD and order.received_at is None
    if not waits or not order.delivered or order.release_due_at is not None:
        return None
    delivered = max(parcel.delivered_at for parcel in order.live.values() if parcel.delivered_at)
    due = policy.after(delivered, policy.hold)
    return Said(replace(order, release_due_at=due), work=(Work(HOLD_OVER, order.id, due, HoldOver(order.id)),))


def release_funds(order: Order, _: Policy, __: datetime) -> Said | None:
    if not order.may_release_funds():
        return None
    fact = facts.FundsReleaseAuthorised(order_id=order.id, seller=order.seller)
    return Said(replace(order, funds=Funds.RELEASING), (fact,))


def complete(order: Order, _: Policy, __: datetime) -> Said | None:
    if order.intent is not Intent.PLACED or order.funds is not Funds.RELEASED or not order.arrived:
        return None
    done = replace(order, intent=Intent.COMPLETED, reason="")
    return Said(done, (facts.OrderCompleted(order_id=order.id, seller=order.seller),))


GUARDS: Final[tuple[Guard, ...]] = (
    mark_shortage, mark_inadmissible, ask_identity, mark_undeclared, remind, undoing.give_up, undoing.turn_back,
    undoing.turn_round, withdraw_exit, stop_payment_clock, return_to_unpaid, pay_anew, ask_payment, book,
    request_declaration, authorise_exit, confirm_shipment, start_hold, release_funds, complete, *closing.GUARDS,
)  # fmt: skip


def settle(said: Said, policy: Policy, now: datetime) -> Said:
    """Every guard that is true speaks, in this order, until nothing more follows. Whom it waits for then is watched."""
    spoken = True
    while spoken:
        spoken = False
        for guard in GUARDS:
            if (more := guard(said.order, policy, now)) is not None:
                said, spoken = said.then(more), True
    watched = silences.watch(said.order, policy, now)
    return said.then(watched) if watched else said
