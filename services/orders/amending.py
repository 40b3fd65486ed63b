"""What shops and operators ask of an order, and what its timers and calls end with. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from services.orders import undoing
from services.orders.commands import (
    AddressCorrected,
    CancelAsked,
    Command,
    ConfirmShipment,
    HoldLiftAsked,
    HoldOver,
    IdentityOverdue,
    IdentitySupplied,
    PaymentOverdue,
)
from services.orders.order import DECLARABLE, Order
from services.orders.said import Said
from services.orders.tracks import Carriage, Intent, Papers
from services.orders.undoing import TooLate
from shared.events import orders as facts
from shared.events.values import Sealed
from shared.flow.decision import Due, Exhausted, Outcome, Refused
from shared.ids import ParcelId

_OPEN_PAPERS = (Papers.NONE, Papers.ASSESSED, Papers.INADMISSIBLE, Papers.MISMATCHED, Papers.REJECTED)


def obeyed(order: Order, command: Command, now: datetime) -> Said:
    """Raises TooLate where it cannot be done any more."""
    match command:
        case IdentitySupplied(person=person):
            return _identified(order, person)
        case AddressCorrected(recipient=recipient):
            return _addressed(order, recipient)
        case CancelAsked(by=by, reason=reason):
            return undoing.cancel(order, by, reason)
        case HoldLiftAsked(hold=hold):
            return _lifted(order, hold, now)


def _identified(order: Order, person: Sealed) -> Said:
    return _amended(order, replace(order, person=person).lifting("identity_missing", "customs"))


def _addressed(order: Order, recipient: Sealed) -> Said:
    """A refused booking is asked again with it."""
    if any(parcel.state not in (Carriage.ASKED, Carriage.BOOKED) for parcel in order.live.values()):
        raise TooLate("the parcel is packed or on its way: the address can no longer be changed here")
    corrected = replace(order, recipient=recipient, recipient_version=order.recipient_version + 1)
    return _amended(order, corrected.lifting("customs", "address_changed", "booking_refused"))


def _amended(order: Order, corrected: Order) -> Said:
    if order.intent is not Intent.PLACED:
        raise TooLate(f"the order is {order.intent.value}")
    if order.import_papers.state not in _OPEN_PAPERS:
        raise TooLate("the declaration is under way: wait for its answer")
    amended = facts.OrderAmended(
        order_id=order.id, seller=order.seller, person=corrected.person, recipient=corrected.recipient,
        recipient_version=corrected.recipient_version,
    )  # fmt: skip
    return Said(corrected, (amended,))


def _lifted(order: Order, hold: str, now: datetime) -> Said:
    """An operator's word. An attempt whose time ran out while its money was in question ends with the question."""
    if hold not in order.holds:
        raise TooLate(f"the order is not held by {hold[:40]}")
    if hold == "identity_missing":
        raise TooLate("customs needs the identity: PUT /v1/orders/{id}/identity, or cancel the order")
    if hold == "payment_not_declarable" and order.amounts.total.currency != DECLARABLE:
        raise TooLate(f"only {DECLARABLE} can be declared: let the buyer order anew in it, or cancel the order")
    lifted, expires_at = order.lifting(hold), order.money.expires_at
    if lifted.awaits_payment and expires_at is not None and expires_at <= now:
        return undoing.close(lifted, "system", "payment_overdue")
    return Said(lifted)


# --- timers and calls -------------------------------------------------------------------------------------------------


def outcome(order: Order, done: Outcome) -> Said:
    """A timer's time came, or a call ended."""
    match done.task, done.result:
        case PaymentOverdue(attempt=attempt), Due():
            late = order.awaits_payment and order.money.attempt == attempt
            return undoing.close(order, "system", "payment_overdue") if late else Said(order)
        case IdentityOverdue(), Due():
            missing = order.person is None and order.intent is Intent.PLACED and not order.funded
            return undoing.close(order, "system", "identity_missing") if missing else Said(order)
        case HoldOver(), Due():
            return Said(replace(order, hold_over=True))
        case ConfirmShipment(parcel_id=parcel_id), Refused() | Exhausted():
            refused = order.with_parcel(parcel_id, replace(order.parcels[parcel_id], confirmed="refused"))
            return Said(refused.holding("shipment_unconfirmed"))
        case ConfirmShipment(parcel_id=parcel_id), _:
            return _confirmed(order, parcel_id)
        case _:
            raise AssertionError(f"orders has no work {done.kind}")


def _confirmed(order: Order, parcel_id: ParcelId) -> Said:
    parcel = replace(order.parcels[parcel_id], confirmed="yes")
    fact = facts.ShipmentConfirmed(
        order_id=order.id, seller=order.seller, parcel_id=parcel_id, waybill_no=parcel.waybill_no
    )
    return Said(order.with_parcel(parcel_id, parcel), (fact,))
