"""Taking parcels back, from every place where they may be: voided before anybody carries them, intercepted after."""

from __future__ import annotations

import pytest

from services.logistics.commands import BOOK, RECALL, TELL, VOID, DeclaredLost, Declined, Done
from services.logistics.milestones import Milestone
from services.logistics.scans import NotLost
from services.logistics.shipment import Booking, Recall
from services.logistics.tracking import Reason
from shared.flow.decision import Exhausted
from tests.logistics.shipments import (
    ORDER,
    PARCEL,
    PICK,
    WAYBILL,
    Story,
    amended,
    assigned,
    authorised,
    booked,
    cancelled,
    exited,
    handed_over,
    labelled,
    left,
    mailed,
    minutes,
    names,
    packed,
    scan,
    scanned,
    withdrawn,
)

M = Milestone
SILENT = Exhausted("transient", "cainiao.unreachable", unknown=False)


def mail(*, told: bool = True) -> Story:
    """Direct mail with a waybill; the origin knows of it, or is being told."""
    story = labelled()
    if told:
        story.ends(TELL, Done(), name=PICK)
    del story.work["register-tracking", PARCEL]
    return story


def test_what_left_is_intercepted_and_never_voided() -> None:
    story = left()

    assert story.hear(cancelled(), cancelled()) == []
    assert story.waiting == [RECALL]
    task = story.task(RECALL)
    assert (task.carrier, task.waybill_no) == ("cainiao", WAYBILL.number)

    assert story.ends(RECALL, Done()) == []
    assert (story.parcel.recall, story.parcel.state) == (Recall.UNDER_WAY, Booking.BOOKED)
    assert names(story.hear(scanned(scan(M.RETURN_IN_TRANSIT, minutes(70)), scan(M.RETURNED, minutes(80))))) == [
        "return_in_transit",
        "returned",
    ]
    assert story.cases == []


def test_what_cannot_be_intercepted_goes_on_and_is_delivered() -> None:
    story = left()
    story.hear(cancelled())

    assert story.ends(RECALL, Declined("B03", "out for delivery")) == []
    assert story.cases == ["recall_refused"]
    assert names(story.hear(scanned(scan(M.DELIVERED, minutes(80))), now=minutes(80))) == ["delivered"]
    assert story.hear(cancelled()) == []
    assert story.waiting == []


def test_an_unanswered_interception_is_asked_again_and_seen_meanwhile() -> None:
    story = left()
    story.hear(cancelled())

    story.ends(RECALL, SILENT)
    assert (story.waiting, story.cases) == ([RECALL], ["recall_unanswered"])
    story.ends(RECALL, Done())
    assert story.cases == []


def test_what_has_ended_needs_no_taking_back() -> None:
    for end in (M.DELIVERED, M.RETURNED, M.LOST):
        story = left()
        story.hear(scanned(scan(end, minutes(80))), now=minutes(80))

        assert story.hear(cancelled()) == []
        assert story.waiting == []


def test_a_gate_that_has_not_answered_the_withdrawal_is_waited_for() -> None:
    story = booked()
    story.hear(authorised())
    story.ends(TELL, Done())

    story.hear(withdrawn(), cancelled())
    assert story.waiting == [TELL]

    story.ends(TELL, Done())
    assert story.waiting == [VOID]


def test_a_parcel_that_leaves_before_the_withdrawal_arrives_is_intercepted() -> None:
    story = booked()
    story.hear(authorised())
    story.ends(TELL, Done())

    story.hear(withdrawn(), cancelled(), packed(), exited())
    assert story.waiting == [RECALL, TELL]

    story.ends(TELL, Done())
    assert story.waiting == [RECALL]


def test_a_parcel_that_is_picked_up_while_it_is_voided_is_intercepted() -> None:
    story = booked()
    story.hear(authorised())
    story.ends(TELL, Done())
    story.hear(packed(), cancelled())
    assert story.waiting == [VOID]

    story.hear(exited())
    assert story.ends(VOID, Declined("B01", "already on its way")) == []

    assert story.waiting == [RECALL]


# --- direct mail ----------------------------------------------------------------------------------------------------


def test_the_origin_puts_it_back_before_its_waybill_is_voided() -> None:
    story = mail()

    story.hear(cancelled())
    assert story.waiting == [TELL]
    assert story.task(TELL, PICK).authorised is False

    assert story.ends(TELL, Done(), name=PICK) == []
    assert story.waiting == [VOID]
    assert names(story.ends(VOID, Done())) == ["voided"]


def test_a_pick_order_on_its_way_is_waited_for() -> None:
    story = mail(told=False)
    story.hear(cancelled())
    assert story.task(TELL, PICK).authorised is True

    story.ends(TELL, Done(), name=PICK)
    assert story.task(TELL, PICK).authorised is False
    assert VOID not in story.waiting


def test_what_the_origin_has_handed_over_already_is_intercepted() -> None:
    story = mail()
    story.hear(packed(), cancelled())

    assert story.ends(TELL, Declined("409", "handed over"), name=PICK) == []

    assert story.waiting == [RECALL]
    assert story.cases == []
    assert names(story.hear(handed_over())) == ["handed-over"]


def test_a_hand_over_that_is_heard_of_first_turns_the_void_into_an_interception() -> None:
    story = mail()
    story.hear(packed(), cancelled(), handed_over())

    assert story.waiting == [RECALL, TELL]


def test_a_booking_that_is_cancelled_in_flight_is_never_picked() -> None:
    story = Story()
    story.hear(mailed(), cancelled())

    story.ends(BOOK, WAYBILL)

    assert story.parcel.pick is None
    assert VOID in story.waiting


def test_what_was_put_back_on_the_shelf_is_not_drawn() -> None:
    story = mail()
    story.hear(cancelled())
    story.ends(TELL, Done(), name=PICK)
    story.ends(VOID, Done())

    assert story.hear(packed()) == []


# --- a waybill of the channel ---------------------------------------------------------------------------------------


def test_the_channels_waybill_is_adopted_and_nothing_is_booked() -> None:
    story = Story()

    (fact,) = story.hear(assigned())

    assert fact.type == "logistics.parcel.booked"
    assert (getattr(fact, "waybill_no", ""), getattr(fact, "logistics_code", "")) == ("YT8800000000001", "9999L60004")
    assert story.waiting == []
    assert story.aliases["cainiao:YT8800000000001"] == ORDER
    assert story.hear(assigned()) == []


def test_the_channels_waybill_is_void_without_asking_its_carrier() -> None:
    story = Story()
    story.hear(assigned())

    assert names(story.hear(cancelled())) == ["voided"]
    assert story.waiting == []


def test_only_the_channel_can_redirect_its_own_waybill() -> None:
    story = Story()
    story.hear(assigned(), amended())

    assert story.waiting == []
    assert story.cases == ["redirected_at_channel"]


# --- refused, lost --------------------------------------------------------------------------------------------------


def test_a_parcel_refused_at_the_door_comes_back_by_its_scans() -> None:
    story = left()
    refused = scan(M.DELIVERY_ATTEMPT_FAILED, minutes(70), reason=Reason.RECIPIENT_REFUSED)

    told = story.hear(scanned(refused), scanned(scan(M.RETURN_IN_TRANSIT, minutes(75))))
    told += story.hear(scanned(scan(M.DELIVERED, minutes(90))))

    assert names(told) == ["delivery_attempt_failed", "return_in_transit", "returned"]


def test_a_lost_parcel_that_is_found_is_delivered_all_the_same() -> None:
    story = left()

    assert names(story.hear(scanned(scan(M.LOST, minutes(70))))) == ["lost"]
    assert names(story.hear(scanned(scan(M.DELIVERED, minutes(90))))) == ["delivered"]


def test_an_operators_word_counts_where_the_carrier_has_no_code_for_a_loss() -> None:
    story = left()
    letter = DeclaredLost(ORDER, PARCEL, "claim 4711")

    assert names(story.hear(letter, letter, now=minutes(70))) == ["lost"]
    assert names(story.hear(scanned(scan(M.DELIVERED, minutes(90))), now=minutes(90))) == ["delivered"]


def test_only_what_is_on_its_way_can_be_lost() -> None:
    ended = left()
    ended.hear(scanned(scan(M.DELIVERED, minutes(70))), now=minutes(70))

    for story in (booked(), ended):
        with pytest.raises(NotLost):
            story.hear(DeclaredLost(ORDER, PARCEL, "claim 4711"), now=minutes(80))
