"""Scenarios of the order's money: attempts, charges late, twice or wrong, and a payer who is not the buyer."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.orders.canonical import ChannelStatus
from services.payments import commands
from shared.events import customs, orders, payments
from shared.ids import out_trade_no
from tests.flows.books import checked
from tests.flows.partners.bank import Bank, Habits
from tests.flows.shops import START
from tests.flows.town import Town

pytestmark = pytest.mark.usefixtures("any_order")

UNPAID = Habits(pays=False)


def test_03_own_shop_unpaid_gets_one_qr_is_paid_and_declared_under_its_number_and_completes() -> None:
    town = Town.of(payments=Bank(UNPAID))
    order = town.places()
    town.settles()
    assert town.order(order).money.qr == "weixin://one"

    town.pays(order)
    town.ends()

    assert town.end(order) == "completed"
    assert town.bank.asked == (commands.OPEN, commands.DECLARE)
    assert [draft.paid.order_no for draft in town.window.drafts.values()] == [out_trade_no(order, 1)]
    checked(town)


def test_04_a_capture_told_before_create_answers_is_one_credit_and_the_answer_does_not_reopen_it() -> None:
    town = Town.of(payments=Bank(Habits(open_takes=timedelta(seconds=2))))
    order = town.places()

    town.settles()
    assert town.order(order).money.state == "covered"
    town.ends()

    assert (town.count(payments.PaymentCaptured), town.count(payments.PaymentOpened)) == (1, 0)
    assert town.end(order) == "completed"
    checked(town)


def test_05_paid_abroad_in_kes_waits_with_payment_not_declarable_without_qr_or_declaration() -> None:
    town = Town.of()
    order = town.unnamed(currency="KES", status=ChannelStatus.PAID)

    town.ends()

    assert "payment_not_declarable" in town.order(order).holds
    assert (town.bank.asked, town.window.sent, town.count(orders.PaymentRequested)) == ((), (), 0)
    checked(town)


def test_06_a_second_payment_is_sent_back_once_and_311_carries_the_number_of_the_first() -> None:
    town = Town.of(payments=Bank(UNPAID))
    order = town.places()
    town.settles()

    town.pays(order)
    town.pays(order)
    town.ends()

    assert town.bank.movements(order) == ["charge 129.00", "charge 129.00", "refund 129.00"]
    assert (town.count(payments.PaymentCaptured), town.count(payments.PaymentDuplicated)) == (1, 1)
    assert {draft.paid.transaction_id for draft in town.window.drafts.values()} == {f"T{out_trade_no(order, 1)}-1"}
    assert town.end(order) == "completed"
    checked(town)


def test_07_close_answered_as_paid_during_cancellation_is_credited_refunded_once_and_stock_released() -> None:
    town = Town.of(payments=Bank(UNPAID))
    order = town.places()
    town.settles()
    bank, _ = town.bank.charged(out_trade_no(order, 1), START)  # its notification is lost

    town.acts("payments", bank)
    assert town.cancels(order) == 202
    town.ends()

    assert town.end(order) == "cancelled: changed my mind"
    assert town.bank.movements(order) == ["charge 129.00", "refund 129.00"]
    assert (town.count(payments.PaymentCaptured), town.count(payments.RefundCompleted)) == (1, 1)
    assert town.order(order).goods.state == "released"
    checked(town)


def test_08_a_capture_after_the_cancellation_is_refunded_and_the_order_stays_cancelled() -> None:
    town = Town.of(payments=Bank(UNPAID))
    order = town.places()
    town.settles()
    town.cancels(order)
    town.settles()
    assert town.order(order).intent == "cancelled"

    town.pays(order)
    town.ends()

    assert town.end(order) == "cancelled: changed my mind"
    assert town.bank.movements(order) == ["charge 129.00", "refund 129.00"]
    assert town.count(orders.OrderCancelled) == 1
    checked(town)


def test_09_a_wrong_amount_is_no_credit_but_a_case_and_the_stock_stays_until_the_deadline() -> None:
    town = Town.of(payments=Bank(UNPAID))
    order = town.places()
    town.settles()

    town.pays(order, short_by=1)
    town.settles()

    assert (town.count(payments.PaymentCaptured), town.count(payments.PaymentMismatched)) == (0, 1)
    assert (town.order(order).holds, town.order(order).goods.state) == (("payment_audit",), "reserved")
    town.passes(days=5)
    assert town.order(order).goods.state == "released"
    assert town.cancels(order, "operator") == 202
    town.ends()
    assert town.end(order) == "cancelled: changed my mind"
    assert town.bank.movements(order) == ["charge 128.99", "refund 128.99"]
    checked(town)


def test_a_wrong_amount_and_then_the_right_one_is_one_credit_and_the_wrong_one_goes_back() -> None:
    town = Town.of(payments=Bank(UNPAID))
    order = town.places()
    town.settles()

    town.pays(order, short_by=1)
    town.pays(order)
    town.settles()
    assert town.order(order).holds == ("payment_audit",)
    assert town.lifts(order, "payment_audit") == 202
    town.ends()

    assert town.end(order) == "completed"
    assert town.bank.movements(order) == ["charge 128.99", "charge 129.00", "refund 128.99"]
    checked(town)


def test_25_a_payer_who_is_not_the_buyer_pays_anew_under_a_new_number_and_only_that_is_declared() -> None:
    town = Town.of(payments=Bank(Habits(identity=("different", "same"))))
    order = town.places()

    town.ends()

    assert town.end(order) == "completed"
    assert town.bank.movements(order) == ["charge 129.00", "charge 129.00", "refund 129.00"]
    assert [each.attempt for each in town.spoke(orders.PaymentRequested)] == [1, 2]
    assert [parcel.order_no for parcel in town.road.parcels.values()] == [out_trade_no(order, 2)]
    assert [draft.paid.order_no for draft in town.window.drafts.values()] == [out_trade_no(order, 2)]
    assert [name.partition("/")[0] for name in town.window.sent] == ["order", "inventory"]
    checked(town)


def test_25_after_two_more_attempts_from_a_foreign_wallet_the_order_is_cancelled() -> None:
    town = Town.of(payments=Bank(Habits(identity=("different",))))
    order = town.places()

    town.ends()

    assert town.order(order).intent == "cancelled"
    assert (town.count(orders.PaymentRequested), town.bank.balance(order)) == (3, 0)
    assert (town.count(orders.ShipmentRequested), town.road.parcels) == (0, {})
    assert town.count(customs.DeclarationSubmitted) == 0
    checked(town)


def test_an_order_that_nobody_pays_is_cancelled_when_its_time_is_over() -> None:
    town = Town.of(payments=Bank(UNPAID))
    order = town.places()

    town.ends()

    assert town.end(order) == "cancelled: payment_overdue"
    assert town.bank.movements(order) == []
    checked(town)


def test_a_payment_document_that_is_refused_keeps_the_order_with_a_person_and_the_money_where_it_is() -> None:
    town = Town.of(payments=Bank(Habits(declares=("refused",))))
    order = town.places()

    town.ends()

    assert (town.order(order).intent, town.bank.movements(order)) == ("placed", ["charge 129.00"])
    assert "payment_not_declarable" in town.order(order).holds
    assert town.window.sent == ()
    checked(town)
