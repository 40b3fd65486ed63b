"""What doors, APIs and calls hand to `decide`, and the tasks of work rows. Values only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from services.logistics.shipment import Document
from services.logistics.tracking import TrackingEvent
from shared.events.values import Sealed, StockLine
from shared.ids import OrderId, ParcelId
from shared.money import Money

BOOK: Final = "book-waybill"
VOID: Final = "void-waybill"
RECALL: Final = "recall-parcel"
REGISTER: Final = "register-tracking"
TELL: Final = "tell-warehouse"
AHEAD: Final = "scan-ahead"
WATCH: Final = "watch-parcel"
SPREAD: Final = "spread-consignment"

# Between two rounds of tries at a carrier or tracker that does not answer. Not business time: never scaled.
NEXT_ROUND: Final = timedelta(minutes=5)

About = Literal["exit", "pick"]


# --- heard from outside ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scanned:
    """What one push of a carrier says of one parcel; `refs` are all numbers that it names."""

    order_id: OrderId
    carrier: str
    refs: tuple[str, ...]
    events: tuple[TrackingEvent, ...]
    snapshot: bool = False
    eta: datetime | None = None


@dataclass(frozen=True, slots=True)
class DocumentAnswered:
    order_id: OrderId
    waybill_no: str
    document: Document


@dataclass(frozen=True, slots=True)
class Packed:
    order_id: OrderId
    parcel_id: ParcelId
    gross_grams: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Exited:
    order_id: OrderId
    parcel_id: ParcelId
    at: datetime


@dataclass(frozen=True, slots=True)
class HandedOver:
    order_id: OrderId
    parcel_id: ParcelId
    at: datetime


@dataclass(frozen=True, slots=True)
class Stopped:
    """A tracker gave up on a number."""

    order_id: OrderId
    refs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeclaredLost:
    """An operator says so, because the carrier wrote it: not every carrier has a code for it."""

    order_id: OrderId
    parcel_id: ParcelId
    reason: str


@dataclass(frozen=True, slots=True)
class Member:
    """One parcel of a consignment, and the order under whose lane it stands."""

    order_id: OrderId
    parcel_id: ParcelId


@dataclass(frozen=True, slots=True)
class Closed:
    """`strays`: parcels that the hub names and that nobody asked for."""

    consignment_id: str
    master_bill: str
    voyage: str
    vehicle: str
    members: tuple[Member, ...]
    strays: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Departed:
    """`offloaded`: parcels that stayed behind."""

    consignment_id: str
    offloaded: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Arrived:
    consignment_id: str
    at: datetime


@dataclass(frozen=True, slots=True)
class CaseClosed:
    """An operator settled it. `note` says how, for whoever looks later."""

    order_id: OrderId
    number: int
    note: str
    by: str


# --- asked of the outside -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Book:
    """Asked again it is the same request: the carrier knows the parcel by our id."""

    order_id: OrderId
    parcel_id: ParcelId
    carrier: str
    order_no: str
    warehouse: str
    recipient: Sealed
    goods: str
    gross_grams: int
    freight: Money


@dataclass(frozen=True, slots=True)
class Void:
    order_id: OrderId
    parcel_id: ParcelId
    carrier: str
    waybill_no: str


@dataclass(frozen=True, slots=True)
class Recall:
    """Bring back what is on its way. Asked again it is the same request."""

    order_id: OrderId
    parcel_id: ParcelId
    carrier: str
    waybill_no: str


@dataclass(frozen=True, slots=True)
class Register:
    """Have a tracker follow a number: it pushes from then on. Asked again it follows it all the same."""

    order_id: OrderId
    parcel_id: ParcelId
    tracker: str
    waybill_no: str


@dataclass(frozen=True, slots=True)
class Tell:
    """One decision about the exit or the packing, for the warehouse. `message_id` is derived: told again it is the same
    message. `waybill_no` is what the label says."""

    order_id: OrderId
    parcel_id: ParcelId
    message_id: str
    number: int
    authorised: bool
    lines: tuple[StockLine, ...]
    dossier_version: int
    reason: str
    at: datetime
    about: About = "exit"
    warehouse: str = ""
    waybill_no: str = ""


@dataclass(frozen=True, slots=True)
class Watch:
    """Look at the clocks of one parcel."""

    order_id: OrderId
    parcel_id: ParcelId


@dataclass(frozen=True, slots=True)
class Spread:
    """Some parcels of a consignment catch up with it, whatever it is at by then. `ignored`: a list named them when it
    was too late for them to be in it."""

    consignment_id: str
    members: tuple[Member, ...]
    ignored: bool = False


@dataclass(frozen=True, slots=True)
class Ahead:
    """A stored scan says a time that has not come yet."""

    order_id: OrderId
    parcel_id: ParcelId


# --- what the outside answered --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Waybill:
    """`also` are other numbers of the carrier's for the same parcel."""

    number: str
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Done:
    """The partner took it."""


@dataclass(frozen=True, slots=True)
class Declined:
    """The partner's final no, in its own code and words."""

    code: str
    words: str
