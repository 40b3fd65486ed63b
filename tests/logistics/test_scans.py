from __future__ import annotations

from datetime import timedelta

import pytest

from services.logistics.commands import AHEAD, TELL, VOID, CaseClosed, Done, Exited, Scanned
from services.logistics.milestones import Milestone
from services.logistics.scans import PATIENCE, SCAN_BEFORE_HANDOVER
from services.logistics.tracking import Measured, Reason, ZoneSource
from shared.errors import Unrecognised
from shared.events.base import Event
from shared.events.logistics import ParcelAdvanced, ParcelDelivered, ParcelExited, ParcelLost, ParcelReturned
from shared.flow.decision import Due
from tests.logistics.shipments import (
    NOW,
    ORDER,
    PARCEL,
    WAYBILL,
    authorised,
    booked,
    cancelled,
    let_out,
    minutes,
    scan,
    scanned,
)

M = Milestone


def said(facts: list[Event]) -> list[tuple[str, float, bool] | tuple[str, float]]:
    """Facts in short: the milestone or end, minutes after NOW, and whether it was late."""
    short: list[tuple[str, float, bool] | tuple[str, float]] = []
    for fact in facts:
        assert isinstance(fact, ParcelAdvanced | ParcelDelivered | ParcelLost | ParcelReturned)
        at = (fact.at - NOW).total_seconds() / 60
        if isinstance(fact, ParcelAdvanced):
            short.append((fact.milestone, at, fact.late))
        else:
            short.append((type(fact).__name__, at))
    return short


def test_each_milestone_is_spoken_once() -> None:
    story = let_out()
    picked = scan(M.PICKED_UP, minutes(1))

    assert said(story.hear(scanned(picked))) == [("picked_up", 1, False)]
    assert story.hear(scanned(picked), scanned(scan(M.PICKED_UP, minutes(2)))) == []


def test_the_end_has_a_name_of_its_own() -> None:
    story = let_out()

    assert said(story.hear(scanned(scan(M.DELIVERED, minutes(9))))) == [("ParcelDelivered", 9)]
    assert said(let_out().hear(scanned(scan(M.LOST, minutes(9))))) == [("ParcelLost", 9)]
    assert said(let_out().hear(scanned(scan(M.RETURNED, minutes(9))))) == [("ParcelReturned", 9)]


def test_what_happened_before_the_delivery_is_late_and_does_not_undo_it() -> None:
    story = let_out()

    assert said(story.hear(scanned(scan(M.DELIVERED, minutes(9))))) == [("ParcelDelivered", 9)]
    assert said(story.hear(scanned(scan(M.OUT_FOR_DELIVERY, minutes(8))))) == [("out_for_delivery", 8, True)]


def test_a_push_of_many_is_told_in_the_order_of_time() -> None:
    pushed = scanned(
        scan(M.DELIVERED, minutes(3)), scan(M.PICKED_UP, minutes(1)), scan(M.DESTINATION_HUB_IN, minutes(2))
    )

    assert said(let_out().hear(pushed)) == [
        ("picked_up", 1, False),
        ("destination_hub_in", 2, False),
        ("ParcelDelivered", 3),
    ]


def test_a_delivery_on_the_way_back_is_a_return() -> None:
    refused = scan(M.DELIVERY_ATTEMPT_FAILED, minutes(1), reason=Reason.RECIPIENT_REFUSED)
    story = let_out()
    story.hear(scanned(refused, scan(M.RETURN_IN_TRANSIT, minutes(2))))

    assert said(story.hear(scanned(scan(M.DELIVERED, minutes(3))))) == [("ParcelReturned", 3)]


def test_a_delivery_that_was_overtaken_by_the_return_is_a_milestone_only() -> None:
    story = let_out()

    assert said(story.hear(scanned(scan(M.DELIVERED, minutes(1)), scan(M.RETURNED, minutes(2))))) == [
        ("delivered", 1, False),
        ("ParcelReturned", 2),
    ]


def test_a_found_parcel_is_delivered_after_it_was_lost() -> None:
    story = let_out()
    story.hear(scanned(scan(M.LOST, minutes(1))))

    assert said(story.hear(scanned(scan(M.DELIVERED, minutes(2))))) == [("ParcelDelivered", 2)]


def test_a_scan_from_the_future_is_believed_when_its_time_comes() -> None:
    story = let_out()

    assert story.hear(scanned(scan(M.PICKED_UP, minutes(300), received=NOW))) == []
    assert story.work[AHEAD, story.parcel.id].due_at == minutes(300)

    assert said(story.ends(AHEAD, Due(), now=minutes(301))) == [("picked_up", 300, False)]
    assert story.waiting == []


def test_an_unknown_code_is_kept_as_a_movement_and_a_case() -> None:
    story = let_out()

    spoken = story.hear(scanned(scan(M.IN_TRANSIT, minutes(1), unknown_code=True)))

    assert said(spoken) == [("in_transit", 1, False)]
    assert story.cases == ["unknown_scan_code"]


def test_a_reweigh_and_a_further_number_are_kept() -> None:
    story = let_out()
    weighed = scan(M.INFO_UPDATE, minutes(1), measured=Measured(1234))

    assert story.hear(Scanned(ORDER, "cainiao", (WAYBILL.number, "YT77"), (weighed,))) == []

    assert story.parcel.measured_grams == 1234
    assert story.aliases["cainiao:YT77"] == ORDER
    assert story.hear(Scanned(ORDER, "cainiao", ("YT77",), (scan(M.PICKED_UP, minutes(2)),))) != []


def test_what_a_newer_list_leaves_out_is_kept_and_flagged() -> None:
    story = let_out()
    gone, stays = scan(M.PICKED_UP, minutes(1)), scan(M.DESTINATION_HUB_IN, minutes(2))
    story.hear(scanned(gone, stays, snapshot=True))

    story.hear(scanned(stays, snapshot=True))

    assert [event.dedupe_key for event in story.parcel.events] == [gone.dedupe_key, stays.dedupe_key]
    assert story.parcel.absent == (gone.dedupe_key,)


def test_a_scan_that_overtakes_the_word_of_the_exit_is_held_back_until_then() -> None:
    story = booked()
    story.hear(authorised())
    story.ends(TELL, Done())

    assert story.hear(scanned(scan(M.DELIVERED, minutes(9))), now=minutes(9)) == []
    assert story.hear(scanned(scan(M.PICKED_UP, minutes(3))), now=minutes(10)) == []
    facts = story.hear(Exited(ORDER, PARCEL, minutes(2)), now=minutes(11))

    assert isinstance(facts[0], ParcelExited)
    assert said(facts[1:]) == [("picked_up", 3, False), ("ParcelDelivered", 9)]
    assert (story.cases, story.waiting) == ([], [])


@pytest.mark.parametrize("end", [M.DELIVERED, M.RETURNED, M.LOST, M.DESTROYED, M.PICKED_UP, M.IN_TRANSIT])
def test_a_scan_of_what_nobody_gave_away_is_a_case_after_a_patience_and_never_a_fact(end: Milestone) -> None:
    story = booked()

    assert story.hear(scanned(scan(end, minutes(9))), now=minutes(9)) == []
    assert (story.cases, story.task(AHEAD).parcel_id) == ([], PARCEL)
    assert story.ends(AHEAD, Due(), now=minutes(9) + PATIENCE) == []

    assert story.cases == [SCAN_BEFORE_HANDOVER]
    assert [event.milestone for event in story.parcel.events] == [end]
    assert story.waiting == []
    later = story.hear(Exited(ORDER, PARCEL, minutes(8)), now=minutes(60))
    assert len(later) == 2  # the exit, and what had been held back
    assert SCAN_BEFORE_HANDOVER not in story.cases


def test_a_scan_from_before_the_exit_is_never_believed() -> None:
    story = booked()
    story.hear(scanned(scan(M.DELIVERED, minutes(9))), now=minutes(9))

    assert [type(fact) for fact in story.hear(Exited(ORDER, PARCEL, minutes(60)), now=minutes(60))] == [ParcelExited]
    assert SCAN_BEFORE_HANDOVER in story.cases
    assert said(story.hear(scanned(scan(M.DELIVERED, minutes(90))), now=minutes(90))) == [("ParcelDelivered", 90)]


@pytest.mark.parametrize("told", [M.LABEL_CREATED, M.DELIVERED])
def test_what_another_parcel_did_under_a_number_that_came_round_again_is_a_case_at_once(told: Milestone) -> None:
    story = booked()
    old = scan(told, NOW - timedelta(days=2000), received=NOW)

    assert story.hear(scanned(old)) == []
    assert story.cases == [SCAN_BEFORE_HANDOVER]

    assert story.hear(CaseClosed(ORDER, 1, "seen", "an operator")) == []
    story.hear(scanned(old, scan(M.LABEL_CREATED, minutes(1))))
    assert story.cases == []  # the same history again is not the same question again


def test_an_old_scan_does_not_make_a_parcel_gone() -> None:
    story = booked()
    story.hear(scanned(scan(M.PICKED_UP, NOW - timedelta(days=2000), received=NOW)), cancelled())

    assert VOID in story.waiting


def test_a_time_whose_offset_was_guessed_may_be_hours_off() -> None:
    guessed = scan(M.PICKED_UP, NOW - timedelta(hours=8), zone_source=ZoneSource.CARRIER_DEFAULT)

    assert said(let_out().hear(scanned(guessed))) == [("picked_up", -480, False)]


def test_a_number_that_leads_here_but_names_no_parcel_is_for_a_person() -> None:
    story = let_out()

    with pytest.raises(Unrecognised):
        story.hear(Scanned(ORDER, "cainiao", ("LP9",), (scan(M.PICKED_UP, NOW),)))
