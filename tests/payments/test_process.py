"""Attempts and charges: given what was, this word, then these facts. No database, no provider."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest

from services.payments import commands
from services.payments.attempts import CELLS, State, Word
from services.payments.commands import OpenAttempt, PaidTold, Shut, Unpaid
from services.payments.payment import PAYMENT, UnknownAttempt
from services.payments.policy import QUERY_PLAN, SLOWLY, policy_of
from services.payments.process import HANDLES, make_process, reach
from shared.corridor import load_corridor
from shared.errors import BadInput
from shared.events.payments import PaymentCaptured, PaymentDuplicated, PaymentMismatched, PaymentOpened
from shared.events.topics import TOPICS, consumed_by
from shared.flow.decision import Outcome, Refused, States
from shared.settings import Settings
from tests.payments.till import NO, NOW, ORDER, SILENCE, TOTAL, UNREACHED, Till, names, number, paid, qr, yuan


@pytest.fixture
def till() -> Till:
    return Till()


def standing(state: State) -> Till:
    """An order whose one attempt stands so."""
    till = Till()
    till.opened()
    attempt = replace(till.payment.attempts[0], state=state)
    till.states.take((PAYMENT.put(ORDER, till.payment.with_attempt(attempt)),))
    till.work.clear()
    return till


def test_every_state_answers_every_word() -> None:
    assert set(CELLS) == set(itertools.product(State, Word))


@pytest.mark.parametrize(("state", "word"), list(CELLS), ids=lambda each: each.value)
def test_money_that_came_never_becomes_unpaid_again(state: State, word: Word) -> None:
    after = CELLS[state, word]

    assert state is not State.PAID or after is State.PAID
    assert word is not Word.PAID or after is State.PAID


@pytest.mark.parametrize("state", [s for s in State if s is not State.PAID])
def test_a_capture_is_credited_once_whatever_the_attempt_was(state: State) -> None:
    till = standing(state)

    assert names(till.captured()) == ["payment.captured", "escrow.held"]
    assert till.captured() == []
    assert till.payment.attempts[0].state is State.PAID
    assert till.balances("money") == {"clearing/wechat": 12900, f"escrow/{ORDER}": -12900}


CLOSE_SAYS = {
    State.ASKED: ([], []),
    State.WITHDRAWING: ([], []),
    State.OPEN: ([], [commands.CLOSE]),
    State.CLOSING: ([], []),
    State.CLOSED: ([], []),
    State.FAILED: ([], []),
    State.PAID: ([], []),
    State.MISPAID: (["payment.closed"], []),
}


@pytest.mark.parametrize("state", State)
def test_a_request_to_close_says_and_asks_exactly_this(state: State) -> None:
    till = standing(state)

    facts, work = CLOSE_SAYS[state]
    assert names(till.closes()) == facts
    assert till.waiting == work


SHUT_SAYS = {
    State.ASKED: ["payment.failed"],
    State.WITHDRAWING: ["payment.closed"],
    State.OPEN: ["payment.failed"],
    State.CLOSING: ["payment.closed"],
}


@pytest.mark.parametrize("state", State)
def test_what_the_provider_shut_is_told_once(state: State) -> None:
    till = standing(state)
    task = commands.WatchAttempt(ORDER, 1, number())
    outcome = Outcome(commands.CLOSE, ORDER, "1", task, Shut())

    assert names(till.hears(outcome)) == SHUT_SAYS.get(state, [])
    assert till.hears(outcome) == []


# --- opening ----------------------------------------------------------------------------------------------------------


def test_a_requested_payment_is_known_by_its_number_before_the_provider_hears_of_it(till: Till) -> None:
    assert till.asked() == []

    assert till.aliases == {number(): ORDER}
    [work] = till.work.values()
    assert (work.kind, work.due_at) == (commands.OPEN, NOW)
    assert work.task == OpenAttempt(ORDER, 1, number(), TOTAL, "Kenya AA 227 g", NOW + timedelta(hours=2))


def test_the_same_request_again_asks_nothing_again(till: Till) -> None:
    till.opened()
    till.work.clear()

    assert till.asked() == []
    assert till.waiting == []


def test_a_given_qr_opens_the_payment_and_is_watched(till: Till) -> None:
    [fact] = till.opened()

    assert isinstance(fact, PaymentOpened)
    assert (fact.attempt, fact.out_trade_no, fact.qr, fact.amount) == (1, number(), "weixin://one", TOTAL)
    [work] = till.work.values()
    assert (work.kind, work.due_at) == (commands.QUERY, NOW + QUERY_PLAN[0])


def test_a_refused_attempt_has_failed_and_nobody_was_charged(till: Till) -> None:
    till.asked()

    [fact] = till.answers(commands.OPEN, NO)

    assert fact.type == "payments.payment.failed"
    assert till.lines == {}


def test_a_provider_that_was_never_reached_has_not_opened_it(till: Till) -> None:
    till.asked()

    assert names(till.answers(commands.OPEN, UNREACHED)) == ["payment.failed"]


@pytest.mark.parametrize("result", [SILENCE, Refused("input.unrecognised", "unknown trade_state: 'HALF'")])
def test_an_unknown_outcome_is_never_told_as_failed_and_never_gets_a_second_number(till: Till, result: object) -> None:
    till.asked()

    assert till.answers(commands.OPEN, result) == []

    [work] = till.work.values()
    assert (work.kind, work.due_at) == (commands.OPEN, NOW + SLOWLY)
    assert isinstance(work.task, OpenAttempt)
    assert (work.task.again, work.task.out_trade_no) == (True, number())
    assert [case.what for case in till.payment.cases] == ["open_unanswered"]


def test_a_window_of_less_than_a_second_is_not_over_before_it_began() -> None:
    till = Till()
    till.asked(seconds=0.2)

    [work] = till.work.values()
    assert isinstance(work.task, OpenAttempt)
    assert work.task.expires_at.microsecond == 0
    assert work.task.expires_at == NOW + timedelta(seconds=1)


# --- captured ---------------------------------------------------------------------------------------------------------


def test_a_capture_is_held_and_declared(till: Till) -> None:
    till.opened()

    captured, held = till.captured()

    assert isinstance(captured, PaymentCaptured)
    assert (captured.transaction_id, captured.amount, captured.covered) == ("T1", TOTAL, True)
    assert held.model_dump()["amount"] == {"minor": 12900, "currency": "CNY"}
    assert till.waiting == [commands.DECLARE]  # and nobody asks any more whether it is paid
    assert till.balances("fee") == {f"costs/{ORDER}": 77, "clearing/wechat": -77}


def test_a_capture_that_comes_before_the_qr_is_one_credit_and_the_late_answer_does_not_reopen(till: Till) -> None:
    till.asked()

    assert names(till.captured()) == ["payment.captured", "escrow.held"]
    assert till.answers(commands.OPEN, qr()) == []
    assert till.payment.attempts[0].state is State.PAID


def test_a_question_finds_what_no_notification_told(till: Till) -> None:
    till.opened()

    assert names(till.answers(commands.QUERY, paid())) == ["payment.captured", "escrow.held"]
    assert till.captured() == []


def test_an_unpaid_attempt_is_asked_about_until_the_plan_ends(till: Till) -> None:
    till.opened()
    for pause in QUERY_PLAN[1:]:
        assert till.answers(commands.QUERY, Unpaid()) == []
        [work] = till.work.values()
        assert work.due_at == NOW + pause

    assert till.answers(commands.QUERY, UNREACHED) == []
    assert till.waiting == []


def test_a_wrong_amount_is_no_credit_but_a_case(till: Till) -> None:
    till.opened()

    [fact] = till.captured(minor=12899)

    assert isinstance(fact, PaymentMismatched)
    assert (fact.asked, fact.paid, fact.transaction_id) == (TOTAL, yuan(12899), "T1")
    assert till.balances() == {"clearing/wechat": 12899, f"unallocated/{ORDER}": -12899}
    assert till.balances("money") == {}
    assert till.waiting == []
    assert [case.what for case in till.payment.cases] == ["wrong_amount"]
    assert till.captured(minor=12899) == []


def test_a_wrong_amount_of_another_currency_is_no_credit_either(till: Till) -> None:
    till.opened()
    foreign = replace(paid(), amount=replace(TOTAL, currency="USD"))

    assert names(till.hears(PaidTold(ORDER, foreign))) == ["payment.mismatched"]


def test_a_wrong_amount_goes_back_when_the_order_is_given_up(till: Till) -> None:
    till.opened()
    till.captured(minor=12899)

    assert names(till.closes()) == ["payment.closed"]
    assert till.waiting == [commands.REFUND]
    assert till.refund_news("succeeded") == []
    assert till.balances() == {}


def test_a_wrong_amount_that_loses_the_race_with_closing_goes_back_at_once(till: Till) -> None:
    till.opened()
    till.closes()

    assert names(till.answers(commands.CLOSE, paid(minor=1))) == ["payment.mismatched", "payment.closed"]
    assert till.waiting == [commands.REFUND]


def test_two_charges_of_one_attempt_are_one_credit_and_one_return(till: Till) -> None:
    till.opened()
    till.captured(transaction="T1")

    [fact] = till.captured(transaction="T2")

    assert isinstance(fact, PaymentDuplicated)
    assert (fact.attempt, fact.amount) == (1, TOTAL)
    [refund] = till.payment.refunds
    assert (refund.task.transaction_id, refund.task.amount, refund.refund_id) == ("T2", TOTAL, "")
    assert till.refund_news("succeeded") == []  # orders asked for none, so it hears of none
    assert till.balances("money") == {"clearing/wechat": 12900, f"escrow/{ORDER}": -12900}
    assert till.balances("stray") == {}


def test_a_second_attempt_that_is_paid_too_is_sent_back_and_the_first_stays_declared(till: Till) -> None:
    till.opened()
    till.opened(attempt=2)
    till.captured(attempt=1, transaction="T1")

    assert names(till.captured(attempt=2, transaction="T2")) == ["payment.duplicated"]
    assert till.payment.declaration is not None
    assert till.payment.declaration.task.out_trade_no == number(1)


def test_money_closes_the_other_attempts_that_could_still_be_paid(till: Till) -> None:
    till.opened()
    till.opened(attempt=2)

    till.captured(attempt=1)

    assert till.waiting == [commands.CLOSE, commands.DECLARE]
    assert till.answers(commands.CLOSE, Shut())[0].model_dump()["attempt"] == 2


def test_an_attempt_that_is_asked_for_after_the_money_came_is_never_opened(till: Till) -> None:
    till.opened()
    till.captured()
    till.work.clear()

    assert till.asked(attempt=2) == []
    assert till.waiting == []


def test_after_all_went_back_a_new_attempt_counts(till: Till) -> None:
    till.opened()
    till.captured(transaction="T1")
    till.refunds()
    till.refund_news("succeeded")
    till.work.clear()

    till.opened(attempt=2)

    assert names(till.captured(attempt=2, transaction="T2")) == ["payment.captured", "escrow.held"]
    assert names(till.captured(attempt=1, transaction="T3")) == ["payment.duplicated"]


# --- closing ----------------------------------------------------------------------------------------------------------


def test_closing_waits_for_the_open_call_and_tells_no_qr(till: Till) -> None:
    till.asked()

    assert till.closes() == []
    assert till.waiting == [commands.OPEN]
    assert till.answers(commands.OPEN, qr()) == []
    assert names(till.answers(commands.CLOSE, Shut())) == ["payment.closed"]


@pytest.mark.parametrize(("result", "then"), [(NO, []), (UNREACHED, []), (SILENCE, [commands.CLOSE])])
def test_what_was_perhaps_opened_is_closed_and_what_was_not_is_told(
    till: Till, result: object, then: list[str]
) -> None:
    till.asked()
    till.closes()

    assert names(till.answers(commands.OPEN, result)) == ([] if then else ["payment.closed"])
    assert till.waiting == then


def test_already_paid_is_credited_and_not_closed_and_not_declared(till: Till) -> None:
    till.opened()
    till.closes()

    assert names(till.answers(commands.CLOSE, paid())) == ["payment.captured", "escrow.held"]
    assert till.waiting == []


def test_a_capture_after_closed_is_told_all_the_same(till: Till) -> None:
    till.opened()
    till.closes()
    till.answers(commands.CLOSE, Shut())

    assert names(till.captured()) == ["payment.captured", "escrow.held"]
    assert till.payment.declaration is None


def test_a_close_that_nobody_answers_is_a_case_and_goes_on(till: Till) -> None:
    till.opened()
    till.closes()

    assert till.answers(commands.CLOSE, SILENCE) == []
    [work] = till.work.values()
    assert (work.kind, work.due_at) == (commands.CLOSE, NOW + SLOWLY)
    assert [case.what for case in till.payment.cases] == ["close_unanswered"]


# --- what cannot be ---------------------------------------------------------------------------------------------------


def test_a_close_of_an_attempt_that_never_was_is_refused(till: Till) -> None:
    with pytest.raises(UnknownAttempt):
        till.closes()


def test_money_of_an_order_without_attempts_is_refused(till: Till) -> None:
    with pytest.raises(UnknownAttempt):
        till.captured()


def test_a_shop_that_the_profile_does_not_know_gets_no_credit() -> None:
    till = Till()
    till.opened()
    till.policy = replace(till.policy, shops={})

    with pytest.raises(BadInput):
        till.captured()


def test_what_is_handled_is_what_the_manifest_says_is_consumed() -> None:
    handled = {fact.topic for fact in HANDLES}

    assert set(consumed_by("payments")) == handled
    assert {topic.name for topic in TOPICS if topic.producer == "payments"} == {
        "payments.payment", "payments.customs-declaration", "payments.refund", "payments.escrow",
    }  # fmt: skip


def test_one_order_is_one_lane_and_one_state() -> None:
    assert reach(PaidTold(ORDER, paid())).lanes == (ORDER,)
    assert reach(PaidTold(ORDER, paid())).keys == (PAYMENT.key(ORDER),)


def test_the_profile_of_the_corridor_says_where_and_for_whom() -> None:
    policy = policy_of(load_corridor(Settings.model_fields["corridor"].default), 10)

    shop = policy.shop("nairobi-roasters")
    assert (shop.provider, shop.place, shop.merchant_customs_no) == ("wechat", "GUANGZHOU_ZS", "3599TEST01")
    assert policy.after(NOW, timedelta(seconds=10)) == NOW + timedelta(seconds=1)
    assert make_process(policy).service == "payments"
    assert States().get(PAYMENT, ORDER) is None
