"""Promise clocks: when a parcel is due, what pauses the clock, whether the promise was kept. Pure.

Calendar days are those of the destination; days due are 23:59:59 there. Source: our logistics reference, "Promises"
(project rules, 2026-03). Durations in days are never scaled here: the caller's clock is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import StrEnum
from typing import Final

from services.logistics.milestones import Milestone
from services.logistics.tracking import Classifier, Reason, State, TrackingEvent

M = Milestone

_END_OF_DAY: Final = time(23, 59, 59)
_HONG_KONG: Final = timezone(timedelta(hours=8))
_CUT_OFF: Final = time(18)
_AT_RISK: Final = timedelta(hours=24)

# The first of these ends the clock: it was there to be had.
STOPS: Final = (M.DELIVERED, M.AVAILABLE_FOR_PICKUP, M.DELIVERY_ATTEMPT_FAILED)
# Someone must act who is not the carrier; other customs time counts.
_PAUSING: Final = frozenset({Reason.CUSTOMS_DOCUMENTS, Reason.CUSTOMS_DUTY_UNPAID})
_RELEASE_OF: Final[Mapping[Milestone, Milestone]] = {
    M.EXPORT_CUSTOMS_HELD: M.EXPORT_CUSTOMS_RELEASED,
    M.IMPORT_CUSTOMS_HELD: M.IMPORT_CUSTOMS_RELEASED,
}


class Promise(StrEnum):
    ABROAD_7D = "abroad_7d"
    HK_NEXT_DAY = "hk_next_day"
    DOMESTIC_FLAT = "domestic_flat"
    IMPORT_12D = "import_12d"


class Verdict(StrEnum):
    RUNNING = "running"
    AT_RISK = "at_risk"
    KEPT = "kept"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Pause:
    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Terms:
    """`excluded`: days on which nobody works there (holidays): none of them counts; `sundays` excludes them too."""

    promise: Promise
    destination_offset: timedelta
    excluded: frozenset[date] = field(default_factory=frozenset)
    sundays: bool = False

    def works(self, day: date) -> bool:
        return day not in self.excluded and not (self.sundays and day.isoweekday() == 7)


def clock_start(state: State) -> datetime | None:
    """The carrier's first possession scan, or the origin hub where nobody scanned the collection."""
    return state.first(M.PICKED_UP) or state.first(M.ORIGIN_HUB_IN)


def stopped_at(state: State) -> datetime | None:
    return min((at for milestone in STOPS if (at := state.first(milestone)) is not None), default=None)


def due_at(terms: Terms, start: datetime, pauses: Iterable[Pause] = ()) -> datetime:
    """The last second at which the promise is kept, in UTC; it moves by the time the clock was paused."""
    return _base(terms, start) + _paused(pauses)


def _base(terms: Terms, start: datetime) -> datetime:
    match terms.promise:
        case Promise.ABROAD_7D:
            zone = timezone(terms.destination_offset)
            return _end_of(start.astimezone(zone).date() + timedelta(days=7), zone)
        case Promise.HK_NEXT_DAY:
            local = start.astimezone(_HONG_KONG)
            day = local.date() + timedelta(days=0 if local.time() < _CUT_OFF else 1)
            collected = _working(terms, day)
            return _end_of(_working(terms, collected + timedelta(days=1)), _HONG_KONG)
        case Promise.IMPORT_12D:
            zone = timezone(terms.destination_offset)
            return _end_of(_later(terms, start.astimezone(zone).date(), 12), zone)
        case Promise.DOMESTIC_FLAT:
            return start.astimezone(UTC) + timedelta(hours=72)


def _working(terms: Terms, day: date) -> date:
    while not terms.works(day):
        day += timedelta(days=1)
    return day


def _later(terms: Terms, day: date, days: int) -> date:
    for _ in range(days):
        day = _working(terms, day + timedelta(days=1))
    return day


def _end_of(day: date, zone: timezone) -> datetime:
    return datetime.combine(day, _END_OF_DAY, zone).astimezone(UTC)


def _paused(pauses: Iterable[Pause]) -> timedelta:
    """Overlapping pauses count once."""
    whole, until = timedelta(), datetime.min.replace(tzinfo=UTC)
    for pause in sorted(pauses, key=lambda pause: pause.start):
        begin = max(pause.start, until)
        whole += max(pause.end - begin, timedelta())
        until = max(until, pause.end)
    return whole


def judge(due: datetime, stopped: datetime | None, now: datetime, *, out_for_delivery: bool = False) -> Verdict:
    """`at_risk`: due within 24 h and not yet with the courier."""
    if stopped is not None:
        return Verdict.KEPT if stopped <= due else Verdict.MISSED
    if now > due:
        return Verdict.MISSED
    return Verdict.AT_RISK if due - now <= _AT_RISK and not out_for_delivery else Verdict.RUNNING


def pauses(events: Iterable[TrackingEvent], now: datetime) -> tuple[Pause, ...]:
    """Customs holds that wait for the buyer or the seller, each to its release; an open one lasts until now."""
    found: list[Pause] = []
    open_holds: dict[Milestone, datetime] = {}
    for event in sorted(events, key=lambda event: event.event_time):
        if event.classifier is not Classifier.ACTUAL:
            continue
        if event.milestone in _RELEASE_OF and event.reason in _PAUSING:
            open_holds.setdefault(_RELEASE_OF[event.milestone], event.event_time)
        elif (since := open_holds.pop(event.milestone, None)) is not None:
            found.append(Pause(since, event.event_time))
    return (*found, *(Pause(since, now) for since in open_holds.values() if since < now))
