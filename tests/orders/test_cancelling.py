"""Out of an order: asked for by people, told by the channel, or because it cannot go on unpaid."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from services.orders.canonical import ChannelStatus
from services.orders.commands import CancelAsked
from services.orders.tracks import Intent, Money
from shared.events import orders
from tests.orders import facts
from tests.orders.story import Story, push, sealed, snapshot


def test_cancelled_before_anything_is_asked_gives_the_stock_back() -> None:
    story = Story.placed()

    assert story.cancelled() == ["cancellation-requested", "reservation-release-requested"]
    assert story.hears(facts.made()) == []
    assert story.hears(facts.stock_released()) == ["cancelled", "hold-lifted identity_missing"]
    assert story.work == {}


def test_cancelled_before_payment_closes_the_attempt_first() -> None:
    story = Story.placed().asks()
    story.hears(facts.opened())

    assert story.cancelled() == ["cancellation-requested", "payment-close-requested"]
    assert story.hears(facts.closed()) == ["reservation-release-requested"]
    assert story.hears(facts.stock_released()) == ["cancelled"]
    assert story.order.money.state is Money.CLOSED


def test_cancelled_after_payment_refunds_releases_and_voids() -> None:
    story = Story.placed().pays()
    story.hears(facts.booked())

    assert story.cancelled() == [
        "cancellation-requested", "refund-requested", "reservation-release-requested", "shipment-cancel-requested",
    ]  # fmt: skip
    assert story.hears(facts.refunded(), facts.stock_released()) == []
    assert story.hears(facts.voided()) == ["cancelled"]
    assert (story.order.intent, story.order.money.state) == (Intent.CANCELLED, Money.REFUNDED)


def test_a_waybill_that_is_still_being_booked_is_voided_when_it_is_known() -> None:
    story = Story.placed().pays()

    assert "shipment-cancel-requested" not in story.cancelled()
    assert story.hears(facts.refunded(), facts.stock_released()) == []
    assert story.hears(facts.booked()) == ["shipment-cancel-requested"]
    assert story.hears(facts.voided()) == ["cancelled"]


def test_a_booking_that_fails_during_cancellation_leaves_nothing_to_void() -> None:
    story = Story.placed().pays()
    story.cancelled()

    assert story.hears(facts.refunded(), facts.stock_released(), facts.not_booked()) == ["cancelled"]
    assert story.order.holds == ()


def test_a_capture_that_loses_the_race_with_cancellation_is_refunded_once() -> None:
    story = Story.placed().asks()
    story.hears(facts.opened())
    story.cancelled()

    assert story.hears(facts.captured()) == ["refund-requested", "reservation-release-requested"]
    assert story.hears(facts.stock_released(), facts.escrow_held()) == []
    assert story.hears(facts.refunded()) == ["cancelled"]
    assert [fact.amount for fact in story.spoke(orders.RefundRequested)] == [facts.TOTAL]


def test_a_capture_after_cancelled_is_refunded_and_the_order_stays_cancelled() -> None:
    story = Story.placed().asks()
    story.hears(facts.opened())
    story.cancelled()
    story.hears(facts.closed(), facts.stock_released())

    assert story.hears(facts.captured()) == ["refund-requested"]
    assert story.hears(facts.refunded()) == []
    assert (story.order.intent, story.order.money.state) == (Intent.CANCELLED, Money.REFUNDED)


def test_cancelled_after_declaration_waits_and_goes_on_when_customs_rejects() -> None:
    story = Story.placed().declares()
    story.hears(facts.submitted())

    assert story.cancelled() == ["cancellation-requested", "hold-set cancel_requested"]
    assert story.hears(facts.rejected()) == [
        "refund-requested", "reservation-release-requested", "shipment-cancel-requested",
        "hold-set customs", "hold-lifted cancel_requested",
    ]  # fmt: skip
    assert story.hears(facts.refunded(), facts.stock_released(), facts.voided()) == ["cancelled", "hold-lifted customs"]


def test_a_delivered_order_is_not_cancelled_but_returned() -> None:
    story = Story.placed().delivers()

    status, said = story.asked(CancelAsked(facts.ORDER, facts.SELLER, "buyer", "too late"))

    assert (status, said) == (409, [])
    newer = replace(snapshot(), updated_at=snapshot().updated_at + timedelta(days=9), status=ChannelStatus.CANCELLED)
    assert story.hears(push(newer)) == []


def test_cancelling_twice_says_nothing_twice() -> None:
    story = Story.placed().asks()
    story.cancelled()

    assert story.cancelled() == []


def test_the_channels_cancellation_is_a_cancellation() -> None:
    story = Story.placed().asks()
    newer = replace(snapshot(), updated_at=snapshot().updated_at + timedelta(hours=1), status=ChannelStatus.CANCELLED)

    assert story.hears(push(newer)) == ["cancellation-requested", "payment-close-requested"]
    assert story.order.reason == "cancelled_at_channel"


def test_an_order_that_is_first_heard_of_as_cancelled_is_placed_and_undone() -> None:
    story = Story()

    said = story.hears(push(replace(snapshot(), status=ChannelStatus.CANCELLED)))

    assert said == ["placed", "cancellation-requested", "reservation-release-requested", "hold-set identity_missing"]
    assert story.hears(facts.made()) == []
    assert story.hears(facts.stock_released()) == ["cancelled", "hold-lifted identity_missing"]
    assert story.work == {}


def test_short_stock_ends_an_unpaid_order() -> None:
    story = Story.placed()

    assert story.hears(facts.short()) == ["cancellation-requested", "cancelled", "hold-lifted identity_missing"]
    assert story.order.reason == "short"


def test_an_order_that_cannot_be_declared_ends_before_payment_is_asked() -> None:
    story = Story.placed()
    story.identified()

    assert story.hears(facts.made(), facts.inadmissible()) == [
        "cancellation-requested", "reservation-release-requested",
    ]  # fmt: skip
    assert story.hears(facts.stock_released()) == ["cancelled"]


def test_an_order_found_inadmissible_while_its_qr_is_open_closes_the_attempt() -> None:
    story = Story.placed().asks()
    story.hears(facts.opened())
    story.identified(sealed("mai"))

    assert story.hears(facts.inadmissible()) == ["cancellation-requested", "payment-close-requested"]


def test_payment_overdue_ends_the_order() -> None:
    story = Story.placed().asks()
    story.hears(facts.opened())

    assert story.due("payment-overdue") == ["cancellation-requested", "payment-close-requested"]
    assert story.hears(facts.closed(), facts.stock_released()) == ["reservation-release-requested", "cancelled"]
    assert story.order.reason == "payment_overdue"


def test_a_paid_order_has_no_overdue_timer() -> None:
    story = Story.placed().asks()
    assert ("payment-overdue", "") in story.work

    story.hears(facts.opened(), facts.captured())

    assert ("payment-overdue", "") not in story.work


def test_goods_that_nobody_knows_are_told_apart_from_goods_that_are_short() -> None:
    story = Story.placed()
    unknown = facts.short().model_copy(update={"short": (), "reason": "unknown sku KE-TEA-100"})

    assert story.hears(unknown)[-2:] == ["cancelled", "hold-lifted identity_missing"]
    assert story.order.reason == "unknown_sku"


def test_an_attempt_that_its_provider_closed_ends_the_order() -> None:
    story = Story.placed().asks()

    assert story.hears(facts.opened(), facts.closed()) == ["cancellation-requested", "reservation-release-requested"]
    assert story.order.reason == "payment_overdue"


def test_payment_failed_ends_the_order() -> None:
    story = Story.placed().asks()

    assert story.hears(facts.failed()) == ["cancellation-requested", "reservation-release-requested"]
    assert story.hears(facts.stock_released()) == ["cancelled"]


def test_stock_that_expires_unpaid_ends_the_order() -> None:
    story = Story.placed()
    story.hears(facts.made())

    assert story.hears(facts.stock_released()) == [
        "cancellation-requested",
        "cancelled",
        "hold-lifted identity_missing",
    ]
    assert story.order.reason == "stock_expired"
