"""The one vocabulary of tracking: milestones with rank, coarse status and end. Pure data.

Source: our logistics reference, "Milestones" (project rule, 2026-03). Rank only breaks ties within one second.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.errors import Unrecognised


class Milestone(StrEnum):
    LABEL_CREATED = "label_created"
    BOOKING_CONFIRMED = "booking_confirmed"
    PICKUP_SCHEDULED = "pickup_scheduled"
    PICKUP_FAILED = "pickup_failed"
    PICKED_UP = "picked_up"
    EMPTY_PICKED_UP = "empty_picked_up"
    STUFFED = "stuffed"
    ORIGIN_HUB_IN = "origin_hub_in"
    ORIGIN_HUB_OUT = "origin_hub_out"
    GATE_IN = "gate_in"
    EXPORT_CUSTOMS_STARTED = "export_customs_started"
    EXPORT_CUSTOMS_HELD = "export_customs_held"
    EXPORT_CUSTOMS_RELEASED = "export_customs_released"
    HANDED_TO_LINEHAUL = "handed_to_linehaul"
    LOADED = "loaded"
    VESSEL_DEPARTED = "vessel_departed"
    DEPARTED_ORIGIN = "departed_origin"
    TRANSSHIPMENT_ARRIVED = "transshipment_arrived"
    TRANSSHIPMENT_DISCHARGED = "transshipment_discharged"
    TRANSSHIPMENT_LOADED = "transshipment_loaded"
    TRANSSHIPMENT_DEPARTED = "transshipment_departed"
    TRANSIT_ARRIVED = "transit_arrived"
    TRANSIT_DEPARTED = "transit_departed"
    VESSEL_ARRIVED = "vessel_arrived"
    ARRIVED_DESTINATION = "arrived_destination"
    DISCHARGED = "discharged"
    IMPORT_CUSTOMS_STARTED = "import_customs_started"
    IMPORT_CUSTOMS_HELD = "import_customs_held"
    IMPORT_CUSTOMS_RELEASED = "import_customs_released"
    GATE_OUT = "gate_out"
    STRIPPED_INTO_BONDED_WAREHOUSE = "stripped_into_bonded_warehouse"
    PICKED_FROM_BONDED_WAREHOUSE = "picked_from_bonded_warehouse"
    EMPTY_RETURNED = "empty_returned"
    DESTINATION_HUB_IN = "destination_hub_in"
    DESTINATION_HUB_OUT = "destination_hub_out"
    AT_DELIVERY_STATION = "at_delivery_station"
    OUT_FOR_DELIVERY = "out_for_delivery"
    DELIVERY_ATTEMPT_FAILED = "delivery_attempt_failed"
    AVAILABLE_FOR_PICKUP = "available_for_pickup"
    DELIVERED = "delivered"
    RETURN_INITIATED = "return_initiated"
    RETURN_IN_TRANSIT = "return_in_transit"
    RETURNED = "returned"
    EXCEPTION = "exception"
    LOST = "lost"
    DESTROYED = "destroyed"
    CANCELLED = "cancelled"
    IN_TRANSIT = "in_transit"  # it moved; nothing says how
    INFO_UPDATE = "info_update"  # news about it, not of it: a weight, a note


class Coarse(StrEnum):
    """The status that people are shown."""

    PENDING = "pending"
    IN_TRANSIT = "in_transit"
    CUSTOMS = "customs"
    CUSTOMS_HOLD = "customs_hold"
    IN_BOND = "in_bond"
    OUT_FOR_DELIVERY = "out_for_delivery"
    DELIVERY_FAILED = "delivery_failed"
    AWAITING_PICKUP = "awaiting_pickup"
    DELIVERED = "delivered"
    RETURNING = "returning"
    RETURNED = "returned"
    EXCEPTION = "exception"
    LOST = "lost"
    DESTROYED = "destroyed"
    CANCELLED = "cancelled"
    COMPLETED = "completed"


class Scope(StrEnum):
    PARCEL = "parcel"
    FREIGHT = "freight"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class Row:
    """Rank 0: a bare movement or mere data; `status` is None where people are shown nothing new."""

    rank: int
    status: Coarse | None
    scope: Scope
    terminal: bool = False


_P, _F, _B, _C, _M = Scope.PARCEL, Scope.FREIGHT, Scope.BOTH, Coarse, Milestone

TABLE: Final[dict[Milestone, Row]] = {
    _M.LABEL_CREATED: Row(100, _C.PENDING, _P),
    _M.BOOKING_CONFIRMED: Row(105, _C.PENDING, _F),
    _M.PICKUP_SCHEDULED: Row(110, _C.PENDING, _P),
    _M.PICKUP_FAILED: Row(115, _C.EXCEPTION, _P),
    _M.PICKED_UP: Row(200, _C.IN_TRANSIT, _P),
    _M.EMPTY_PICKED_UP: Row(205, _C.IN_TRANSIT, _F),
    _M.STUFFED: Row(210, _C.IN_TRANSIT, _F),
    _M.ORIGIN_HUB_IN: Row(220, _C.IN_TRANSIT, _P),
    _M.ORIGIN_HUB_OUT: Row(230, _C.IN_TRANSIT, _P),
    _M.GATE_IN: Row(240, _C.IN_TRANSIT, _F),
    _M.EXPORT_CUSTOMS_STARTED: Row(300, _C.CUSTOMS, _B),
    _M.EXPORT_CUSTOMS_HELD: Row(310, _C.CUSTOMS_HOLD, _B),
    _M.EXPORT_CUSTOMS_RELEASED: Row(320, _C.IN_TRANSIT, _B),
    _M.HANDED_TO_LINEHAUL: Row(330, _C.IN_TRANSIT, _P),
    _M.LOADED: Row(340, _C.IN_TRANSIT, _F),
    _M.VESSEL_DEPARTED: Row(400, _C.IN_TRANSIT, _F),
    _M.DEPARTED_ORIGIN: Row(401, _C.IN_TRANSIT, _P),
    _M.TRANSSHIPMENT_ARRIVED: Row(410, _C.IN_TRANSIT, _F),
    _M.TRANSSHIPMENT_DISCHARGED: Row(412, _C.IN_TRANSIT, _F),
    _M.TRANSSHIPMENT_LOADED: Row(414, _C.IN_TRANSIT, _F),
    _M.TRANSSHIPMENT_DEPARTED: Row(416, _C.IN_TRANSIT, _F),
    _M.TRANSIT_ARRIVED: Row(420, _C.IN_TRANSIT, _P),
    _M.TRANSIT_DEPARTED: Row(430, _C.IN_TRANSIT, _P),
    _M.VESSEL_ARRIVED: Row(500, _C.IN_TRANSIT, _F),
    _M.ARRIVED_DESTINATION: Row(501, _C.IN_TRANSIT, _P),
    _M.DISCHARGED: Row(510, _C.IN_TRANSIT, _F),
    _M.IMPORT_CUSTOMS_STARTED: Row(530, _C.CUSTOMS, _B),
    _M.IMPORT_CUSTOMS_HELD: Row(540, _C.CUSTOMS_HOLD, _B),
    _M.IMPORT_CUSTOMS_RELEASED: Row(550, _C.IN_TRANSIT, _B),
    _M.GATE_OUT: Row(555, _C.IN_TRANSIT, _F),
    _M.STRIPPED_INTO_BONDED_WAREHOUSE: Row(560, _C.IN_BOND, _F),
    _M.PICKED_FROM_BONDED_WAREHOUSE: Row(570, _C.IN_TRANSIT, _P),
    _M.EMPTY_RETURNED: Row(580, _C.COMPLETED, _F, terminal=True),
    _M.DESTINATION_HUB_IN: Row(600, _C.IN_TRANSIT, _P),
    _M.DESTINATION_HUB_OUT: Row(610, _C.IN_TRANSIT, _P),
    _M.AT_DELIVERY_STATION: Row(620, _C.IN_TRANSIT, _P),
    _M.OUT_FOR_DELIVERY: Row(630, _C.OUT_FOR_DELIVERY, _P),
    _M.DELIVERY_ATTEMPT_FAILED: Row(640, _C.DELIVERY_FAILED, _P),
    _M.AVAILABLE_FOR_PICKUP: Row(650, _C.AWAITING_PICKUP, _P),
    _M.DELIVERED: Row(700, _C.DELIVERED, _B, terminal=True),
    _M.RETURN_INITIATED: Row(800, _C.RETURNING, _P),
    _M.RETURN_IN_TRANSIT: Row(810, _C.RETURNING, _P),
    _M.RETURNED: Row(890, _C.RETURNED, _P, terminal=True),
    _M.EXCEPTION: Row(900, _C.EXCEPTION, _B),
    _M.LOST: Row(950, _C.LOST, _B, terminal=True),
    _M.DESTROYED: Row(960, _C.DESTROYED, _B, terminal=True),
    _M.CANCELLED: Row(970, _C.CANCELLED, _B, terminal=True),
    _M.IN_TRANSIT: Row(0, _C.IN_TRANSIT, _B),
    _M.INFO_UPDATE: Row(0, None, _B),
}

IMPORT_CUSTOMS: Final = frozenset({_M.IMPORT_CUSTOMS_STARTED, _M.IMPORT_CUSTOMS_HELD, _M.IMPORT_CUSTOMS_RELEASED})
RETURNS: Final = frozenset({_M.RETURN_INITIATED, _M.RETURN_IN_TRANSIT, _M.RETURNED})


def rank(milestone: Milestone) -> int:
    """At the same second the milestone of higher rank comes last."""
    return TABLE[milestone].rank


def milestone_named(word: str) -> Milestone:
    try:
        return Milestone(word)
    except ValueError as error:
        raise Unrecognised("milestone", word) from error
