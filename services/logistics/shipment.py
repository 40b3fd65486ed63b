"""What logistics knows of one order's parcels. Pure; one row per order, personal data sealed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Final

from services.logistics.consolidation import Link
from services.logistics.milestones import Milestone, rank
from services.logistics.tracking import OURS, Classifier, TrackingEvent, ZoneSource
from shared.errors import Permanent
from shared.events.base import Event
from shared.events.values import Sealed, StockLine
from shared.flow.decision import Decision, Kind, Work, WorkName
from shared.ids import OrderId, ParcelId
from shared.money import Money

ENDS: Final = frozenset({Milestone.DELIVERED, Milestone.RETURNED, Milestone.DESTROYED})
# What a carrier may say of a parcel that it does not have yet.
_ON_PAPER: Final = frozenset(
    {
        Milestone.LABEL_CREATED,
        Milestone.BOOKING_CONFIRMED,
        Milestone.PICKUP_SCHEDULED,
        Milestone.PICKUP_FAILED,
        Milestone.INFO_UPDATE,
    }
)
_CLOCKS: Final = timedelta(minutes=10)
_GUESSED: Final = timedelta(days=1)


class Booking(StrEnum):
    ASKED = "asked"
    REFUSED = "refused"
    BOOKED = "booked"
    VOIDING = "voiding"
    VOIDED = "voided"


class Recall(StrEnum):
    """How far the carrier is with bringing back a parcel that left."""

    ASKED = "asked"
    UNDER_WAY = "under_way"
    REFUSED = "refused"


class Answer(StrEnum):
    """How far the carrier's waybill document (511) is at customs."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Document:
    """Customs' word on the 511. `recipient` is the fingerprint of whom the carrier had on file when it came."""

    answer: Answer
    logistics_code: str
    code: str
    info: str
    at: datetime
    recipient: str = ""


@dataclass(frozen=True, slots=True)
class Gate:
    """What we last decided about the exit, or about the packing at the origin. `number` counts decisions; `telling` is
    the one on its way to the warehouse (0: none), `told` the last one that it answered."""

    number: int
    authorised: bool
    lines: tuple[StockLine, ...]
    dossier_version: int
    reason: str
    at: datetime
    telling: int = 0
    told: int = 0


@dataclass(frozen=True, slots=True)
class Travels:
    """The consignment that a parcel is in, as of `at`."""

    consignment_id: str
    master_bill: str
    voyage: str
    vehicle: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Parcel:
    """`recipient` is whom the order wants; `booked_to` the fingerprint of whom the carrier was told, maybe another.

    `carrier` is the profile's, `booked_with` and `tracked_by` the interfaces behind it. `calling`: a booking is on its
    way to the carrier. `adopted`: the channel gave the waybill. `refs`: every number that a scan may name it by.
    `events` in order of arrival; `spoken`: milestones that were told already, each once; `delayed`: those after which
    silence was; `links`: the consignments that it was in. `watch_at`: when the clocks are looked at next. `booked_at`:
    when its first number was known here; None for parcels from before that was kept.
    """

    id: ParcelId
    shop: str
    carrier: str
    warehouse: str
    order_no: str
    recipient: Sealed
    goods: str
    gross_grams: int
    freight: Money
    lines: tuple[StockLine, ...]
    origin_country: str | None = None
    state: Booking = Booking.ASKED
    calling: bool = False
    void_wanted: bool = False
    booked_to: str = ""
    waybill_no: str = ""
    refs: tuple[str, ...] = ()
    document: Document | None = None
    document_waiting: Document | None = None
    gate: Gate | None = None
    packed_at: datetime | None = None
    packed_grams: int = 0
    exited_at: datetime | None = None
    events: tuple[TrackingEvent, ...] = ()
    absent: tuple[str, ...] = ()
    spoken: tuple[Milestone, ...] = ()
    measured_grams: int = 0
    eta: datetime | None = None
    kind: str = ""
    flow: str = ""
    destination_country: str | None = None
    booked_with: str = ""
    tracked_by: str = ""
    adopted: bool = False
    pick: Gate | None = None
    handed_over_at: datetime | None = None
    travels: Travels | None = None
    links: tuple[Link, ...] = ()
    recall: Recall | None = None
    watch_at: datetime | None = None
    delayed: tuple[Milestone, ...] = ()
    promise_missed: bool = False
    booked_at: datetime | None = None

    @property
    def interface(self) -> str:
        return self.booked_with or self.carrier

    @property
    def gone(self) -> bool:
        """Past the gate, or in the carrier's hands: what it carries can be intercepted, its waybill never voided."""
        return self.given_at is not None or any(self._carried_by(event) for event in self.events)

    @property
    def given_at(self) -> datetime | None:
        """When it first left a house of ours: the origin or the gate. None: it has not."""
        return min((at for at in (self.handed_over_at, self.exited_at) if at is not None), default=None)

    @property
    def believed(self) -> tuple[TrackingEvent, ...]:
        """Its events without those that contradict what the warehouses say; in order of arrival."""
        return tuple(event for event in self.events if self.believes(event))

    def believes(self, event: TrackingEvent) -> bool:
        """A carrier cannot have carried what nobody gave it, nor before it was given: another parcel had this number
        once, or the warehouse's own word is still on its way. What our own people and hubs say needs no other proof."""
        if event.provider in OURS:
            return True
        if event.milestone in _ON_PAPER:
            return not self._older(event, self.booked_at)
        return self.given_at is not None and not self._older(event, self.given_at)

    def never_fits(self, event: TrackingEvent) -> bool:
        """Not believed, whatever is heard later."""
        if self.believes(event):
            return False
        return self.given_at is not None or self._older(event, self.booked_at)

    def _carried_by(self, event: TrackingEvent) -> bool:
        """Held back or not: somebody may have it in hand whose warehouse has not said so yet."""
        on_the_way = 200 <= rank(event.milestone) < 900 and event.classifier is Classifier.ACTUAL
        return on_the_way and event.event_time <= event.received_at + _CLOCKS and not self._older(event, self.booked_at)

    def _older(self, event: TrackingEvent, since: datetime | None) -> bool:
        """`since` is by another clock than the event's time; where its offset was guessed they may be hours apart."""
        slack = _CLOCKS if event.zone_source is ZoneSource.EXPLICIT else _GUESSED
        floor = max((at for at in (since, self.booked_at) if at is not None), default=None)
        return floor is not None and event.event_time < floor - slack

    @property
    def ended(self) -> bool:
        """With the buyer, back, or destroyed. A lost one may still be found."""
        return not ENDS.isdisjoint(self.spoken)

    @property
    def may_exit(self) -> bool:
        return self.gate is not None and self.gate.authorised

    @property
    def may_pack(self) -> bool:
        return self.may_exit or (self.pick is not None and self.pick.authorised)

    def known_as(self, order_id: str, refs: Iterable[str]) -> dict[str, str]:
        """The names by which its numbers are found, whoever says them: who books it, and who tracks it."""
        sources = {self.interface, self.tracked_by or self.interface}
        return {carrier_alias(source, ref): order_id for source in sorted(sources) for ref in refs}


@dataclass(frozen=True, slots=True)
class Case:
    """Something that a person must look at. One of a code is open per parcel at most.

    `note`, `closed_by`: how it was settled and who says so; empty where it settled itself.
    """

    number: int
    parcel_id: ParcelId
    code: str
    detail: str
    opened_at: datetime
    closed_at: datetime | None = None
    note: str = ""
    closed_by: str = ""


@dataclass(frozen=True, slots=True)
class Shipment:
    order_id: OrderId
    seller: str
    parcels: Mapping[str, Parcel] = field(default_factory=dict)
    cases: tuple[Case, ...] = ()

    def parcel(self, parcel_id: str) -> Parcel:
        """Raises UnknownParcel: what is said of a parcel follows its request on one topic, so it is nobody's delay."""
        found = self.parcels.get(parcel_id)
        if found is None:
            raise UnknownParcel(f"order {self.order_id} has no parcel {parcel_id[:32]}")
        return found

    def named(self, refs: Iterable[str]) -> Parcel | None:
        wanted = set(refs)
        return next((parcel for parcel in self.parcels.values() if wanted & set(parcel.refs)), None)

    def having(self, parcel: Parcel) -> Shipment:
        return replace(self, parcels={**self.parcels, parcel.id: parcel})

    def opening(self, parcel_id: ParcelId, code: str, detail: str, now: datetime) -> Shipment:
        if any(case.parcel_id == parcel_id and case.code == code and case.closed_at is None for case in self.cases):
            return self
        case = Case(len(self.cases) + 1, parcel_id, code, detail[:300], now)
        return replace(self, cases=(*self.cases, case))

    def opening_once(self, parcel_id: ParcelId, code: str, detail: str, now: datetime) -> Shipment:
        """The same, unless a person has looked at this very thing already: partners repeat themselves."""
        if any((case.parcel_id, case.code, case.detail) == (parcel_id, code, detail[:300]) for case in self.cases):
            return self
        return self.opening(parcel_id, code, detail, now)

    def settling(self, parcel_id: ParcelId, code: str, now: datetime) -> Shipment:
        """The open case of this code is over by itself: what it waited for happened."""
        mine = [case.parcel_id == parcel_id and case.code == code and case.closed_at is None for case in self.cases]
        closed = (replace(c, closed_at=now) if is_mine else c for c, is_mine in zip(self.cases, mine, strict=True))
        return replace(self, cases=tuple(closed)) if any(mine) else self

    def closing(self, number: int, note: str, by: str, now: datetime) -> Shipment | None:
        """A person settled it; one that was closed before stays as it was. None: there is none."""
        found = next((case for case in self.cases if case.number == number), None)
        if found is None or found.closed_at is not None:
            return self if found else None
        done = replace(found, closed_at=now, note=note, closed_by=by)
        return replace(self, cases=tuple(done if case is found else case for case in self.cases))

    @property
    def open_cases(self) -> tuple[Case, ...]:
        return tuple(case for case in self.cases if case.closed_at is None)


class UnknownParcel(Permanent):
    """A fact or message about a parcel that was never asked for."""

    code: ClassVar[str] = "not_found"


@dataclass(frozen=True, slots=True)
class Said:
    """What one step did: the shipment after it, and what it speaks, asks for, and makes findable."""

    shipment: Shipment
    facts: tuple[Event, ...] = ()
    work: tuple[Work, ...] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    cancel: tuple[WorkName, ...] = ()

    def then(self, more: Said) -> Said:
        """`more` began where this ended."""
        return Said(
            more.shipment,
            self.facts + more.facts,
            self.work + more.work,
            {**self.aliases, **more.aliases},
            self.cancel + more.cancel,
        )

    def decision(self) -> Decision:
        put = SHIPMENT.put(self.shipment.order_id, self.shipment)
        return Decision((put,), self.facts, self.work, self.cancel, self.aliases)


SHIPMENT: Final = Kind("shipment", Shipment)


def parcel_alias(parcel_id: str) -> str:
    """Under which name a partner's word about our parcel id finds its order."""
    return f"parcel:{parcel_id}"


def consignment_alias(consignment_id: str) -> str:
    """Under which name a hub's word about a consignment finds it."""
    return f"consignment:{consignment_id}"


def carrier_alias(carrier: str, ref: str) -> str:
    """Numbers of two carriers may be equal: each is known by whose it is."""
    return f"{carrier}:{ref}"
