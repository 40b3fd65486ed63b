"""Money that a channel collected: booked by its word, released like any other, sent back by the channel alone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from shared.errors import BadInput
from shared.events.payments import EscrowReleased, PaymentConfirmed, RefundCompleted, RefundStalled
from tests.payments.till import NOW, ORDER, Till, names, yuan

OWED = {"clearing/xiaohongshu": 12810, f"costs/{ORDER}": 90, f"escrow/{ORDER}": -12900}


@pytest.fixture
def till() -> Till:
    return Till()


@pytest.fixture
def observed(till: Till) -> Till:
    till.placed("platform")
    till.assessed()
    till.observed()
    return till


def test_what_the_channel_collected_is_confirmed_and_held(till: Till) -> None:
    confirmed, held = till.observed()

    assert isinstance(confirmed, PaymentConfirmed)
    assert (confirmed.basis, confirmed.amount, confirmed.external_no) == ("order", yuan(12900), "X1")
    assert (confirmed.customs_no, confirmed.paid_at) == ("C1", NOW)
    assert names([held]) == ["escrow.held"]
    assert till.balances() == OWED
    assert till.waiting == []  # nobody is asked for anything


def test_the_channel_has_the_money_with_or_without_a_number(till: Till) -> None:
    [confirmed, _] = till.observed(number="")

    assert isinstance(confirmed, PaymentConfirmed)
    assert confirmed.external_no == f"channel-{ORDER}"
    assert till.observed(number="") == []


def test_told_again_it_is_booked_once(observed: Till) -> None:
    assert observed.observed() == []
    assert (observed.balances(), observed.open_cases) == (OWED, [])


@pytest.mark.parametrize(("minor", "number"), [(12901, "X1"), (12900, "X2")])
def test_told_otherwise_it_is_a_case_and_no_second_credit(observed: Till, minor: int, number: str) -> None:
    assert observed.observed(minor, number) == []
    assert (observed.balances(), observed.open_cases) == (OWED, ["observed_otherwise"])


def test_a_shop_that_no_marketplace_collects_for_has_no_observed_money(till: Till) -> None:
    with pytest.raises(BadInput):
        till.observed(shop="nairobi-roasters")


def test_nobody_opens_an_attempt_for_a_shop_whose_marketplace_collects(till: Till) -> None:
    with pytest.raises(BadInput):
        till.asked(shop="savanna-red")


def test_released_it_is_the_sellers_less_the_marketplaces_commission(observed: Till) -> None:
    observed.customs_released()
    [released] = observed.releases()

    assert isinstance(released, EscrowReleased)
    commission = 591  # 5 % of goods of 118.24
    assert released.seller_share == yuan(11824 - 90 - commission)
    assert observed.balances() == {
        "clearing/xiaohongshu": 12810, "marketplace/xiaohongshu": -commission - 1076,
        "seller/highland-coop": -(11824 - 90 - commission),
    }  # fmt: skip


def test_the_tax_of_an_order_that_the_platform_declares_is_owed_to_the_platform_that_pays_it(observed: Till) -> None:
    assert observed.customs_released() == []

    assert observed.balances() == OWED | {f"escrow/{ORDER}": -11824, "marketplace/xiaohongshu": -1076}


def test_the_tax_of_an_order_that_we_declare_is_owed_to_customs_whoever_collects_the_money(till: Till) -> None:
    till.placed("self")
    till.assessed()
    till.observed()

    till.customs_released()

    assert till.balances() == OWED | {f"escrow/{ORDER}": -11824, f"tax/{ORDER}": -1076}


def test_what_the_channel_sent_back_after_the_release_by_customs_leaves_nobody_owing_anything(observed: Till) -> None:
    observed.customs_released()

    observed.refunds(executor="channel")

    assert observed.balances() == {}


def test_what_the_channel_sent_back_is_booked_and_answered_at_once(observed: Till) -> None:
    [completed] = observed.refunds(executor="channel")

    assert isinstance(completed, RefundCompleted)
    assert (completed.refund_id, completed.amount) == ("whole-1", yuan(12900))
    assert (observed.waiting, observed.balances()) == ([], {})
    assert observed.refunds(executor="channel") == []


def test_a_part_that_the_channel_sent_back_leaves_the_rest_held(observed: Till) -> None:
    observed.refunds(2900, "a", executor="channel")

    assert observed.balances()[f"escrow/{ORDER}"] == -10000


@pytest.mark.parametrize("executor", ["payments", "channel"])
def test_who_does_not_have_the_money_sends_none_back(till: Till, executor: str) -> None:
    if executor == "payments":
        till.observed()
    else:
        till.opened()
        till.captured()
    before = till.balances()

    [stalled] = till.refunds(executor=executor)

    assert isinstance(stalled, RefundStalled)
    assert (till.open_cases, till.balances()) == (["refund_refused"], before)
    assert "refund" not in till.waiting


def test_more_than_the_channel_collected_does_not_come_back(observed: Till) -> None:
    assert names(observed.refunds(12901, executor="channel")) == ["refund.stalled"]


def test_an_assessment_after_the_money_says_what_the_money_is(till: Till) -> None:
    till.observed()
    till.assessed()
    till.customs_released()
    till.now += timedelta(days=1)

    assert till.balances()[f"tax/{ORDER}"] == -1076
