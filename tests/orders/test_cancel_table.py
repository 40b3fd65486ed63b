"""Cancelled at every depth: what is asked of whom, each when the one before is answered, and where it all ends."""

from __future__ import annotations

import pytest

from services.orders.commands import CancelAsked
from services.orders.tracks import Carriage, Intent, Money
from shared.events import orders
from shared.events.base import Event
from tests.orders import facts
from tests.orders.cancel_rows import (
    BACK,
    CLOSING,
    FREE,
    GOES_ON,
    GONE,
    ON_SHELF,
    OUT,
    PACKED,
    REFUNDED,
    RELEASED,
    SITE,
    TABLE,
    WAITS,
    Row,
    bonded,
    direct,
)
from tests.orders.story import Story


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.name)
def test_cancelled_there_everything_is_undone_in_its_order(row: Row) -> None:
    story = row.given()
    paid = story.order.money.state is Money.COVERED

    assert story.cancelled() == row.at_once
    for heard, said in row.steps:
        assert story.hears(heard) == said, heard.type

    order = story.order
    assert (order.money.state, order.goods.state, order.import_papers.state) == row.ends
    assert (order.intent, order.holds, order.conflicts) == (Intent.CANCELLED, (), 0)
    assert [fact.amount for fact in story.spoke(orders.RefundRequested)] == [facts.TOTAL] * (
        paid or row.ends[0] is Money.REFUNDED
    )
    assert [fact.disposition for fact in story.spoke(orders.ReservationReleaseRequested)] == [row.disposition]
    assert [kind for kind, _ in story.work if kind != "confirm-shipment"] == []


def test_delivered_is_refused_and_nothing_moves() -> None:
    story = Story.placed().delivers()

    assert story.asked(CancelAsked(facts.ORDER, "", "operator", "late")) == (409, [])
    assert story.order.intent is Intent.PLACED


def test_a_parcel_that_could_not_be_stopped_is_the_buyers_and_the_order_goes_on_with_a_case() -> None:
    story = bonded(*OUT)
    story.cancelled()

    assert story.hears(facts.delivered()) == ["conflict-found", GOES_ON]
    assert story.order.intent is Intent.PLACED
    assert story.due("hold-over") == ["funds-release-authorised"]
    assert story.spoke(orders.RefundRequested) == []


def test_36_what_was_handed_over_is_never_voided() -> None:
    story = bonded(*OUT)
    story.cancelled()

    assert story.order.parcels[facts.PARCEL].state is Carriage.INTERCEPTING
    assert story.hears(facts.voided()) == ["conflict-found"]


def test_43_a_lost_parcel_that_was_refunded_and_turns_up_is_a_case_and_moves_no_money() -> None:
    story = bonded(*OUT, facts.lost())
    story.cancelled()
    story.hears(REFUNDED, GONE)

    assert story.hears(facts.delivered()) == ["conflict-found"]
    assert story.order.intent is Intent.CANCELLED
    assert len(story.spoke(orders.RefundRequested)) == 1


def test_a_return_declaration_that_customs_refuses_waits_for_a_person_and_is_asked_once_more() -> None:
    story = bonded(*RELEASED)
    story.cancelled()
    story.hears(facts.voided())

    assert story.hears(facts.not_withdrawn("return")) == ["hold-set customs"]
    assert story.lifted("customs") == ["withdrawal-requested", "hold-lifted customs"]
    assert [fact.kind for fact in story.spoke(orders.WithdrawalRequested)] == ["return", "return"]


# --- nobody asked: it cannot reach its buyer --------------------------------------------------------------------------


def test_37_refused_at_the_door_comes_back_by_625_and_is_refunded_with_the_tax() -> None:
    story = bonded(*OUT)

    assert story.hears(facts.returned()) == [CLOSING, "withdrawal-requested", WAITS]
    assert story.hears(facts.withdrawn("return")) == [*BACK, GOES_ON]
    assert story.hears(REFUNDED, ON_SHELF) == ["cancelled"]
    (refund,) = story.spoke(orders.RefundRequested)
    assert refund.components is not None
    assert (refund.amount, refund.components.tax) == (facts.TOTAL, facts.VALUATION.tax)
    assert story.order.reason == "parcel_returned"


@pytest.mark.parametrize("packed", [(), PACKED])
def test_33_sent_back_abroad_by_customs_is_refunded_and_written_off(packed: tuple[Event, ...]) -> None:
    story = bonded(*RELEASED, *packed, facts.customs_held())

    assert story.hears(facts.sent_abroad())[0] == CLOSING
    assert story.hears(facts.voided()) == BACK
    assert story.hears(REFUNDED, GONE) == ["cancelled"]
    (given_up,) = story.spoke(orders.ReservationReleaseRequested)
    assert (given_up.disposition, story.order.reason) == ("write_off", "returned_abroad")


def test_33_direct_mail_that_customs_sends_abroad_is_not_called_back() -> None:
    story = direct(*SITE, facts.submitted(), facts.stored(), facts.customs_held())

    assert story.hears(facts.sent_abroad()) == [CLOSING, *BACK, "hold-lifted customs"]
    assert story.hears(REFUNDED, GONE) == ["cancelled"]
    assert story.spoke(orders.ShipmentCancelRequested) == []


def test_24_refused_for_good_is_refunded_with_the_tax_and_the_stock_goes_back() -> None:
    story = bonded(facts.submitted())

    assert story.hears(facts.rejected(final=True)) == [CLOSING, *BACK, "shipment-cancel-requested"]
    assert story.hears(REFUNDED, FREE, facts.voided()) == ["cancelled"]
    assert story.order.reason == "declaration_refused"


def test_sent_abroad_after_it_left_is_for_a_person() -> None:
    story = bonded(*OUT)

    assert story.hears(facts.sent_abroad()) == ["hold-set customs"]
    assert story.order.intent is Intent.PLACED
