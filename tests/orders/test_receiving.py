"""The end of the way: who says that it arrived, and deadlines that end nothing by themselves."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from services.orders import observing
from services.orders.commands import ReceiptConfirmed
from services.orders.order import ORDER as STATE
from services.orders.tracks import Funds, Intent
from shared.events import orders
from tests.orders import facts
from tests.orders.story import Story

RECEIVED = ReceiptConfirmed(facts.ORDER, facts.SELLER)


def test_a_confirmed_receipt_ends_the_hold_period_at_once() -> None:
    story = Story.placed().delivers()
    assert ("hold-over", "") in story.work

    assert story.asked(RECEIVED) == (202, ["receipt-confirmed", "funds-release-authorised"])
    assert ("hold-over", "") not in story.work
    assert story.asked(RECEIVED) == (202, [])
    assert story.hears(facts.escrow_released()) == ["completed"]


def test_what_has_not_left_is_not_received() -> None:
    story = Story.placed().releases()

    assert story.asked(RECEIVED) == (409, [])


def test_a_receipt_that_is_known_before_the_carriers_word_waits_for_it_and_starts_no_hold_period() -> None:
    story = Story.placed().releases()
    story.hears(facts.packed(), facts.drawn(), facts.exited())

    assert story.asked(RECEIVED) == (202, ["receipt-confirmed"])
    assert story.hears(facts.delivered()) == ["funds-release-authorised"]
    assert ("hold-over", "") not in story.work


def test_a_hold_keeps_the_funds_of_a_received_order() -> None:
    story = Story.placed().delivers()
    story.confirms()
    story.hears(facts.mispaid())

    assert story.asked(RECEIVED) == (202, ["receipt-confirmed"])
    assert story.lifted("payment_audit") == ["funds-release-authorised", "hold-lifted payment_audit"]


def test_the_funds_are_authorised_once_and_then_nobody_cancels() -> None:
    story = Story.placed().delivers()
    story.due("hold-over")

    assert story.order.funds is Funds.RELEASING
    assert story.observes(observing.refunded, "late", facts.NOW) == ["conflict-found"]
    assert len(story.spoke(orders.FundsReleaseAuthorised)) == 1


def promised() -> Story:
    story = Story.placed()
    order = replace(story.order, ship_by=facts.NOW + timedelta(days=2))
    story.states.take((STATE.put(facts.ORDER, order),))
    return story.asks()


def test_a_missed_ship_by_is_a_case_and_holds_nothing() -> None:
    story = promised()

    assert story.due("reminder", "ship_by") == ["conflict-found"]
    assert story.now == facts.NOW + timedelta(days=2)
    assert (story.order.intent, story.order.holds) == (Intent.PLACED, ())
    assert story.hears(facts.opened(), facts.captured(), facts.declared()) == ["shipment-requested"]


def test_what_left_in_time_reminds_nobody() -> None:
    story = promised()
    story.hears(facts.opened(), facts.captured(), facts.escrow_held(), facts.declared(), facts.booked())
    story.hears(facts.waybill_accepted(), facts.submitted(), facts.released())
    assert ("reminder", "ship_by") in story.work

    story.hears(facts.packed(), facts.exited())

    assert ("reminder", "ship_by") not in story.work


def test_a_closing_order_is_reminded_of_nothing() -> None:
    story = promised()

    story.cancelled()

    assert story.work == {}
