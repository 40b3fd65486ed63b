from __future__ import annotations

import pytest

from services.logistics.commands import AHEAD, Scanned
from services.logistics.milestones import Milestone
from services.logistics.tracking import Measured, Reason
from shared.errors import Unrecognised
from shared.events.base import Event
from shared.events.logistics import ParcelAdvanced, ParcelDelivered, ParcelLost, ParcelReturned
from shared.flow.decision import Due
from tests.logistics.shipments import NOW, ORDER, WAYBILL, booked, minutes, scan, scanned

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
    story = booked()
    picked = scan(M.PICKED_UP, minutes(1))

    assert said(story.hear(scanned(picked))) == [("picked_up", 1, False)]
    assert story.hear(scanned(picked), scanned(scan(M.PICKED_UP, minutes(2)))) == []


def test_the_end_has_a_name_of_its_own() -> None:
    story = booked()

    assert said(story.hear(scanned(scan(M.DELIVERED, minutes(9))))) == [("ParcelDelivered", 9)]
    assert said(booked().hear(scanned(scan(M.LOST, minutes(9))))) == [("ParcelLost", 9)]
    assert said(booked().hear(scanned(scan(M.RETURNED, minutes(9))))) == [("ParcelReturned", 9)]


def test_what_happened_before_the_delivery_is_late_and_does_not_undo_it() -> None:
    story = booked()

    assert said(story.hear(scanned(scan(M.DELIVERED, minutes(9))))) == [("ParcelDelivered", 9)]
    assert said(story.hear(scanned(scan(M.OUT_FOR_DELIVERY, minutes(8))))) == [("out_for_delivery", 8, True)]


def test_a_push_of_many_is_told_in_the_order_of_time() -> None:
    pushed = scanned(
        scan(M.DELIVERED, minutes(3)), scan(M.PICKED_UP, minutes(1)), scan(M.DESTINATION_HUB_IN, minutes(2))
    )

    assert said(booked().hear(pushed)) == [
        ("picked_up", 1, False),
        ("destination_hub_in", 2, False),
        ("ParcelDelivered", 3),
    ]


def test_a_delivery_on_the_way_back_is_a_return() -> None:
    refused = scan(M.DELIVERY_ATTEMPT_FAILED, minutes(1), reason=Reason.RECIPIENT_REFUSED)
    story = booked()
    story.hear(scanned(refused, scan(M.RETURN_IN_TRANSIT, minutes(2))))

    assert said(story.hear(scanned(scan(M.DELIVERED, minutes(3))))) == [("ParcelReturned", 3)]


def test_a_delivery_that_was_overtaken_by_the_return_is_a_milestone_only() -> None:
    story = booked()

    assert said(story.hear(scanned(scan(M.DELIVERED, minutes(1)), scan(M.RETURNED, minutes(2))))) == [
        ("delivered", 1, False),
        ("ParcelReturned", 2),
    ]


def test_a_found_parcel_is_delivered_after_it_was_lost() -> None:
    story = booked()
    story.hear(scanned(scan(M.LOST, minutes(1))))

    assert said(story.hear(scanned(scan(M.DELIVERED, minutes(2))))) == [("ParcelDelivered", 2)]


def test_a_scan_from_the_future_is_believed_when_its_time_comes() -> None:
    story = booked()

    assert story.hear(scanned(scan(M.PICKED_UP, minutes(300), received=NOW))) == []
    assert story.work[AHEAD, story.parcel.id].due_at == minutes(300)

    assert said(story.ends(AHEAD, Due(), now=minutes(301))) == [("picked_up", 300, False)]
    assert story.waiting == []


def test_an_unknown_code_is_kept_as_a_movement_and_a_case() -> None:
    story = booked()

    spoken = story.hear(scanned(scan(M.IN_TRANSIT, minutes(1), unknown_code=True)))

    assert said(spoken) == [("in_transit", 1, False)]
    assert story.cases == ["unknown_scan_code"]


def test_a_reweigh_and_a_further_number_are_kept() -> None:
    story = booked()
    weighed = scan(M.INFO_UPDATE, minutes(1), measured=Measured(1234))

    assert story.hear(Scanned(ORDER, "cainiao", (WAYBILL.number, "YT77"), (weighed,))) == []

    assert story.parcel.measured_grams == 1234
    assert story.aliases["cainiao:YT77"] == ORDER
    assert story.hear(Scanned(ORDER, "cainiao", ("YT77",), (scan(M.PICKED_UP, minutes(2)),))) != []


def test_what_a_newer_list_leaves_out_is_kept_and_flagged() -> None:
    story = booked()
    gone, stays = scan(M.PICKED_UP, minutes(1)), scan(M.DESTINATION_HUB_IN, minutes(2))
    story.hear(scanned(gone, stays, snapshot=True))

    story.hear(scanned(stays, snapshot=True))

    assert [event.dedupe_key for event in story.parcel.events] == [gone.dedupe_key, stays.dedupe_key]
    assert story.parcel.absent == (gone.dedupe_key,)


def test_scans_before_the_exit_are_taken_as_they_come() -> None:
    story = booked()

    assert said(story.hear(scanned(scan(M.DELIVERED, minutes(9))))) == [("ParcelDelivered", 9)]
    assert story.parcel.exited_at is None


def test_a_number_that_leads_here_but_names_no_parcel_is_for_a_person() -> None:
    story = booked()

    with pytest.raises(Unrecognised):
        story.hear(Scanned(ORDER, "cainiao", ("LP9",), (scan(M.PICKED_UP, NOW),)))
