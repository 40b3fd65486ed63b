"""Orders that are not paid, and the way out: what is said of them, and who acts."""

from __future__ import annotations

from datetime import timedelta

from services.tower.answer import answer
from services.tower.saying import said
from services.tower.stages import Pace, Stage
from services.tower.story import Lane
from shared.events import customs, logistics, orders
from tests.support.journeys import Undone
from tests.support.stories import EN, PACE, after, labels, why
from tests.support.tales import NOON, Tale

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
