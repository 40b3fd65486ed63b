"""Identity, address and what customs answers. Given, this fact, then these facts."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from services.orders.commands import HoldLiftAsked, IdentitySupplied
from services.orders.process import UnknownOrder
from services.orders.tracks import Papers
from shared.events import orders
from shared.flow.decision import NOTHING
from shared.ids import OrderId
from tests.orders import facts
from tests.orders.story import Story, push, sealed, snapshot


def test_without_identity_nothing_is_asked_and_at_its_deadline_the_order_ends() -> None:
    story = Story.placed()
    assert story.hears(facts.made()) == []

    assert story.due("identity-overdue") == ["cancellation-requested", "reservation-release-requested"]
    assert story.now == facts.NOW + timedelta(days=3)
    assert story.order.reason == "identity_missing"


def test_an_identified_order_has_no_identity_deadline() -> None:
    story = Story.placed()
    assert ("identity-overdue", "") in story.work

    story.identified()

    assert story.work == {}


def test_an_identity_cannot_change_while_the_declaration_is_under_way() -> None:
    story = Story.placed().declares()

    assert story.asked(IdentitySupplied(facts.ORDER, facts.SELLER, sealed("mai"))) == (409, [])
    assert story.order.person == facts.PERSON


def test_a_missing_identity_is_supplied_not_lifted() -> None:
    story = Story.placed()

    assert story.asked(HoldLiftAsked(facts.ORDER, "", "identity_missing")) == (409, [])


def test_another_sellers_order_is_as_good_as_none() -> None:
    story = Story.placed()

    with pytest.raises(UnknownOrder):
        story.decides(IdentitySupplied(facts.ORDER, "somebody-else", facts.PERSON))
    with pytest.raises(UnknownOrder):
        story.decides(IdentitySupplied(OrderId("nothing"), facts.SELLER, facts.PERSON))


def test_a_rejected_declaration_is_corrected_and_declared_again_under_the_same_order_number() -> None:
    story = Story.placed().declares()

    assert story.hears(facts.submitted(), facts.stored(), facts.rejected()) == ["hold-set customs"]
    assert story.corrected() == ["amended", "declaration-requested", "hold-lifted customs"]
    assert story.hears(facts.submitted(2, 2), facts.stored(2)) == []
    assert story.hears(facts.released(2, 2)) == ["exit-authorised"]
    assert [fact.attempt for fact in story.spoke(orders.DeclarationRequested)] == [1, 2]
    assert [fact.recipient for fact in story.spoke(orders.OrderAmended)] == [facts.HOME, facts.OFFICE]
    assert story.order.money.out_trade_no == facts.TRADE
    assert (story.order.import_papers.cop_no, story.order.recipient_version) == ("COP2", 2)


def test_a_rejection_that_comes_twice_does_not_stop_the_next_attempt() -> None:
    story = Story.placed().declares()
    story.hears(facts.submitted(), facts.rejected())
    story.corrected()

    assert story.decides(facts.rejected(1)) == NOTHING
    assert story.hears(facts.submitted(2, 2), facts.released(2, 2)) == ["exit-authorised"]


def test_a_corrected_identity_asks_again_too() -> None:
    story = Story.placed().declares()
    story.hears(facts.submitted(), facts.rejected())

    assert story.identified(sealed("mai")) == ["amended", "declaration-requested", "hold-lifted customs"]


def test_papers_that_do_not_match_are_corrected_before_anything_is_sent() -> None:
    story = Story.placed().declares()

    assert story.hears(facts.mismatched()) == ["hold-set customs"]
    assert story.order.import_papers.reason == "correct the identity"
    assert story.corrected() == ["amended", "declaration-requested", "hold-lifted customs"]


def test_papers_that_do_not_match_can_be_cancelled() -> None:
    story = Story.placed().declares()
    story.hears(facts.mismatched())

    assert story.cancelled()[:2] == ["cancellation-requested", "refund-requested"]


def test_papers_that_customs_sent_while_the_order_was_closing_are_undone_before_it_ends() -> None:
    story = Story.placed().declares()
    story.hears(facts.mismatched())
    story.cancelled()
    story.hears(facts.voided(), facts.stock_released())

    assert story.hears(facts.submitted()) == ["hold-set cancel_requested"]
    assert story.hears(facts.refunded()) == []
    assert story.hears(facts.stored()) == ["withdrawal-requested"]
    assert story.hears(facts.withdrawn()) == ["cancelled", "hold-lifted cancel_requested", "hold-lifted customs"]


def test_held_after_released_withdraws_the_exit_and_released_again_gives_it_back() -> None:
    story = Story.placed().releases()

    assert story.hears(facts.customs_held()) == ["exit-withdrawn", "hold-set customs"]
    assert story.hears(facts.packed()) == []
    assert story.hears(facts.released()) == ["exit-authorised", "hold-lifted customs"]
    assert len(story.spoke(orders.DeclarationRequested)) == 1


def test_a_newer_dossier_version_than_the_released_one_withdraws_the_exit() -> None:
    story = Story.placed().releases()

    assert story.hears(facts.submitted(1, 2)) == ["exit-withdrawn"]
    assert story.hears(facts.released(1, 2)) == []


def test_detained_goods_do_not_move() -> None:
    story = Story.placed().releases()

    assert story.hears(facts.customs_held(), facts.detained()) == ["exit-withdrawn", "hold-set customs"]
    assert story.order.import_papers.state is Papers.DETAINED


def test_a_parcel_that_is_out_is_not_withdrawn() -> None:
    story = Story.placed().releases()
    story.hears(facts.packed(), facts.exited())

    assert story.hears(facts.customs_held()) == ["hold-set customs"]


def test_26_an_address_that_changes_after_the_release_withdraws_the_exit_until_it_is_entered() -> None:
    story = Story.placed().releases()
    newer = replace(snapshot(), updated_at=snapshot().updated_at + timedelta(hours=1))

    assert story.hears(push(newer, facts.OFFICE)) == ["exit-withdrawn", "hold-set address_changed"]
    assert story.corrected(facts.OFFICE) == ["amended", "exit-authorised", "hold-lifted address_changed"]


def test_26_an_address_that_changes_after_the_waybill_is_declared_as_it_is_corrected() -> None:
    story = Story.placed().pays()
    story.hears(facts.booked())
    newer = replace(snapshot(), updated_at=snapshot().updated_at + timedelta(hours=1))

    assert story.hears(push(newer, facts.OFFICE)) == ["hold-set address_changed"]
    assert story.hears(facts.waybill_accepted()) == []
    assert story.corrected(facts.OFFICE) == ["amended", "declaration-requested", "hold-lifted address_changed"]


def test_26_a_waybill_that_names_the_old_recipient_is_declared_anew_before_the_order_is() -> None:
    story = Story.placed().pays()
    story.hears(facts.booked(), facts.waybill_accepted(named=facts.HOME), facts.submitted(), facts.rejected())

    assert story.corrected(facts.OFFICE) == ["amended", "hold-lifted customs"]
    assert story.hears(facts.waybill_accepted(named=facts.HOME)) == []  # it was on its way
    assert story.order.awaited == "waybill:booked"
    assert story.hears(facts.waybill_accepted(named=facts.OFFICE)) == ["declaration-requested"]


def test_30_an_order_whose_waybill_is_never_declared_anew_can_still_be_cancelled() -> None:
    story = Story.direct_mail().pays()
    story.hears(facts.booked(), facts.waybill_accepted(named=facts.HOME), facts.packed(), facts.drawn())
    story.hears(facts.handed_over(), facts.consolidated(), facts.submitted(), facts.rejected())
    story.corrected(facts.OFFICE)

    assert story.due("reminder", "silence") == ["hold-set waybill_silent"]
    assert story.cancelled()[:2] == ["cancellation-requested", "shipment-cancel-requested"]
    assert story.hears(facts.returned())[:2] == ["refund-requested", "reservation-release-requested"]


def test_an_address_is_not_changed_on_the_way() -> None:
    story = Story.placed().releases()
    story.hears(facts.packed())

    with pytest.raises(AssertionError):
        story.corrected()
    assert story.order.recipient == facts.HOME


def test_a_refused_waybill_document_holds_the_order_until_a_better_one_is_accepted() -> None:
    story = Story.placed().pays()

    assert story.hears(facts.booked(), facts.waybill_refused()) == ["hold-set customs"]
    assert story.hears(facts.waybill_accepted()) == ["declaration-requested", "hold-lifted customs"]


def test_a_paid_order_that_turns_inadmissible_is_held_and_not_ended() -> None:
    story = Story.placed().pays()

    assert story.hears(facts.inadmissible()) == ["hold-set customs"]
    assert story.asked(HoldLiftAsked(facts.ORDER, "", "customs")) == (409, [])
    assert story.hears(facts.assessed()) == []
    assert story.lifted("customs") == ["hold-lifted customs"]
