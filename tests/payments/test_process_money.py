"""Held money: declared, split, refunded, released. Exact amounts, and what must not have happened."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.payments import commands
from services.payments.commands import NotDeclared, RefundNews
from services.payments.payment import Papers, Sending, UnknownAttempt
from services.payments.policy import BETWEEN_REFUNDS, REFUND_PLAN, SLOWLY
from shared.events.orders import FundsReleaseAuthorised
from shared.events.payments import EscrowReleased, PaymentDeclared, RefundStalled
from shared.flow.decision import Refused
from tests.payments.till import (
    NO,
    NOW,
    ORDER,
    SELLER,
    SILENCE,
    TOTAL,
    UNREACHED,
    Till,
    declared,
    names,
    number,
    yuan,
)

COSTS = 77  # 0.6 % of 129.00, half up


@pytest.fixture
def paid() -> Till:
    till = Till()
    till.opened()
    till.captured()
    return till


# --- declared ---------------------------------------------------------------------------------------------------------


def test_the_first_answer_brings_numbers_and_the_last_one_the_fact(paid: Till) -> None:
    assert paid.answers(commands.DECLARE, declared("pending", check="unknown")) == []
    assert paid.answers(commands.DECLARE_CHECK, declared("pending")) == []

    [fact] = paid.answers(commands.DECLARE_CHECK, declared("accepted"))

    assert isinstance(fact, PaymentDeclared)
    assert (fact.order_no, fact.pay_code, fact.pay_transaction_id) == (number(), "4403169D3W", "T1")
    assert (fact.amount, fact.identity_check, fact.ver_dept, fact.paid_at) == (TOTAL, "same", "2", NOW)
    assert paid.waiting == []


def test_questions_about_a_declaration_are_business_time() -> None:
    slow, fast = Till(), Till()
    object.__setattr__(fast.policy, "time_scale", 60.0)
    for till in (slow, fast):
        till.opened()
        till.captured()
        till.answers(commands.DECLARE, declared("pending"))

    due = [next(iter(till.work.values())).due_at - NOW for till in (slow, fast)]
    assert due == [timedelta(minutes=6), timedelta(seconds=6)]


def test_a_payer_who_is_not_the_buyer_is_told_with_the_declaration(paid: Till) -> None:
    [fact] = paid.answers(commands.DECLARE, declared("accepted", check="different"))

    assert isinstance(fact, PaymentDeclared)
    assert fact.identity_check == "different"


def test_a_refused_document_is_told_with_its_reason_once(paid: Till) -> None:
    [fact] = paid.answers(commands.DECLARE, declared("refused", explanation="订购人与支付人不一致"))

    assert fact.model_dump()["reason"] == "订购人与支付人不一致"
    assert names([fact]) == ["customs-declaration.refused"]
    assert paid.waiting == []


def test_a_provider_that_says_no_to_the_declaration_is_told_as_a_refusal(paid: Till) -> None:
    assert names(paid.answers(commands.DECLARE, NO)) == ["customs-declaration.refused"]


@pytest.mark.parametrize("result", [SILENCE, UNREACHED])
def test_a_declaration_that_nobody_answers_is_a_case_and_is_sent_again_unchanged(paid: Till, result: object) -> None:
    first = paid.work[commands.DECLARE, "T1"].task

    assert paid.answers(commands.DECLARE, result) == []

    work = paid.work[commands.DECLARE, "T1"]
    assert (work.task, work.due_at) == (first, NOW + SLOWLY)
    assert [case.what for case in paid.payment.cases] == ["declaration_unanswered"]


def test_a_refused_question_is_no_refused_declaration(paid: Till) -> None:
    paid.answers(commands.DECLARE, declared("pending"))

    assert paid.answers(commands.DECLARE_CHECK, NO) == []
    assert paid.waiting == [commands.DECLARE]


def test_a_lost_document_is_pushed_and_a_missing_one_declared_again(paid: Till) -> None:
    assert paid.answers(commands.DECLARE, declared("lost")) == []
    assert paid.waiting == [commands.DECLARE_PUSH]
    assert paid.answers(commands.DECLARE_PUSH, declared("pending")) == []
    assert paid.answers(commands.DECLARE_CHECK, NotDeclared()) == []
    assert paid.waiting == [commands.DECLARE]
    assert names(paid.answers(commands.DECLARE, declared("accepted"))) == ["customs-declaration.accepted"]


def test_an_answer_after_the_last_word_changes_nothing(paid: Till) -> None:
    work = paid.work[commands.DECLARE, "T1"]
    paid.answers(commands.DECLARE, declared("accepted"))
    paid.work[commands.DECLARE, "T1"] = work

    assert paid.answers(commands.DECLARE, declared("refused")) == []
    assert paid.payment.declaration is not None
    assert paid.payment.declaration.state is Papers.ACCEPTED


# --- held, taxed, released --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("first", ["assessed", "captured"])
def test_the_split_may_come_before_the_money_or_after_it(first: str) -> None:
    till = Till()
    if first == "assessed":
        till.assessed()
    till.opened()
    till.captured()
    if first == "captured":
        till.assessed()

    book = till.payment.book
    assert book is not None
    assert (book.captured.goods, book.captured.tax, book.captured.paid) == (yuan(11824), yuan(1076), TOTAL)
    assert len(till.journals) == 1


def test_released_funds_leave_escrow_empty_and_the_seller_gets_the_remainder(paid: Till) -> None:
    paid.assessed()
    assert paid.customs_released() == []
    assert paid.balances()[f"tax/{ORDER}"] == -1076

    [fact] = paid.releases()

    assert isinstance(fact, EscrowReleased)
    assert (fact.amount, fact.seller_share) == (yuan(11824), yuan(11824 - COSTS))
    assert paid.balances() == {
        "clearing/wechat": 12900 - COSTS, f"tax/{ORDER}": -1076, f"seller/{SELLER}": -(11824 - COSTS),
    }  # fmt: skip
    assert sum(paid.balances().values()) == 0


def test_a_second_release_by_customs_or_of_the_funds_moves_nothing(paid: Till) -> None:
    paid.assessed()
    paid.customs_released(version=1)
    paid.releases()
    before = dict(paid.lines)

    assert paid.customs_released(version=2) == []
    assert paid.releases() == []
    assert paid.lines == before


def test_funds_wait_for_the_release_by_customs_that_travels_on_another_topic(paid: Till) -> None:
    wish = FundsReleaseAuthorised(order_id=ORDER, seller=SELLER)

    assert paid.waits_with(wish) == "the release by customs is not known here"
    paid.assessed()
    assert paid.waits_with(wish) == "the release by customs is not known here"
    paid.customs_released()
    assert names(paid.hears(wish)) == ["escrow.released"]


def test_nothing_is_released_while_a_refund_is_on_its_way(paid: Till) -> None:
    paid.assessed()
    paid.customs_released()
    paid.refunds(minor=100)

    assert paid.waits_with(FundsReleaseAuthorised(order_id=ORDER, seller=SELLER)) == "a refund is on its way"


def test_money_that_is_not_ours_to_collect_is_not_booked() -> None:
    till = Till()
    till.assessed()

    assert till.customs_released() == []
    assert till.lines == {}
    assert till.waits_with(FundsReleaseAuthorised(order_id=ORDER, seller=SELLER)) == "nothing is held for this order"


def test_an_assessment_that_does_not_add_up_keeps_the_total_and_gives_the_difference_to_goods(paid: Till) -> None:
    paid.assessed(goods=10000, tax=1000, freight=500)

    book = paid.payment.book
    assert book is not None
    assert (book.captured.goods, book.captured.freight, book.captured.tax) == (yuan(11400), yuan(500), yuan(1000))


# --- refunded ---------------------------------------------------------------------------------------------------------


def test_a_whole_refund_leaves_every_account_of_the_order_empty(paid: Till) -> None:
    paid.assessed()

    assert names(paid.refunds()) == ["refund.submitted"]
    [refund] = paid.payment.refunds
    assert (refund.task.transaction_id, refund.task.amount, refund.task.total) == ("T1", TOTAL, TOTAL)
    assert len(refund.number) <= 32
    assert paid.answers(commands.REFUND, RefundNews(refund.number, TOTAL, "processing")) == []
    assert names(paid.refund_news("succeeded")) == ["refund.completed"]
    assert commands.REFUND_CHECK not in paid.waiting
    assert paid.balances() == {}


def test_the_same_news_by_notification_and_by_question_is_one_refund(paid: Till) -> None:
    paid.refunds()
    paid.refund_news("succeeded")
    lines = dict(paid.lines)

    assert paid.refund_news("succeeded") == []
    assert paid.refund_news("processing") == []
    assert paid.refund_news("closed") == []
    assert paid.lines == lines


def test_the_same_request_again_is_the_same_refund(paid: Till) -> None:
    paid.refunds()

    assert paid.refunds() == []
    assert len(paid.payment.refunds) == 1


@pytest.mark.parametrize(("minor", "left"), [(12901, 12900), (0, 12900), (-1, 12900)])
def test_more_than_was_paid_is_refused_before_any_call(paid: Till, minor: int, left: int) -> None:
    [fact] = paid.refunds(minor=minor)

    assert isinstance(fact, RefundStalled)
    assert f"CNY {left / 100:.2f}" in fact.reason
    assert commands.REFUND not in paid.waiting


def test_refunds_on_their_way_count_and_closed_ones_give_the_amount_free(paid: Till) -> None:
    paid.refunds(minor=10000, refund_id="a")
    assert names(paid.refunds(minor=10000, refund_id="b")) == ["refund.stalled"]
    assert names(paid.refund_news("closed")) == ["refund.stalled"]

    assert names(paid.refunds(minor=10000, refund_id="c")) == ["refund.submitted"]
    assert [refund.refund_id for refund in paid.payment.refunds] == ["a", "c"]


def test_two_refunds_of_one_payment_are_a_minute_apart(paid: Till) -> None:
    paid.refunds(minor=100, refund_id="a")
    paid.refunds(minor=100, refund_id="b")

    due = [work.due_at for work in paid.work.values() if work.kind == commands.REFUND]
    assert due == [NOW, NOW + BETWEEN_REFUNDS]


def test_a_refund_without_a_payment_is_refused(paid: Till) -> None:
    till = Till()
    till.opened()

    [fact] = till.refunds()

    assert isinstance(fact, RefundStalled)
    assert fact.reason == "nothing was captured"


def test_a_partial_refund_takes_goods_first_and_its_share_of_the_fee(paid: Till) -> None:
    paid.assessed()
    paid.refunds(minor=6450)

    assert names(paid.refund_news("succeeded")) == ["refund.completed"]

    book = paid.payment.book
    assert book is not None
    assert (book.refunded.goods, book.refunded.tax, book.fee_back) == (yuan(6450), yuan(0), yuan(39))
    assert paid.balances()[f"escrow/{ORDER}"] == -6450
    assert paid.balances("money")["clearing/wechat"] == 6450


@pytest.mark.parametrize("word", ["closed", "abnormal"])
def test_a_refund_that_did_not_happen_is_told_once(paid: Till, word: commands.RefundWord) -> None:
    paid.refunds()

    [fact] = paid.refund_news(word)

    assert isinstance(fact, RefundStalled)
    assert (fact.refund_id, fact.amount) == ("whole-1", TOTAL)
    assert paid.refund_news(word) == []
    assert paid.balances("money") == {"clearing/wechat": 12900, f"escrow/{ORDER}": -12900}


def test_an_abnormal_refund_that_a_person_made_good_is_completed(paid: Till) -> None:
    paid.refunds()
    paid.refund_news("abnormal")

    assert names(paid.refund_news("succeeded")) == ["refund.completed"]


@pytest.mark.parametrize("result", [NO, SILENCE, UNREACHED, Refused("input.unrecognised", "unknown refund status")])
def test_a_refund_without_an_answer_is_told_as_stalled_and_asked_about(paid: Till, result: object) -> None:
    paid.refunds()

    assert names(paid.answers(commands.REFUND, result)) == ["refund.stalled"]

    work = paid.work[commands.REFUND_CHECK, paid.payment.refunds[0].number]
    assert work.due_at == NOW + SLOWLY
    assert names(paid.answers(commands.REFUND_CHECK, RefundNews(work.name, TOTAL, "succeeded"))) == ["refund.completed"]


def test_a_refund_that_stays_in_processing_is_told_after_the_plans_end_and_asked_about_further(paid: Till) -> None:
    paid.refunds()
    said = [names(paid.answers(commands.REFUND, RefundNews(paid.payment.refunds[0].number, TOTAL, "processing")))]
    for _ in REFUND_PLAN:
        number_ = paid.payment.refunds[0].number
        said.append(names(paid.answers(commands.REFUND_CHECK, RefundNews(number_, TOTAL, "processing"))))

    assert said == [[]] * len(REFUND_PLAN) + [["refund.stalled"]]
    assert commands.REFUND_CHECK in paid.waiting


def test_another_amount_than_was_asked_back_is_a_case_and_books_nothing(paid: Till) -> None:
    paid.refunds()

    assert paid.refund_news("succeeded", minor=1) == []
    assert [case.what for case in paid.payment.cases] == ["refund_amount"]
    assert paid.payment.refunds[0].state is Sending.SUBMITTED


def test_news_of_a_refund_that_is_not_ours_is_refused(paid: Till) -> None:
    with pytest.raises(UnknownAttempt):
        paid.hears(commands.RefundTold(ORDER, RefundNews("R-of-somebody", TOTAL, "succeeded")))


def test_a_stray_that_does_not_go_back_is_a_case_and_no_fact_of_the_order(paid: Till) -> None:
    paid.captured(transaction="T2")

    assert paid.answers(commands.REFUND, NO) == []
    assert [case.what for case in paid.payment.cases] == ["refund_stalled"]


def test_a_refund_after_the_release_takes_from_the_seller(paid: Till) -> None:
    paid.assessed()
    paid.customs_released()
    paid.releases()
    paid.refunds(minor=12900)

    assert names(paid.refund_news("succeeded")) == ["refund.completed"]
    assert sum(paid.balances().values()) == 0
    assert paid.balances() == {}
