"""Each hold with what lifts it, in both languages."""

from __future__ import annotations

import re

import pytest

from services.orders.amending import _OVERDUE
from services.orders.said import HOLDS
from services.tower.pages_words import words_in
from services.tower.saying import conflict, lifting, said
from services.tower.stages import Pace
from services.tower.story import Hold, Purse, Step, Story
from shared.events import customs, orders
from shared.money import Money
from tests.support.stories import EN, after
from tests.support.tales import NOON, Tale


def test_each_hold_says_what_lifts_it_and_who() -> None:
    tale = Tale()
    tale.placed()
    tale.say(orders.HoldSet(**tale.of(), hold="identity_missing", reason=""))
    tale.say(orders.HoldSet(**tale.of(), hold="shortage", reason=""))

    story = after(tale)
    told = {hold.name: lifting(EN, story, hold) for hold in story.holding}

    assert told["identity_missing"].acts == "the shop"
    assert "PUT /v1/orders/{id}/identity" in told["identity_missing"].next
    assert told["shortage"].acts == "an operator"


def test_the_hold_of_customs_says_what_customs_said() -> None:
    rejected, held = Tale("1").rejected(), Tale("2").to_customs()
    held.say(customs.DeclarationHeld(**held.of(), role="import", attempt=1, reason="布控查验"))
    held.say(orders.HoldSet(**held.of(), hold="customs", reason="布控查验"))

    told = [lifting(EN, after(tale), after(tale).holding[0]) for tale in (rejected, held)]

    assert [(one.name, one.acts) for one in told] == [
        ("Address or goods to be corrected", "the shop"), ("Customs wants to look", "customs"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("total", "paper", "en", "zh"),
    [
        ("KES", "", "The order is in KES", "订单以KES计价"),
        ("CNY", "", "paid in CNY elsewhere", "已在别处以人民币付款"),
        ("CNY", "refused", "the payment document (411) was refused", "支付单（411）被拒绝"),
    ],
)
def test_a_payment_that_cannot_be_declared_says_which_of_three_it_is(total: str, paper: str, en: str, zh: str) -> None:
    hold = Hold("payment_not_declarable", "written by orders in English", NOON)
    paid = Purse(total=Money(12900, total))
    tracks = {"payment_paper": Step(paper, NOON)} if paper else {}
    story = Story(Tale().order, NOON, NOON, holds={hold.name: hold}, purse=paid, tracks=tracks, stage="unpaid")

    for language, sentence in (("en", en), ("zh", zh)):
        words = words_in("zh" if language == "zh" else "en", "UTC")
        one = lifting(words, story, hold)

        assert sentence in one.why
        assert one.name in ("Payment not declarable", "支付无法申报")
        assert one.acts in ("the shop", "店铺")
        assert ("in English" in one.told) is (language == "en")
        if not paper:
            assert said(words, story, Pace(), NOON).why == one.why


def test_what_orders_writes_in_english_is_said_in_chinese() -> None:
    zh = words_in("zh", "UTC")
    tale = Tale()
    tale.placed()
    for hold in HOLDS:
        tale.say(orders.HoldSet(**tale.of(), hold=hold, reason=HOLDS[hold]))
    story = after(tale)

    told = [lifting(zh, story, hold) for hold in story.holding]

    assert len(told) == len(HOLDS)
    assert [one for one in told if re.search(r"[a-z]{4,} [a-z]{2,} [a-z]+", one.why + one.next + one.told)] == []
    assert conflict(zh, "logistics.parcel.delivered while lost") == (
        "轨道状态为“丢失”时收到“已签收”（logistics.parcel.delivered）"
    )
    assert conflict(zh, "the channel: refunded_at_channel") == "平台：在平台退款"
    assert conflict(zh, "words of nobody") == "words of nobody"


@pytest.mark.parametrize("detail", _OVERDUE.values())
def test_every_deadline_of_orders_is_worded(detail: str) -> None:
    assert conflict(words_in("zh", "UTC"), detail) != detail
