"""Scenarios of the way back: cancelled at every gate, refused at the door, lost, sent abroad."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.logistics.milestones import Milestone
from shared.events import catalog, customs, logistics, orders, payments
from tests.flows.books import checked
from tests.flows.partners.road import Habits as Roads
from tests.flows.partners.road import Road
from tests.flows.partners.window import Habits, Window
from tests.flows.shops import CANCELLED, CLEARED, LAMU, LAMU_TEA, PAID, Sold, shown
from tests.flows.test_scenarios_customs import at_customs, used
from tests.flows.town import Town

pytestmark = pytest.mark.usefixtures("any_order")

M = Milestone
BACK = ["charge 129.00", "refund 129.00"]


def still(**habits: object) -> Road:
    """Nothing moves by itself."""
    return Road(Roads(**{"packs": False, **habits}))  # type: ignore[arg-type]


# --- customs has it ---------------------------------------------------------------------------------------------------


def test_33_sent_back_abroad_refunds_with_tax_gives_the_amount_back_and_writes_the_stock_off() -> None:
    town = at_customs(("2", "120", "700"))
    order = town.places()

    town.ends()

    assert town.end(order) == "cancelled: returned_abroad"
    assert town.bank.movements(order) == BACK
    assert (used(town), town.count(catalog.ReservationWrittenOff), town.count(logistics.ParcelExited)) == (0, 1, 0)
    assert town.order(order).goods.state == "written_off"
    checked(town)


def test_34_cancelled_while_submitted_waits_for_120_then_623_and_399_and_is_refunded_and_the_amount_is_back() -> None:
    town = at_customs(("2",))
    order = town.places()
    town.settles()
    assert town.order(order).import_papers.state == "submitted"

    assert town.cancels(order) == 202
    town.settles()
    assert (town.end(order), town.bank.movements(order)) == ("closing: cancel_requested", ["charge 129.00"])
    town.receipts(order, "120")
    town.ends()

    assert town.window.sent == ("order/1", "inventory/1", "cancellation/1")
    assert [each.kind for each in town.spoke(customs.DeclarationWithdrawn)] == ["cancel"]
    assert (town.end(order), town.bank.movements(order), used(town)) == ("cancelled: changed my mind", BACK, 0)
    assert town.order(order).goods.state == "released"
    checked(town)


def test_35_a_cancellation_at_customs_that_loses_to_the_release_becomes_a_return_in_place_restocked_and_refunded() -> (
    None
):
    habits = Habits(inventory=(("2", "120"),), cancellation=("622:800", "2", "100"))
    town = Town.of(customs=Window(habits))
    order = town.places()
    town.settles()

    assert town.cancels(order) == 202
    town.ends()

    assert town.window.sent == ("order/1", "inventory/1", "cancellation/1", "return/2")
    assert [each.kind for each in town.spoke(customs.WithdrawalRefused)] == ["cancel"]
    assert [each.kind for each in town.spoke(customs.DeclarationWithdrawn)] == ["return"]
    assert (town.end(order), town.bank.movements(order)) == ("cancelled: changed my mind", BACK)
    assert (town.count(orders.ExitAuthorised), town.count(logistics.ParcelExited)) == (0, 0)
    assert (town.order(order).goods.state, used(town)) == ("released", 0)
    checked(town)


def test_35_cancelled_when_released_and_not_picked_is_returned_in_place_and_never_leaves() -> None:
    town = Town.of(logistics=still())
    order = town.places()
    town.settles()
    assert town.order(order).import_papers.state == "released"

    assert town.cancels(order) == 202
    town.ends()

    assert town.window.sent[-1] == "return/1"
    assert (town.end(order), town.bank.movements(order)) == ("cancelled: changed my mind", BACK)
    assert (town.count(logistics.ParcelExited), town.count(logistics.ParcelVoided)) == (0, 1)
    checked(town)


def test_35_cancelled_when_packed_and_not_out_is_restocked() -> None:
    town = Town.of(logistics=Road(Roads(leaves=False)))
    order = town.places()
    town.settles()
    assert town.order(order).goods.state == "drawn"

    assert town.cancels(order) == 202
    town.ends()

    assert (town.end(order), town.order(order).goods.state) == ("cancelled: changed my mind", "restocked")
    assert town.bank.movements(order) == BACK
    checked(town)


@pytest.mark.parametrize("word", ["500", "501"])
def test_cancelled_while_customs_holds_or_detains_the_goods_waits_until_it_lets_them_go(word: str) -> None:
    town = at_customs(("2", "120", word))
    order = town.places()
    town.settles()

    assert town.cancels(order) == 202
    town.settles()
    assert (town.order(order).intent, town.bank.movements(order)) == ("closing", ["charge 129.00"])
    town.receipts(order, "800")
    town.ends()

    assert town.window.sent[-1] == "return/1"
    assert (town.end(order), town.bank.movements(order)) == ("cancelled: changed my mind", BACK)
    checked(town)


def test_a_return_that_customs_refuses_leaves_the_order_with_a_person_and_nothing_is_refunded() -> None:
    town = Town.of(customs=Window(Habits(taken_back=("2", "100"))), logistics=still())
    order = town.places()
    town.settles()

    town.cancels(order)
    town.ends()

    assert (town.order(order).intent, town.bank.movements(order)) == ("closing", ["charge 129.00"])
    assert town.order(order).holds
    checked(town)


# --- it is out --------------------------------------------------------------------------------------------------------


def test_36_cancelled_after_the_exit_before_a_scan_is_intercepted_not_voided_and_restocked_when_it_is_back() -> None:
    town = Town.of(logistics=Road(Roads(scans=())))
    order = town.places()
    town.settles()
    assert town.order(order).parcels[town.parcel(order)].state == "exited"

    assert town.cancels(order) == 202
    town.ends()

    assert ("recall-parcel" in town.road.asked, "void-waybill" in town.road.asked) == (True, False)
    assert town.window.sent[-1] == "return/1"
    assert (town.end(order), town.order(order).goods.state) == ("cancelled: changed my mind", "restocked")
    assert town.bank.movements(order) == BACK
    checked(town)


def test_36_one_that_cannot_be_stopped_is_delivered_and_completes_with_a_case() -> None:
    town = Town.of(logistics=Road(Roads(scans=(), recalled=(M.OUT_FOR_DELIVERY, M.DELIVERED))))
    order = town.places()
    town.settles()

    town.cancels(order)
    town.ends()

    assert (town.end(order), town.bank.movements(order)) == ("completed", ["charge 129.00"])
    assert town.count(orders.ConflictFound) == 1
    checked(town)


def test_37_refused_at_the_door_comes_back_is_returned_at_customs_and_refunded_with_tax() -> None:
    town = Town.of(logistics=Road(Roads(scans=(M.PICKED_UP, M.OUT_FOR_DELIVERY, M.RETURN_INITIATED, M.RETURNED))))
    order = town.places()

    town.ends()

    assert town.window.sent == ("order/1", "inventory/1", "return/1")
    assert (town.end(order), town.order(order).goods.state) == ("cancelled: parcel_returned", "restocked")
    assert (town.bank.movements(order), used(town)) == (BACK, 0)
    [asked] = town.spoke(orders.RefundRequested)
    assert asked.components is not None
    assert asked.components.tax.minor == 1076
    checked(town)


def test_37_one_that_comes_back_after_31_days_cannot_be_returned_at_customs_and_waits_for_a_person() -> None:
    town = Town.of(logistics=Road(Roads(scans=(M.PICKED_UP,))))
    order = town.places()
    town.passes(days=31)

    town.scans(order, M.RETURN_INITIATED, M.RETURNED)
    town.ends()

    assert "return/1" not in town.window.sent
    assert (town.order(order).intent, bool(town.order(order).holds)) == ("closing", True)
    checked(town)


def test_43_lost_and_refunded_and_later_delivered_is_a_case_and_moves_nothing_more() -> None:
    town = Town.of(logistics=Road(Roads(scans=(M.PICKED_UP, M.LOST))))
    order = town.places()
    town.settles()
    assert town.order(order).holds == ("parcel_lost",)
    assert town.cancels(order, "operator") == 202
    town.settles()
    assert (town.order(order).intent, town.bank.movements(order)) == ("cancelled", BACK)
    before = town.count(orders.ConflictFound)

    town.scans(order, M.DELIVERED)
    town.ends()

    assert town.count(orders.ConflictFound) == before + 1
    assert (town.order(order).intent, town.bank.movements(order)) == ("cancelled", BACK)
    assert (town.order(order).goods.state, town.count(catalog.ReservationWrittenOff)) == ("written_off", 1)
    checked(town)


def test_a_lost_parcel_that_turns_up_before_anybody_decided_is_delivered() -> None:
    town = Town.of(logistics=Road(Roads(scans=(M.PICKED_UP, M.LOST))))
    order = town.places()
    town.settles()

    town.scans(order, M.DELIVERED)
    town.ends()

    assert town.count(orders.ConflictFound) == 1
    assert town.bank.movements(order) == ["charge 129.00"]
    checked(town)


# --- direct mail ------------------------------------------------------------------------------------------------------


def test_20_a_bag_offloaded_before_submission_is_declared_with_the_new_flight() -> None:
    town = Town.of(logistics=Road(Roads(document=None)))
    order = town.places(sold=(Sold(LAMU_TEA, 12000),), of=LAMU)
    town.settles()
    assert (town.count(logistics.ParcelConsolidated), town.window.drafts) == (1, {})

    town.acts("logistics", *town.road.closes((town.parcel(order),), town.house.now))
    town.settles()
    road = replace(town.road, habits=Roads())
    town.acts("logistics", road, road.declares(town.parcel(order), town.house.now))
    town.ends()

    [draft] = town.window.drafts.values()
    assert draft.cargo is not None
    assert (draft.cargo.consignment_id, draft.cargo.voyage) == ("C2", "KQ002")
    assert (town.end(order), town.window.sent) == ("completed", ("order/1", "inventory/1"))
    checked(town)


def test_direct_mail_cancelled_before_it_is_packed_is_voided_and_refunded() -> None:
    town = Town.of(logistics=still())
    order = town.places(sold=(Sold(LAMU_TEA, 12900),), of=LAMU)
    town.settles()

    town.cancels(order)
    town.ends()

    assert (town.end(order), town.bank.movements(order)) == ("cancelled: changed my mind", BACK)
    assert (town.count(logistics.ParcelVoided), town.window.sent) == (1, ())
    checked(town)


def test_direct_mail_cancelled_after_the_hand_over_is_intercepted_and_restocked() -> None:
    town = Town.of(logistics=Road(Roads(document=None)))
    order = town.places(sold=(Sold(LAMU_TEA, 12900),), of=LAMU)
    town.settles()

    town.cancels(order)
    town.ends()

    assert ("recall-parcel" in town.road.asked, town.window.sent) == (True, ())
    assert (town.end(order), town.order(order).goods.state) == ("cancelled: changed my mind", "restocked")
    assert town.bank.movements(order) == BACK
    checked(town)


# --- the channel has the money ----------------------------------------------------------------------------------------


def test_an_order_that_the_channel_collected_is_not_cancelled_here() -> None:
    town = Town.of(logistics=still())
    order = town.names(shown("P1", PAID, CLEARED))
    town.settles()

    assert town.cancels(order, "operator") == 409

    assert town.order(order).intent == "placed"


@pytest.mark.parametrize("stages", [(PAID,), (PAID, CLEARED)], ids=["paid", "cleared"])
def test_an_order_that_the_channel_cancels_is_closed_and_only_booked_as_refunded(
    stages: tuple[dict[str, object], ...],
) -> None:
    town = Town.of(logistics=still())
    order = town.names(shown("P1", *stages, CANCELLED, stays=1))
    town.settles()
    assert town.order(order).money.state == "covered"

    town.goes_on("P1")
    town.ends()

    assert town.order(order).intent == "cancelled"
    assert [each.executor for each in town.spoke(orders.RefundRequested)] == ["channel"]
    assert (town.count(payments.RefundCompleted), town.bank.asked) == (1, ())
    assert town.order(order).goods.state == "released"
    checked(town)
