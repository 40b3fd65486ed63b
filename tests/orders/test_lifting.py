"""No order waits without a reason: what an operator may not lift, and what he is told to do instead."""

from __future__ import annotations

import json

import pytest

from services.orders.commands import HoldLiftAsked, IdentitySupplied
from services.orders.tracks import Intent, Papers
from shared.events import orders
from shared.events.base import Event
from shared.events.customs import AssessmentRefused
from shared.events.values import Finding
from shared.flow.decision import Decision
from tests.orders import facts
from tests.orders.story import Story, sealed

WHO = Finding("R24", "order.buyer_name", "林**", "", "Ask the buyer for the whole name.", "请提供完整姓名。")


def bad_identity() -> AssessmentRefused:
    return AssessmentRefused(**facts.OF, reason="identity", findings=(WHO,))


def refusal(story: Story, hold: str) -> str:
    """What the refused operator reads."""
    answer = story.decides(HoldLiftAsked(facts.ORDER, "", hold))
    assert isinstance(answer, Decision)
    assert answer.reply is not None
    assert (answer.reply.status, answer.puts, answer.facts) == (409, (), ())
    return str(json.loads(answer.reply.body)["detail"])


@pytest.mark.parametrize(
    ("heard", "instead"),
    [
        ((facts.submitted(), facts.stored(), facts.customs_held()), "its release lifts this"),
        ((facts.submitted(), facts.stored(), facts.customs_held(), facts.detained()), "its release lifts this"),
        ((facts.submitted(), facts.stored(), facts.rejected()), "/address"),
        ((facts.mismatched(),), "/identity"),
    ],
)
def test_customs_own_word_is_answered_and_not_lifted(heard: tuple[Event, ...], instead: str) -> None:
    story = Story.placed().declares()
    story.hears(*heard)

    assert instead in refusal(story, "customs")
    assert story.order.holds == ("customs",)


def test_the_same_address_again_declares_anew_what_customs_refused() -> None:
    story = Story.placed().declares()
    story.hears(facts.submitted(), facts.rejected())

    assert story.corrected(facts.HOME) == ["amended", "declaration-requested", "hold-lifted customs"]


def test_a_lost_parcel_and_a_stalled_refund_are_settled_and_not_lifted() -> None:
    lost, stalled = Story.placed().releases(), Story.placed().pays()
    lost.hears(facts.packed(), facts.drawn(), facts.exited(), facts.lost())
    stalled.cancelled()
    stalled.hears(facts.stalled())

    assert "cancel the order" in refusal(lost, "parcel_lost")
    assert "settle the refund" in refusal(stalled, "refund_stalled")


def test_who_asks_for_a_hold_that_is_not_there_reads_which_are() -> None:
    assert refusal(Story.placed(), "customs").endswith("it is held by: identity_missing")


# --- delivered, and never released ------------------------------------------------------------------------------------


@pytest.mark.parametrize("scan", [facts.exited(), facts.delivered()])
def test_what_left_without_customs_release_is_a_case_and_pays_nobody_until_customs_releases_it(scan: Event) -> None:
    story = Story.placed().declares()
    story.hears(facts.submitted(), facts.stored(), facts.packed(), facts.drawn())

    assert story.hears(scan) == ["conflict-found", "hold-set customs"]
    story.hears(facts.delivered())
    assert ("hold-over", "") not in story.work or story.due("hold-over") == []
    assert "customs has not released them" in refusal(story, "customs")
    assert story.spoke(orders.FundsReleaseAuthorised) == []
    assert story.hears(facts.released()) == ["funds-release-authorised", "hold-lifted customs"]


def test_a_platform_that_declares_needs_no_release_of_ours() -> None:
    story = Story.channels()
    story.hears(facts.made(), facts.assessed(), facts.confirmed(), facts.escrow_held())

    assert not story.order.left_undeclared


# --- refused for who buys ---------------------------------------------------------------------------------------------


def test_an_identity_that_customs_cannot_use_is_asked_for_anew_and_the_order_goes_on() -> None:
    story = Story.placed()
    story.identified()

    assert story.hears(facts.made(), bad_identity()) == ["hold-set identity_missing"]
    assert story.order.import_papers.reason == WHO.fix_en
    assert story.identified(sealed("mai")) == ["amended", "hold-lifted identity_missing"]
    assert story.order.import_papers.state is Papers.NONE
    assert ("identity-overdue", "") not in story.work
    assert story.hears(facts.assessed()) == ["payment-requested"]


def test_an_identity_that_nobody_mends_ends_the_unpaid_order_at_its_deadline() -> None:
    story = Story.placed()
    story.identified()
    story.hears(facts.made(), bad_identity())

    assert story.due("identity-overdue") == [
        "cancellation-requested", "reservation-release-requested", "hold-lifted identity_missing",
    ]  # fmt: skip
    assert (story.order.reason, story.order.intent) == ("identity_missing", Intent.CLOSING)


def test_a_refusal_that_crosses_the_better_identity_is_taken_back_by_the_assessment() -> None:
    story = Story.placed()
    story.identified()
    story.identified(sealed("mai"))

    assert story.hears(facts.made(), bad_identity()) == ["hold-set identity_missing"]
    assert story.hears(facts.assessed()) == ["payment-requested", "hold-lifted identity_missing"]
    assert ("identity-overdue", "") not in story.work


def test_an_order_that_is_refused_for_something_else_after_all_ends() -> None:
    story = Story.placed()
    story.identified()
    story.hears(facts.made(), bad_identity())

    assert story.hears(facts.inadmissible())[0] == "cancellation-requested"
    assert story.order.reason == "inadmissible"


def test_a_paid_order_whose_better_identity_is_refused_waits_for_another_and_is_declared() -> None:
    story = Story.placed().declares()
    story.hears(facts.mismatched())
    story.asked(IdentitySupplied(facts.ORDER, facts.SELLER, sealed("mai")))
    story.hears(facts.mismatched(2))

    assert story.hears(bad_identity()) == ["hold-set identity_missing"]
    assert story.identified(sealed("lin")) == ["amended", "hold-lifted customs", "hold-lifted identity_missing"]
    assert story.hears(facts.assessed()) == ["declaration-requested"]
