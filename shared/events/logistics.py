"""What logistics speaks. Key: the order id, but for what concerns a whole consignment."""

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


@event("logistics.parcel.handed-over", version=1, key="order_id")
class ParcelHandedOver(ParcelFact):
    """The origin warehouse gave it to the line-haul. It is not in a consignment, and customs has seen nothing."""

    at: AwareDatetime


@event("logistics.parcel.consolidated", version=1, key="order_id")
class ParcelConsolidated(ParcelFact):
    """It travels in this consignment under this master bill; said again when it was moved into another one."""

    consignment_id: str
    master_bill: str
    voyage: str
    vehicle: str
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


@event("logistics.parcel.delayed", version=1, key="order_id")
class ParcelDelayed(ParcelFact):
    """No milestone came for longer than this leg allows. The parcel may be on its way all the same."""

    after: str
    since: AwareDatetime


@event("logistics.promise.missed", version=1, key="order_id")
class PromiseMissed(ParcelFact):
    """The parcel was not delivered when it was promised."""

    promise: str
    due_at: AwareDatetime


class ConsignmentFact(Event):
    consignment_id: str
    master_bill: str


@event("logistics.consignment.closed", version=1, key="consignment_id")
class ConsignmentClosed(ConsignmentFact):
    """No parcel is added any more. Each of its parcels says so by a fact of its own. It has not departed."""

    voyage: str
    vehicle: str
    parcels: int
    at: AwareDatetime


@event("logistics.consignment.departed", version=1, key="consignment_id")
class ConsignmentDeparted(ConsignmentFact):
    """It left the place of origin."""

    at: AwareDatetime


@event("logistics.consignment.arrived", version=1, key="consignment_id")
class ConsignmentArrived(ConsignmentFact):
    """It is at the destination, before customs."""

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
