"""Trackers: who pushes a parcel's scans, where that is not who booked it. Pure."""

from __future__ import annotations

from datetime import datetime

from services.logistics.commands import NEXT_ROUND, REGISTER, Declined, Done, Register, Stopped
from services.logistics.shipment import Parcel, Said, Shipment
from shared.flow.decision import Exhausted, Refused, Work


def follow(shipment: Shipment, parcel: Parcel, now: datetime) -> tuple[Work, ...]:
    """Have the parcel's number followed. A carrier that tracks what it books knows already."""
    if parcel.tracked_by in ("", parcel.interface):
        return ()
    task = Register(shipment.order_id, parcel.id, parcel.tracked_by, parcel.waybill_no)
    return (Work(REGISTER, shipment.order_id, now, task, parcel.id),)


def registered(shipment: Shipment, task: Register, result: object, now: datetime) -> Said:
    """Without a tracker the parcel goes its way unseen: nothing stops by it, a person is told."""
    match result:
        case Done():
            return Said(shipment.settling(task.parcel_id, "tracker_silent", now))
        case Declined(code=code, words=reason) | Refused(code=code, message=reason):
            settled = shipment.settling(task.parcel_id, "tracker_silent", now)
            detail = f"{task.waybill_no} at {task.tracker}: {code}: {reason}"
            return Said(settled.opening(task.parcel_id, "tracking_refused", detail, now))
        case Exhausted(code=code, message=message):
            again = Work(REGISTER, shipment.order_id, now + NEXT_ROUND, task, task.parcel_id)
            detail = f"{task.tracker}: {code}: {message}"
            return Said(shipment.opening(task.parcel_id, "tracker_silent", detail, now), work=(again,))
        case _:
            raise AssertionError(f"a registration cannot end in {type(result).__name__}")


def stopped(shipment: Shipment, told: Stopped, now: datetime) -> Said:
    """The tracker hears nothing any more; of a parcel that is still on its way a person should know."""
    parcel = shipment.named(told.refs)
    if parcel is None or parcel.ended:
        return Said(shipment)
    return Said(shipment.opening(parcel.id, "tracking_stopped", f"{', '.join(told.refs)} is followed no more", now))
