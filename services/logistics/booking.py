"""Waybills: booked once per parcel and anew for a corrected recipient, adopted where the channel booked. Pure.

At most one booking of a parcel is on its way: what comes meanwhile (a cancellation, another address, customs' word on
the waybill document) waits for its answer, because only then is it known what it is about.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final

from services.logistics import documents, following, gate
from services.logistics.commands import BOOK, NEXT_ROUND, Book, Declined, Waybill
from services.logistics.policy import DIRECT_MAIL, Policy
from services.logistics.shipment import Booking, Parcel, Said, Shipment, parcel_alias
from shared.events import logistics as facts
from shared.events.orders import OrderAmended, ShipmentRequested, WaybillAssigned
from shared.flow.decision import Exhausted, Refused, Work

NO_CARRIER: Final = "logistics.no_such_carrier"


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


def adopt(shipment: Shipment | None, given: WaybillAssigned, policy: Policy, now: datetime) -> Said:
    """The channel booked it. Its number is ours to follow, and no booking, document or void of ours exists."""
    shipment = shipment or Shipment(given.order_id, given.seller)
    if given.parcel_id in shipment.parcels:
        return Said(shipment)
    refs = (given.waybill_no,)
    parcel = replace(
        _parcel(given, policy), state=Booking.BOOKED, adopted=True, waybill_no=given.waybill_no, refs=refs,
        booked_to=given.recipient.fingerprint,
    )  # fmt: skip
    aliases = {parcel_alias(parcel.id): shipment.order_id, **parcel.known_as(shipment.order_id, refs)}
    fact = _booked(shipment, parcel, policy)
    said = Said(shipment.having(parcel), (fact,), following.follow(shipment, parcel, now), aliases)
    return said.then(gate.pick(said.shipment, parcel.id, now))


def _parcel(asked: ShipmentRequested | WaybillAssigned, policy: Policy) -> Parcel:
    flow, terms = policy.flow(asked.flow), policy.carriers.get(asked.carrier)
    return Parcel(
        asked.parcel_id, asked.shop, asked.carrier, asked.warehouse, asked.order_no, asked.recipient, asked.goods,
        asked.gross_grams, asked.freight, asked.lines, policy.origins.get(asked.warehouse),
        kind=flow.kind, flow=asked.flow, destination_country=flow.destination or None,
        booked_with=terms.books if terms else "", tracked_by=terms.tracked_by if terms else "",
    )  # fmt: skip


def _called(shipment: Shipment, parcel: Parcel, due: datetime) -> Said:
    """Ask the carrier, with the recipient as it is wanted now."""
    task = Book(
        shipment.order_id, parcel.id, parcel.interface, parcel.order_no, parcel.warehouse, parcel.recipient,
        parcel.goods, parcel.gross_grams, parcel.freight,
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
    if parcel.gone and not _abroad(parcel):
        detail = "the recipient was corrected after the parcel left"
        return Said(shipment.opening(parcel.id, "redirected_too_late", detail, now))
    if parcel.adopted:
        shipment = shipment.having(replace(parcel, recipient=amended.recipient))
        detail = f"the channel booked {parcel.waybill_no}: only it can tell the carrier of the corrected recipient"
        return Said(shipment.opening(parcel.id, "redirected_at_channel", detail, now))
    return _onward(shipment.having(replace(parcel, recipient=amended.recipient)), parcel.id, now)


def _abroad(parcel: Parcel) -> bool:
    """On its way to the supervised site: the carrier of the last mile, who has the label, has not seen it yet."""
    return parcel.kind == DIRECT_MAIL and parcel.exited_at is None


def _onward(shipment: Shipment, parcel_id: str, now: datetime) -> Said:
    """Book anew what the carrier has on file for somebody else, unless it is to be taken back."""
    parcel = shipment.parcel(parcel_id)
    if parcel.calling or parcel.void_wanted or parcel.state is not Booking.BOOKED:
        return Said(shipment)
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
    news = first or changed
    spoken = (_booked(shipment, after, policy),) if news else ()
    work = following.follow(shipment, after, now) if news else ()
    said = Said(shipment, spoken, work, after.known_as(shipment.order_id, refs))
    return _free(said.then(gate.pick(said.shipment, parcel.id, now)), parcel.id, now)


def _declined(shipment: Shipment, parcel: Parcel, code: str, reason: str, now: datetime) -> Said:
    if parcel.state is Booking.ASKED:
        refused = replace(parcel, state=Booking.REFUSED, calling=False)
        return Said(shipment.having(refused), (_refused(shipment, parcel, code, reason),))
    # The first waybill lives on with the recipient that it had: asking again would be answered the same.
    shipment = shipment.having(replace(parcel, calling=False))
    shipment = shipment.opening(parcel.id, "rebooking_refused", f"{code}: {reason}", now)
    return documents.caught_up(shipment, parcel.id, now)


def _free(said: Said, parcel_id: str, now: datetime) -> Said:
    """The carrier has answered: what waited for it goes on. Another booking on its way keeps customs' word waiting."""
    said = said.then(_onward(said.shipment, parcel_id, now))
    if said.shipment.parcel(parcel_id).calling:
        return said
    return said.then(documents.caught_up(said.shipment, parcel_id, now))


def _booked(shipment: Shipment, parcel: Parcel, policy: Policy) -> facts.ParcelBooked:
    terms = policy.carriers.get(parcel.carrier)  # a channel may give a waybill of a carrier that we do not ask
    return facts.ParcelBooked(
        order_id=shipment.order_id,
        seller=shipment.seller,
        parcel_id=parcel.id,
        carrier=parcel.carrier,
        logistics_code=terms.code if terms else "",
        logistics_name=terms.name if terms else "",
        waybill_no=parcel.waybill_no,
    )


def _refused(shipment: Shipment, parcel: Parcel, code: str, reason: str) -> facts.BookingRefused:
    return facts.BookingRefused(
        order_id=shipment.order_id, seller=shipment.seller, parcel_id=parcel.id, code=code, reason=reason[:300]
    )
