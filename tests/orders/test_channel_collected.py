"""An order whose money the channel collects and whose papers it declares: we observe, reserve, ship and book."""

from __future__ import annotations

from services.orders import observing
from services.orders.commands import CancelAsked
from services.orders.tracks import Carriage, Funds, Goods, Intent, Money, Papers
from shared.events import orders
from tests.orders import facts
from tests.orders.story import Story

GIVEN = ("cainiao", "CN0001")
OURS = (orders.DeclarationRequested, orders.PaymentRequested)


def covered() -> Story:
    story = Story.channels()
    assert story.hears(facts.made(), facts.assessed(), facts.confirmed(), facts.escrow_held()) == []
    return story


def test_02_a_platform_declared_order_is_observed_and_completed_and_nothing_is_declared_by_us() -> None:
    story = covered()

    assert story.observes(observing.cleared, "clearing", facts.NOW) == ["clearance-observed"]
    assert story.observes(observing.waybill_given, *GIVEN) == ["waybill-assigned"]
    assert story.hears(facts.booked()) == []
    assert story.observes(observing.cleared, "released", facts.NOW) == ["clearance-observed"]
    assert story.hears(facts.released(1, 0)) == ["exit-authorised"]
    assert story.hears(facts.packed(), facts.drawn(), facts.exited()) == []
    assert story.confirms() == ["shipment-confirmed"]
    assert story.hears(facts.delivered()) == []
    assert story.observes(observing.receipt_confirmed, facts.NOW) == ["receipt-confirmed", "funds-release-authorised"]
    assert story.hears(facts.escrow_released()) == ["completed"]

    order = story.order
    assert (order.intent, order.money.state, order.funds) == (Intent.COMPLETED, Money.COVERED, Funds.RELEASED)
    assert (order.import_papers.state, order.holds, order.conflicts) == (Papers.RELEASED, (), 0)
    assert [fact for fact in story.said if isinstance(fact, OURS)] == []
    assert story.work == {}


def test_without_a_waybill_of_the_channel_ours_is_booked_when_it_is_cleared() -> None:
    story = covered()
    story.observes(observing.cleared, "clearing", facts.NOW)

    assert story.observes(observing.cleared, "released", facts.NOW) == ["clearance-observed", "shipment-requested"]
    (asked,) = story.spoke(orders.ShipmentRequested)
    assert asked.order_no == story.order.external_id
    assert story.hears(facts.booked()) == []
    assert story.hears(facts.released(1, 0)) == ["exit-authorised"]


def test_the_adopted_waybill_is_the_channels_own_number() -> None:
    story = covered()
    story.observes(observing.waybill_given, *GIVEN)

    (adopted,) = story.spoke(orders.WaybillAssigned)
    assert (adopted.waybill_no, adopted.order_no) == ("CN0001", story.order.external_id)
    assert story.spoke(orders.ShipmentRequested) == []


def test_our_own_waybill_told_back_by_the_channel_is_no_news_and_another_is_for_a_person() -> None:
    story = covered()
    story.observes(observing.cleared, "released", facts.NOW)
    story.hears(facts.booked())

    assert story.observes(observing.waybill_given, "cainiao", "CN0001") == []
    assert story.observes(observing.waybill_given, "cainiao", "CN7777") == ["hold-set platform_hold"]


def test_what_the_channel_says_again_says_nothing_again() -> None:
    story = covered()
    story.observes(observing.waybill_given, *GIVEN)
    story.observes(observing.cleared, "released", facts.NOW)

    assert story.observes(observing.paid, facts.TOTAL, "alipay", "E1", "E1C", facts.NOW) == []
    assert story.observes(observing.waybill_given, *GIVEN) == []
    assert story.observes(observing.cleared, "clearing", facts.NOW) == []


def test_the_release_may_be_known_before_the_assessment() -> None:
    story = Story.channels()
    story.observes(observing.cleared, "released", facts.NOW)

    assert story.hears(facts.released(1, 0), facts.confirmed(), facts.made()) == []
    assert story.hears(facts.assessed()) == ["shipment-requested"]
    assert story.order.import_papers.state is Papers.RELEASED


def test_11_a_channel_paid_order_found_short_is_held_reminded_and_goes_on_when_replenished() -> None:
    story = Story.channels()
    assert story.hears(facts.assessed(), facts.confirmed(), facts.short()) == ["hold-set shortage"]

    assert story.due("reminder", "shortage") == ["conflict-found"]
    assert story.order.intent is Intent.PLACED
    assert story.hears(facts.made()) == ["hold-lifted shortage"]
    assert story.observes(observing.waybill_given, *GIVEN) == ["waybill-assigned"]


def test_a_shortage_that_ends_in_time_reminds_nobody() -> None:
    story = Story.channels()
    story.hears(facts.short())
    story.hears(facts.made())

    assert story.work == {}


def test_an_order_of_the_channel_never_ends_by_itself() -> None:
    story = Story.channels()

    assert story.hears(facts.short(), facts.inadmissible()) == ["hold-set shortage", "hold-set customs"]
    assert story.order.intent is Intent.PLACED


def test_money_that_the_channel_has_is_cancelled_at_the_channel() -> None:
    story = covered()

    status, said = story.asked(CancelAsked(facts.ORDER, "", "operator", "out of coffee"))

    assert (status, said, story.order.intent) == (409, [], Intent.PLACED)


def test_the_channels_refund_closes_the_order_and_is_only_booked() -> None:
    story = covered()

    assert story.observes(observing.refunded, "cancelled_at_channel", facts.NOW) == [
        "cancellation-requested", "refund-requested", "reservation-release-requested",
    ]  # fmt: skip
    (refund,) = story.spoke(orders.RefundRequested)
    assert (refund.executor, refund.amount) == ("channel", facts.TOTAL)
    assert story.hears(facts.refund_submitted(), facts.refunded(), facts.stock_released()) == ["cancelled"]


def test_a_parcel_of_a_channel_order_that_comes_back_waits_for_the_channels_word() -> None:
    story = covered()
    story.observes(observing.waybill_given, *GIVEN)
    story.observes(observing.cleared, "released", facts.NOW)
    story.hears(facts.booked(), facts.released(1, 0), facts.packed(), facts.drawn(), facts.exited())

    assert story.hears(facts.returned()) == ["hold-set parcel_returned"]
    assert story.observes(observing.refunded, "refused at the door", facts.NOW) == [
        "cancellation-requested", "refund-requested", "reservation-release-requested",
    ]  # fmt: skip
    assert story.spoke(orders.WithdrawalRequested) == []
    assert story.hears(facts.refunded(), facts.restocked()) == ["cancelled", "hold-lifted parcel_returned"]


def test_a_refund_of_the_channel_that_could_not_stop_the_parcel_writes_the_goods_off() -> None:
    story = covered()
    story.observes(observing.waybill_given, *GIVEN)
    story.observes(observing.cleared, "released", facts.NOW)
    story.hears(facts.booked(), facts.released(1, 0), facts.packed(), facts.drawn(), facts.exited())

    assert story.observes(observing.refunded, "not wanted", facts.NOW) == [
        "cancellation-requested", "shipment-cancel-requested", "hold-set cancel_requested",
    ]  # fmt: skip
    assert story.hears(facts.delivered()) == [
        "refund-requested", "reservation-release-requested", "hold-lifted cancel_requested",
    ]  # fmt: skip
    (given_up,) = story.spoke(orders.ReservationReleaseRequested)
    assert given_up.disposition == "write_off"
    assert story.hears(facts.refunded(), facts.written_off()) == ["cancelled"]
    assert (story.order.goods.state, story.order.money.state) == (Goods.WRITTEN_OFF, Money.REFUNDED)


def test_a_refund_of_the_channel_after_the_delivery_is_for_a_person() -> None:
    story = covered()
    story.observes(observing.waybill_given, *GIVEN)
    story.observes(observing.cleared, "released", facts.NOW)
    story.hears(facts.booked(), facts.released(1, 0), facts.packed(), facts.drawn(), facts.exited(), facts.delivered())

    assert story.observes(observing.refunded, "after sale", facts.NOW) == ["hold-set platform_hold"]
    assert story.due("hold-over") == []
    assert story.order.parcels[facts.PARCEL].state is Carriage.DELIVERED


def test_a_refund_of_the_channel_after_the_funds_were_released_is_a_case() -> None:
    story = covered()
    story.observes(observing.waybill_given, *GIVEN)
    story.observes(observing.cleared, "released", facts.NOW)
    story.hears(facts.booked(), facts.released(1, 0), facts.packed(), facts.drawn(), facts.exited(), facts.delivered())
    story.observes(observing.receipt_confirmed, facts.NOW)

    assert story.observes(observing.refunded, "after sale", facts.NOW) == ["conflict-found"]


def test_a_refused_clearance_is_for_a_person() -> None:
    story = covered()

    assert story.observes(observing.cleared, "refused", facts.NOW) == ["clearance-observed", "hold-set customs"]


def test_the_channels_word_that_the_buyer_has_it_counts_before_the_carriers() -> None:
    story = covered()
    story.observes(observing.waybill_given, *GIVEN)
    story.observes(observing.cleared, "released", facts.NOW)
    story.hears(facts.booked(), facts.released(1, 0), facts.packed(), facts.drawn())

    assert story.observes(observing.receipt_confirmed, facts.NOW) == ["receipt-confirmed"]
    assert story.hears(facts.exited()) == ["funds-release-authorised"]
    assert story.hears(facts.escrow_released(), facts.delivered()) == ["completed"]


def test_an_own_shop_that_calls_its_order_paid_is_not_believed() -> None:
    story = Story.placed()

    assert story.observes(observing.paid, facts.TOTAL, "bank", "E1", "E1C", facts.NOW) == []
    assert story.order.money.observed is False
