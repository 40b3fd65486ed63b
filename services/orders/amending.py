"""What shops and operators ask of an order, and what its timers and calls end with. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from services.orders import lifting, observing, silences, undoing
from services.orders.commands import (
    AddressCorrected,
    CancelAsked,
    CaseClosed,
    Command,
    ConfirmShipment,
    HoldLiftAsked,
    HoldOver,
    IdentityOverdue,
    IdentitySupplied,
    PaymentAskedAnew,
    PaymentOverdue,
    ReceiptConfirmed,
    Reminder,
)
from services.orders.order import SILENT, Order
from services.orders.said import IDENTITY_OVERDUE, SHIP_BY, SHORTAGE, Policy, Said, amended
from services.orders.tracks import Carriage, Intent, Money, Papers
from services.orders.undoing import TooLate
from shared.events import orders as facts
from shared.events.values import Sealed
from shared.flow.decision import Due, Exhausted, Outcome, Refused, WorkName
from shared.ids import ParcelId

MOST_ATTEMPTS: Final = 9  # an attempt's number ends with one digit of it
_OPEN_PAPERS = (Papers.NONE, Papers.ASSESSED, Papers.INADMISSIBLE, Papers.MISMATCHED, Papers.REJECTED)


def obeyed(order: Order, command: Command, now: datetime) -> Said:
    """Raises TooLate where it cannot be done any more."""
    match command:
        case IdentitySupplied(person=person):
            return _identified(order, person)
        case AddressCorrected(recipient=recipient):
            return _addressed(order, recipient)
        case CancelAsked(by=by, reason=reason):
            return _cancelled(order, by, reason)
        case HoldLiftAsked(hold=hold):
            return _lifted(order, hold, now)
        case ReceiptConfirmed():
            return _received(order, now)
        case PaymentAskedAnew():
            return _asked_anew(order, now)
        case CaseClosed(number=number, note=note):
            return undoing.close_case(order, number, note, now)


def _cancelled(order: Order, by: undoing.By, reason: str) -> Said:
    if order.collected_by == "channel" and order.intent is Intent.PLACED:
        raise TooLate("the channel has the money: cancel it at the channel")
    return undoing.cancel(order, by, reason)


def _asked_anew(order: Order, now: datetime) -> Said:
    """The open attempt is closed, and the next one is asked for by the guard. Should the buyer pay both, payments sends
    the second back."""
    if refusal := _no_payment(order, now):
        raise TooLate(refusal)
    fact = facts.PaymentCloseRequested(order_id=order.id, seller=order.seller, attempt=order.money.attempt)
    return Said(order.with_money(replace(order.money, state=Money.NONE, qr="")), (fact,))


def _no_payment(order: Order, now: datetime) -> str:
    """Why no code can be asked for, and what can be done instead; "" where one can."""
    if order.holds:
        return f"the order is held by {', '.join(order.holds)}: settle that first; the code is then asked for by itself"
    if not order.awaits_payment:
        return "no code is open that could be replaced: GET /v1/orders/{id} shows `state.money` and what it waits for"
    if undoing.stock_over(order, now):
        return "the goods are no longer set aside: cancel it, and let the buyer order anew"
    spent = order.money.attempt >= MOST_ATTEMPTS
    return f"{MOST_ATTEMPTS} codes were given: let the buyer use the last one, or cancel the order" if spent else ""


def _received(order: Order, now: datetime) -> Said:
    if order.intent in (Intent.CLOSING, Intent.CANCELLED) or not order.left:
        raise TooLate("nothing of it has left, or the order is over: confirm it when the parcel is out, see `state`")
    return observing.receipt_confirmed(order, now)


def _identified(order: Order, person: Sealed) -> Said:
    again = replace(order, person=person).lifting("identity_missing", "customs")
    if order.identity_refused:  # judged anew, like the first time
        again = again.with_papers("import", replace(order.import_papers, state=Papers.NONE, reason="", identity=False))
    named = _amended(order, again)
    return replace(named, cancel=(WorkName(IDENTITY_OVERDUE, order.id),))


def _addressed(order: Order, recipient: Sealed) -> Said:
    """A refused booking is asked again with it. What nobody has begun with is free after the release too: customs has
    judged; of what is on its way only an open declaration can still be corrected."""
    begun = [parcel.state for parcel in order.live.values() if parcel.state not in (Carriage.ASKED, Carriage.BOOKED)]
    if not order.way.readdressed.issuperset(begun):
        raise TooLate("the parcel is packed or on its way: ask the carrier to redirect it, or cancel the order")
    corrected = replace(order, recipient=recipient, recipient_version=order.recipient_version + 1)
    lifted = corrected.lifting("customs", "address_changed", "booking_refused")
    return _amended(order, lifted, _OPEN_PAPERS if begun else (*_OPEN_PAPERS, Papers.RELEASED))


def _amended(order: Order, corrected: Order, papers: tuple[Papers, ...] = _OPEN_PAPERS) -> Said:
    if order.intent is not Intent.PLACED:
        raise TooLate(f"the order is {order.intent.value} and stays as it is: let the buyer order anew")
    if order.import_papers.state not in papers:
        raise TooLate("the declaration is under way: correct it when customs has refused it, or cancel the order")
    return Said(corrected, (amended(corrected),))


def _lifted(order: Order, hold: str, now: datetime) -> Said:
    """An operator's word. An attempt whose time ran out while its money was in question ends with the question. Who is
    silent still, after the same time again, is named again."""
    if hold not in order.holds:
        raise TooLate(f"the order is not held by {hold[:40]}; it is held by: {', '.join(order.holds) or 'nothing'}")
    if refusal := lifting.unsettled(order, hold):
        raise TooLate(refusal)
    lifted, expires_at = order.lifting(hold), order.money.expires_at
    if hold in SILENT:
        lifted = replace(lifted, awaited="", heard_at=None)
    if hold == "customs" and order.import_papers.refused:
        lifted = lifted.with_papers("import", replace(order.import_papers, refused=""))  # it is asked for once more
    if lifted.awaits_payment and expires_at is not None and expires_at <= now:
        return undoing.close(lifted, "system", "payment_overdue")
    return Said(lifted)


# --- timers and calls -------------------------------------------------------------------------------------------------


def outcome(order: Order, done: Outcome, policy: Policy, now: datetime) -> Said:
    """A timer's time came, or a call ended."""
    match done.task, done.result:
        case PaymentOverdue(attempt=attempt), Due():
            late = order.awaits_payment and order.money.attempt == attempt
            return undoing.close(order, "system", "payment_overdue") if late else Said(order)
        case IdentityOverdue(), Due():
            unnamed = order.person is None or "identity_missing" in order.holds
            missing = unnamed and order.intent is Intent.PLACED and not order.funded
            return undoing.close(order, "system", "identity_missing") if missing else Said(order)
        case HoldOver(), Due():
            return Said(replace(order, hold_over=True))
        case Reminder(what="silence"), Due():
            return silences.overdue(order, policy, now)
        case Reminder(what=what), Due():
            return _reminded(order, what, now)
        case ConfirmShipment(parcel_id=parcel_id), Refused() | Exhausted():
            refused = order.with_parcel(parcel_id, replace(order.parcels[parcel_id], confirmed="refused"))
            return Said(refused.holding("shipment_unconfirmed"))
        case ConfirmShipment(parcel_id=parcel_id), _:
            return _confirmed(order, parcel_id)
        case _:
            raise AssertionError(f"orders has no work {done.kind}")


def _reminded(order: Order, what: str, now: datetime) -> Said:
    if what not in order.reminders:
        return Said(order)
    track, state = ("goods", order.goods.state) if what == SHORTAGE else ("carriage", order.intent)
    return undoing.case(order, track, state.value, f"orders.deadline.{what}", _OVERDUE[what], now)


_OVERDUE: Final = {
    SHIP_BY: "the time by which the channel wants to hear of the hand-over is over",
    SHORTAGE: "paid, and still short: restock, or refund it",
}


def _confirmed(order: Order, parcel_id: ParcelId) -> Said:
    parcel = replace(order.parcels[parcel_id], confirmed="yes")
    fact = facts.ShipmentConfirmed(
        order_id=order.id, seller=order.seller, parcel_id=parcel_id, waybill_no=parcel.waybill_no
    )
    return Said(order.with_parcel(parcel_id, parcel), (fact,))
