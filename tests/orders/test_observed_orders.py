"""Orders of Xiaohongshu, where a push names and a fetch shows: what each newer snapshot implies, once each."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from services.orders.canonical import CanonicalOrder, Refund, RefundStatus, RefundType
from services.orders.commands import FetchOrder, OrderNamed, Pushed
from services.orders.order import ORDER as STATE
from services.orders.order import Order
from services.orders.placing import Connection, Snapshot, cancelled, hold_of, order_of, without_people
from services.orders.tracks import Intent
from shared.events import customs, payments
from shared.events import orders as spoken
from shared.events.values import Sealed
from shared.flow.decision import Decision
from shared.ids import OrderId, order_id
from shared.money import Money
from tests.orders import facts
from tests.orders.providers import red
from tests.orders.story import PROFILE, Story, short

SHOP = PROFILE.shop_of("savanna-red")
CONNECTION = Connection("savanna-red-xiaohongshu", "xiaohongshu", red.SELLER, SHOP, PROFILE.flow_of(SHOP.flows[0]))
ORDER = order_id(CONNECTION.id, red.ORDER)
REGION = Sealed("k", "region", "fp-region", "** 福建省福州市")
CLAIM = Refund("R1", RefundType.REFUND_ONLY, RefundStatus.REQUESTED, Money(25800, "CNY"))


class RedStory(Story):
    """The same conversation about an order of the platform's."""

    @property
    def order(self) -> Order:
        order = self.states.get(STATE, ORDER)
        assert order is not None
        return order

    def named(self, claim: Refund | None = None, order: str = red.ORDER) -> tuple[list[str], list[FetchOrder]]:
        """What is said when a push names it, and what is then to be fetched."""
        answer = self.decides(OrderNamed(order_id(CONNECTION.id, order), CONNECTION, order, claim))
        assert isinstance(answer, Decision)
        self.take(answer)
        tasks = [work.task for work in self.work.values() if isinstance(work.task, FetchOrder)]
        return [short(fact) for fact in answer.facts], tasks

    def shown(self, status: int, receiver: Sealed | None = None, **changes: Any) -> list[str]:
        return self.hears(fetched(red.snapshot(status, **changes), receiver))


def fetched(order: CanonicalOrder, receiver: Sealed | None = None) -> Pushed:
    """What a fetch brings; the receiver is told only while the order is to be shipped."""
    mine = replace(
        order_of(order, CONNECTION, receiver or REGION), channel_address=receiver.fingerprint if receiver else ""
    )
    snapshot = Snapshot(without_people(order), "")
    address = receiver.fingerprint if receiver else ""
    return Pushed(mine, snapshot, cancelled(order), False, hold_of(order), address)


# --- named, then fetched ----------------------------------------------------------------------------------------------


def test_the_first_push_says_received_and_three_of_them_make_one_fetch() -> None:
    story = RedStory()

    said = [story.named()[0] for _ in range(3)]

    assert said == [["received"], [], []]
    assert list(story.work) == [("fetch-order", "")]
    (received,) = story.spoke(spoken.OrderReceived)
    assert (received.channel, received.shop, received.external_id, received.seller) == (
        "xiaohongshu", "savanna-red", red.ORDER, "highland-coop",
    )  # fmt: skip


def test_an_order_that_is_placed_is_fetched_again_without_a_word() -> None:
    story = RedStory()
    story.named()
    story.work.clear()
    story.shown(2)

    said, tasks = story.named()

    assert (said, [task.external_id for task in tasks]) == ([], [red.ORDER])


def test_a_refund_that_only_pushes_tell_of_goes_with_every_later_fetch() -> None:
    story = RedStory()
    story.named(CLAIM)

    said, tasks = story.named()
    further = replace(CLAIM, amount=Money(100, "CNY"))
    story.named(further)

    assert (said, tasks[0].claims) == ([], (CLAIM,))
    (task,) = [work.task for work in story.work.values() if isinstance(work.task, FetchOrder)]
    assert task.claims == (further,)  # the same after-sale told anew, not a second one


# --- what a snapshot implies ------------------------------------------------------------------------------------------


def test_a_paid_order_is_placed_and_its_payment_observed_and_nobody_asks_for_identity_or_money() -> None:
    story = RedStory()

    assert story.shown(2) == ["placed", "payment-observed", "hold-set platform_hold"]

    (paid,) = story.spoke(spoken.PaymentObserved)
    assert (paid.amount, paid.method, paid.external_no, paid.customs_no) == (
        Money(25800, "CNY"), "alipay", "2026030222001", "2026030222001C",
    )  # fmt: skip
    assert story.order.holds == ("platform_hold",)  # the platform is not done with it; identity is its own affair


def test_an_unpaid_order_is_placed_and_observed_when_it_is_paid() -> None:
    story = RedStory()

    assert story.shown(1) == ["placed"]
    assert story.shown(2) == ["payment-observed", "hold-set platform_hold"]


def test_clearance_is_observed_step_by_step_and_is_no_hold_of_the_platforms() -> None:
    story = RedStory()
    story.shown(2)

    assert story.shown(3) == ["clearance-observed", "hold-lifted platform_hold"]  # clearing is no hold
    assert story.shown(4, facts.HOME) == ["amended", "clearance-observed"]
    assert [fact.status for fact in story.spoke(spoken.ClearanceObserved)] == ["clearing", "released"]


def test_a_snapshot_that_skips_states_says_what_it_implies_once_each() -> None:
    story = RedStory()

    assert story.shown(6, expressTrackingNo="TCX1") == ["placed", "payment-observed", "clearance-observed"]
    assert story.shown(7, expressTrackingNo="TCX1") == ["receipt-confirmed"]
    assert story.shown(7, expressTrackingNo="TCX1", updateTime=red.PAID_AT + 60_000) == []


def test_an_older_snapshot_says_nothing_whenever_it_comes() -> None:
    story = RedStory()
    story.shown(4, facts.HOME)

    assert (story.shown(3), story.shown(2), story.shown(4, facts.HOME)) == ([], [], [])


def test_the_receiver_told_at_status_4_becomes_the_orders_without_a_hold() -> None:
    story = RedStory()
    story.shown(3)

    story.shown(4, facts.HOME)

    assert (story.order.recipient, story.order.recipient_version) == (facts.HOME, 2)
    assert story.order.holds == ()


def test_another_receiver_later_stops_the_shipment() -> None:
    story = RedStory()
    story.shown(4, facts.HOME)

    said = story.shown(4, facts.OFFICE, updateTime=red.PAID_AT + 60_000)

    assert said == ["hold-set address_changed"]
    assert story.order.recipient == facts.HOME


def test_the_platforms_own_waybill_is_adopted_and_none_is_booked() -> None:
    story = covered(RedStory())

    said = story.shown(4, facts.HOME, expressTrackingNo="TCX1", expressCompanyCode="cainiao")

    assert said == ["amended", "clearance-observed", "waybill-assigned"]
    (assigned,) = story.spoke(spoken.WaybillAssigned)
    assert (assigned.waybill_no, assigned.recipient) == ("TCX1", facts.HOME)


def test_without_one_the_shipment_is_booked_for_the_receiver_that_was_told() -> None:
    story = covered(RedStory())

    said = story.shown(4, facts.HOME)

    assert said == ["amended", "clearance-observed", "shipment-requested"]
    (asked,) = story.spoke(spoken.ShipmentRequested)
    assert (asked.recipient, asked.order_no) == (facts.HOME, red.ORDER)


def covered(story: RedStory) -> RedStory:
    """Paid, assessed and in stock, while the platform clears it."""
    story.shown(3)
    of: dict[str, Any] = {"order_id": ORDER, "seller": "highland-coop"}
    total = Money(25800, "CNY")
    story.hears(
        replaced(facts.made()), customs.AssessmentMade(**of, valuation=facts.VALUATION, findings=()),
        payments.PaymentConfirmed(
            **of, amount=total, basis="order", external_no="E", customs_no="C", paid_at=facts.NOW
        ),
        payments.EscrowHeld(**of, amount=total),
    )  # fmt: skip
    return story


def replaced(fact: Any) -> Any:
    return fact.model_copy(update={"order_id": OrderId(ORDER)})


# --- over -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"paidTime": 0}, "cancelled_at_channel"), ({"orderAfterSalesStatus": 3}, "refunded_at_channel")],
)
def test_what_is_over_when_it_is_first_shown_is_placed_and_closed(changes: dict[str, Any], reason: str) -> None:
    story = RedStory()

    said = story.shown(9, **changes)

    assert said[:2] == ["placed", "cancellation-requested"]
    assert "payment-observed" not in said
    assert story.order.reason == reason


def test_a_refund_under_way_holds_the_order_and_a_finished_one_closes_it() -> None:
    story = covered(RedStory())

    asked = story.shown(3, orderAfterSalesStatus=2, updateTime=red.PAID_AT + 10_000)
    done = story.shown(9, orderAfterSalesStatus=3, updateTime=red.PAID_AT + 20_000)

    assert (asked, story.order.reason) == (["hold-set platform_hold"], "refunded_at_channel")
    assert done[0] == "cancellation-requested"
    assert story.order.intent is Intent.CLOSING
    (refund,) = story.spoke(spoken.RefundRequested)
    assert (refund.executor, refund.amount) == ("channel", Money(25800, "CNY"))


def test_a_refund_that_the_platform_refused_lets_the_order_go_on() -> None:
    story = covered(RedStory())
    story.shown(4, facts.HOME, orderAfterSalesStatus=2)
    assert story.order.holds == ("platform_hold",)

    said = story.shown(4, facts.HOME, orderAfterSalesStatus=4, updateTime=red.PAID_AT + 60_000)

    assert "hold-lifted platform_hold" in said
    assert "shipment-requested" in said


def test_money_that_comes_to_the_channel_after_the_order_ended_here_is_a_case() -> None:
    story = RedStory()
    story.shown(1)
    story.shown(9, paidTime=0)

    said = story.shown(2, updateTime=red.PAID_AT + 60_000)

    assert said == ["conflict-found"]
    assert "payment-observed" not in story.words
