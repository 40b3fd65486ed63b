"""Carriers, warehouses and the hub: a waybill for whoever asks, a 511 accepted, a parcel that goes where it may."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from services.logistics import commands
from services.logistics.commands import (
    Arrived,
    Book,
    Closed,
    Declined,
    Departed,
    DocumentAnswered,
    Done,
    Exited,
    HandedOver,
    Member,
    Packed,
    Recall,
    Register,
    Scanned,
    Tell,
    Void,
    Waybill,
)
from services.logistics.milestones import Milestone
from services.logistics.shipment import Answer, Document
from services.logistics.tracking import Classifier, Location, Raw, Ref, TrackingEvent, ZoneSource, dedupe_key
from shared.ids import OrderId, ParcelId
from tests.flows.partners.base import AT_ONCE, Answered, Says

M: Final = Milestone
HOME: Final = (M.PICKED_UP, M.OUT_FOR_DELIVERY, M.DELIVERED)
BACK: Final = (M.RETURN_INITIATED, M.RETURNED)
TRACKED: Final = {"msa-origin": "17track"}  # who tells of parcels from there, where it is not who carries them
MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Habits:
    """books: the carrier's refusal, or "". packs, leaves, consolidates: what is done by itself as soon as it may be.

    scans: what is said of a parcel that left, each `pace` after the one before; at once, but of the last minutes, where
    there is none. recalled: what becomes of one that is called back. extra_grams: how much more a packed parcel weighs
    than its goods.
    """

    books: str = ""
    document: Answer | None = Answer.ACCEPTED
    packs: bool = True
    leaves: bool = True
    consolidates: bool = True
    scans: tuple[Milestone, ...] = HOME
    recalled: tuple[Milestone, ...] = BACK
    pace: timedelta = AT_ONCE
    extra_grams: int = 0


@dataclass(frozen=True, slots=True)
class Parcel:
    """`source`: who pushes its scans, its carrier or a tracker. `order_no` is what the carrier's 511 quotes."""

    order_id: OrderId
    source: str
    waybill_no: str
    gross_grams: int
    order_no: str = ""
    may_leave: bool = False
    packed: bool = False
    handed_over: bool = False
    out: bool = False
    delivered: bool = False
    voided: bool = False


@dataclass(frozen=True, slots=True)
class Road:
    habits: Habits = field(default_factory=Habits)
    parcels: Mapping[str, Parcel] = field(default_factory=dict)
    asked: tuple[str, ...] = ()
    flights: int = 0

    @property
    def timers(self) -> frozenset[str]:
        return frozenset({commands.AHEAD, commands.WATCH, commands.SPREAD})

    def call(self, kind: str, task: object, now: datetime) -> Answered:
        road = replace(self, asked=(*self.asked, kind))
        match task:
            case Book():
                return road._book(task, now)
            case Register(parcel_id=parcel_id, tracker=tracker):
                assert tracker == self.parcels[parcel_id].source
                return Answered(road, Done())
            case Void(parcel_id=parcel_id):
                parcel = self.parcels[parcel_id]
                if parcel.handed_over or parcel.out:
                    return Answered(road, Declined("S05", "it is on its way"))
                return Answered(road._having(parcel_id, replace(parcel, voided=True)), Done())
            case Recall(parcel_id=parcel_id):
                return road._recall(parcel_id, now)
            case Tell():
                return road._told(task, now)
            case _:
                raise AssertionError(f"logistics' partners do not know {kind}")

    def _having(self, parcel_id: str, parcel: Parcel) -> Road:
        return replace(self, parcels={**self.parcels, parcel_id: parcel})

    # --- the carrier's desk -------------------------------------------------------------------------------------------

    def _book(self, task: Book, now: datetime) -> Answered:
        if self.habits.books:
            return Answered(self, Declined("S02", self.habits.books))
        known = self.parcels.get(task.parcel_id)
        number = known.waybill_no if known else f"TCX{len(self.parcels) + 1:010}"
        source = TRACKED.get(task.warehouse, task.carrier)
        fresh = Parcel(task.order_id, source, number, task.gross_grams, task.order_no)
        road = self._having(task.parcel_id, known or fresh)
        return Answered(road, Waybill(number, (f"LP{number[3:]}",)), road.declares(task.parcel_id, now))

    def declares(self, parcel_id: str, now: datetime) -> tuple[Says, ...]:
        """The carrier's 511, and customs' word on it."""
        if self.habits.document is None:
            return ()
        parcel = self.parcels[parcel_id]
        code = "120" if self.habits.document is Answer.ACCEPTED else "-301"
        document = Document(self.habits.document, "9999L60004", code, "words", now)
        return (Says(DocumentAnswered(parcel.order_id, parcel.waybill_no, document)),)

    def _recall(self, parcel_id: str, now: datetime) -> Answered:
        if self.parcels[parcel_id].delivered:
            return Answered(self, Declined("S06", "it is delivered"))
        road, says = self.scans(parcel_id, self.habits.recalled, now)
        return Answered(road, Done(), says)

    # --- the warehouses -----------------------------------------------------------------------------------------------

    def _told(self, task: Tell, now: datetime) -> Answered:
        if task.about == "pick":
            return self._picks(task, now)
        channels_own = Parcel(task.order_id, "cainiao", task.waybill_no, 0)
        parcel = self.parcels.get(task.parcel_id, channels_own)
        road = self._having(task.parcel_id, replace(parcel, may_leave=task.authorised))
        if not task.authorised:
            return Answered(road, Declined("gone", "it has left") if parcel.out else Done())
        return Answered(road, Done()) if parcel.out else road.goes(task.parcel_id, now)

    def _picks(self, task: Tell, now: datetime) -> Answered:
        parcel = self.parcels[task.parcel_id]
        if not task.authorised:
            return Answered(self, Declined("gone", "handed over") if parcel.handed_over else Done())
        if not self.habits.packs:
            return Answered(self, Done())
        road, says = self.packs(task.parcel_id, now)
        if self.habits.consolidates:
            road, more = road.hands_over(task.parcel_id, now)
            road, flown = road.flies((task.parcel_id,), now)
            says += (*more, *flown)
        return Answered(road, Done(), says)

    def goes(self, parcel_id: str, now: datetime) -> Answered:
        """Pack where it is not yet, pass the gate, be carried: as far as habit lets it."""
        road = self
        says: tuple[Says, ...] = ()
        if self.habits.packs:
            road, says = road.packs(parcel_id, now)
        if self.habits.packs and self.habits.leaves:
            road, more = road.leaves(parcel_id, now)
            says += more
        return Answered(road, Done(), says)

    def packs(self, parcel_id: str, now: datetime) -> tuple[Road, tuple[Says, ...]]:
        parcel = self.parcels[parcel_id]
        if parcel.packed:
            return self, ()
        packed = Packed(parcel.order_id, ParcelId(parcel_id), parcel.gross_grams + self.habits.extra_grams, now)
        return self._having(parcel_id, replace(parcel, packed=True)), (Says(packed),)

    def leaves(self, parcel_id: str, now: datetime) -> tuple[Road, tuple[Says, ...]]:
        parcel = self.parcels[parcel_id]
        assert parcel.may_leave, "the gate lets nothing out that it was not told"
        out = self._having(parcel_id, replace(parcel, out=True))
        road, scans = out.scans(parcel_id, self.habits.scans, now)
        return road, (Says(Exited(parcel.order_id, ParcelId(parcel_id), now)), *scans)

    # --- the hub at the origin ----------------------------------------------------------------------------------------

    def hands_over(self, parcel_id: str, now: datetime) -> tuple[Road, tuple[Says, ...]]:
        parcel = self.parcels[parcel_id]
        road = self._having(parcel_id, replace(parcel, handed_over=True))
        return road, (Says(HandedOver(parcel.order_id, ParcelId(parcel_id), now)),)

    def closes(self, parcel_ids: tuple[str, ...], now: datetime) -> tuple[Road, tuple[Says, ...]]:
        """Another consignment: bill, voyage and vehicle carry its number."""
        n = self.flights + 1
        members = tuple(Member(self.parcels[one].order_id, ParcelId(one)) for one in parcel_ids)
        closed = Closed(
            f"C{n}", f"70612345{n:03}", f"KQ{n:03}", f"5Y-KQ{n}", members, (), now - 30 * MINUTE + n * MINUTE
        )
        return replace(self, flights=n), (Says(closed),)

    def flies(self, parcel_ids: tuple[str, ...], now: datetime) -> tuple[Road, tuple[Says, ...]]:
        road, closed = self.closes(parcel_ids, now)
        flight = f"C{road.flights}"
        away, there = Departed(flight, (), now - 20 * MINUTE), Arrived(flight, now - 10 * MINUTE)
        return road, (*closed, Says(away), Says(there))

    # --- the carrier's scans ------------------------------------------------------------------------------------------

    def scans(self, parcel_id: str, milestones: tuple[Milestone, ...], now: datetime) -> tuple[Road, tuple[Says, ...]]:
        parcel, says = self.parcels[parcel_id], []
        first = now if self.habits.pace else now - len(milestones) * MINUTE
        for n, milestone in enumerate(milestones):
            at = first + (self.habits.pace or MINUTE) * n
            event = scan(parcel.source, parcel.waybill_no, milestone, at)
            told = Scanned(parcel.order_id, parcel.source, (parcel.waybill_no,), (event,))
            says.append(Says(told, max(at - now, AT_ONCE)))
        there = M.DELIVERED in milestones or parcel.delivered
        return self._having(parcel_id, replace(parcel, delivered=there)), tuple(says)


def scan(source: str, waybill_no: str, milestone: Milestone, at: datetime) -> TrackingEvent:
    ref = Ref("carrier_tracking_number", waybill_no)
    key = dedupe_key(source, ref, Classifier.ACTUAL, at, basis=milestone.value, location=Location())
    return TrackingEvent(source, ref, milestone, at, at, "+08:00", ZoneSource.EXPLICIT, Raw(milestone.value), key)
