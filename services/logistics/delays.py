"""When silence becomes an alarm. Pure; the limits are defaults that a lane may override.

Source: our logistics reference, "Delay detection" (project rules, 2026-03).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from services.logistics.milestones import TABLE, Milestone

M = Milestone


class Alarm(StrEnum):
    NOT_COLLECTED = "not_collected"
    NO_SCAN = "no_scan"
    MISSED_MILESTONE = "missed_milestone"
    RETURN_RISK = "return_risk"
    ETA_SLIP = "eta_slip"
    ETA_PASSED = "eta_passed"
    NOT_DISCHARGED = "not_discharged"
    LOST_SUSPICION = "lost_suspicion"


class Mode(StrEnum):
    ROAD = "road"
    AIR = "air"
    VESSEL = "vessel"
    RAIL = "rail"
    POST = "post"


@dataclass(frozen=True, slots=True)
class Limit:
    hours: int
    alarm: Alarm


_LAST_MILE: Final = (M.DESTINATION_HUB_IN, M.DESTINATION_HUB_OUT, M.AT_DELIVERY_STATION, M.OUT_FOR_DELIVERY)

LIMITS: Final[Mapping[Milestone, Limit]] = {
    M.LABEL_CREATED: Limit(48, Alarm.NOT_COLLECTED),
    M.DEPARTED_ORIGIN: Limit(72, Alarm.NO_SCAN),
    M.HANDED_TO_LINEHAUL: Limit(72, Alarm.NO_SCAN),
    M.IMPORT_CUSTOMS_STARTED: Limit(48, Alarm.MISSED_MILESTONE),
    M.IN_TRANSIT: Limit(24, Alarm.NO_SCAN),
    **dict.fromkeys(_LAST_MILE, Limit(24, Alarm.NO_SCAN)),
    M.AVAILABLE_FOR_PICKUP: Limit(7 * 24, Alarm.RETURN_RISK),
}
# The sea has no scans: only the estimate is watched there.
AT_SEA: Final[Mapping[Milestone, Limit]] = {M.VESSEL_ARRIVED: Limit(72, Alarm.NOT_DISCHARGED)}

_SLIP: Final = timedelta(hours=48)
_PAST_ETA: Final = timedelta(hours=24)
_LOST: Final[Mapping[Mode, timedelta]] = {Mode.POST: timedelta(days=30)}
LOST_PARCEL: Final = timedelta(days=15)


@dataclass(frozen=True, slots=True)
class Watched:
    """What is known of one leg. ETAs are those of the vessel's arrival, the newest and the one before."""

    milestone: Milestone
    mode: Mode
    last_scan_at: datetime | None = None
    eta: datetime | None = None
    previous_eta: datetime | None = None


def limit(milestone: Milestone, mode: Mode, overrides: Mapping[Milestone, Limit] | None = None) -> Limit | None:
    """How long silence after this milestone is normal; None where no silence alarms."""
    defaults = AT_SEA if mode is Mode.VESSEL else LIMITS
    return (overrides or {}).get(milestone) or defaults.get(milestone)


def alarm(watched: Watched, now: datetime, overrides: Mapping[Milestone, Limit] | None = None) -> Alarm | None:
    """The gravest thing to say about a leg now; None where all is well or its journey is over."""
    if TABLE[watched.milestone].terminal:
        return None
    silence = now - watched.last_scan_at if watched.last_scan_at else timedelta()
    if watched.mode is not Mode.VESSEL and silence > _LOST.get(watched.mode, LOST_PARCEL):
        return Alarm.LOST_SUSPICION
    allowed = limit(watched.milestone, watched.mode, overrides)
    if allowed is not None and silence > timedelta(hours=allowed.hours):
        return allowed.alarm
    return _of_estimate(watched, now) if watched.mode is Mode.VESSEL else None


def slip(watched: Watched) -> timedelta:
    """How far the newest estimate lies behind the one before."""
    if watched.eta is None or watched.previous_eta is None:
        return timedelta()
    return watched.eta - watched.previous_eta


def _of_estimate(watched: Watched, now: datetime) -> Alarm | None:
    arrived = TABLE[watched.milestone].rank >= TABLE[M.VESSEL_ARRIVED].rank
    if arrived or watched.eta is None:
        return None
    if now - watched.eta > _PAST_ETA:
        return Alarm.ETA_PASSED
    return Alarm.ETA_SLIP if slip(watched) > _SLIP else None
