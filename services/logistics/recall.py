"""Taking a parcel back: its waybill is voided before anybody carries it, afterwards it can only be intercepted. Pure.

What is wanted stays wanted until somebody answers: a booking, a pick order or a void that is on its way is waited for,
and whoever says "too late" turns voiding into interception. An intercepted parcel says by its scans that it is back.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from services.logistics import commands, gate
from services.logistics.commands import NEXT_ROUND, RECALL, VOID, Declined, Done, Void
from services.logistics.milestones import Milestone
from services.logistics.shipment import Booking, Parcel, Recall, Said, Shipment
from shared.events import logistics as facts
from shared.events.orders import ShipmentCancelRequested
from shared.flow.decision import Exhausted, Refused, Work


def cancel(shipment: Shipment, asked: ShipmentCancelRequested, now: datetime) -> Said:
    """It is wanted back from now on; `onward`, which looks after every step, takes it up."""
    parcel = shipment.parcel(asked.parcel_id)
    if parcel.state not in (Booking.ASKED, Booking.BOOKED) or parcel.recall is not None:
        return Said(shipment)
    said = Said(shipment.having(replace(parcel, void_wanted=True)))
    return said if parcel.gone else said.then(gate.leave(said.shipment, parcel.id, now))


def onward(shipment: Shipment, parcel_id: str, now: datetime) -> Said:
    """The next step of taking it back, where one is wanted and nobody has to answer first."""
    parcel = shipment.parcel(parcel_id)
    if not parcel.void_wanted or parcel.calling or parcel.state is not Booking.BOOKED:
        return Said(shipment)
    if parcel.gone:
        return _recall(shipment, parcel, now)
    if any(decision is not None and decision.telling for decision in (parcel.pick, parcel.gate)):
        return Said(shipment)  # a warehouse that has not answered may still let it go
    if parcel.pick is not None and parcel.pick.authorised:  # the warehouse could not stop it any more
        return _recall(shipment, parcel, now)
    return _void(shipment, parcel, now)


def _void(shipment: Shipment, parcel: Parcel, now: datetime) -> Said:
    if parcel.adopted:  # the channel's own waybill: nobody asks its carrier but the channel
        return _voided(shipment, parcel)
    task = Void(shipment.order_id, parcel.id, parcel.interface, parcel.waybill_no)
    work = Work(VOID, shipment.order_id, now, task, parcel.id)
    return Said(shipment.having(replace(parcel, state=Booking.VOIDING)), work=(work,))


def _voided(shipment: Shipment, parcel: Parcel) -> Said:
    fact = facts.ParcelVoided(order_id=shipment.order_id, seller=shipment.seller, parcel_id=parcel.id)
    return Said(shipment.having(replace(parcel, state=Booking.VOIDED)), (fact,))


def _recall(shipment: Shipment, parcel: Parcel, now: datetime) -> Said:
    after = replace(parcel, void_wanted=False)
    if parcel.ended or Milestone.LOST in parcel.spoken or parcel.recall is not None:
        return Said(shipment.having(after))  # its end was spoken: that is the answer
    task = commands.Recall(shipment.order_id, parcel.id, parcel.interface, parcel.waybill_no)
    work = Work(RECALL, shipment.order_id, now, task, parcel.id)
    return Said(shipment.having(replace(after, recall=Recall.ASKED)), work=(work,))


# --- the carrier's answers ------------------------------------------------------------------------------------------


def voided(shipment: Shipment, task: Void, result: object, now: datetime) -> Said:
    parcel = shipment.parcel(task.parcel_id)
    match result:
        case Done():
            return _voided(shipment.settling(parcel.id, "void_unanswered", now), parcel)
        case Declined() | Refused():
            # It has the parcel in hand, and we had not heard: what cannot be voided may still be stopped.
            alive = replace(parcel, state=Booking.BOOKED)
            return _recall(shipment.settling(parcel.id, "void_unanswered", now), alive, now)
        case Exhausted(code=code, message=message):
            again = Work(VOID, shipment.order_id, now + NEXT_ROUND, task, parcel.id)
            return Said(shipment.opening(parcel.id, "void_unanswered", f"{code}: {message}", now), work=(again,))
        case _:
            raise AssertionError(f"voiding cannot end in {type(result).__name__}")


def recalled(shipment: Shipment, task: commands.Recall, result: object, now: datetime) -> Said:
    """Taken or not, orders hears the end from the parcel itself: returned, delivered, lost."""
    parcel = shipment.parcel(task.parcel_id)
    match result:
        case Done():
            settled = shipment.settling(parcel.id, "recall_unanswered", now)
            return Said(settled.having(replace(parcel, recall=Recall.UNDER_WAY)))
        case Declined(code=code, words=reason) | Refused(code=code, message=reason):
            settled = shipment.settling(parcel.id, "recall_unanswered", now)
            settled = settled.having(replace(parcel, recall=Recall.REFUSED))
            return Said(settled.opening(parcel.id, "recall_refused", f"it goes on: {code}: {reason}", now))
        case Exhausted(code=code, message=message):
            again = Work(RECALL, shipment.order_id, now + NEXT_ROUND, task, parcel.id)
            return Said(shipment.opening(parcel.id, "recall_unanswered", f"{code}: {message}", now), work=(again,))
        case _:
            raise AssertionError(f"a recall cannot end in {type(result).__name__}")
