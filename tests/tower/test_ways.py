"""Direct mail, orders that a marketplace collects and declares, and the way out: stages, strips, what is to come."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from services.orders.amending import _OVERDUE
from services.orders.said import HOLDS
from services.tower.answer import WAITS, answer
from services.tower.pages_words import catalogue, words_in
from services.tower.process import STORY, make_process
from services.tower.saying import conflict, lifting, said
from services.tower.sheets import differing, side_by_side
from services.tower.stages import Pace, Stage
from services.tower.story import Hold, Lane, Level, Purse, Step, Story
from services.tower.strip import strip
from services.tower.timeline import expected
from shared.events import customs, logistics, orders, payments
from shared.events.values import Sealed
from shared.flow.decision import Decision, States
from shared.money import Money
from tests.support.journeys import CONSIGNMENT, MASTER_BILL, Mailed, Marketplace, Undone
from tests.support.tales import NOON, RECIPIENT, Tale, cny

PROCESS = make_process({"coffee-direct": "direct_mail", "coffee-bonded": "bonded"})
EN, PACE = words_in("en", "Asia/Shanghai"), Pace()


def after(tale: Tale) -> Story:
    states = States()
    for envelope in tale.envelopes:
        decision = PROCESS.decide(states, envelope, envelope.time)
        assert isinstance(decision, Decision)
        states.take(decision.puts)
    story = states.get(STORY, tale.order)
    assert story is not None
    return story


def why(tale: Tale) -> str:
    return said(EN, after(tale), PACE, tale.at).why


def labels(story: Story, lane: Lane) -> list[tuple[str, str]]:
    return [(node.key, node.level.value) for node in dict(strip(story))[lane]]


# --- direct mail -----------------------------------------------------------------------------------------------------


def test_direct_mail_travels_first_and_is_declared_afterwards() -> None:
    tale = Mailed().to_origin()
    passed = [(after(tale).stage, said(EN, after(tale), PACE, tale.at).answer.reason)]
    for chapter in (tale.packed, tale.handed_over, tale.consolidated, tale.declared, tale.released):
        chapter()
        passed.append((after(tale).stage, said(EN, after(tale), PACE, tale.at).answer.reason))

    assert passed == [
        ("booked", "to_pack"), ("booked", "to_hand_over"), ("handed_over", "handed_over"),
        ("handed_over", "consolidated"), ("declared", "declared"), ("released", "released_direct"),
    ]  # fmt: skip
    assert after(Mailed().whole()).stage == "completed"


def test_what_is_to_come_of_direct_mail_names_hand_over_and_consolidation_before_customs() -> None:
    tale = Mailed().to_origin()
    at_origin = [coming.key for coming in expected(after(tale))]
    tale.packed()
    tale.handed_over()
    tale.consolidated()

    assert at_origin == ["handed_over", "consolidated", "released", "exited_border", "delivered", "paid_out"]
    assert [coming.key for coming in expected(after(tale))] == ["released", "exited_border", "delivered", "paid_out"]


def test_the_strip_of_direct_mail_has_its_two_steps_more() -> None:
    assert labels(after(Mailed().to_border()), Lane.GOODS) == [
        ("stock.reserved", "ok"), ("stock.drawn", "ok"), ("step.booked", "ok"), ("step.packed", "ok"),
        ("step.handed_over", "ok"), ("step.consolidated", "ok"), ("step.exited", "none"), ("step.delivered", "none"),
    ]  # fmt: skip


def test_an_order_is_found_by_its_master_bill_consignment_and_parcel() -> None:
    story = after(Mailed().to_border())

    assert {MASTER_BILL, CONSIGNMENT, Mailed().parcel} <= set(story.ids)
    assert story.numbers["master_bill"] == MASTER_BILL
    assert story.consignments == (CONSIGNMENT,)


def test_a_bag_that_was_left_behind_is_shown_with_its_new_flight_whatever_comes_first() -> None:
    tale = Mailed().to_border()
    tale.consignment, tale.master_bill = "KQ-2026-331", "706-51423399"
    tale.consolidated()
    forwards = after(tale)
    consolidated = [n for n, e in enumerate(tale.envelopes) if isinstance(e.event, logistics.ParcelConsolidated)]
    first, second = consolidated
    tale.envelopes[first], tale.envelopes[second] = tale.envelopes[second], tale.envelopes[first]

    for story in (forwards, after(tale)):
        assert story.parcels[tale.parcel].master_bill == "706-51423399"
        assert set(story.consignments) == {CONSIGNMENT, "KQ-2026-331"}
        assert {MASTER_BILL, "706-51423399"} <= set(story.ids)


def test_the_inventory_of_direct_mail_says_the_measured_weight() -> None:
    rows = {row.field: row for row in side_by_side(after(Mailed().to_border()))}

    assert rows["grams"].cells == ("", "", "560", "572")
    assert rows["grams"].verdict is Level.NONE
    assert rows["master_bill"].cells == ("", "", "", MASTER_BILL)


# --- a marketplace that collects and declares ------------------------------------------------------------------------


def test_an_order_that_is_only_announced_says_that_it_is_being_fetched() -> None:
    tale = Marketplace()
    tale.received()

    story = after(tale)

    assert (story.stage, story.external_id, story.channel) == ("received", "1001", "xiaohongshu")
    assert said(EN, story, PACE, tale.at).acts == "the channel"
    assert "being fetched" in why(tale)


def test_a_channels_money_is_never_ours() -> None:
    tale = Marketplace()
    tale.received()
    tale.placed()
    tale.admitted()
    unpaid = after(tale)
    tale.confirmed()
    paid = after(tale)

    assert (unpaid.stage, said(EN, unpaid, PACE, tale.at).answer.reason) == ("unpaid", "unpaid_channel")
    assert (paid.stage, said(EN, paid, PACE, tale.at).answer.reason) == ("paid", "paid_channel")
    assert (paid.purse.captured, paid.purse.in_hand) == (cny("129.00"), None)
    assert {tale.paid_number, tale.transaction} <= set(paid.ids)
    assert labels(paid, Lane.PAYMENT)[0] == ("channel_money.covered", "ok")


def test_platform_declared_papers_are_watched_and_nobody_waits_for_ours() -> None:
    tale = Marketplace().to_customs()
    clearing = after(tale)
    tale.cleared("released")
    released = after(tale)

    assert (clearing.stage, said(EN, clearing, PACE, tale.at).answer) == (
        "declared", answer(clearing, PACE, tale.at),
    )  # fmt: skip
    assert said(EN, clearing, PACE, tale.at).answer.reason == "watched_clearing"
    assert said(EN, released, PACE, tale.at).answer.reason == "released_watched"
    assert labels(clearing, Lane.CUSTOMS) == [("observed.clearing", "ok"), ("observed.released", "none")]
    assert [key for key, _ in labels(clearing, Lane.DOCUMENTS)] == [
        "papers.assessment", "papers.payment_paper_platform", "papers.waybill_paper_platform",
    ]  # fmt: skip
    assert [coming.key for coming in expected(clearing)] == ["released_channel", "exited", "delivered", "paid_out"]


def test_a_refusal_that_the_channel_reports_is_a_problem() -> None:
    tale = Marketplace().to_customs()
    tale.cleared("refused")

    story = after(tale)

    assert (story.state("inventory"), answer(story, PACE, tale.at).level) == ("rejected", Level.BAD)


def test_a_marketplace_order_ends_like_any_other() -> None:
    story = after(Marketplace().whole())

    assert (story.stage, story.reason) == ("completed", "completed")
    assert {node.level for _, row in strip(story) for node in row} == {Level.OK}


# --- unpaid, told rightly --------------------------------------------------------------------------------------------


def test_an_order_whose_provider_is_away_does_not_claim_a_qr() -> None:
    tale = Tale()
    tale.placed()
    tale.admitted()

    told = said(EN, after(tale), PACE, tale.at)

    assert told.acts == "the payment provider"
    assert "has not answered; the buyer has no QR yet" in told.why
    assert "QR is open" not in told.next
    tale.opened()
    assert "The QR is open until" in said(EN, after(tale), PACE, tale.at).next


def test_a_qr_that_ran_out_is_not_called_open() -> None:
    tale = Tale()
    tale.placed()
    tale.admitted()
    tale.opened()

    story = after(tale)
    later = said(EN, story, Pace(limits={Stage.UNPAID: timedelta(days=1)}), tale.at + timedelta(hours=3))

    assert later.answer.reason == "expired"
    assert "ran out at 25 Nov 14:00" in later.why


# --- the way out -----------------------------------------------------------------------------------------------------


def test_an_order_being_undone_says_whose_answer_it_waits_for() -> None:
    tale = Undone()
    told = []
    for chapter in (tale.asked, tale.withdrawn, tale.refunding):
        chapter()
        story = after(tale)
        told.append((story.stage, answer(story, PACE, tale.at).reason, answer(story, PACE, tale.at).owner))

    assert told == [
        ("closing", "closing_withdrawal", "customs"), ("closing", "closing", "nobody"),
        ("closing", "closing_parcel", "carrier"),
    ]  # fmt: skip
    assert why(tale) == "Being undone (by the buyer: changed my mind): the parcel is called back."


def test_a_cancelled_order_says_by_whom_and_why() -> None:
    tale = Undone().whole()

    assert why(tale) == ("Cancelled (by the buyer: changed my mind); no money, stock or waybill is left with us.")
    assert labels(after(tale), Lane.CUSTOMS)[-1] == ("step.withdrawn", "park")


def test_a_reason_of_ours_is_said_in_words() -> None:
    tale = Tale()
    tale.placed()
    tale.say(orders.CancellationRequested(**tale.of(), by="system", reason="payment_overdue"))

    assert "(by the system: not paid in time)" in why(tale)


def test_a_withdrawal_that_lost_to_the_release_is_watched() -> None:
    tale = Undone()
    tale.asked()
    lost = customs.WithdrawalRefused(
        **tale.of(), role="import", attempt=1, kind="cancel", code="800", reason="released first"
    )
    tale.say(lost)

    story = after(tale)

    assert ("step.withdrawal_refused", "warn") in labels(story, Lane.CUSTOMS)
    assert story.stage == "closing"


def test_goods_sent_back_abroad_are_a_problem_until_the_order_is_closed() -> None:
    tale = Tale().to_customs()
    tale.say(customs.DeclarationReturnedAbroad(**tale.of(), role="import", attempt=1, reason="label"))

    assert answer(after(tale), PACE, tale.at).reason == "abroad"
    tale.say(orders.CancellationRequested(**tale.of(), by="system", reason="returned_abroad"))
    assert answer(after(tale), PACE, tale.at).reason == "closing"


def test_a_parcel_without_scans_is_watched_until_the_next_one() -> None:
    tale = Tale().to_customs()
    tale.released()
    tale.exited()
    tale.say(logistics.ParcelDelayed(**tale.of(), parcel_id=tale.parcel, after="picked_up", since=tale.at))
    late = why(tale)
    step = logistics.ParcelAdvanced(
        **tale.of(), parcel_id=tale.parcel, milestone="out_for_delivery", at=tale.at, late=False
    )
    tale.say(step)

    assert late == "Nothing since “picked up” for longer than this leg allows."
    assert answer(after(tale), PACE, tale.at).reason == "moving"


def test_a_promise_that_was_not_kept_stays_told() -> None:
    tale = Tale().to_customs()
    fact = logistics.PromiseMissed(**tale.of(), parcel_id=tale.parcel, promise="domestic_flat", due_at=NOON)
    tale.say(fact)

    assert after(tale).parcels[tale.parcel].broken == "domestic_flat"


# --- holds and documents ---------------------------------------------------------------------------------------------


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


def test_documents_of_a_straight_order_agree() -> None:
    tale = Tale().to_customs()
    story = after(tale)
    rows = {row.field: row for row in side_by_side(story)}

    assert differing(tuple(rows.values()), story) == 0
    assert rows["order_no"].verdict is Level.OK
    assert len([cell for cell in rows["order_no"].cells if cell]) == 3
    assert rows["total"].cells[:2] == ("CNY 129.00", "CNY 129.00")
    assert rows["payer"].verdict is Level.OK


def test_a_payment_of_another_amount_or_person_stands_out() -> None:
    tale = Tale()
    tale.placed()
    tale.admitted()
    tale.opened()
    captured = tale.captured()
    declared = payments.PaymentDeclared(
        **tale.of(), order_no="OTHER", pay_code="1", pay_name="财付通", pay_transaction_id=tale.transaction,
        amount=cny("124.00"), identity_check="different", ver_dept="3", paid_at=tale.at,
    )  # fmt: skip
    tale.say(declared, captured)

    bad = [row.field for row in side_by_side(after(tale)) if row.verdict is Level.BAD]

    assert bad == ["order_no", "total", "payer"]


def test_an_address_corrected_after_booking_differs_until_the_waybill_is_made_anew() -> None:
    tale = Tale().to_customs()
    moved = Sealed("dev-1", "c2VhbGVk", "f3", "王** 138***01 福建省厦门市")
    tale.say(orders.OrderAmended(**tale.of(), person=None, recipient=moved, recipient_version=2))

    rows = {row.field: row for row in side_by_side(after(tale))}

    assert rows["recipient"].cells[0] != RECIPIENT.masked
    assert rows["recipient"].verdict is Level.BAD


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", [wait.reason for waits in WAITS.values() for wait in waits] + ["expired"])
def test_every_wait_has_its_sentences(name: str, language: str) -> None:
    words = catalogue("zh" if language == "zh" else "en")

    assert words[f"why.{name}"]
    assert words[f"next.{name}"]
    assert words[f"reason.{name}"] if name not in [*Stage] else True
