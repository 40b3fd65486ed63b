"""Consignments: parcels that fly together under one master bill, and what its way means for each of them. Pure.

The consignment is a state of its own lane; its parcels stand in the rows of their orders. What happens to the whole
reaches them in chunks (`Spread`): each parcel catches up with the consignment as it is by then, so that chunks may come
twice, late or in any order. A parcel that was moved into another consignment hears no more of the first one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from services.logistics import consolidation
from services.logistics.commands import SPREAD, Arrived, Closed, Departed, HandedOver, Member, Scanned, Spread
from services.logistics.gate import handed_over, not_of_this_flow
from services.logistics.milestones import Milestone
from services.logistics.policy import DIRECT_MAIL
from services.logistics.scans import scanned
from services.logistics.shipment import Booking, Parcel, Said, Shipment, Travels
from services.logistics.tracking import HUB, Classifier, Location, Raw, Ref, TrackingEvent, ZoneSource, dedupe_key
from shared.events import logistics as facts
from shared.events.base import Event
from shared.flow.decision import Early, Kind, Work

CHUNK: Final = 100  # parcels whose lanes one transaction locks
PATIENCE: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Consignment:
    """`members` as of the last list that the hub closed; `offloaded` are those of them that stayed behind."""

    id: str
    master_bill: str
    voyage: str
    vehicle: str
    members: tuple[Member, ...]
    closed_at: datetime
    strays: tuple[str, ...] = ()
    offloaded: tuple[str, ...] = ()
    departed_at: datetime | None = None
    arrived_at: datetime | None = None

    @property
    def ref(self) -> Ref:
        return Ref("mawb", self.master_bill)


@dataclass(frozen=True, slots=True)
class Moved:
    """A consignment after something happened to it, what it speaks, and who must hear of it."""

    consignment: Consignment
    fact: Event | None
    spread: tuple[Work, ...]


CONSIGNMENT: Final = Kind("consignment", Consignment)


def closed(before: Consignment | None, told: Closed, now: datetime) -> Moved | None:
    """None: known already, or older than what we know."""
    if before is not None and told.at <= before.closed_at:
        return None
    if before is not None and before.departed_at is not None:
        return _too_late(before, told, now)
    after = Consignment(
        told.consignment_id, told.master_bill, told.voyage, told.vehicle, told.members, told.at, told.strays
    )
    fact = facts.ConsignmentClosed(
        consignment_id=after.id,
        master_bill=after.master_bill,
        voyage=after.voyage,
        vehicle=after.vehicle,
        parcels=len(after.members),
        at=told.at,
    )
    # Those that an earlier list named must hear that they are out.
    gone = [member for member in before.members if member not in after.members] if before else []
    return Moved(after, fact, _spread(after.id, [*after.members, *gone], now))


def _too_late(before: Consignment, told: Closed, now: datetime) -> Moved | None:
    """It has flown: a list that is closed now changes nothing, and whom it adds did not fly."""
    added = [one for one in told.members if one not in before.members or one.parcel_id in before.offloaded]
    return Moved(before, None, _spread(before.id, added, now, ignored=True)) if added else None


def departed(before: Consignment | None, told: Departed, now: datetime) -> Moved | Early | None:
    if before is None:
        return _unknown(told.consignment_id, now)
    if before.departed_at is not None:
        return None
    after = replace(before, departed_at=told.at, offloaded=told.offloaded)
    fact = facts.ConsignmentDeparted(consignment_id=after.id, master_bill=after.master_bill, at=told.at)
    return Moved(after, fact, _spread(after.id, after.members, now))


def arrived(before: Consignment | None, told: Arrived, now: datetime) -> Moved | Early | None:
    if before is None:
        return _unknown(told.consignment_id, now)
    if before.arrived_at is not None:
        return None
    after = replace(before, arrived_at=told.at)
    fact = facts.ConsignmentArrived(consignment_id=after.id, master_bill=after.master_bill, at=told.at)
    return Moved(after, fact, _spread(after.id, after.members, now))


def _unknown(consignment_id: str, now: datetime) -> Early:
    return Early(f"no consignment {consignment_id[:64]} was closed", now + PATIENCE)


def _spread(
    consignment_id: str, members: Sequence[Member], now: datetime, *, ignored: bool = False
) -> tuple[Work, ...]:
    """The same chunk again replaces the one that still waits: it would find the newer state anyway."""
    chunks = [tuple(members[start : start + CHUNK]) for start in range(0, len(members), CHUNK)]
    kind = "ignored:" if ignored else ""
    return tuple(
        Work(
            SPREAD, consignment_id, now, Spread(consignment_id, chunk, ignored), f"{kind}{number}:{chunk[0].parcel_id}"
        )
        for number, chunk in enumerate(chunks)
    )


# --- one parcel of it -----------------------------------------------------------------------------------------------


def caught_up(consignment: Consignment, shipment: Shipment, member: Member, now: datetime) -> Said:
    """What the consignment's way so far means for one parcel, as far as it has not heard of it."""
    parcel = shipment.parcels.get(member.parcel_id)
    if parcel is None:
        return Said(shipment)
    said = _placed(consignment, shipment, parcel, member, now)
    for milestone, at in _way(consignment):
        said = said.then(_moved(consignment, said.shipment, member, milestone, at, now))
    return said


def passed_over(consignment: Consignment, shipment: Shipment, member: Member, now: datetime) -> Said:
    """A list names it, and it is not in: whoever made the list believes that it flies."""
    parcel = shipment.parcels.get(member.parcel_id)
    if parcel is None:
        return Said(shipment)
    if parcel.kind != DIRECT_MAIL:
        return Said(not_of_this_flow(shipment, parcel, "in a consignment", now))
    place = f"it is in {parcel.travels.consignment_id}" if parcel.travels else "that had departed"
    detail = f"{consignment.id} (closed at {consignment.closed_at.isoformat()}) names it, but {place}"
    return Said(shipment.opening_once(parcel.id, "consignment_ignored", detail, now))


def _way(consignment: Consignment) -> list[tuple[Milestone, datetime]]:
    legs = [(Milestone.VESSEL_DEPARTED, consignment.departed_at), (Milestone.VESSEL_ARRIVED, consignment.arrived_at)]
    return [(milestone, at) for milestone, at in legs if at is not None]


def _placed(consignment: Consignment, shipment: Shipment, parcel: Parcel, member: Member, now: datetime) -> Said:
    travels = Travels(
        consignment.id, consignment.master_bill, consignment.voyage, consignment.vehicle, consignment.closed_at
    )
    before, named = parcel.travels, member in consignment.members and parcel.id not in consignment.offloaded
    if before is not None and before.consignment_id != consignment.id and before.at >= consignment.closed_at:
        was_in = any(link.parent == consignment.ref for link in parcel.links)
        # Either it was moved on since, or this list was heard of too late.
        return passed_over(consignment, shipment, member, now) if named and not was_in else Said(shipment)
    if named and parcel.kind != DIRECT_MAIL:
        return Said(not_of_this_flow(shipment, parcel, "in a consignment", now))
    if not named:
        return _out(consignment, shipment, parcel)
    if before == travels:
        return Said(shipment)
    return _in(consignment, shipment, parcel, travels, now)


def _out(consignment: Consignment, shipment: Shipment, parcel: Parcel) -> Said:
    """Offloaded: the links end before the whole moves, and nothing is spoken until it is in another consignment."""
    if parcel.travels is None or parcel.travels.consignment_id != consignment.id:
        return Said(shipment)
    at = consignment.departed_at or consignment.closed_at
    links = consolidation.closed(parcel.links, consignment.ref, [_ref(parcel)], at)
    return Said(shipment.having(replace(parcel, travels=None, links=links)))


def _in(consignment: Consignment, shipment: Shipment, parcel: Parcel, travels: Travels, now: datetime) -> Said:
    if parcel.state is not Booking.BOOKED:
        detail = f"{consignment.id} took it while its waybill was {parcel.state}"
        shipment = shipment.opening(parcel.id, "consolidated_without_waybill", detail, now)
        return Said(shipment.having(replace(parcel, travels=travels)))
    # Its hand-over is implied: nothing flies that the line-haul does not have.
    said = handed_over(shipment, HandedOver(shipment.order_id, parcel.id, travels.at), now)
    parcel = said.shipment.parcel(parcel.id)
    links = parcel.links
    for link in parcel.links:
        links = consolidation.closed(links, link.parent, [_ref(parcel)], travels.at)
    links = consolidation.opened(links, consignment.ref, [_ref(parcel)], travels.at)
    fact = facts.ParcelConsolidated(
        order_id=shipment.order_id,
        seller=shipment.seller,
        parcel_id=parcel.id,
        consignment_id=travels.consignment_id,
        master_bill=travels.master_bill,
        voyage=travels.voyage,
        vehicle=travels.vehicle,
        at=travels.at,
    )
    return said.then(Said(said.shipment.having(replace(parcel, travels=travels, links=links)), (fact,)))


def _moved(
    consignment: Consignment, shipment: Shipment, member: Member, milestone: Milestone, at: datetime, now: datetime
) -> Said:
    parcel = shipment.parcel(member.parcel_id)
    mine = consolidation.inherited(parcel.links, consignment.ref, milestone, at)
    events = tuple(_event(consignment, one.milestone, one.at, now) for one in mine)
    if not events or parcel.state is not Booking.BOOKED:
        return Said(shipment)
    return scanned(shipment, Scanned(shipment.order_id, parcel.interface, (parcel.waybill_no,), events), now)


def _event(consignment: Consignment, milestone: Milestone, at: datetime, now: datetime) -> TrackingEvent:
    """The parcel inherits it: the reference is the whole's, not its own."""
    ref, place = consignment.ref, Location()
    key = dedupe_key(HUB, ref, Classifier.ACTUAL, at, basis=milestone.value, location=place)
    raw = Raw(f"consignment.{milestone}", None, consignment.id)
    return TrackingEvent(HUB, ref, milestone, at, now, "+00:00", ZoneSource.EXPLICIT, raw, key)


def _ref(parcel: Parcel) -> Ref:
    return Ref("carrier_tracking_number", parcel.waybill_no)
