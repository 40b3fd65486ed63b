"""One parcel of direct mail: packed at its origin before customs hears of it, let out at a supervised site."""

from __future__ import annotations

import pytest

from services.logistics.commands import BOOK, REGISTER, TELL, Declined, Done, Waybill
from services.logistics.milestones import Milestone
from services.logistics.shipment import Answer
from shared.events.logistics import ParcelBooked, ParcelPacked, WaybillDocumentAccepted
from shared.flow.decision import Exhausted
from tests.logistics.shipments import (
    HERE,
    LINES,
    ORDER,
    PARCEL,
    PICK,
    THERE,
    WAYBILL,
    Story,
    amended,
    authorised,
    booked,
    document,
    exited,
    handed_over,
    labelled,
    mailed,
    minutes,
    names,
    packed,
    scan,
    scanned,
    withdrawn,
)


def test_the_origin_packs_as_soon_as_there_is_a_waybill() -> None:
    story = labelled()

    task = story.task(TELL, PICK)
    assert (task.about, task.authorised, task.warehouse, task.waybill_no) == (
        "pick",
        True,
        "msa-origin",
        WAYBILL.number,
    )
    assert task.lines == LINES
    assert story.hear(packed()) == [
        ParcelPacked(
            order_id=ORDER, seller="highland-coop", parcel_id=PARCEL, gross_grams=980, lines=LINES, at=minutes(30)
        )
    ]
    assert names(story.hear(handed_over(), handed_over())) == ["handed-over"]
    assert story.cases == []


def test_the_carrier_is_asked_by_one_interface_and_followed_by_another() -> None:
    story = Story()
    story.hear(mailed())
    assert story.task(BOOK).carrier == "cainiao"

    (fact,) = story.ends(BOOK, WAYBILL)

    assert isinstance(fact, ParcelBooked)
    assert (fact.carrier, fact.logistics_code) == ("cainiao-air", "9999L60004")
    assert (story.task(REGISTER).tracker, story.task(REGISTER).waybill_no) == ("17track", WAYBILL.number)
    assert {"cainiao:TCX0000000001", "17track:TCX0000000001"} <= set(story.aliases)


FLYING: list[tuple[str, tuple[object, ...]]] = [
    ("packed", (packed(),)),
    ("handed over", (packed(), handed_over())),
    ("seen by the line-haul", (packed(), handed_over(), scanned(scan(Milestone.PICKED_UP, minutes(46))))),
    ("let out but not gone", (packed(), handed_over(), authorised())),
]


@pytest.mark.parametrize("been", [been for _, been in FLYING], ids=[name for name, _ in FLYING])
def test_a_recipient_corrected_before_the_exit_is_booked_and_declared_anew(been: tuple[object, ...]) -> None:
    story = labelled()
    story.hear(document(Answer.ACCEPTED), *been)

    story.hear(amended())
    assert (story.task(BOOK).recipient, story.task(BOOK).order_no) == (THERE, "T1A1")
    assert story.hear(document(Answer.ACCEPTED, minutes(90))) == []  # whom it names is known once the carrier answers
    (accepted,) = story.ends(BOOK, WAYBILL)

    assert isinstance(accepted, WaybillDocumentAccepted)
    assert (accepted.waybill_no, accepted.recipient_fingerprint) == (WAYBILL.number, THERE.fingerprint)
    assert (story.cases, story.parcel.booked_to) == ([], THERE.fingerprint)


def test_a_recipient_corrected_after_the_exit_from_the_site_is_a_case() -> None:
    story = labelled()
    story.hear(packed(), handed_over(), authorised(), exited(), amended())

    assert (story.cases, BOOK in story.waiting) == (["redirected_too_late"], False)


def test_a_correction_that_the_carrier_does_not_take_on_the_way_is_a_case() -> None:
    story = labelled()
    story.hear(packed(), handed_over(), amended())

    assert story.ends(BOOK, Declined("B01", "already on its way")) == []
    assert (story.cases, story.parcel.booked_to) == (["rebooking_refused"], HERE.fingerprint)


def test_a_number_that_is_followed_already_or_again_is_followed() -> None:
    story = labelled()
    silent = Exhausted("transient", "17track.unanswered", unknown=False)

    assert story.ends(REGISTER, silent) == []
    assert story.cases == ["tracker_silent"]
    assert story.ends(REGISTER, Done()) == []
    assert story.cases == []


def test_a_number_that_the_tracker_refuses_is_a_case() -> None:
    story = labelled()

    story.ends(REGISTER, Declined("-18019903", "carrier unknown"))

    assert story.cases == ["tracking_refused"]
    assert REGISTER not in story.waiting


def test_another_waybill_is_followed_too() -> None:
    story = labelled()
    story.ends(REGISTER, Done())
    story.hear(amended())
    story.ends(BOOK, Waybill("TCX9"))

    assert story.task(REGISTER).waybill_no == "TCX9"


def test_its_exit_is_told_to_the_supervised_site() -> None:
    story = labelled()
    story.ends(TELL, Done(), name=PICK)
    story.hear(packed(), handed_over())

    story.hear(authorised())

    assert (story.task(TELL).about, story.task(TELL).warehouse) == ("exit", "fz-returns")
    story.ends(TELL, Done())
    story.hear(withdrawn())
    assert (story.task(TELL).authorised, story.task(TELL).warehouse) == (False, "fz-returns")
    story.ends(TELL, Done())
    story.hear(authorised(2))
    assert names(story.hear(exited())) == ["exited"]
    assert story.cases == []


def test_a_bonded_parcel_is_never_picked_before_its_exit_is_authorised() -> None:
    story = booked()

    assert story.waiting == []
    assert story.parcel.pick is None
