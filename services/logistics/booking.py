"""Waybills: booked once per parcel, booked anew when the recipient is corrected, voided before hand-over. Pure.

At most one booking of a parcel is on its way: what comes meanwhile (a cancellation, another address, customs' word on
the waybill document) waits for its answer, because only then is it known what it is about.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from services.logistics import documents
from services.logistics.commands import BOOK, VOID, Book, Declined, Done, Void, Waybill
from services.logistics.shipment import (
    Booking,
    Parcel,
    Said,
    Shipment,
    carrier_alias,
    parcel_alias,
)
from shared.events import logistics as facts
from shared.events.orders import OrderAmended, ShipmentCancelRequested, ShipmentRequested
from shared.flow.decision import Exhausted, Refused, Work

# Between two rounds of tries at a carrier that does not answer. Not business time: never scaled.
NEXT_ROUND: Final = timedelta(minutes=5)
NO_CARRIER: Final = "logistics.no_such_carrier"


@dataclass(frozen=True, slots=True)
class CarrierTerms:
    """How customs knows the carrier: what 511 and 621 say."""

    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Policy:
    """carriers: those that we have an interface to. origins: warehouse → country where its parcels start."""

    carriers: Mapping[str, CarrierTerms]
    origins: Mapping[str, str]


def request(shipment: Shipment | None, asked: ShipmentRequested, policy: Policy, now: datetime) -> Said:
    shipment = shipment or Shipment(asked.order_id, asked.seller)
    if asked.parcel_id in shipment.parcels:
        return Said(shipment)
    parcel = _parcel(asked, policy)
    aliases = {parcel_alias(parcel.id): shipment.order_id}
    if parcel.carrier not in policy.carriers:
        refused = replace(parcel, state=Booking.REFUSED)
        fact = _refused(shipment, parcel, NO_CARRIER, f"no interface to carrier {parcel.carrier}")
        return Said(shipment.having(refused), (fact,), aliases=aliases)
    return replace(_called(shipment, parcel, now), aliases=aliases)


def _parcel(asked: ShipmentRequested, policy: Policy) -> Parcel:
    return Parcel(
        asked.parcel_id, asked.shop, asked.carrier, asked.warehouse, asked.order_no, asked.recipient, asked.goods,
        asked.gross_grams, asked.freight, asked.lines, policy.origins.get(asked.warehouse),
    )  # fmt: skip


def _called(shipment: Shipment, parcel: Parcel, due: datetime) -> Said:
    """Ask the carrier, with the recipient as it is wanted now."""
    task = Book(
        shipment.order_id, parcel.id, parcel.carrier, parcel.order_no, parcel.warehouse, parcel.recipient, parcel.goods,
        parcel.gross_grams, parcel.freight,
    )  # fmt: skip
    work = Work(BOOK, shipment.order_id, due, task, parcel.id)
    return Said(shipment.having(replace(parcel, calling=True)), work=(work,))


def amend(shipment: Shipment, amended: OrderAmended, now: datetime) -> Said:
    """The carrier must carry, and its 511 must say, what the order says now."""
    said = Said(shipment)
    for parcel in shipment.parcels.values():
        if parcel.recipient.fingerprint != amended.recipient.fingerprint:
            said = said.then(_redirect(said.shipment, parcel, amended, now))
    return said


def _redirect(shipment: Shipment, parcel: Parcel, amended: OrderAmended, now: datetime) -> Said:
    if parcel.state not in (Booking.ASKED, Booking.BOOKED):
        return Said(shipment)
    if parcel.gone:
        detail = "the recipient was corrected after the parcel left"
        return Said(shipment.opening(parcel.id, "redirected_too_late", detail, now))
    return _onward(shipment.having(replace(parcel, recipient=amended.recipient)), parcel.id, now)


def cancel(shipment: Shipment, asked: ShipmentCancelRequested, now: datetime) -> Said:
    parcel = shipment.parcel(asked.parcel_id)
    if parcel.state not in (Booking.ASKED, Booking.BOOKED):
        return Said(shipment)
    if parcel.gone:
        detail = "it left before the waybill was voided: only interception is left"
        return Said(shipment.opening(parcel.id, "void_too_late", detail, now))
    return _onward(shipment.having(replace(parcel, void_wanted=True)), parcel.id, now)


def _onward(shipment: Shipment, parcel_id: str, now: datetime) -> Said:
    """What follows for a parcel whose carrier is not being asked anything: void it, or book it anew."""
    parcel = shipment.parcel(parcel_id)
    if parcel.calling or parcel.state is not Booking.BOOKED:
        return Said(shipment)
    if parcel.void_wanted:
        task = Void(shipment.order_id, parcel.id, parcel.carrier, parcel.waybill_no)
        work = Work(VOID, shipment.order_id, now, task, parcel.id)
        return Said(shipment.having(replace(parcel, state=Booking.VOIDING)), work=(work,))
    if parcel.recipient.fingerprint != parcel.booked_to:
        return _called(shipment, parcel, now)
    return Said(shipment)


# --- the carrier's answers ------------------------------------------------------------------------------------------


def booked(shipment: Shipment, task: Book, result: object, policy: Policy, now: datetime) -> Said:
    """A booking ended. One that nobody answered is sent again, identical, for as long as it takes."""
    parcel = shipment.parcel(task.parcel_id)
    match result:
        case Waybill():
            return _numbered(shipment.settling(parcel.id, "booking_unanswered", now), parcel, task, result, policy, now)
        case Declined(code=code, words=reason) | Refused(code=code, message=reason):
            return _declined(shipment.settling(parcel.id, "booking_unanswered", now), parcel, code, reason, now)
        case Exhausted(code=code, message=message):
            again = Work(BOOK, shipment.order_id, now + NEXT_ROUND, task, parcel.id)
            detail = f"{code}: {message}"
            return Said(shipment.opening(parcel.id, "booking_unanswered", detail, now), work=(again,))
        case _:
            raise AssertionError(f"a booking cannot end in {type(result).__name__}")


def _numbered(shipment: Shipment, parcel: Parcel, task: Book, waybill: Waybill, policy: Policy, now: datetime) -> Said:
    first, changed = not parcel.waybill_no, parcel.waybill_no not in ("", waybill.number)
    refs = tuple(dict.fromkeys((*parcel.refs, waybill.number, *waybill.also)))
    after = replace(
        parcel, state=Booking.BOOKED, calling=False, booked_to=task.recipient.fingerprint, waybill_no=waybill.number,
        refs=refs,
    )  # fmt: skip
    shipment = shipment.having(after)
    if changed:
        shipment = shipment.opening(parcel.id, "waybill_changed", f"{parcel.waybill_no} became {waybill.number}", now)
    spoken = (_booked(shipment, after, policy),) if first or changed else ()
    aliases = {carrier_alias(parcel.carrier, ref): shipment.order_id for ref in refs}
    return _free(Said(shipment, spoken, aliases=aliases), parcel.id, now)


def _declined(shipment: Shipment, parcel: Parcel, code: str, reason: str, now: datetime) -> Said:
    if parcel.state is Booking.ASKED:
        refused = replace(parcel, state=Booking.REFUSED, calling=False)
        return Said(shipment.having(refused), (_refused(shipment, parcel, code, reason),))
    # The first waybill lives on with the recipient that it had: asking again would be answered the same.
    shipment = shipment.having(replace(parcel, calling=False))
    shipment = shipment.opening(parcel.id, "rebooking_refused", f"{code}: {reason}", now)
    said = documents.caught_up(shipment, parcel.id, now)
    return said.then(_onward(said.shipment, parcel.id, now)) if parcel.void_wanted else said


def _free(said: Said, parcel_id: str, now: datetime) -> Said:
    """The carrier has answered: what waited for it goes on. Another booking on its way keeps customs' word waiting."""
    said = said.then(_onward(said.shipment, parcel_id, now))
    if said.shipment.parcel(parcel_id).calling:
        return said
    return said.then(documents.caught_up(said.shipment, parcel_id, now))


def voided(shipment: Shipment, task: Void, result: object, now: datetime) -> Said:
    parcel = shipment.parcel(task.parcel_id)
    match result:
        case Done():
            shipment = shipment.settling(parcel.id, "void_unanswered", now)
            fact = facts.ParcelVoided(order_id=shipment.order_id, seller=shipment.seller, parcel_id=parcel.id)
            return Said(shipment.having(replace(parcel, state=Booking.VOIDED)), (fact,))
        case Declined(code=code, words=reason) | Refused(code=code, message=reason):
            alive = shipment.having(replace(parcel, state=Booking.BOOKED, void_wanted=False))
            return Said(alive.opening(parcel.id, "void_refused", f"{code}: {reason}", now))
        case Exhausted(code=code, message=message):
            again = Work(VOID, shipment.order_id, now + NEXT_ROUND, task, parcel.id)
            return Said(shipment.opening(parcel.id, "void_unanswered", f"{code}: {message}", now), work=(again,))
        case _:
            raise AssertionError(f"voiding cannot end in {type(result).__name__}")


def _booked(shipment: Shipment, parcel: Parcel, policy: Policy) -> facts.ParcelBooked:
    terms = policy.carriers[parcel.carrier]
    return facts.ParcelBooked(
        order_id=shipment.order_id,
        seller=shipment.seller,
        parcel_id=parcel.id,
        carrier=parcel.carrier,
        logistics_code=terms.code,
        logistics_name=terms.name,
        waybill_no=parcel.waybill_no,
    )


def _refused(shipment: Shipment, parcel: Parcel, code: str, reason: str) -> facts.BookingRefused:
    return facts.BookingRefused(
        order_id=shipment.order_id, seller=shipment.seller, parcel_id=parcel.id, code=code, reason=reason[:300]
    )
