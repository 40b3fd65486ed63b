"""Customs' word on the waybill document (511) that the carrier declares. Pure.

Customs keeps what it accepted: nothing that comes later about the same recipient undoes it by itself.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from services.logistics.commands import DocumentAnswered
from services.logistics.shipment import Answer, Booking, Document, Parcel, Said, Shipment
from shared.errors import Unrecognised
from shared.events import logistics as facts


def answered(shipment: Shipment, told: DocumentAnswered, now: datetime) -> Said:
    parcel = shipment.named((told.waybill_no,))
    if parcel is None:
        raise Unrecognised("waybill number", told.waybill_no)
    if parcel.calling and parcel.state is Booking.BOOKED:
        # The recipient is being corrected: which of the two was declared is known when the carrier has answered.
        return Said(shipment.having(replace(parcel, document_waiting=told.document)))
    return _heard(shipment, parcel, told.document, now)


def caught_up(shipment: Shipment, parcel_id: str, now: datetime) -> Said:
    """What waited for the carrier's answer, now."""
    parcel = shipment.parcel(parcel_id)
    if parcel.document_waiting is None:
        return Said(shipment)
    return _heard(shipment, replace(parcel, document_waiting=None), parcel.document_waiting, now)


def _heard(shipment: Shipment, parcel: Parcel, document: Document, now: datetime) -> Said:
    document = replace(document, recipient=parcel.booked_to)
    before = parcel.document if parcel.document and parcel.document.recipient == parcel.booked_to else None
    if before is not None and before.answer is Answer.ACCEPTED:
        if document.answer is not Answer.REFUSED or document.at <= before.at:
            return Said(shipment.having(parcel))
        detail = f"{document.code}: {document.info}"
        return Said(shipment.having(parcel).opening(parcel.id, "document_refused_after_accepted", detail, now))
    if before is not None and document.answer in (before.answer, Answer.PENDING):
        return Said(shipment.having(parcel))
    return Said(shipment.having(replace(parcel, document=document)), _spoken(shipment, parcel, document))


def _spoken(
    shipment: Shipment, parcel: Parcel, document: Document
) -> tuple[facts.WaybillDocumentAccepted | facts.WaybillDocumentRefused, ...]:
    match document.answer:
        case Answer.PENDING:
            return ()
        case Answer.ACCEPTED:
            accepted = facts.WaybillDocumentAccepted(
                order_id=shipment.order_id,
                seller=shipment.seller,
                parcel_id=parcel.id,
                waybill_no=parcel.waybill_no,
                logistics_code=document.logistics_code,
                accepted_at=document.at,
                recipient_fingerprint=document.recipient,
            )
            return (accepted,)
        case Answer.REFUSED:
            refused = facts.WaybillDocumentRefused(
                order_id=shipment.order_id,
                seller=shipment.seller,
                parcel_id=parcel.id,
                waybill_no=parcel.waybill_no,
                code=document.code,
                reason=document.info[:300],
            )
            return (refused,)
