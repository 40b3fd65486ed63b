"""Who paid is not who bought: customs takes it from the buyer alone (scenario 25)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from services.orders.canonical import ChannelHold
from services.orders.commands import HoldLiftAsked, PaymentAskedAnew
from services.orders.tracks import Intent, Money
from shared.events import orders, payments
from shared.events.base import Event
from shared.flow.decision import NOTHING
from shared.ids import out_trade_no
from tests.orders import facts
from tests.orders.story import Story, push, snapshot

SECOND = out_trade_no(facts.ORDER, 2)


def of_attempt(fact: Event, attempt: int) -> Event:
    number = out_trade_no(facts.ORDER, attempt)
    return fact.model_copy(update={"attempt": attempt, "out_trade_no": number})


def declared(attempt: int, identity: str = "same") -> payments.PaymentDeclared:
    number = out_trade_no(facts.ORDER, attempt)
    return facts.declared().model_copy(update={"order_no": number, "identity_check": identity})


def paid() -> Story:
    """Captured; nobody has said yet whose wallet it was."""
    story = Story.placed().asks()
    assert story.hears(facts.opened(), facts.captured(), facts.escrow_held()) == []
    return story


def test_25_the_money_goes_back_and_a_payment_of_the_buyers_own_is_declared_under_a_new_number() -> None:
    story = paid()

    assert story.hears(declared(1, "different")) == ["refund-requested", "hold-set payer_mismatch"]
    assert story.spoke(orders.ShipmentRequested) == []
    assert story.hears(facts.refund_submitted()) == []
    assert story.hears(facts.refunded()) == ["payment-requested", "hold-lifted payer_mismatch"]
    assert story.hears(of_attempt(facts.opened(), 2), of_attempt(facts.captured(), 2)) == []
    assert story.hears(declared(2)) == ["shipment-requested"]
    assert story.hears(facts.booked(), facts.waybill_accepted()) == ["declaration-requested"]
    assert story.hears(facts.submitted(), facts.released()) == ["exit-authorised"]

    order = story.order
    assert (order.money.out_trade_no, order.money.attempt, order.holds) == (SECOND, 2, ())
    assert [fact.reason for fact in story.spoke(orders.RefundRequested)] == ["payer_mismatch"]
    assert [fact.order_no for fact in story.spoke(orders.ShipmentRequested)] == [SECOND]


def test_the_answer_may_come_before_the_capture_is_read() -> None:
    story = Story.placed().asks()

    assert story.hears(facts.opened(), declared(1, "different")) == ["hold-set payer_mismatch"]
    assert story.hears(facts.captured()) == ["refund-requested"]
    assert story.spoke(orders.ShipmentRequested) == []
    assert story.hears(facts.refunded()) == ["payment-requested", "hold-lifted payer_mismatch"]
    assert story.hears(of_attempt(facts.captured(), 2), declared(2)) == ["shipment-requested"]


def test_what_is_told_of_the_attempt_that_went_back_is_history() -> None:
    story = paid()
    story.hears(declared(1, "different"), facts.refunded())

    assert story.hears(declared(1)) == []
    assert story.decides(facts.closed()) == NOTHING
    assert story.hears(of_attempt(facts.captured(), 2)) == []
    assert story.order.money.paper == "none"


def test_after_two_more_attempts_of_somebody_else_the_order_ends() -> None:
    story = paid()
    for attempt in (1, 2):
        story.hears(declared(attempt, "different"))
        assert story.hears(facts.refunded())[0] == "payment-requested"
        story.hears(of_attempt(facts.captured(), attempt + 1))
    story.hears(declared(3, "different"))

    assert story.hears(facts.refunded()) == ["cancellation-requested", "reservation-release-requested"]
    assert story.hears(facts.stock_released()) == ["cancelled", "hold-lifted payer_mismatch"]
    assert (story.order.reason, len(story.spoke(orders.RefundRequested))) == ("payer_mismatch", 3)


def test_a_parcel_of_direct_mail_that_is_on_its_way_waits_for_the_buyers_own_payment() -> None:
    story = Story.direct_mail().pays()
    story.hears(facts.booked(), facts.waybill_accepted(), facts.packed(), facts.drawn(), facts.handed_over())

    story.hears(declared(1, "different"), facts.consolidated())
    assert story.hears(facts.refunded()) == ["payment-requested", "hold-lifted payer_mismatch"]
    assert story.hears(of_attempt(facts.captured(), 2), declared(2)) == ["declaration-requested"]


def held_past_the_reservation(hold: ChannelHold = ChannelHold.RISK_REVIEW) -> Story:
    """The first payment went back while the channel reviews the order, and the reservation's four days pass."""
    story = paid()
    review = replace(snapshot(), hold=hold, updated_at=snapshot().updated_at + timedelta(hours=1))
    story.hears(push(review), declared(1, "different"), facts.refunded())
    story.later(days=5)
    return story


def test_what_was_paid_once_is_asked_for_anew_however_long_it_was_held() -> None:
    story = held_past_the_reservation()
    assert story.order.holds == ("risk_review",)

    assert story.hears(push(replace(snapshot(), updated_at=snapshot().updated_at + timedelta(hours=2)))) == [
        "payment-requested",
        "hold-lifted risk_review",
    ]
    assert story.order.money.expires_at == story.now + timedelta(hours=2)
    assert story.asked(ANEW) == (202, ["payment-close-requested", "payment-requested"])


def test_money_that_comes_back_after_the_reservations_time_does_not_end_the_order() -> None:
    story = paid()
    story.hears(declared(1, "different"))
    story.later(days=5)

    assert story.hears(facts.refunded()) == ["payment-requested", "hold-lifted payer_mismatch"]


def test_a_second_payment_of_an_abandoned_attempt_is_no_case_whatever_the_next_one_does() -> None:
    held, asked = held_past_the_reservation(), paid()
    asked.hears(declared(1, "different"), facts.refunded())
    opened = paid()
    opened.hears(declared(1, "different"), facts.refunded(), of_attempt(facts.opened(), 2))

    for story, state in ((held, Money.NONE), (asked, Money.ASKED), (opened, Money.OPEN)):
        assert story.order.money.state is state
        assert story.decides(of_attempt(facts.duplicated(), 1)) == NOTHING


def test_a_second_payment_of_an_attempt_that_is_asked_for_now_is_a_case() -> None:
    story = paid()
    story.hears(declared(1, "different"), facts.refunded())

    assert story.hears(of_attempt(facts.duplicated(), 2)) == ["conflict-found"]


def test_the_hold_for_a_payer_stays_while_his_money_is_on_its_way_back() -> None:
    story = paid()
    story.hears(declared(1, "different"))

    assert story.asked(HoldLiftAsked(facts.ORDER, "", "payer_mismatch")) == (409, [])


ANEW = PaymentAskedAnew(facts.ORDER, facts.SELLER)


def test_06_a_second_code_is_asked_for_and_both_are_paid_the_first_counts() -> None:
    story = Story.placed().asks()
    story.hears(facts.opened())

    assert story.asked(ANEW) == (202, ["payment-close-requested", "payment-requested"])
    assert story.hears(of_attempt(facts.opened(), 2)) == []
    assert story.hears(facts.captured(), declared(1)) == ["shipment-requested"]
    assert story.hears(facts.duplicated(), of_attempt(facts.closed(), 2)) == []
    assert (story.order.money.out_trade_no, story.order.money.state) == (facts.TRADE, Money.COVERED)
    assert story.spoke(orders.RefundRequested) == []  # the second goes back by payments' own doing


def test_an_attempt_that_was_replaced_ends_nothing_when_it_is_closed_or_fails() -> None:
    story = Story.placed().asks()
    story.asked(ANEW)

    for late in (facts.opened(), facts.failed(), facts.closed()):
        assert story.decides(late) == NOTHING
    assert (story.order.money.state, story.order.money.qr, story.order.money.attempt) == (Money.ASKED, "", 2)
    assert story.due("payment-overdue")[:2] == ["cancellation-requested", "payment-close-requested"]
    assert story.spoke(orders.PaymentCloseRequested)[-1].attempt == 2


def test_no_code_is_given_for_what_is_paid_held_or_over() -> None:
    paid, held, early = Story.placed().pays(), Story.placed().asks(), Story.placed()
    held.hears(facts.mispaid())

    assert [story.asked(ANEW) for story in (paid, held, early)] == [(409, [])] * 3


def test_a_buyer_who_gives_up_while_the_money_goes_back_gets_it_once() -> None:
    story = paid()
    story.hears(declared(1, "different"))

    assert story.cancelled() == ["cancellation-requested", "reservation-release-requested"]
    assert story.hears(facts.refunded(), facts.stock_released())[0] == "cancelled"
    assert (story.order.intent, story.order.money.state) == (Intent.CANCELLED, Money.REFUNDED)
    assert len(story.spoke(orders.RefundRequested)) == 1
