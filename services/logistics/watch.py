"""The clocks of a parcel in other hands: silence that lasts too long, and the promise to the buyer. Pure.

One timer row per parcel looks at both and sets itself again; a scan never moves it later, so a parcel costs one row
and not one per scan. What was said once is on record and not said again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from services.logistics import delays
from services.logistics.commands import WATCH, Watch
from services.logistics.delays import Alarm, Limit, Mode, Watched
from services.logistics.milestones import Milestone
from services.logistics.policy import DIRECT_MAIL, Policy
from services.logistics.promise import Verdict
from services.logistics.promises import Standing
from services.logistics.shipment import Parcel, Said, Shipment
from services.logistics.tracking import reduce
from shared.events import logistics as facts
from shared.events.base import Event
from shared.flow.decision import Work, WorkName

M = Milestone

# After the gate the rest is domestic: a day without a scan is silence also after these (project rule).
_DOMESTIC: Final[Mapping[Milestone, Limit]] = dict.fromkeys(
    (M.PICKED_UP, M.ARRIVED_DESTINATION, M.IMPORT_CUSTOMS_RELEASED), Limit(24, Alarm.NO_SCAN)
)
_DAY: Final = timedelta(days=1)
_SOON: Final = timedelta(seconds=1)  # a limit is passed when it is over, not when it is reached


def kept(policy: Policy, before: Shipment | None, said: Said, now: datetime) -> Said:
    """The step's shipment with the clocks of every parcel that it changed."""
    if policy.promises is None:
        return said
    for parcel in said.shipment.parcels.values():
        if before is None or before.parcels.get(parcel.id) is not parcel:
            said = said.then(_kept(policy, said.shipment, parcel, now))
    return said


def _kept(policy: Policy, shipment: Shipment, parcel: Parcel, now: datetime) -> Said:
    if parcel.given_at is None:  # the silence is our own: nobody was given it
        return Said(shipment)
    if _over(parcel):
        return _ended(policy, shipment, parcel, now)
    # The shortest limit is a day: a look that comes within one is soon enough, whatever the scan says.
    if parcel.watch_at is not None and parcel.watch_at <= now + policy.scaled(_DAY):
        return Said(shipment)
    due = _next_look(policy, parcel, now)
    if due is None or (parcel.watch_at is not None and parcel.watch_at <= due):
        return Said(shipment)
    return _looking(shipment, parcel, due)


def _over(parcel: Parcel) -> bool:
    """A lost one that is found after all has told its story: no clock of ours waits for it."""
    return parcel.ended or M.LOST in parcel.spoken


def _ended(policy: Policy, shipment: Shipment, parcel: Parcel, now: datetime) -> Said:
    """It came, perhaps too late; nothing is left to look at."""
    parcel, spoken = _judged(policy, shipment, parcel, now)
    if parcel.watch_at is None:
        return Said(shipment.having(parcel), spoken) if spoken else Said(shipment)
    name = WorkName(WATCH, shipment.order_id, parcel.id)
    return Said(shipment.having(replace(parcel, watch_at=None)), spoken, cancel=(name,))


def looked(policy: Policy, shipment: Shipment, task: Watch, now: datetime) -> Said:
    """The timer came: say what is to be said, and when to look again."""
    parcel = replace(shipment.parcel(task.parcel_id), watch_at=None)
    if _over(parcel) or parcel.given_at is None:
        return Said(shipment.having(parcel))
    parcel, missed = _judged(policy, shipment, parcel, now)
    shipment, parcel, late = _silent(policy, shipment, parcel, now)
    said = Said(shipment.having(parcel), missed + late)
    due = _next_look(policy, parcel, now)
    return said if due is None else said.then(_looking(said.shipment, parcel, max(due, now + _SOON)))


def _looking(shipment: Shipment, parcel: Parcel, due: datetime) -> Said:
    work = Work(WATCH, shipment.order_id, due, Watch(shipment.order_id, parcel.id), parcel.id)
    return Said(shipment.having(replace(parcel, watch_at=due)), work=(work,))


def _judged(policy: Policy, shipment: Shipment, parcel: Parcel, now: datetime) -> tuple[Parcel, tuple[Event, ...]]:
    standing = _standing(policy, parcel, now)
    missed = standing is not None and standing.verdict is Verdict.MISSED and not parcel.promise_missed
    if standing is None or standing.due_at is None or not missed:
        return parcel, ()
    fact = facts.PromiseMissed(
        order_id=shipment.order_id,
        seller=shipment.seller,
        parcel_id=parcel.id,
        promise=standing.promise.value,
        due_at=standing.due_at,
    )
    return replace(parcel, promise_missed=True), (fact,)


def _standing(policy: Policy, parcel: Parcel, now: datetime) -> Standing | None:
    return policy.promises.standing(parcel, now) if policy.promises else None


def _silent(
    policy: Policy, shipment: Shipment, parcel: Parcel, now: datetime
) -> tuple[Shipment, Parcel, tuple[Event, ...]]:
    milestone, since = _last(parcel, now)
    # The limits are business time; the silence is as long as this installation lives it.
    unscaled = since + (now - since) * policy.time_scale
    alarm = delays.alarm(Watched(milestone, Mode.ROAD, since), unscaled, _limits(parcel))
    if alarm is None:
        return shipment, parcel, ()
    if alarm is Alarm.LOST_SUSPICION:
        shipment = shipment.opening(parcel.id, alarm.value, f"nothing was heard since {since.isoformat()}", now)
    if milestone in parcel.delayed:
        return shipment, parcel, ()
    fact = facts.ParcelDelayed(
        order_id=shipment.order_id, seller=shipment.seller, parcel_id=parcel.id, after=milestone.value, since=since
    )
    return shipment, replace(parcel, delayed=(*parcel.delayed, milestone)), (fact,)


def _next_look(policy: Policy, parcel: Parcel, now: datetime) -> datetime | None:
    """The first moment at which there could be something new to say; None when there is nothing left."""
    milestone, since = _last(parcel, now)
    looks = [since + policy.scaled(delays.LOST_PARCEL) + _SOON]
    allowed = delays.limit(milestone, Mode.ROAD, _limits(parcel))
    if allowed is not None and milestone not in parcel.delayed:
        looks.append(since + policy.scaled(timedelta(hours=allowed.hours)) + _SOON)
    standing = _standing(policy, parcel, now)
    if standing is not None and standing.due_at is not None and not parcel.promise_missed:
        looks.append(standing.due_at + _SOON)
    ahead = [at for at in looks if at > now]
    return min(ahead) if ahead else None


def _last(parcel: Parcel, now: datetime) -> tuple[Milestone, datetime]:
    """Where it was last heard of, and when: a scan, or that it was given away."""
    state = reduce(parcel.believed, now, origin_country=parcel.origin_country)
    given = parcel.exited_at or parcel.handed_over_at
    assert given is not None
    scanned = max((event.event_time for event in parcel.believed if event.event_time <= now), default=given)
    start = M.LABEL_CREATED if parcel.kind != DIRECT_MAIL else M.HANDED_TO_LINEHAUL
    return state.milestone or start, max(scanned, given)


def _limits(parcel: Parcel) -> Mapping[Milestone, Limit]:
    """Between the flight and the gate a parcel waits for customs and for us."""
    return _DOMESTIC if parcel.exited_at is not None else {}
