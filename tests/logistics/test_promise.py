from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from services.logistics.delays import LIMITS, Alarm, Limit, Mode, Watched, alarm
from services.logistics.milestones import Milestone
from services.logistics.promise import Pause, Promise, Terms, Verdict, clock_start, due_at, judge, pauses, stopped_at
from services.logistics.tracking import Reason, reduce
from tests.logistics.test_tracking import NOW, START, scan

M = Milestone
HOUR = timedelta(hours=1)
HK = Terms(Promise.HK_NEXT_DAY, timedelta(hours=8), sundays=True)


def test_the_clock_starts_at_the_collection_or_else_at_the_hub() -> None:
    hub, picked = scan(M.ORIGIN_HUB_IN, 1), scan(M.PICKED_UP, 2)

    assert clock_start(reduce([hub], NOW)) == hub.event_time
    assert clock_start(reduce([hub, picked], NOW)) == picked.event_time
    assert clock_start(reduce([scan(M.LABEL_CREATED, 1)], NOW)) is None


def test_the_first_chance_to_have_it_stops_the_clock() -> None:
    tried = scan(M.DELIVERY_ATTEMPT_FAILED, 4)

    assert stopped_at(reduce([tried, scan(M.DELIVERED, 9)], NOW)) == tried.event_time
    assert stopped_at(reduce([scan(M.OUT_FOR_DELIVERY, 1)], NOW)) is None


@pytest.mark.parametrize(
    ("collected", "due"),
    [
        ("2026-03-18T17:59:59+08:00", date(2026, 3, 19)),
        ("2026-03-18T18:00:00+08:00", date(2026, 3, 20)),
        ("2026-03-20T19:00:00+08:00", date(2026, 3, 23)),  # Friday evening: Saturday, and Sunday does not count
        ("2026-03-21T10:00:00+08:00", date(2026, 3, 23)),
        ("2026-03-22T10:00:00+08:00", date(2026, 3, 24)),  # collected on a Sunday
    ],
)
def test_the_cut_off_and_sundays_move_the_day(collected: str, due: date) -> None:
    assert due_at(HK, datetime.fromisoformat(collected)) == datetime(
        due.year, due.month, due.day, 15, 59, 59, tzinfo=UTC
    )


def test_a_holiday_moves_the_day_too() -> None:
    terms = Terms(Promise.HK_NEXT_DAY, timedelta(hours=8), frozenset({date(2026, 3, 19)}))

    assert due_at(terms, datetime.fromisoformat("2026-03-18T10:00:00+08:00")).day == 20


def test_the_flat_domestic_promise_is_three_days_to_the_second() -> None:
    assert due_at(Terms(Promise.DOMESTIC_FLAT, timedelta(hours=8)), START) == START + timedelta(hours=72)


def test_overlapping_pauses_count_once() -> None:
    terms = Terms(Promise.DOMESTIC_FLAT, timedelta())
    overlapping = [
        Pause(START, START + 4 * HOUR),
        Pause(START + 2 * HOUR, START + 3 * HOUR),
        Pause(START + 3 * HOUR, START + 5 * HOUR),
    ]

    assert due_at(terms, START, overlapping) == START + timedelta(hours=72 + 5)


@pytest.mark.parametrize(
    ("stopped", "now", "with_courier", "verdict"),
    [
        (0, 9, False, Verdict.KEPT),
        (1, 9, False, Verdict.MISSED),
        (None, 1, True, Verdict.MISSED),
        (None, 0, False, Verdict.AT_RISK),
        (None, -24, False, Verdict.AT_RISK),
        (None, -24, True, Verdict.RUNNING),
        (None, -25, False, Verdict.RUNNING),
    ],
)
def test_a_promise_is_judged_by_the_hours_around_its_due_time(
    stopped: int | None, now: int, with_courier: bool, verdict: Verdict
) -> None:
    at = None if stopped is None else START + stopped * HOUR

    assert judge(START, at, START + now * HOUR, out_for_delivery=with_courier) is verdict


def test_only_holds_that_wait_for_people_pause_and_each_ends_with_its_own_release() -> None:
    events = [
        scan(M.EXPORT_CUSTOMS_HELD, 1, reason=Reason.CUSTOMS_INSPECTION),
        scan(M.EXPORT_CUSTOMS_RELEASED, 2),
        scan(M.IMPORT_CUSTOMS_HELD, 3, reason=Reason.CUSTOMS_DUTY_UNPAID),
        scan(M.EXPORT_CUSTOMS_RELEASED, 4),
        scan(M.IMPORT_CUSTOMS_RELEASED, 5),
        scan(M.IMPORT_CUSTOMS_HELD, 6, reason=Reason.CUSTOMS_DOCUMENTS),
    ]

    now = START + 8 * HOUR

    assert pauses(events, now) == (
        Pause(START + 3 * HOUR, START + 5 * HOUR),
        Pause(START + 6 * HOUR, now),
    )


@pytest.mark.parametrize(
    ("watched", "hours", "raised"),
    [
        (Watched(M.LABEL_CREATED, Mode.ROAD, START), 49, Alarm.NOT_COLLECTED),
        (Watched(M.OUT_FOR_DELIVERY, Mode.ROAD, START), 24, None),
        (Watched(M.OUT_FOR_DELIVERY, Mode.ROAD, START), 25, Alarm.NO_SCAN),
        (Watched(M.AVAILABLE_FOR_PICKUP, Mode.ROAD, START), 169, Alarm.RETURN_RISK),
        (Watched(M.DEPARTED_ORIGIN, Mode.AIR, START), 15 * 24 + 1, Alarm.LOST_SUSPICION),
        (Watched(M.DEPARTED_ORIGIN, Mode.POST, START), 15 * 24 + 1, Alarm.NO_SCAN),
        (Watched(M.DEPARTED_ORIGIN, Mode.POST, START), 30 * 24 + 1, Alarm.LOST_SUSPICION),
        (Watched(M.DELIVERED, Mode.ROAD, START), 9999, None),
        (Watched(M.VESSEL_DEPARTED, Mode.VESSEL, START, eta=START + 10 * HOUR), 35, Alarm.ETA_PASSED),
        (Watched(M.VESSEL_DEPARTED, Mode.VESSEL, START), 9999, None),
        (Watched(M.VESSEL_ARRIVED, Mode.VESSEL, START, eta=START), 73, Alarm.NOT_DISCHARGED),
        (Watched(M.VESSEL_ARRIVED, Mode.VESSEL, START, eta=START), 72, None),
        (Watched(M.PICKED_UP, Mode.ROAD), 9999, None),
    ],
)
def test_silence_alarms_where_it_is_not_normal(watched: Watched, hours: int, raised: Alarm | None) -> None:
    assert alarm(watched, START + hours * HOUR) is raised


def test_a_lane_may_have_limits_of_its_own() -> None:
    watched, limits = Watched(M.OUT_FOR_DELIVERY, Mode.ROAD, START), {M.OUT_FOR_DELIVERY: Limit(48, Alarm.NO_SCAN)}

    assert alarm(watched, START + 25 * HOUR, limits) is None
    assert LIMITS[M.OUT_FOR_DELIVERY].hours == 24
