"""Every state of a waybill against everything that can be heard: what is spoken, what is asked of the outside, which
case opens."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services.logistics.commands import AHEAD, BOOK, RECALL, TELL, VOID, WATCH, Declined, Done
from services.logistics.milestones import Milestone
from services.logistics.process import HANDLES, reach
from services.logistics.shipment import SHIPMENT, Answer, Booking, UnknownParcel
from shared.events import orders
from shared.events.topics import TOPICS, consumed_by
from shared.flow.decision import Exhausted
from tests.logistics.shipments import (
    ORDER,
    WAYBILL,
    Story,
    amended,
    assigned,
    authorised,
    booked,
    cancelled,
    document,
    exited,
    handed_over,
    left,
    minutes,
    packed,
    requested,
    scan,
    scanned,
    withdrawn,
)


def asked() -> Story:
    story = Story()
    story.hear(requested())
    return story


def refused() -> Story:
    story = asked()
    story.ends(BOOK, Declined("S03", "no"))
    return story


def correcting() -> Story:
    story = booked()
    story.hear(amended())
    return story


def voiding() -> Story:
    story = booked()
    story.hear(cancelled())
    return story


def voided() -> Story:
    story = voiding()
    story.ends(VOID, Done())
    return story


STATES: dict[str, Callable[[], Story]] = {
    "asked": asked, "refused": refused, "booked": booked, "correcting": correcting, "voiding": voiding,
    "voided": voided, "gone": left,
}  # fmt: skip
HEARD: dict[str, object] = {
    "requested": requested(), "amended": amended(), "cancelled": cancelled(), "authorised": authorised(2),
    "withdrawn": withdrawn(), "packed": packed(), "exited": exited(), "accepted": document(Answer.ACCEPTED),
    "delivered": scanned(scan(Milestone.DELIVERED, minutes(61))), "handed": handed_over(), "assigned": assigned(),
}  # fmt: skip

# spoken facts, new work, new cases; "-" is nothing. A parcel without a waybill number cannot be named by a scan.
GRID = """
state       heard       facts            work  cases
asked       requested   -                -     -
asked       amended     -                -     -
asked       cancelled   -                -     -
asked       authorised  -                tell  -
asked       withdrawn   -                tell  -
asked       packed      packed           -     packed_without_authorisation
asked       exited      exited           watch exited_without_authorisation
asked       handed      -                -     not_of_this_flow
asked       assigned    -                -     -
refused     requested   -                -     -
refused     amended     -                -     -
refused     cancelled   -                -     -
refused     authorised  -                tell  -
refused     withdrawn   -                tell  -
refused     packed      packed           -     packed_without_authorisation
refused     exited      exited           watch exited_without_authorisation
refused     handed      -                -     not_of_this_flow
refused     assigned    -                -     -
booked      requested   -                -     -
booked      amended     -                book  -
booked      cancelled   -                void  -
booked      authorised  -                tell  -
booked      withdrawn   -                tell  -
booked      packed      packed           -     packed_without_authorisation
booked      exited      exited           watch exited_without_authorisation
booked      handed      -                -     not_of_this_flow
booked      assigned    -                -     -
booked      accepted    accepted         -     -
booked      delivered   -                ahead -
correcting  requested   -                -     -
correcting  amended     -                -     -
correcting  cancelled   -                -     -
correcting  authorised  -                tell  -
correcting  withdrawn   -                tell  -
correcting  packed      packed           -     packed_without_authorisation
correcting  exited      exited           watch exited_without_authorisation
correcting  handed      -                -     not_of_this_flow
correcting  assigned    -                -     -
correcting  accepted    -                -     -
correcting  delivered   -                ahead -
voiding     requested   -                -     -
voiding     amended     -                -     -
voiding     cancelled   -                -     -
voiding     authorised  -                tell  -
voiding     withdrawn   -                tell  -
voiding     packed      packed           -     packed_without_authorisation
voiding     exited      exited           watch exited_without_authorisation
voiding     handed      -                -     not_of_this_flow
voiding     assigned    -                -     -
voiding     accepted    accepted         -     -
voiding     delivered   -                ahead -
voided      requested   -                -     -
voided      amended     -                -     -
voided      cancelled   -                -     -
voided      authorised  -                tell  -
voided      withdrawn   -                tell  -
voided      packed      -                -     -
voided      exited      exited           watch exited_without_authorisation
voided      handed      -                -     not_of_this_flow
voided      assigned    -                -     -
voided      accepted    accepted         -     -
voided      delivered   -                ahead -
gone        requested   -                -     -
gone        amended     -                -     redirected_too_late
gone        cancelled   -                recall -
gone        authorised  -                tell  -
gone        withdrawn   -                -     exited_before_withdrawal
gone        packed      -                -     -
gone        exited      -                -     -
gone        handed      -                -     not_of_this_flow
gone        assigned    -                -     -
gone        accepted    accepted         -     -
gone        delivered   delivered        -     -
"""
WORK = {BOOK: "book", VOID: "void", TELL: "tell", RECALL: "recall", WATCH: "watch", AHEAD: "ahead"}


def cells() -> list[tuple[str, ...]]:
    return [tuple(line.split()) for line in GRID.strip().splitlines()[1:]]


@pytest.mark.parametrize("cell", cells(), ids=lambda cell: f"{cell[0]}-{cell[1]}")
def test_every_state_answers_everything_that_is_heard(cell: tuple[str, ...]) -> None:
    state, heard, facts, work, cases = cell
    story = STATES[state]()
    before, known = set(story.work.items()), story.cases

    spoken = story.hear(HEARD[heard], now=minutes(61))

    assert [fact.type.split(".")[-1] for fact in spoken] == ([] if facts == "-" else [facts])
    assert [WORK[kind] for (kind, _), _ in set(story.work.items()) - before] == ([] if work == "-" else [work])
    assert [code for code in story.cases if code not in known] == ([] if cases == "-" else [cases])


def test_the_grid_is_whole() -> None:
    unnamed = {"asked", "refused"}  # the carrier gave no number: nothing that it says can be about them
    wanted = {
        (state, heard)
        for state in STATES
        for heard in HEARD
        if state not in unnamed or heard not in {"accepted", "delivered"}
    }

    assert {(state, heard) for state, heard, *_ in cells()} == wanted
    assert {story().parcel.state for story in STATES.values()} == set(Booking)


@pytest.mark.parametrize("heard", [heard for heard in HEARD if heard not in {"requested", "assigned", "amended"}])
def test_what_was_never_requested_is_nobodys(heard: str) -> None:
    with pytest.raises(UnknownParcel):
        Story().hear(HEARD[heard])


def test_everything_of_one_order_meets_in_its_lane() -> None:
    whole = [*HEARD.values(), Story.outcome(asked(), BOOK, WAYBILL)]

    assert {reach(content).lanes for content in whole} == {(ORDER,)}
    assert {reach(content).keys for content in whole} == {(SHIPMENT.key(ORDER),)}


def test_it_listens_to_one_topic_only() -> None:
    assert consumed_by("logistics") == ("orders.order",)
    assert {
        orders.ShipmentRequested,
        orders.WaybillAssigned,
        orders.ShipmentCancelRequested,
        orders.ExitAuthorised,
        orders.ExitWithdrawn,
        orders.OrderAmended,
    } == HANDLES
    assert {topic.name for topic in TOPICS if topic.producer == "logistics"} == {
        "logistics.parcel",
        "logistics.waybill-document",
        "logistics.promise",
        "logistics.consignment",
    }


@pytest.mark.parametrize("kind", [BOOK, VOID, TELL, RECALL])
def test_no_call_may_end_in_an_answer_that_nobody_knows(kind: str) -> None:
    story = {BOOK: asked, VOID: voiding, TELL: _authorised, RECALL: _recalling}[kind]()

    with pytest.raises(AssertionError):
        story.ends(kind, "perhaps")


def _recalling() -> Story:
    story = left()
    story.hear(cancelled())
    return story


def _authorised() -> Story:
    story = booked()
    story.hear(authorised())
    return story


def test_a_silent_partner_is_asked_for_ever() -> None:
    silent = Exhausted("unknown", "nobody", unknown=True)
    story = asked()

    for _ in range(50):
        story.ends(BOOK, silent)

    assert story.waiting == [BOOK]
    assert story.cases == ["booking_unanswered"]
