"""Direct mail, and orders that a marketplace collects and declares: stages, strips, what is to come."""

from __future__ import annotations

import pytest

from services.tower.answer import WAITS, answer
from services.tower.pages_words import catalogue
from services.tower.saying import said
from services.tower.story import Lane, Level
from services.tower.strip import strip
from services.tower.timeline import expected
from shared.events import logistics
from tests.support.journeys import CONSIGNMENT, MASTER_BILL, Mailed, Marketplace
from tests.support.stories import EN, PACE, after, labels, why
from tests.support.tales import cny

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

    assert clearing.stage == "declared"
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


# --- both ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", [wait.reason for waits in WAITS.values() for wait in waits] + ["expired"])
def test_every_wait_has_its_sentences(name: str, language: str) -> None:
    words = catalogue("zh" if language == "zh" else "en")

    assert words[f"why.{name}"]
    assert words[f"next.{name}"]
    assert words[f"reason.{name}"]
