"""The way out: who may want it, when an order ends by itself, and what then becomes of its timers. Pure.

From the moment on that somebody wants out the order is closing: nothing irreversible is done any more. `closing.py`
undoes what is done already.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final, Literal

from services.orders.order import Case, Order
from services.orders.said import HOLD_OVER, IDENTITY_OVERDUE, PAYMENT_OVERDUE, REMINDER, Policy, Said
from services.orders.tracks import Carriage, Funds, Goods, Intent, Money, Papers
from shared.events import orders as facts
from shared.flow.decision import WorkName
from shared.http.problem import Conflict

By = Literal["buyer", "operator", "system"]


class TooLate(Conflict):
    """The order is past the point where this can be done; the message says what can be done instead."""


def cancel(order: Order, by: By, reason: str) -> Said:
    """Somebody wants out. How far it can be undone is seen on the way: a parcel that cannot be stopped is delivered.

    Raises TooLate for an order that the buyer has.
    """
    if order.intent in (Intent.CLOSING, Intent.CANCELLED):
        return Said(order)
    if order.intent is Intent.COMPLETED or order.delivered or order.funds in (Funds.RELEASING, Funds.RELEASED):
        raise TooLate("the buyer has it: it can only be returned, by the shop's own way of taking goods back")
    return close(order, by, reason)


def close(order: Order, by: By, reason: str) -> Said:
    fact = facts.CancellationRequested(order_id=order.id, seller=order.seller, by=by, reason=reason)
    timers = tuple(WorkName(kind, order.id) for kind in (PAYMENT_OVERDUE, IDENTITY_OVERDUE, HOLD_OVER))
    watched = tuple(WorkName(REMINDER, order.id, what) for what in order.reminders)
    closing = replace(order, intent=Intent.CLOSING, reason=reason, reminders=())
    return Said(closing, (fact,), cancel=timers + watched)


def case(order: Order, track: str, state: str, fact: str, detail: str, now: datetime) -> Said:
    """Something for a person to look at; nothing moves by it."""
    number = order.conflicts + 1
    found = facts.ConflictFound(
        order_id=order.id, seller=order.seller, track=track, state=state, fact=fact, detail=detail, number=number
    )
    opened = Case(number, track, state, fact, detail, now)
    return Said(replace(order, conflicts=number, cases=(*order.cases, opened)), (found,))


def close_case(order: Order, number: int, note: str, now: datetime) -> Said:
    """A person found out what is so. Raises TooLate where no such case is open."""
    if not any(one.number == number and one.closed_at is None for one in order.cases):
        open_ = ", ".join(str(one.number) for one in order.cases if one.closed_at is None) or "none"
        raise TooLate(f"no open case has the number {number}; open: {open_}. GET /v1/orders/{{id}} shows all `cases`")
    closed = tuple(replace(one, closed_at=now, note=note) if one.number == number else one for one in order.cases)
    fact = facts.ConflictClosed(order_id=order.id, seller=order.seller, number=number, note=note)
    return Said(replace(order, cases=closed), (fact,))


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
        return "unknown_sku" if order.goods.reason.startswith("unknown") else "short"
    if order.import_papers.state is Papers.INADMISSIBLE and not order.identity_refused:
        return "inadmissible"
    if order.goods.state is Goods.RELEASED:
        return "stock_expired"
    return {Money.FAILED: "payment_failed", Money.CLOSED: "payment_overdue"}.get(order.money.state, "")


def stock_kept(order: Order) -> bool:
    """Once its money came, or a parcel is booked, it stays aside until we give it back: catalog lets it expire no more,
    not even where that money went back to pay anew."""
    return bool(order.live or order.money.abandoned)


def stock_over(order: Order, now: datetime) -> bool:
    """Set aside no longer."""
    return not stock_kept(order) and (order.goods.expires_at is None or order.goods.expires_at <= now)


def turn_back(order: Order, _: Policy, __: datetime) -> Said | None:
    """The buyer will not get it, and nobody needs to decide that: it came back, or customs will not let it in.

    Money that the channel has is the channel's to give back: it is held until the channel has said so.
    """
    if order.intent is not Intent.PLACED or not (reason := lost_cause(order)):
        return None
    if order.collected_by == "self":
        return close(order.lifting("customs", "parcel_lost"), "system", reason)
    return None if reason in order.holds else Said(order.holding(reason))


def lost_cause(order: Order) -> str:
    """Why a paid order cannot reach its buyer any more; "" where it can."""
    if order.came_back:
        return "parcel_returned"
    if any(parcel.state in _OUT for parcel in order.live.values()):
        return ""  # customs' second thoughts come too late for it: held, for a person
    if order.import_papers.state is Papers.ABROAD:
        return "returned_abroad"
    return "declaration_refused" if order.import_papers.final else ""


_OUT: Final = (Carriage.EXITED, Carriage.DELIVERED, Carriage.LOST)


def turn_round(order: Order, _: Policy, now: datetime) -> Said | None:
    """It could not be stopped and the buyer has it: no cancellation any more, and a case, for a return may follow."""
    paid = order.money.state is Money.COVERED and order.collected_by == "self"
    if order.intent is not Intent.CLOSING or not order.delivered or not paid:
        return None
    waited = ("cancel_requested", "customs") if order.import_papers.refused else ("cancel_requested",)
    kept = replace(order, intent=Intent.PLACED, reason="").lifting(*waited)
    detail = f"too late to cancel: {order.reason}"[:200]
    return case(kept, "intent", Intent.CLOSING.value, "logistics.parcel.delivered", detail, now)
