from __future__ import annotations

from services.logistics.commands import TELL, CaseClosed, Declined, Done
from shared.events.logistics import ParcelExited, ParcelPacked
from shared.flow.decision import Exhausted
from tests.logistics.shipments import (
    LINES,
    ORDER,
    PARCEL,
    SELLER,
    Story,
    authorised,
    booked,
    exited,
    minutes,
    packed,
    withdrawn,
)

SILENT = Exhausted("transient", "warehouse.unanswered", unknown=False)
OF = {"order_id": ORDER, "seller": SELLER, "parcel_id": PARCEL}
PACKED = ParcelPacked.model_validate(OF | {"gross_grams": 980, "lines": LINES, "at": minutes(30)})
EXITED = ParcelExited.model_validate(OF | {"at": minutes(60)})


def told(story: Story) -> tuple[int, bool, int]:
    task = story.task(TELL)
    return task.number, task.authorised, task.dossier_version


def knows(story: Story) -> bool:
    gate = story.parcel.gate
    return gate is not None and gate.told == gate.number


def test_the_warehouse_is_told_what_may_leave() -> None:
    story = booked()

    assert story.hear(authorised()) == []

    assert (told(story), story.task(TELL).lines) == ((1, True, 1), LINES)
    assert story.ends(TELL, Done()) == []
    assert knows(story)


def test_the_same_authorisation_again_is_told_once() -> None:
    story = booked()
    story.hear(authorised())
    story.ends(TELL, Done())

    assert story.hear(authorised()) == []
    assert story.waiting == []


def test_a_new_dossier_version_is_told() -> None:
    story = booked()
    story.hear(authorised())
    story.ends(TELL, Done())

    story.hear(authorised(2))
    assert told(story) == (2, True, 2)


def test_a_message_that_nobody_answered_is_told_again_as_the_same_message() -> None:
    story = booked()
    story.hear(authorised())
    first = story.task(TELL)

    story.ends(TELL, SILENT)

    assert story.task(TELL) == first
    assert story.work[TELL, PARCEL].due_at == minutes(0.5)
    assert story.cases == ["warehouse_silent"]
    story.ends(TELL, Done())
    assert story.cases == []


def test_a_withdrawal_never_overtakes_its_authorisation() -> None:
    story = booked()
    story.hear(authorised(), withdrawn())
    assert told(story) == (1, True, 1)

    story.ends(TELL, Done())
    assert told(story) == (2, False, 1)
    story.ends(TELL, Done())
    assert knows(story)


def test_a_withdrawal_takes_the_place_of_an_authorisation_that_did_not_arrive() -> None:
    story = booked()
    story.hear(authorised(), withdrawn())

    story.ends(TELL, SILENT)
    assert told(story) == (2, False, 1)


def test_only_the_newest_of_several_decisions_is_told() -> None:
    story = booked()
    story.hear(authorised(), withdrawn(), authorised(2))

    story.ends(TELL, Done())
    assert told(story) == (3, True, 2)


def test_a_second_withdrawal_says_nothing_new() -> None:
    story = booked()
    story.hear(authorised(), withdrawn())
    story.ends(TELL, Done())
    story.ends(TELL, Done())

    assert story.hear(withdrawn("other")) == []
    assert story.waiting == []


def test_a_withdrawal_reaches_the_warehouse_even_without_an_authorisation() -> None:
    story = booked()

    story.hear(withdrawn())
    assert told(story) == (1, False, 0)


def test_a_warehouse_that_refuses_a_message_is_a_case() -> None:
    story = booked()
    story.hear(authorised())

    assert story.ends(TELL, Declined("422", "unknown sku")) == []
    assert story.cases == ["warehouse_refused"]
    assert story.waiting == []


def test_packed_and_exited_are_spoken_once_each() -> None:
    story = booked()
    story.hear(authorised())

    assert story.hear(packed()) == [PACKED]
    assert story.hear(exited()) == [EXITED]
    assert story.hear(packed(), exited()) == []
    assert story.cases == []


def test_exited_before_packed_speaks_both() -> None:
    story = booked()
    story.hear(authorised())

    assert story.hear(exited(), packed()) == [EXITED, PACKED]


def test_a_parcel_that_leaves_without_authorisation_is_spoken_and_a_case() -> None:
    story = booked()

    assert story.hear(packed(), exited()) == [PACKED, EXITED]
    assert story.cases == ["packed_without_authorisation", "exited_without_authorisation"]


def test_a_parcel_that_leaves_after_the_withdrawal_is_spoken_and_a_case() -> None:
    story = booked()
    story.hear(authorised(), packed(), withdrawn())

    assert story.hear(exited()) == [EXITED]
    assert story.cases == ["exited_without_authorisation"]


def test_a_withdrawal_that_comes_after_the_exit_is_a_case_and_told_to_nobody() -> None:
    story = booked()
    story.hear(authorised())
    story.ends(TELL, Done())

    assert story.hear(exited(), withdrawn()) == [EXITED]
    assert story.cases == ["exited_before_withdrawal"]
    assert story.waiting == []


def test_a_closed_case_stays_on_record() -> None:
    story = booked()
    story.hear(exited())

    assert story.hear(CaseClosed(ORDER, 1, "found it", "anna"), now=minutes(90)) == []
    assert story.hear(CaseClosed(ORDER, 1, "again", "bela"), now=minutes(99)) == []

    assert story.shipment is not None
    assert [(case.code, case.closed_at, case.note, case.closed_by) for case in story.shipment.cases] == [
        ("exited_without_authorisation", minutes(90), "found it", "anna")
    ]
