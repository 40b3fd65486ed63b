"""The clocks of a parcel in other hands: each alarm once, by one timer row that sets itself again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from services.logistics.commands import WATCH, HandedOver
from services.logistics.milestones import Milestone
from services.logistics.policy import policy_of
from services.logistics.process import make_process
from services.logistics.promise import Promise, Terms, due_at
from services.logistics.promises import Promises
from shared.events.base import Event
from shared.events.logistics import ParcelDelayed, PromiseMissed
from shared.flow.decision import Answer, Decision, Due, States
from tests.logistics.shipments import (
    CORRIDOR,
    NOW,
    ORDER,
    PARCEL,
    Story,
    authorised,
    booked,
    exited,
    handed_over,
    labelled,
    minutes,
    packed,
    requested,
    scan,
    scanned,
)

M = Milestone


def given_away() -> Story:
    """Out of the gate an hour after NOW."""
    story = booked()
    story.hear(authorised(), packed(), exited(), now=minutes(60))
    return story


def rings(story: Story) -> list[tuple[str, str]]:
    """The timer comes when it is due."""
    at = story.work[WATCH, PARCEL].due_at
    return [_short(fact) for fact in story.ends(WATCH, Due(), now=at)]


def _short(fact: Event) -> tuple[str, str]:
    if isinstance(fact, ParcelDelayed):
        return ("delayed", fact.after)
    assert isinstance(fact, PromiseMissed)
    return ("missed", fact.promise)


def due(story: Story) -> datetime:
    return story.work[WATCH, PARCEL].due_at


def seen(story: Story, milestone: Milestone, at: datetime) -> list[Event]:
    return story.hear(scanned(scan(milestone, at)), now=at)


def test_nobody_waits_for_a_parcel_that_is_still_ours() -> None:
    story = booked()
    story.hear(authorised(), packed())

    assert (WATCH, PARCEL) not in story.work


def test_a_parcel_that_nobody_collects_is_delayed_once() -> None:
    story = given_away()
    assert due(story) == minutes(60) + timedelta(hours=48, seconds=1)

    assert rings(story) == [("delayed", "label_created")]
    assert rings(story) == []
    assert story.cases == ["lost_suspicion"]
    assert (WATCH, PARCEL) not in story.work


def test_a_scan_in_time_keeps_the_alarm_silent() -> None:
    story = given_away()
    seen(story, M.PICKED_UP, minutes(70))
    seen(story, M.DESTINATION_HUB_IN, minutes(80))
    seen(story, M.OUT_FOR_DELIVERY, minutes(90))

    assert rings(story) == []
    assert due(story) == minutes(90) + timedelta(hours=24, seconds=1)
    assert rings(story) == [("delayed", "out_for_delivery")]


def test_the_next_silence_is_another_alarm() -> None:
    story = given_away()
    seen(story, M.PICKED_UP, minutes(70))
    assert rings(story) == [("delayed", "picked_up")]

    later = minutes(70) + timedelta(hours=30)
    seen(story, M.OUT_FOR_DELIVERY, later)

    assert due(story) == later + timedelta(hours=24, seconds=1)
    assert rings(story) == [("delayed", "out_for_delivery")]


def test_a_delivery_ends_the_watch() -> None:
    story = given_away()
    seen(story, M.PICKED_UP, minutes(70))

    seen(story, M.DELIVERED, minutes(90))

    assert (WATCH, PARCEL) not in story.work
    assert story.parcel.watch_at is None


@pytest.mark.parametrize("end", [M.LOST, M.RETURNED, M.DESTROYED])
def test_every_end_ends_the_watch(end: Milestone) -> None:
    story = given_away()
    seen(story, end, minutes(90))

    assert (WATCH, PARCEL) not in story.work


def test_a_timer_that_comes_after_the_end_says_nothing() -> None:
    story = given_away()
    ringing = story.outcome(WATCH, Due())
    seen(story, M.DELIVERED, minutes(90))

    assert story.hear(ringing, now=minutes(60) + timedelta(days=3)) == []
    assert (WATCH, PARCEL) not in story.work


def test_a_broken_promise_is_spoken_once() -> None:
    """72 hours from the collection, in the bonded flow."""
    story = given_away()
    seen(story, M.PICKED_UP, minutes(70))
    assert rings(story) == [("delayed", "picked_up")]
    assert due(story) == minutes(70) + timedelta(hours=72, seconds=1)

    assert rings(story) == [("missed", "domestic_flat")]
    assert seen(story, M.DELIVERED, minutes(70) + timedelta(hours=90))[-1].type == "logistics.parcel.delivered"


def test_a_promise_that_was_broken_by_the_delivery_itself_is_spoken_with_it() -> None:
    story = given_away()
    seen(story, M.PICKED_UP, minutes(70))

    spoken = seen(story, M.DELIVERED, minutes(70) + timedelta(hours=73))

    assert [fact.type for fact in spoken] == ["logistics.parcel.delivered", "logistics.promise.missed"]


def test_a_promise_that_was_kept_is_not_spoken_of() -> None:
    story = given_away()
    seen(story, M.PICKED_UP, minutes(70))

    assert [fact.type for fact in seen(story, M.DELIVERED, minutes(70) + timedelta(hours=71))] == [
        "logistics.parcel.delivered"
    ]


def test_a_scan_moves_the_timer_to_an_earlier_look_only() -> None:
    story = given_away()
    seen(story, M.PICKED_UP, minutes(70))
    first = due(story)

    seen(story, M.DESTINATION_HUB_IN, minutes(80))

    assert due(story) == first == minutes(70) + timedelta(hours=24, seconds=1)


def test_direct_mail_is_watched_from_its_hand_over() -> None:
    story = labelled()
    story.hear(packed(), handed_over(), now=minutes(45))

    assert due(story) == minutes(45) + timedelta(hours=72, seconds=1)
    assert rings(story) == [("delayed", "handed_to_linehaul")]


def test_while_customs_has_it_only_the_loss_is_suspected() -> None:
    story = labelled()
    story.hear(packed(), handed_over(), now=minutes(45))
    seen(story, M.ARRIVED_DESTINATION, minutes(900))

    assert rings(story) == []
    assert due(story) == minutes(900) + timedelta(days=15, seconds=1)


def test_a_demo_lives_the_limits_faster() -> None:
    process = make_process(policy_of(CORRIDOR, {"cainiao"}, time_scale=86_400))

    decision = _through(process.decide, requested(), exited())

    (work,) = [work for work in decision.work if work.kind == WATCH]
    assert (work.due_at - minutes(60)) == timedelta(seconds=2 + 1)


def _through(decide: Callable[[States, object, datetime], Answer], *contents: object) -> Decision:
    states, last = States(), Decision()
    for content in contents:
        decision = decide(states, content, minutes(60))
        assert isinstance(decision, Decision)
        states.take(decision.puts)
        last = decision
    return last


def test_a_house_that_watches_nothing_sets_no_timer() -> None:
    process = make_process(policy_of(CORRIDOR, {"cainiao"}, watched=False))

    assert _through(process.decide, requested(), exited()).work == ()


# --- the promise of direct mail -------------------------------------------------------------------------------------


def test_twelve_days_end_with_the_twelfth_day_of_the_destination() -> None:
    terms = Terms(Promise.IMPORT_12D, timedelta(hours=8))

    assert due_at(terms, NOW) == datetime.fromisoformat("2026-03-14T23:59:59+08:00")


def test_days_on_which_customs_stands_still_do_not_count() -> None:
    """Three days of Qingming fall into the twelve."""
    story = labelled()
    start = datetime.fromisoformat("2026-03-30T10:00:00+08:00")
    story.hear(HandedOver(ORDER, PARCEL, start), scanned(scan(M.PICKED_UP, start)), now=start)

    standing = Promises(CORRIDOR).standing(story.parcel, start)

    assert standing is not None
    assert standing.due_at == datetime.fromisoformat("2026-04-14T23:59:59+08:00")
    assert standing.promise is Promise.IMPORT_12D
