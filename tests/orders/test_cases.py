"""Cases: found by number, told with their fact, closed by an operator who says what came of them. Nothing moves."""

from __future__ import annotations

from datetime import timedelta

from services.orders.commands import CaseClosed
from services.orders.order import Case
from services.orders.tracks import Intent
from shared.events import orders
from tests.orders import facts
from tests.orders.story import Story


def closing(number: int) -> CaseClosed:
    return CaseClosed(facts.ORDER, "", number, "the carrier mixed two parcels up")


def test_each_case_is_kept_with_its_number_and_told_with_it() -> None:
    story = Story.placed().releases()
    story.hears(facts.STRAY, facts.assessed(), facts.STRAY)

    first = Case(1, "carriage", "voided", "logistics.parcel.packed", "logistics.parcel.packed while voided", story.now)
    assert story.order.cases == (first, Case(2, *(getattr(first, name) for name in Case.__slots__[1:])))
    assert [fact.number for fact in story.spoke(orders.ConflictFound)] == [1, 2]


def test_an_operator_closes_one_and_nothing_else_moves() -> None:
    story = Story.placed().releases()
    story.hears(facts.STRAY, facts.STRAY)
    before = story.order
    story.later(hours=1)

    assert story.asked(closing(2)) == (202, ["conflict-closed"])
    (told,) = story.spoke(orders.ConflictClosed)
    assert (told.number, told.note) == (2, "the carrier mixed two parcels up")
    one, two = story.order.cases
    assert (one.closed_at, two.closed_at, two.note) == (None, facts.NOW + timedelta(hours=1), told.note)
    assert (story.order.conflicts, story.order.parcels, story.order.holds) == (2, before.parcels, before.holds)


def test_what_is_not_open_cannot_be_closed() -> None:
    story = Story.placed().releases()
    story.hears(facts.STRAY)

    assert [story.asked(closing(number)) for number in (0, 2, 1, 1)] == [
        (409, []), (409, []), (202, ["conflict-closed"]), (409, []),
    ]  # fmt: skip


def test_a_case_of_an_order_that_is_over_is_closed_all_the_same() -> None:
    story = Story.placed().delivers()
    story.confirms()
    story.due("hold-over")
    story.hears(facts.escrow_released(), facts.lost())

    assert story.order.intent is Intent.COMPLETED
    assert story.asked(closing(1)) == (202, ["conflict-closed"])
