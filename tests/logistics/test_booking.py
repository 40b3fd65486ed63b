from __future__ import annotations

import pytest

from services.logistics.commands import BOOK, RECALL, VOID, Declined, Done, Void, Waybill
from services.logistics.milestones import Milestone
from services.logistics.shipment import Answer, Booking, UnknownParcel
from shared.events.logistics import (
    BookingRefused,
    ParcelBooked,
    ParcelVoided,
    WaybillDocumentAccepted,
    WaybillDocumentRefused,
)
from shared.flow.decision import Exhausted, Refused
from tests.logistics.shipments import (
    HERE,
    NOW,
    ORDER,
    PARCEL,
    SELLER,
    THERE,
    WAYBILL,
    Story,
    amended,
    book_of,
    booked,
    cancelled,
    document,
    exited,
    minutes,
    requested,
    scan,
    scanned,
)

SILENT = Exhausted("unknown", "cainiao.unanswered", unknown=True)
OF = {"order_id": ORDER, "seller": SELLER, "parcel_id": PARCEL}
BOOKED = ParcelBooked.model_validate(
    OF
    | {
        "carrier": "cainiao", "logistics_code": "9999L60004", "logistics_name": "双城速递（测试）有限公司",
        "waybill_no": "TCX0000000001",
    }
)  # fmt: skip
VOIDED = ParcelVoided.model_validate(OF)


def accepted(recipient: str = "fp-here", at: float = 0) -> WaybillDocumentAccepted:
    return WaybillDocumentAccepted.model_validate(
        OF
        | {
            "waybill_no": "TCX0000000001", "logistics_code": "9999L60004", "accepted_at": minutes(at),
            "recipient_fingerprint": recipient,
        }
    )  # fmt: skip


def test_a_requested_shipment_is_findable_by_its_parcel_before_the_carrier_is_asked() -> None:
    story = Story()

    assert story.hear(requested()) == []

    assert story.aliases == {f"parcel:{PARCEL}": ORDER}
    assert story.waiting == [BOOK]
    assert (book_of(story).order_no, book_of(story).recipient) == ("T1A1", HERE)


def test_the_carriers_number_is_spoken_with_the_profiles_codes_and_leads_to_the_order() -> None:
    story = Story()
    story.hear(requested())

    assert story.ends(BOOK, WAYBILL) == [BOOKED]

    assert {name for name in story.aliases if name.startswith("cainiao:")} == {
        "cainiao:TCX0000000001",
        "cainiao:LP00000000000001",
    }
    assert story.waiting == []


def test_a_request_heard_twice_books_once() -> None:
    story = booked()

    assert story.hear(requested()) == []
    assert story.waiting == []


def test_a_refusal_is_spoken_in_the_carriers_words() -> None:
    story = Story()
    story.hear(requested())

    assert story.ends(BOOK, Declined("S03", "address not served")) == [
        BookingRefused.model_validate(OF | {"code": "S03", "reason": "address not served"})
    ]
    assert story.parcel.state is Booking.REFUSED


def test_a_request_that_cannot_be_built_was_not_booked_either() -> None:
    story = Story()
    story.hear(requested())

    assert story.ends(BOOK, Refused("input.malformed", "freight is in CNY")) == [
        BookingRefused.model_validate(OF | {"code": "input.malformed", "reason": "freight is in CNY"})
    ]


def test_a_carrier_without_an_interface_is_refused_at_once() -> None:
    story = Story()

    spoken = story.hear(requested(carrier="sf"))

    assert [type(fact) for fact in spoken] == [BookingRefused]
    assert story.waiting == []


def test_an_unanswered_booking_is_sent_again_identical_and_seen_meanwhile() -> None:
    story = Story()
    story.hear(requested())
    first = book_of(story)

    assert story.ends(BOOK, SILENT) == []

    assert book_of(story) == first
    assert story.work[BOOK, PARCEL].due_at == minutes(5)
    assert story.cases == ["booking_unanswered"]
    assert story.ends(BOOK, WAYBILL, now=minutes(5)) == [BOOKED]
    assert story.cases == []


def test_a_booked_waybill_is_voided_when_asked() -> None:
    story = booked()

    assert story.hear(cancelled()) == []
    assert story.task(VOID) == Void(ORDER, PARCEL, "cainiao", "TCX0000000001")
    assert story.ends(VOID, Done()) == [VOIDED]
    assert story.hear(cancelled()) == []
    assert story.waiting == []


def test_a_booking_in_flight_is_voided_after_its_answer() -> None:
    story = Story()
    story.hear(requested(), cancelled())
    assert story.waiting == [BOOK]

    assert story.ends(BOOK, WAYBILL) == [BOOKED]
    assert story.waiting == [VOID]
    assert story.ends(VOID, Done()) == [VOIDED]


def test_a_booking_in_flight_that_is_refused_needs_no_voiding() -> None:
    story = Story()
    story.hear(requested(), cancelled())

    assert [type(fact) for fact in story.ends(BOOK, Declined("S03", "no"))] == [BookingRefused]
    assert story.waiting == []


@pytest.mark.parametrize("gone", [exited(), scanned(scan(Milestone.PICKED_UP, NOW))], ids=["exited", "picked up"])
def test_what_left_is_never_voided(gone: object) -> None:
    story = booked()
    story.hear(gone)

    assert story.hear(cancelled()) == []
    assert (RECALL in story.waiting, VOID in story.waiting) == (True, False)


def test_a_carrier_that_has_the_parcel_already_is_asked_to_bring_it_back() -> None:
    story = booked()
    story.hear(cancelled())

    assert story.ends(VOID, Declined("B01", "already on its way")) == []
    assert story.parcel.state is Booking.BOOKED
    assert story.waiting == [RECALL]
    assert story.cases == []


def test_an_unanswered_voiding_is_sent_again() -> None:
    story = booked()
    story.hear(cancelled())

    assert story.ends(VOID, SILENT) == []
    assert story.cases == ["void_unanswered"]
    assert story.ends(VOID, Done()) == [VOIDED]
    assert story.cases == []


def test_a_cancellation_of_nothing_is_a_dead_letter() -> None:
    with pytest.raises(UnknownParcel):
        Story().hear(cancelled())


# --- a corrected recipient ------------------------------------------------------------------------------------------


def test_a_corrected_recipient_is_booked_anew_under_the_same_number_and_order_number() -> None:
    story = booked()

    assert story.hear(amended()) == []
    assert (book_of(story).recipient, book_of(story).order_no) == (THERE, "T1A1")
    assert story.ends(BOOK, WAYBILL) == []
    assert story.parcel.booked_to == "fp-there"


def test_a_correction_before_the_first_answer_follows_it() -> None:
    story = Story()
    story.hear(requested(), amended())
    assert book_of(story).recipient == HERE

    assert story.ends(BOOK, WAYBILL) == [BOOKED]
    assert book_of(story).recipient == THERE
    assert story.ends(BOOK, WAYBILL) == []
    assert story.waiting == []


def test_an_amendment_of_the_buyer_alone_asks_the_carrier_nothing() -> None:
    story = booked()

    assert story.hear(amended(HERE)) == []
    assert story.waiting == []


def test_an_amendment_before_anything_was_to_be_shipped_is_none_of_ours() -> None:
    story = Story()

    assert story.hear(amended()) == []
    assert story.shipment is None


def test_a_correction_after_the_exit_is_a_case() -> None:
    story = booked()
    story.hear(exited(), amended())

    assert "redirected_too_late" in story.cases
    assert story.waiting == []


def test_a_refused_correction_keeps_the_first_waybill_and_opens_a_case() -> None:
    story = booked()
    story.hear(amended())

    assert story.ends(BOOK, Declined("B01", "already on its way")) == []
    assert (story.parcel.state, story.parcel.booked_to) == (Booking.BOOKED, "fp-here")
    assert story.cases == ["rebooking_refused"]
    assert story.waiting == []


def test_another_number_after_a_correction_is_spoken_and_a_case() -> None:
    story = booked()
    story.hear(amended())

    spoken = story.ends(BOOK, Waybill("TCX9"))

    assert spoken == [BOOKED.model_copy(update={"waybill_no": "TCX9"})]
    assert story.cases == ["waybill_changed"]
    assert story.aliases["cainiao:TCX9"] == ORDER


def test_a_cancellation_during_a_correction_voids_after_it() -> None:
    story = booked()
    story.hear(amended(), cancelled())
    assert story.waiting == [BOOK]

    assert story.ends(BOOK, WAYBILL) == []
    assert story.waiting == [VOID]


# --- customs' word on the waybill document --------------------------------------------------------------------------


def test_the_accepted_document_is_spoken_once() -> None:
    story = booked()

    assert story.hear(document(Answer.PENDING)) == []
    assert story.hear(document(Answer.ACCEPTED)) == [accepted()]
    assert story.hear(document(Answer.ACCEPTED, minutes(1)), document(Answer.PENDING, minutes(2))) == []


def test_a_refused_document_is_spoken_and_a_later_acceptance_too() -> None:
    story = booked()

    assert story.hear(document(Answer.REFUSED)) == [
        WaybillDocumentRefused.model_validate(OF | {"waybill_no": "TCX0000000001", "code": "-301", "reason": "words"})
    ]
    assert story.hear(document(Answer.REFUSED, minutes(1))) == []
    assert story.hear(document(Answer.ACCEPTED, minutes(2))) == [accepted(at=2)]


@pytest.mark.parametrize(("at", "cases"), [(-1, []), (1, ["document_refused_after_accepted"])], ids=["old", "new"])
def test_a_refusal_does_not_undo_an_acceptance(at: float, cases: list[str]) -> None:
    story = booked()
    story.hear(document(Answer.ACCEPTED))

    assert story.hear(document(Answer.REFUSED, minutes(at))) == []
    assert story.cases == cases


def test_the_corrected_document_is_accepted_anew() -> None:
    story = booked()
    story.hear(document(Answer.ACCEPTED), amended())
    story.ends(BOOK, WAYBILL)

    assert story.hear(document(Answer.ACCEPTED, minutes(9))) == [accepted("fp-there", 9)]


def test_customs_word_during_a_correction_waits_for_the_carriers_answer() -> None:
    story = booked()
    story.hear(document(Answer.ACCEPTED), amended())

    assert story.hear(document(Answer.ACCEPTED, minutes(9))) == []
    assert story.ends(BOOK, WAYBILL) == [accepted("fp-there", 9)]


def test_customs_word_during_a_refused_correction_is_about_the_old_recipient() -> None:
    story = booked()
    story.hear(amended(), document(Answer.ACCEPTED))

    assert story.ends(BOOK, Declined("B01", "already on its way")) == [accepted("fp-here")]
