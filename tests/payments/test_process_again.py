"""What is undone and done again: a second attempt after the first went back, tax that is not owed any more, cases."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest

from services.payments import commands
from services.payments.commands import CaseClosed, ExpiredTold, SentBackTold
from services.payments.policy import Policy
from shared.events.payments import PaymentDeclared, PaymentOpened, RefundSubmitted
from shared.events.values import Components
from tests.payments.till import ORDER, SILENCE, TERMS, Till, declared, names, number, yuan


@pytest.fixture
def till() -> Till:
    return Till()


@pytest.fixture
def paid(till: Till) -> Till:
    till.opened()
    till.assessed()
    till.captured()
    return till


# --- a wrong amount ---------------------------------------------------------------------------------------------------


def test_a_wrong_amount_goes_back_when_the_right_one_comes(till: Till) -> None:
    till.opened()
    till.captured(minor=12899)

    assert names(till.captured(transaction="T2")) == ["payment.captured", "escrow.held"]

    [refund] = till.payment.refunds
    assert (refund.task.transaction_id, refund.task.amount, refund.refund_id) == ("T1", yuan(12899), "")
    assert till.refund_news("succeeded", minor=12899) == []
    assert (till.balances("stray"), till.balances()[f"escrow/{ORDER}"]) == ({}, -12900)


# --- another payer ----------------------------------------------------------------------------------------------------


def test_after_the_first_attempt_went_back_the_second_carries_the_order(paid: Till) -> None:
    paid.answers(commands.DECLARE, declared("accepted", check="different"))
    [submitted] = paid.refunds(refund_id="payer-1")
    paid.refund_news("succeeded")
    [opened] = paid.opened(2)
    told = paid.captured(2, transaction="T2")

    assert isinstance(submitted, RefundSubmitted)
    assert isinstance(opened, PaymentOpened)
    assert opened.out_trade_no == number(2) != number(1)
    assert names(told) == ["payment.captured", "escrow.held"]
    assert paid.balances()[f"escrow/{ORDER}"] == -12900
    assert sum(paid.balances().values()) == 0
    [task] = [work.task for work in paid.work.values() if work.kind == commands.DECLARE]
    assert isinstance(task, commands.DeclarePayment)
    assert (task.out_trade_no, task.transaction_id) == (number(2), "T2")


def test_a_second_attempt_is_opened_while_the_first_is_still_on_its_way_back(paid: Till) -> None:
    paid.refunds(refund_id="payer-1")

    assert names(paid.opened(2)) == ["payment.opened"]


def test_a_second_attempt_at_another_provider_is_booked_there(paid: Till) -> None:
    paid.refunds(refund_id="payer-1")
    paid.refund_news("succeeded")
    paid.policy = Policy({"nairobi-roasters": replace(TERMS, provider="alipay")})
    paid.opened(2)
    paid.captured(2, transaction="T2")

    assert paid.balances(what="money")["clearing/alipay"] == 12900
    assert paid.payment.attempt(1).provider == "wechat"
    tasks = [work.task for work in paid.work.values() if work.kind == commands.DECLARE]
    assert [task.provider for task in tasks if isinstance(task, commands.DeclarePayment)] == ["wechat", "alipay"]


def test_two_charges_go_back_to_the_provider_of_their_own_attempt(till: Till) -> None:
    till.opened(1)
    till.policy = Policy({"nairobi-roasters": replace(TERMS, provider="alipay")})
    till.opened(2)
    till.captured(1)
    till.captured(2, transaction="T2")

    [task] = [work.task for work in till.work.values() if work.kind == commands.REFUND]
    assert isinstance(task, commands.SendBack)
    assert (task.provider, task.out_trade_no) == ("alipay", number(2))
    assert till.balances(what="stray") == {"clearing/alipay": 12900, f"unallocated/{ORDER}": -12900}


# --- refunds ----------------------------------------------------------------------------------------------------------


def test_a_refund_is_told_as_submitted_before_anything_is_sent(paid: Till) -> None:
    [submitted] = paid.refunds(2900, "a")

    assert isinstance(submitted, RefundSubmitted)
    assert (submitted.refund_id, submitted.amount) == ("a", yuan(2900))
    assert "refund" in paid.waiting


def test_a_refund_gives_back_the_parts_that_orders_named(paid: Till) -> None:
    paid.customs_released()
    paid.refunds(1076, "tax", components=Components(yuan(0), yuan(0), yuan(1076)))
    paid.refund_news("succeeded")

    assert paid.balances(what="money") == {"clearing/wechat": 11824, f"escrow/{ORDER}": -11824}


def test_parts_that_do_not_add_up_are_taken_from_the_goods(paid: Till) -> None:
    paid.refunds(1076, "tax", components=Components(yuan(5), yuan(0), yuan(1000)))
    paid.refund_news("succeeded")

    assert paid.payment.book is not None
    assert paid.payment.book.refunded.goods == yuan(1076)


def test_money_that_went_back_without_our_asking_is_a_case(paid: Till) -> None:
    assert paid.hears(SentBackTold(ORDER, number())) == []
    assert paid.open_cases == ["refunded_elsewhere"]


def test_told_that_money_went_back_the_refund_on_its_way_is_asked_about(paid: Till) -> None:
    paid.refunds()
    paid.hears(SentBackTold(ORDER, number()))

    assert (paid.waiting.count("refund-check"), paid.open_cases) == (1, [])


def test_money_that_arrived_is_asked_about_no_more(paid: Till) -> None:
    paid.refunds()
    paid.refund_news("succeeded")
    paid.hears(SentBackTold(ORDER, number()))

    assert ("refund-check" in paid.waiting, paid.open_cases) == (False, [])


# --- attempts ---------------------------------------------------------------------------------------------------------


def test_a_code_that_ran_out_at_the_provider_has_failed(till: Till) -> None:
    till.opened()

    assert names(till.hears(ExpiredTold(ORDER, number()))) == ["payment.failed"]
    assert till.hears(ExpiredTold(ORDER, number())) == []


def test_a_code_that_ran_out_says_nothing_against_money(paid: Till) -> None:
    assert paid.hears(ExpiredTold(ORDER, number())) == []


def test_a_close_that_the_provider_does_not_do_is_asked_again(till: Till) -> None:
    till.opened()
    till.closes()
    till.answers(commands.CLOSE, commands.Unpaid())

    assert (till.waiting, till.open_cases) == (["close-attempt"], ["close_unanswered"])


# --- declarations -----------------------------------------------------------------------------------------------------


def test_what_only_the_first_answer_told_is_told_with_the_last(paid: Till) -> None:
    first = replace(declared("pending", check="same"), pay_transaction_id="P1", clearing_transaction_id="C1")
    last = replace(
        declared("accepted", check="unknown"),
        pay_code="",
        pay_transaction_id="P2",
        clearing_transaction_id="",
        ver_dept="",
    )
    paid.answers(commands.DECLARE, first)
    [fact] = paid.answers(commands.DECLARE_CHECK, last)

    assert isinstance(fact, PaymentDeclared)
    assert (fact.identity_check, fact.pay_code, fact.ver_dept) == ("same", "4403169D3W", "2")
    assert fact.pay_transaction_id == "P1"


# --- tax --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", list(permutations(["assessed", "captured", "customs_released"])), ids="-".join)
@pytest.mark.parametrize("collects", ["captured", "observed"])
def test_money_assessment_and_release_may_come_in_any_order(till: Till, order: tuple[str, ...], collects: str) -> None:
    if collects == "captured":
        till.opened()
    for step in order:
        getattr(till, collects if step == "captured" else step)()
    till.customs_released(version=2)

    assert till.balances()[f"tax/{ORDER}"] == -1076
    assert names(till.releases()) == ["escrow.released"]
    assert {account for account in till.balances() if account.endswith(ORDER)} == {f"tax/{ORDER}"}


def test_a_release_that_was_taken_back_before_the_money_was_known_owes_nothing(till: Till) -> None:
    till.assessed()
    till.customs_released()
    till.withdrawn()
    till.opened()
    till.captured()

    assert f"tax/{ORDER}" not in till.balances()


def test_goods_delivered_after_a_withdrawal_release_the_money_but_not_the_tax(paid: Till) -> None:
    paid.customs_released()
    paid.withdrawn()

    assert names(paid.releases()) == ["escrow.released"]
    assert (paid.balances()[f"tax/{ORDER}"], paid.open_cases) == (-1076, ["tax_undecided"])
    assert f"escrow/{ORDER}" not in paid.balances()


def test_a_withdrawn_declaration_gives_the_tax_back_to_the_order(paid: Till) -> None:
    paid.customs_released()
    assert paid.withdrawn() == []

    assert paid.balances(what="money") == {"clearing/wechat": 12900, f"escrow/{ORDER}": -12900}
    assert paid.withdrawn() == []


def test_released_and_withdrawn_again_and_again_the_books_stay_true(paid: Till) -> None:
    for _ in range(3):
        paid.customs_released()
        assert paid.balances()[f"tax/{ORDER}"] == -1076
        paid.withdrawn()
        assert f"tax/{ORDER}" not in paid.balances()


@pytest.mark.parametrize("first", ["withdrawn", "refund"])
def test_a_refund_with_tax_empties_the_order_whichever_comes_first(paid: Till, first: str) -> None:
    paid.customs_released()
    if first == "withdrawn":
        paid.withdrawn()
    paid.refunds()
    paid.refund_news("succeeded")
    paid.withdrawn()

    assert {account for account in paid.balances() if account.endswith(ORDER)} == set()


def test_a_release_after_the_money_went_back_owes_nothing(paid: Till) -> None:
    paid.refunds()
    paid.refund_news("succeeded")
    paid.customs_released()

    assert {account for account in paid.balances() if account.endswith(ORDER)} == set()


def test_a_withdrawal_of_an_order_whose_money_we_never_saw_changes_nothing(till: Till) -> None:
    assert till.withdrawn() == []


# --- cases ------------------------------------------------------------------------------------------------------------


def test_a_case_is_closed_by_its_number_and_stays_on_record(till: Till) -> None:
    till.asked()
    till.answers(commands.OPEN, SILENCE)
    till.hears(CaseClosed(ORDER, 1, "called them", "anna"))
    first = till.payment.cases[0]
    till.now = till.now.replace(day=2)
    till.hears(CaseClosed(ORDER, 1, "again", "bela"))

    assert (till.open_cases, till.payment.cases) == ([], (first,))
    assert (first.note, first.closed_by) == ("called them", "anna")


def test_what_goes_on_after_its_case_was_closed_is_a_new_case(till: Till) -> None:
    till.asked()
    till.answers(commands.OPEN, SILENCE)
    till.answers(commands.OPEN, SILENCE)
    assert till.open_cases == ["open_unanswered"]
    till.hears(CaseClosed(ORDER, 1, "called them", "anna"))
    till.answers(commands.OPEN, SILENCE)

    assert [number for number, _ in till.payment.open_cases] == [2]
