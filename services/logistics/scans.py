"""Scans become facts: each milestone once, the end of a journey by its own name. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from services.logistics.commands import AHEAD, Ahead, DeclaredLost, Scanned
from services.logistics.directions import directed
from services.logistics.milestones import Milestone
from services.logistics.shipment import Parcel, Said, Shipment
from services.logistics.tracking import (
    OPERATOR,
    Classifier,
    Location,
    Raw,
    Reason,
    Ref,
    State,
    TrackingEvent,
    ZoneSource,
    absent,
    dedupe_key,
    reduce,
    take,
)
from shared.errors import Unrecognised
from shared.events import logistics as facts
from shared.events.base import Event
from shared.flow.decision import Work, WorkName
from shared.http.problem import Conflict

M = Milestone
SCAN_BEFORE_HANDOVER: Final = "scan_before_handover"
# A carrier's scan often overtakes the warehouse's own message. Between machines, so never scaled.
PATIENCE: Final = timedelta(minutes=30)


class NotLost(Conflict):
    """Only what is on its way can be lost."""


def scanned(shipment: Shipment, told: Scanned, now: datetime) -> Said:
    """Add the push to the history and speak what is new by it."""
    parcel = shipment.named(told.refs)
    if parcel is None:
        raise Unrecognised("waybill number", told.refs[0] if told.refs else "")
    incoming = directed(parcel.events, told.events, parcel.origin_country, parcel.destination_country)
    update = take(parcel.events, incoming, now, origin_country=parcel.origin_country, believes=parcel.believes)
    late = frozenset(each.milestone for each in update.advanced if each.late)
    after = replace(
        parcel,
        events=(*parcel.events, *update.new),
        absent=_absent(parcel, told),
        refs=tuple(dict.fromkeys((*parcel.refs, *told.refs))),
        measured_grams=_weighed(parcel, update.new) or parcel.measured_grams,
        eta=told.eta or parcel.eta,
    )
    shipment = _unfitting(_unknown(shipment, after, update.new, now), after, update.new, now)
    aliases = after.known_as(shipment.order_id, [ref for ref in after.refs if ref not in parcel.refs])
    return replace(_spoken(shipment, after, update.state, late, now), aliases=aliases)


def declared_lost(shipment: Shipment, told: DeclaredLost, now: datetime) -> Said:
    """A person's word counts like a scan; a later scan of the carrier undoes it like any loss."""
    parcel = shipment.parcel(told.parcel_id)
    if not parcel.gone or parcel.ended:
        raise NotLost(f"parcel {parcel.id} is not on its way")
    ref, place = Ref("carrier_tracking_number", parcel.waybill_no), Location()
    key = dedupe_key(OPERATOR, ref, Classifier.ACTUAL, now, basis=M.LOST.value, location=place)
    raw = Raw("declared_lost", None, told.reason[:300])
    event = TrackingEvent(OPERATOR, ref, M.LOST, now, now, "+00:00", ZoneSource.EXPLICIT, raw, key, reason=Reason.LOST)
    return scanned(shipment, Scanned(shipment.order_id, OPERATOR, (parcel.waybill_no,), (event,)), now)


def time_came(shipment: Shipment, task: Ahead, now: datetime) -> Said:
    """A scan that lay ahead of its arrival may be believed now; one that was held back waited long enough."""
    return _again(shipment, shipment.parcel(task.parcel_id), now)


def given_away(shipment: Shipment, parcel_id: str, now: datetime) -> Said:
    """A warehouse said that the parcel left it: what was held back until then counts, or never will."""
    parcel = shipment.parcel(parcel_id)
    if not parcel.events:
        return Said(shipment)
    said = _again(shipment, parcel, now)
    return said if said.work else replace(said, cancel=(WorkName(AHEAD, shipment.order_id, parcel.id),))


def _again(shipment: Shipment, parcel: Parcel, now: datetime) -> Said:
    shipment = _unfitting(shipment, parcel, parcel.events, now)
    state = reduce(parcel.believed, now, origin_country=parcel.origin_country)
    return _spoken(shipment, parcel, state, frozenset(), now)


def _unfitting(shipment: Shipment, parcel: Parcel, events: Sequence[TrackingEvent], now: datetime) -> Shipment:
    """Kept and not spoken. A person is told of what no warehouse's word can explain any more, or has not in time."""
    odd = [e for e in events if parcel.never_fits(e) or (_held(parcel, e) and now >= e.received_at + PATIENCE)]
    odd = [event for event in odd if event.classifier is Classifier.ACTUAL]
    if odd:
        given = (
            f"it was given away at {parcel.given_at.isoformat()}" if parcel.given_at else "no warehouse gave it away"
        )
        detail = f"{odd[0].provider} says {odd[0].milestone} at {odd[0].event_time.isoformat()}, but {given}"
        return shipment.opening_once(parcel.id, SCAN_BEFORE_HANDOVER, detail, now)
    if all(parcel.believes(event) for event in parcel.events):
        return shipment.settling(parcel.id, SCAN_BEFORE_HANDOVER, now)
    return shipment


def _held(parcel: Parcel, event: TrackingEvent) -> bool:
    return not parcel.believes(event) and not parcel.never_fits(event)


def _absent(parcel: Parcel, told: Scanned) -> tuple[str, ...]:
    return tuple(sorted(absent(parcel.events, told.events))) if told.snapshot else parcel.absent


def _weighed(parcel: Parcel, events: tuple[TrackingEvent, ...]) -> int:
    weighed = (event for event in reversed(events) if event.measured and not parcel.never_fits(event))
    return next((event.measured.weight_g for event in weighed if event.measured), 0)


def _unknown(shipment: Shipment, parcel: Parcel, events: tuple[TrackingEvent, ...], now: datetime) -> Shipment:
    codes = sorted({event.raw.code for event in events if event.unknown_code})
    if not codes:
        return shipment
    return shipment.opening(parcel.id, "unknown_scan_code", f"taken for a mere movement: {', '.join(codes)}", now)


def _spoken(shipment: Shipment, parcel: Parcel, state: State, late: frozenset[Milestone], now: datetime) -> Said:
    """Our own list of what was spoken, not the difference of two states: a late scan may take a milestone out of the
    state and bring it back."""
    news = [(milestone, at) for milestone, at in state.reached if milestone not in parcel.spoken]
    spoken = tuple(
        _fact(shipment, parcel, milestone, at, late=milestone in late, current=milestone is state.milestone)
        for milestone, at in news
    )
    after = replace(parcel, spoken=(*parcel.spoken, *(milestone for milestone, _ in news)))
    return Said(shipment.having(after), spoken, _waiting(shipment, after, now))


def _fact(
    shipment: Shipment, parcel: Parcel, milestone: Milestone, at: datetime, *, late: bool, current: bool
) -> Event:
    """An end that was overtaken (delivered, then sent back) is a milestone like others."""
    of = {"order_id": shipment.order_id, "seller": shipment.seller, "parcel_id": parcel.id}
    match milestone:
        case M.DELIVERED if current:
            return facts.ParcelDelivered.model_validate(of | {"at": at})
        case M.LOST if current:
            return facts.ParcelLost.model_validate(of | {"at": at})
        case M.RETURNED if current:
            return facts.ParcelReturned.model_validate(of | {"at": at})
        case _:
            return facts.ParcelAdvanced.model_validate(of | {"milestone": milestone.value, "at": at, "late": late})


def _waiting(shipment: Shipment, parcel: Parcel, now: datetime) -> tuple[Work, ...]:
    """Look again when the next scan that is dated ahead comes true, or one that is held back waited long enough."""
    actual = [event for event in parcel.events if event.classifier is Classifier.ACTUAL]
    looks = [event.event_time for event in actual] + [e.received_at + PATIENCE for e in actual if _held(parcel, e)]
    ahead = [at for at in looks if at > now]
    if not ahead:
        return ()
    return (Work(AHEAD, shipment.order_id, min(ahead), Ahead(shipment.order_id, parcel.id), parcel.id),)
