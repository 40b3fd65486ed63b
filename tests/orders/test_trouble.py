"""Money and parcels that are not as they should be; facts that come early or twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from services.orders.canonical import ChannelStatus
from services.orders.commands import HoldLiftAsked
from services.orders.order import MoneyPlan
from services.orders.tracks import Carriage, Goods, Intent, Money
from shared.events import orders
from shared.events.base import Event
from shared.flow.decision import NOTHING, Early
from shared.ids import parcel_id
from shared.money import Money as Amount
from tests.orders import facts
from tests.orders.story import Story, push, snapshot


def test_paid_abroad_waits_and_nothing_is_asked() -> None:
    story = Story()
    paid = replace(snapshot(), status=ChannelStatus.PAID)
    said = story.hears(push(paid))

    assert said == ["placed", "hold-set identity_missing", "hold-set payment_not_declarable"]
    story.identified()
    assert story.hears(facts.made(), facts.assessed()) == []
    assert story.order.holds == ("payment_not_declarable",)


def test_paid_abroad_is_never_ended_by_itself() -> None:
    story = Story()
    story.hears(push(replace(snapshot(), status=ChannelStatus.PAID)))

    assert story.hears(facts.short()) == []  # nothing is paid here: what its money waits for stays the reason
    assert story.due("identity-overdue") == []
    assert story.order.intent is Intent.PLACED
    assert story.cancelled() == [
        "cancellation-requested", "cancelled", "hold-lifted identity_missing", "hold-lifted payment_not_declarable",
    ]  # fmt: skip


def test_an_order_in_another_currency_is_not_asked_for_by_lifting_its_hold() -> None:
    free = {"shop_money": {"amount": "0.00", "currency_code": "KES"}}
    story = Story()
    said = story.hears(push(snapshot(currency="KES", total_shipping_price_set=free)))

    assert said == ["placed", "hold-set identity_missing", "hold-set payment_not_declarable"]
    assert story.asked(HoldLiftAsked(facts.ORDER, "", "payment_not_declarable")) == (409, [])


def test_only_yuan_are_asked_for_whatever_holds_the_order_or_not() -> None:
    story = Story.placed().asks()
    order = story.order
    shillings = replace(order.amounts, total=Amount(214600, "KES"))

    assert not replace(order, money=MoneyPlan(), amounts=shillings).may_ask_payment()
    assert replace(order, money=MoneyPlan()).may_ask_payment()


def test_paid_at_the_channel_while_our_qr_is_open_is_for_a_person() -> None:
    story = Story.placed().asks()
    paid = replace(snapshot(), updated_at=snapshot().updated_at + timedelta(hours=1), status=ChannelStatus.PAID)

    assert story.hears(push(paid)) == ["hold-set payment_not_declarable"]
    assert story.hears(facts.opened(), facts.captured()) == []


def test_the_channel_marking_a_covered_order_as_paid_is_no_news() -> None:
    story = Story.placed().pays()
    paid = replace(snapshot(), updated_at=snapshot().updated_at + timedelta(hours=1), status=ChannelStatus.PAID)

    assert story.hears(push(paid)) == []


def test_a_refused_payment_document_holds_the_order_until_it_is_accepted() -> None:
    story = Story.placed().asks()
    story.hears(facts.opened(), facts.captured())

    assert story.hears(facts.payment_paper_refused()) == ["hold-set payment_not_declarable"]
    assert story.hears(facts.declared()) == ["shipment-requested", "hold-lifted payment_not_declarable"]


def test_a_wrong_amount_keeps_the_order_and_its_stock_beyond_the_payments_deadline() -> None:
    story = Story.placed().asks()
    story.hears(facts.opened())

    assert story.hears(facts.mispaid()) == ["hold-set payment_audit"]
    assert story.due("payment-overdue") == []
    assert (story.order.intent, story.order.goods.state) == (Intent.PLACED, Goods.RESERVED)


def test_a_wrong_amount_that_is_settled_after_the_deadline_ends_the_order() -> None:
    story = Story.placed().asks()
    story.hears(facts.opened(), facts.mispaid())
    story.due("payment-overdue")

    assert story.lifted("payment_audit") == [
        "cancellation-requested", "payment-close-requested", "hold-lifted payment_audit",
    ]  # fmt: skip


def test_a_wrong_amount_that_is_settled_in_time_lets_the_buyer_pay() -> None:
    story = Story.placed().asks()
    story.hears(facts.opened(), facts.mispaid())

    assert story.lifted("payment_audit") == ["hold-lifted payment_audit"]
    assert story.hears(facts.captured(), facts.declared()) == ["shipment-requested"]


def test_stock_that_runs_out_while_a_wrong_amount_is_settled_is_visible() -> None:
    story = Story.placed().asks()
    story.hears(facts.opened(), facts.mispaid())

    assert story.hears(facts.stock_released()) == ["hold-set shortage"]


def test_a_paid_order_found_short_is_held_and_goes_on_when_it_is_restocked() -> None:
    story = Story.channels()

    assert story.hears(facts.short(), facts.made()) == ["hold-set shortage", "hold-lifted shortage"]


def test_goods_given_back_do_not_hide_that_an_order_in_shillings_cannot_be_paid() -> None:
    free = {"shop_money": {"amount": "0.00", "currency_code": "KES"}}
    story = Story()
    story.hears(push(snapshot(currency="KES", total_shipping_price_set=free)))
    story.identified()

    assert story.hears(facts.made(), facts.stock_released()) == []
    assert story.order.holds == ("payment_not_declarable",)


def test_three_reasons_why_a_payment_is_not_declarable_are_told_apart() -> None:
    free = {"shop_money": {"amount": "0.00", "currency_code": "KES"}}
    shillings, elsewhere, refused = Story(), Story(), Story.placed().asks()
    shillings.hears(push(snapshot(currency="KES", total_shipping_price_set=free)))
    elsewhere.hears(push(replace(snapshot(), status=ChannelStatus.PAID)))
    refused.hears(facts.opened(), facts.captured(), facts.payment_paper_refused())

    told = [story.spoke(orders.HoldSet)[-1].reason for story in (shillings, elsewhere, refused)]

    assert [reason.partition(",")[0].partition(":")[0] for reason in told] == [
        "placed in KES", "paid at the shop and not here", "the payment's document (411) was refused",
    ]  # fmt: skip


def test_a_refund_that_stalls_is_visible_until_it_is_done() -> None:
    story = Story.placed().pays()
    story.cancelled()
    story.hears(facts.stock_released(), facts.booked(), facts.voided())

    assert story.hears(facts.stalled()) == ["hold-set refund_stalled"]
    assert story.order.money.state is Money.CASE
    assert story.hears(facts.refunded()) == ["cancelled", "hold-lifted refund_stalled"]


def test_a_booking_that_is_refused_holds_the_paid_order_and_is_asked_anew_when_corrected() -> None:
    story = Story.placed().pays()
    second = parcel_id(facts.ORDER, 2)

    assert story.hears(facts.not_booked()) == ["hold-set booking_refused"]
    assert story.corrected() == ["amended", "shipment-requested", "hold-lifted booking_refused"]
    assert [fact.parcel_id for fact in story.spoke(orders.ShipmentRequested)] == [facts.PARCEL, second]
    assert story.hears(facts.booked(second)) == []
    assert story.hears(facts.waybill_accepted(second)) == ["declaration-requested"]


def test_a_refused_booking_can_be_cancelled() -> None:
    story = Story.placed().pays()
    story.hears(facts.not_booked())

    assert story.cancelled() == ["cancellation-requested", "refund-requested", "reservation-release-requested"]
    assert story.hears(facts.stock_released(), facts.refunded()) == ["cancelled", "hold-lifted booking_refused"]


def test_a_new_waybill_number_of_the_same_parcel_is_the_one_that_the_channel_hears() -> None:
    story = Story.placed().releases()
    story.hears(facts.booked().model_copy(update={"waybill_no": "CN0002"}))

    story.hears(facts.packed(), facts.exited())
    story.confirms()

    assert [fact.waybill_no for fact in story.spoke(orders.ShipmentConfirmed)] == ["CN0002"]


def test_a_lost_parcel_is_visible_and_releases_no_funds() -> None:
    story = Story.placed().releases()
    story.hears(facts.packed(), facts.exited(), facts.drawn())

    assert story.hears(facts.lost()) == ["hold-set parcel_lost"]
    assert ("hold-over", "") not in story.work
    assert story.asked(HoldLiftAsked(facts.ORDER, "", "parcel_lost")) == (409, [])
    assert story.spoke(orders.FundsReleaseAuthorised) == []


def test_a_lost_parcel_that_comes_back_is_a_returned_one() -> None:
    story = Story.placed().releases()
    story.hears(facts.packed(), facts.drawn(), facts.exited(), facts.lost())

    assert story.hears(facts.returned()) == [
        "cancellation-requested", "withdrawal-requested", "hold-set cancel_requested", "hold-lifted parcel_lost",
    ]  # fmt: skip


def test_lost_then_delivered_is_a_case_and_moves_nothing() -> None:
    story = Story.placed().releases()
    story.hears(facts.packed(), facts.exited(), facts.lost())

    assert story.hears(facts.delivered()) == ["conflict-found"]
    assert story.order.parcels[facts.PARCEL].state is Carriage.LOST


def test_facts_of_a_parcel_that_nobody_asked_for_are_a_case() -> None:
    story = Story.placed().releases()
    stray = facts.packed().model_copy(update={"parcel_id": parcel_id(facts.ORDER, 7)})

    assert story.hears(stray) == ["conflict-found"]


def test_a_fact_of_an_order_that_is_not_known_yet_waits() -> None:
    answer = Story().decides(facts.made())

    assert isinstance(answer, Early)
    assert answer.deadline == facts.NOW + timedelta(minutes=10)


def test_funds_released_before_held_wait_on_their_own_topic() -> None:
    story = Story.placed().asks()

    assert story.waits(facts.escrow_released())
    assert story.hears(facts.opened(), facts.captured()) == []
    assert story.order.money.state is Money.COVERED


@pytest.mark.parametrize("fact", [facts.made(), facts.opened(), facts.booked(), facts.submitted(), facts.escrow_held()])
def test_the_same_fact_under_a_new_id_says_nothing_twice(fact: Event) -> None:
    story = Story.placed().declares()
    story.hears(facts.submitted())

    assert story.decides(fact) == NOTHING


def test_no_hold_is_set_without_words_for_people() -> None:
    story = Story.placed()

    reasons = {fact.hold: fact.reason for fact in story.spoke(orders.HoldSet)}

    assert reasons == {"identity_missing": "customs asks who buys: the shop supplies the identity"}
