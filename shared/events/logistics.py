"""What logistics speaks. Key: the order id, always."""

from __future__ import annotations

from pydantic import AwareDatetime

from shared.events.base import Event, event
from shared.events.values import StockLine
from shared.ids import OrderId, ParcelId


class ParcelFact(Event):
    order_id: OrderId
    seller: str
    parcel_id: ParcelId


@event("logistics.parcel.booked", version=1, key="order_id")
class ParcelBooked(ParcelFact):
    """The carrier gave a waybill number. It has not seen the parcel."""

    carrier: str
    logistics_code: str
    logistics_name: str
    waybill_no: str


@event("logistics.parcel.booking-refused", version=1, key="order_id")
class BookingRefused(ParcelFact):
    """The carrier does not take the parcel as described; nothing was booked."""

    code: str
    reason: str


@event("logistics.parcel.voided", version=1, key="order_id")
class ParcelVoided(ParcelFact):
    """The waybill is dead and was never handed over."""


@event("logistics.parcel.packed", version=1, key="order_id")
class ParcelPacked(ParcelFact):
    """The warehouse packed and weighed it. It is still inside the gate."""

    gross_grams: int
    lines: tuple[StockLine, ...]
    at: AwareDatetime


@event("logistics.parcel.exited", version=1, key="order_id")
class ParcelExited(ParcelFact):
    """It passed the gate. No carrier scan is implied."""

    at: AwareDatetime


@event("logistics.parcel.advanced", version=1, key="order_id")
class ParcelAdvanced(ParcelFact):
    """A milestone was reached for the first time; `late` says that a later one is known already."""

    milestone: str
    at: AwareDatetime
    late: bool


@event("logistics.parcel.delivered", version=1, key="order_id")
class ParcelDelivered(ParcelFact):
    """The recipient has it."""

    at: AwareDatetime


@event("logistics.parcel.lost", version=1, key="order_id")
class ParcelLost(ParcelFact):
    """The carrier gave it up. It may still turn up."""

    at: AwareDatetime


@event("logistics.parcel.returned", version=1, key="order_id")
class ParcelReturned(ParcelFact):
    """It is back where it came from. Nobody inspected it."""

    at: AwareDatetime


@event("logistics.waybill-document.accepted", version=1, key="order_id")
class WaybillDocumentAccepted(ParcelFact):
    """The carrier declared the waybill and customs has it (511)."""

    waybill_no: str
    logistics_code: str
    accepted_at: AwareDatetime
    recipient_fingerprint: str = ""
    """Whom the declared waybill names: after a correction the carrier declares anew and customs answers again."""


@event("logistics.waybill-document.refused", version=1, key="order_id")
class WaybillDocumentRefused(ParcelFact):
    """Customs refused the waybill document. The parcel is not affected yet."""

    waybill_no: str
    code: str
    reason: str
