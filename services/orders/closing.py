"""A closing order is undone step by step, each step when the ones before it are answered. Pure.

The attempt is closed before the stock is given back. What was asked of customs is taken back; what it has stored is
cancelled (623), and what it has released is returned (625) when the goods are inside, or back. A parcel that was never
handed over is voided, one that was is intercepted. Money and goods go back when no papers stand and nothing moves.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final, Literal

from services.orders.order import Order, Parcel
from services.orders.said import Guard, Policy, Said
from services.orders.tracks import Carriage, Goods, Intent, Money, Papers
from shared.events import orders as facts
from shared.events.values import Components, StockLine
from shared.ids import ParcelId
from shared.money import Money as Amount


def mark_waiting(order: Order, _: Policy, __: datetime) -> Said | None:
    """Who asks why a closing order does not end sees that customs or a carrier has to answer first."""
    waits = order.intent is Intent.CLOSING and (
        not order.papers_undone or any(parcel.state is Carriage.INTERCEPTING for parcel in order.live.values())
    )
    if waits == ("cancel_requested" in order.holds) or order.intent is Intent.PLACED:
        return None
    return Said(order.holding("cancel_requested") if waits else order.lifting("cancel_requested"))


def close_attempt(order: Order, _: Policy, __: datetime) -> Said | None:
    """The attempt goes first: "already paid" means paid, and then the money has to go back."""
    if order.intent is not Intent.CLOSING or order.money.state not in (Money.ASKED, Money.OPEN):
        return None
    fact = facts.PaymentCloseRequested(order_id=order.id, seller=order.seller, attempt=order.money.attempt)
    return Said(order.with_money(replace(order.money, state=Money.CLOSING)), (fact,))


def withdraw_papers(order: Order, _: Policy, __: datetime) -> Said | None:
    """623 while customs has only stored them, 625 when it released them. Of what was only asked for, customs says that
    nothing stands, or waits until it is stored. Submitted, held and detained ones wait for its word."""
    if order.intent is not Intent.CLOSING or not order.declares or not (kind := _undoes_papers(order)):
        return None
    trail = order.import_papers
    if trail.refused == kind:
        return None  # a person looks first: the order is held for it
    fact = facts.WithdrawalRequested(
        order_id=order.id, seller=order.seller, role="import", kind=kind, reason=order.reason or "cancelled"
    )
    state = Papers.WITHDRAWING if kind == "cancel" else Papers.RETURNING
    return Said(order.with_papers("import", replace(trail, state=state)), (fact,))


def _undoes_papers(order: Order) -> Literal["cancel", "return", ""]:
    match order.import_papers.state:
        case Papers.ASKED | Papers.STORED:
            return "cancel"
        case Papers.RELEASED if not any(_may_be_out(parcel) for parcel in order.live.values()):
            return "return"
        case _:
            return ""


def _may_be_out(parcel: Parcel) -> bool:
    """Out, or let out once: whoever guards the gate has to say first that it stays inside."""
    let_out = parcel.exit != "none" and parcel.state in (*_INSIDE, *_MOVING, Carriage.VOIDING)
    return let_out or parcel.state in _OUTSIDE


_OUTSIDE: Final = (Carriage.EXITED, Carriage.INTERCEPTING, Carriage.LOST, Carriage.DELIVERED)
_INSIDE: Final = (Carriage.BOOKED, Carriage.PACKED)  # the warehouse's
_MOVING: Final = (Carriage.HANDED_OVER, Carriage.CONSOLIDATED)


def stop_parcels(order: Order, _: Policy, __: datetime) -> Said | None:
    """One that is still being booked is voided when its number is known. What is out is called back at once."""
    if order.intent is not Intent.CLOSING:
        return None
    for parcel_id, parcel in order.live.items():
        if (state := _stopping(order, parcel)) is not None:
            return _stopped(order, parcel_id, replace(parcel, state=state))
    return None


def _stopping(order: Order, parcel: Parcel) -> Carriage | None:
    if parcel.state is Carriage.EXITED:
        return Carriage.INTERCEPTING
    if order.at_an_end(parcel) or not (order.papers_undone or _may_be_out(parcel)):
        return None
    if parcel.state in _INSIDE:
        return Carriage.VOIDING
    return Carriage.INTERCEPTING if parcel.state in _MOVING else None


def _stopped(order: Order, parcel_id: ParcelId, parcel: Parcel) -> Said:
    fact = facts.ShipmentCancelRequested(order_id=order.id, seller=order.seller, parcel_id=parcel_id)
    return Said(order.with_parcel(parcel_id, parcel), (fact,))


def refund(order: Order, _: Policy, __: datetime) -> Said | None:
    """Captured, and the order is over; also after it was cancelled: the charge won the race."""
    over = order.intent in (Intent.CLOSING, Intent.CANCELLED)
    return asked_back(order, order.reason) if over and order.money.state is Money.COVERED and _quiet(order) else None


def asked_back(order: Order, reason: str) -> Said:
    """All of it, tax included. What the channel collected it has sent back by itself: it only has to be booked."""
    assert order.money.captured is not None
    number = order.money.refunds + 1
    plan = replace(order.money, state=Money.REFUNDING, refunds=number)
    fact = facts.RefundRequested(
        order_id=order.id, seller=order.seller, refund_id=f"whole-{number}", amount=order.money.captured,
        reason=reason, components=components(order, order.money.captured),
        executor="channel" if order.collected_by == "channel" else "payments",
    )  # fmt: skip
    return Said(order.with_money(plan), (fact,))


def components(order: Order, amount: Amount) -> Components | None:
    """What the amount consists of, by the assessment; None where it was not assessed as that amount."""
    value = order.valuation
    if value is None or value.total != amount:
        return None
    freight = value.freight + value.insurance
    return Components(goods=amount - freight - value.tax, freight=freight, tax=value.tax)


def _quiet(order: Order) -> bool:
    """No papers stand at customs and nothing of it moves."""
    return order.papers_undone and not any(order.under_way(parcel) for parcel in order.live.values())


def release_stock(order: Order, _: Policy, __: datetime) -> Said | None:
    """Goods that were packed are given back when catalog has drawn them: before, it would not know what comes back."""
    if order.intent is not Intent.CLOSING or order.goods.state not in (Goods.ASKED, Goods.RESERVED, Goods.DRAWN):
        return None
    if order.money.state in (Money.ASKED, Money.OPEN, Money.CLOSING):
        return None  # the buyer may still win the race with the closing
    packed = any(parcel.packed for parcel in order.parcels.values())
    if not _quiet(order) or (packed and order.goods.state is not Goods.DRAWN):
        return None
    lines = order.goods.lines or tuple(
        StockLine(line.number, line.sku, line.quantity, order.warehouse, "") for line in order.lines
    )
    fact = facts.ReservationReleaseRequested(
        order_id=order.id, seller=order.seller, lines=lines, disposition="write_off" if _gone(order) else "back"
    )
    return Said(replace(order, goods=replace(order.goods, state=Goods.UNDOING)), (fact,))


def _gone(order: Order) -> bool:
    """Lost, sent abroad by customs, or with a buyer who has his money back: it does not come back to the shelf."""
    lost = (Carriage.LOST, Carriage.DELIVERED)
    return order.import_papers.state is Papers.ABROAD or any(p.state in lost for p in order.live.values())


def end(order: Order, _: Policy, __: datetime) -> Said | None:
    if order.intent is not Intent.CLOSING or not order.at_rest:
        return None
    fact = facts.OrderCancelled(order_id=order.id, seller=order.seller, reason=order.reason)
    return Said(replace(order, intent=Intent.CANCELLED, holds=()), (fact,))


GUARDS: Final[tuple[Guard, ...]] = (
    close_attempt, withdraw_papers, refund, release_stock, stop_parcels, mark_waiting, end,
)  # fmt: skip
