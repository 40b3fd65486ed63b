"""What every carrier and warehouse speaks to us in: bookings, pushes, the calls we make."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from services.logistics.tracking import TrackingEvent
from shared.errors import Permanent, told
from shared.money import Money


class CarrierRefused(Permanent):
    """The carrier does not do what was asked: `refusal` is its own code, `words` its own text, which may name a
    person."""

    code = "logistics.carrier-refused"

    def __init__(self, refusal: str, words: str) -> None:
        super().__init__(f"the carrier refused ({told(refusal)})")
        self.refusal, self.words = refusal, words


@dataclass(frozen=True, slots=True)
class Consignee:
    """Who receives the parcel, in the words that every document of the order must repeat."""

    name: str = field(repr=False)
    phone: str = field(repr=False)
    country: str
    province: str
    city: str
    district: str | None
    street: str = field(repr=False)
    postal_code: str | None = field(default=None, repr=False)

    def address(self) -> str:
        """Province to street without separators, as Chinese documents print it."""
        return "".join(part for part in (self.province, self.city, self.district, self.street) if part)


@dataclass(frozen=True, slots=True)
class BookingRequest:
    """One parcel to be carried, with what its waybill document (511) needs. `parcel_id` is ours: asked again, the
    carrier answers with the first waybill. `order_no` is the number that all customs documents carry."""

    parcel_id: str
    order_no: str
    warehouse: str
    consignee: Consignee
    goods: str
    gross_grams: int
    freight: Money
    insurance: Money
    pieces: int = 1


@dataclass(frozen=True, slots=True)
class Booked:
    """`logistics_order` is the carrier's own order number where it has one beside the waybill's."""

    parcel_id: str
    waybill_no: str
    logistics_order: str | None


class DocumentState(StrEnum):
    """How far the waybill document is at customs; `pending` says nothing yet."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class WaybillDocument:
    """Customs' word on the 511 that the carrier declared. `code` and `info` are the receipt's own (CEB512)."""

    logistics_code: str
    waybill_no: str
    state: DocumentState
    code: str
    info: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Eta:
    """When the carrier expects to deliver: an attribute of the shipment, not an event."""

    earliest: datetime | None
    latest: datetime | None


@dataclass(frozen=True, slots=True)
class Tracking:
    """What one push says of one parcel. `refs` are all numbers that it names; `snapshot`: the whole history came."""

    refs: tuple[str, ...]
    events: tuple[TrackingEvent, ...]
    snapshot: bool = False
    eta: Eta | None = None


class Carrier(Protocol):
    async def book(self, request: BookingRequest) -> Booked:
        """Give the parcel a waybill number, at most one per `parcel_id`; asking again returns the first answer.

        Raises CarrierRefused, Transient (nothing left the house), Unknown (ask again with the same request).
        """
        ...

    async def void(self, parcel_id: str, waybill_no: str) -> None:
        """Kill a waybill that was not handed over; a dead one stays dead without complaint."""
        ...

    async def intercept(self, parcel_id: str, waybill_no: str) -> None:
        """Have a parcel that is on its way sent back; its scans say when it is. One on its way back stays so.

        Raises CarrierRefused where it is too late.
        """
        ...


class Tracker(Protocol):
    """Somebody who pushes the scans of numbers that were made known to them."""

    async def register(self, waybill_no: str, reference: str) -> None:
        """Follow this number; one that is followed already stays so. `reference` comes back with every push.

        Raises CarrierRefused, Transient, Unknown (ask again with the same number).
        """
        ...


@dataclass(frozen=True, slots=True)
class PickLine:
    sku: str
    quantity: int
    lot: str


@dataclass(frozen=True, slots=True)
class PickRequested:
    """What the origin is to pack and hand over, under which label."""

    order_id: str
    parcel_id: str
    lines: Sequence[PickLine]
    warehouse: str
    waybill_no: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PickWithdrawn:
    order_id: str
    parcel_id: str
    warehouse: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ExitAuthorised:
    """What may leave, under which version of the customs dossier; in a bonded flow it is the pick order too.

    `warehouse`: which gate. `at`: when we decided it.
    """

    order_id: str
    parcel_id: str
    lines: Sequence[PickLine]
    dossier_version: int
    at: datetime
    warehouse: str = ""
    waybill_no: str = ""


@dataclass(frozen=True, slots=True)
class ExitWithdrawn:
    order_id: str
    parcel_id: str
    reason: str
    at: datetime
    warehouse: str = ""


@dataclass(frozen=True, slots=True)
class ParcelPacked:
    """Packed and weighed, still inside the gate."""

    parcel_id: str
    order_id: str
    gross_grams: int
    at: datetime


@dataclass(frozen=True, slots=True)
class ParcelHandedOver:
    """The origin gave it to the line-haul."""

    parcel_id: str
    order_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ParcelExited:
    """Through the gate."""

    parcel_id: str
    order_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ConsignmentClosed:
    """The hub's list of parcels under one master bill; a later list of the same consignment replaces it."""

    consignment_id: str
    master_bill: str
    voyage: str
    vehicle: str
    parcels: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class ConsignmentDeparted:
    """`offloaded`: parcels of the list that stayed behind."""

    consignment_id: str
    offloaded: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class ConsignmentArrived:
    consignment_id: str
    at: datetime


ParcelEvent = ParcelPacked | ParcelHandedOver | ParcelExited
ConsignmentEvent = ConsignmentClosed | ConsignmentDeparted | ConsignmentArrived


class Warehouse(Protocol):
    """Every message has an id that the receiver remembers: the same again is the same order. The parcel may have moved
    all the same; the warehouse's next event says."""

    async def request_pick(self, message_id: str, order: PickRequested) -> None: ...

    async def withdraw_pick(self, message_id: str, order: PickWithdrawn) -> None:
        """Raises CarrierRefused where it was handed over already."""
        ...

    async def authorise_exit(self, message_id: str, order: ExitAuthorised) -> None: ...

    async def withdraw_exit(self, message_id: str, order: ExitWithdrawn) -> None: ...
