"""An own shop's bonded order, fact by fact, and what its timers and the channel add."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from services.orders.canonical import ChannelHold, ChannelStatus, Refund, RefundStatus, RefundType
from services.orders.placing import SNAPSHOT
from services.orders.tracks import Carriage, Funds, Goods, Intent, Money, Papers
from shared.events import orders
from shared.flow.decision import NOTHING, Exhausted
from shared.ids import parcel_id
from shared.money import Money as Amount
from tests.orders import facts
from tests.orders.providers import samples
from tests.orders.story import Story, push, snapshot


def test_the_straight_way_of_a_bonded_order_fact_by_fact() -> None:
    story = Story()

    assert story.hears(push(snapshot())) == ["placed", "hold-set identity_missing"]
    assert story.identified() == ["amended", "hold-lifted identity_missing"]
    assert story.hears(facts.made()) == []
    assert story.hears(facts.assessed()) == ["payment-requested"]
    assert story.hears(facts.opened()) == []
    assert story.hears(facts.captured(), facts.escrow_held()) == []
    assert story.hears(facts.declared()) == ["shipment-requested"]
    assert story.hears(facts.booked()) == []
    assert story.hears(facts.waybill_accepted()) == ["declaration-requested"]
    assert story.hears(facts.submitted(), facts.stored()) == []
    assert story.hears(facts.released()) == ["exit-authorised"]
    assert story.hears(facts.packed(), facts.drawn(), facts.exited(), facts.advanced()) == []
    assert story.confirms() == ["shipment-confirmed"]
    assert story.hears(facts.delivered()) == []
    assert story.due("hold-over") == ["funds-release-authorised"]
    assert story.hears(facts.escrow_released()) == ["completed"]

    order = story.order
    assert (order.intent, order.money.state, order.goods.state) == (Intent.COMPLETED, Money.COVERED, Goods.DRAWN)
    assert (order.parcels[facts.PARCEL].state, order.import_papers.state) == (Carriage.DELIVERED, Papers.RELEASED)
    assert (order.funds, order.holds, order.conflicts) == (Funds.RELEASED, (), 0)


def test_the_facts_carry_what_their_readers_need() -> None:
    story = Story.placed().delivers()
    told = {type(fact): fact for fact in story.said}
    asked, shipment = told[orders.PaymentRequested], told[orders.ShipmentRequested]
    declared, left = told[orders.DeclarationRequested], told[orders.ExitAuthorised]

    assert isinstance(asked, orders.PaymentRequested)
    assert (asked.amount, asked.attempt, asked.person) == (facts.TOTAL, 1, facts.PERSON)
    assert isinstance(shipment, orders.ShipmentRequested)
    assert (shipment.order_no, shipment.parcel_id) == (facts.TRADE, facts.PARCEL)
    assert (shipment.gross_grams, shipment.net_grams) == (260 + 2 * 120, 227 + 2 * 100)
    assert (shipment.lines, shipment.value) == (facts.LINES, facts.VALUATION.goods)
    assert isinstance(declared, orders.DeclarationRequested)
    assert (declared.role, declared.attempt) == ("import", 1)
    assert isinstance(left, orders.ExitAuthorised)
    assert (left.lines, left.dossier_version) == (facts.LINES, 1)


def test_a_waybill_is_asked_for_when_the_money_is_there_and_its_document_accepted_whatever_comes_last() -> None:
    for first, last in ((facts.captured(), facts.declared()), (facts.declared(), facts.captured())):
        story = Story.placed().asks()

        assert story.hears(first) == []
        assert story.hears(last) == ["shipment-requested"]


def test_the_declaration_is_asked_for_when_all_partners_have_declared_whatever_comes_last() -> None:
    for first, last in ((facts.booked(), facts.waybill_accepted()), (facts.waybill_accepted(), facts.booked())):
        story = Story.placed().pays()

        assert story.hears(first) == []
        assert story.hears(last) == ["declaration-requested"]


def test_a_platform_that_declares_is_not_waited_for() -> None:
    first = push(snapshot())
    platform = replace(first.order.declared_by, payment="platform", waybill="platform")
    story = Story()
    story.hears(replace(first, order=replace(first.order, declared_by=platform)))

    assert story.asks().hears(facts.captured()) == ["shipment-requested"]
    assert story.hears(facts.booked()) == ["declaration-requested"]


def test_the_qr_is_shown_while_the_attempt_is_open_and_not_after() -> None:
    story = Story.placed().asks()
    story.hears(facts.opened())
    assert story.order.money.qr == "weixin://wxpay/bizpayurl?pr=1"

    story.hears(facts.captured())

    assert (story.order.money.qr, story.order.money.transaction_id) == ("", "4200001")


def test_a_late_opened_does_not_reopen_what_is_paid() -> None:
    story = Story.placed().asks()

    assert story.hears(facts.captured()) == []
    assert story.decides(facts.opened()) == NOTHING
    assert story.order.money.state is Money.COVERED


def test_a_duplicated_payment_leaves_the_order_covered() -> None:
    story = Story.placed().pays()

    assert story.decides(facts.duplicated()) == NOTHING


def test_an_attempt_never_outlives_the_reservation() -> None:
    story = Story.placed()
    story.identified()
    soon = facts.NOW + timedelta(minutes=30)

    story.hears(facts.made(expires_at=soon), facts.assessed())

    assert story.order.money.expires_at == soon
    assert story.work["payment-overdue", ""].due_at == soon


def test_nothing_is_asked_for_goods_whose_time_is_over() -> None:
    story = Story.placed()
    story.identified()

    assert story.hears(facts.made(expires_at=facts.NOW), facts.assessed()) == []
    assert story.order.money.state is Money.NONE


def test_milestones_are_kept_and_late_ones_do_not_go_back() -> None:
    story = Story.placed().releases()
    story.hears(facts.packed(), facts.exited(), facts.advanced("last_mile"))

    story.hears(facts.advanced("origin_handover", late=True))

    assert story.order.parcels[facts.PARCEL].milestone == "last_mile"


def test_delivered_before_exited_is_taken_and_the_channel_hears_once() -> None:
    story = Story.placed().releases()

    assert story.hears(facts.delivered(), facts.packed(), facts.exited()) == []
    assert [kind for kind, _ in story.work if kind == "confirm-shipment"] == ["confirm-shipment"]
    assert story.confirms() == ["shipment-confirmed"]
    assert story.order.parcels[facts.PARCEL].state is Carriage.DELIVERED


def test_a_channel_that_does_not_take_the_fulfilment_holds_the_funds_until_somebody_settles_it() -> None:
    story = Story.placed().delivers()

    said = story.confirms(Exhausted("shopify.failed", "no answer", unknown=True))

    assert said == ["hold-set shipment_unconfirmed"]
    assert story.due("hold-over") == []
    assert story.lifted("shipment_unconfirmed") == ["funds-release-authorised", "hold-lifted shipment_unconfirmed"]


def test_the_hold_period_counts_from_the_delivery() -> None:
    story = Story.placed().delivers()

    assert story.order.release_due_at == facts.NOW + timedelta(days=15)


# --- the channel goes on talking --------------------------------------------------------------------------------------


def test_an_older_snapshot_changes_nothing() -> None:
    story = Story.placed()
    older = replace(snapshot(), updated_at=snapshot().updated_at - timedelta(hours=1), status=ChannelStatus.CANCELLED)

    assert story.decides(push(older)) == NOTHING


def test_a_newer_snapshot_without_news_says_nothing() -> None:
    story = Story.placed()
    newer = replace(snapshot(), updated_at=snapshot().updated_at + timedelta(hours=1))

    assert story.hears(push(newer)) == []
    kept = story.states.get(SNAPSHOT, facts.ORDER)
    assert kept is not None
    assert kept.order.updated_at == newer.updated_at


def test_a_new_address_at_the_channel_holds_the_order_until_it_is_entered() -> None:
    story = Story.placed().asks()
    newer = replace(snapshot(), updated_at=snapshot().updated_at + timedelta(hours=1))

    assert story.hears(push(newer, facts.OFFICE)) == ["hold-set address_changed"]
    assert story.hears(facts.opened(), facts.captured(), facts.declared()) == []
    assert story.corrected(facts.OFFICE) == ["amended", "shipment-requested", "hold-lifted address_changed"]


def test_an_address_that_was_corrected_here_is_not_undone_by_the_channels_old_one() -> None:
    story = Story.placed()
    story.corrected(facts.OFFICE)
    newer = replace(snapshot(), updated_at=snapshot().updated_at + timedelta(hours=1))

    assert story.hears(push(newer, facts.HOME)) == []
    assert story.order.recipient == facts.OFFICE


def test_an_order_that_is_edited_at_the_channel_waits_for_a_person() -> None:
    story = Story.placed().pays()
    first = snapshot()
    fewer = (replace(first.lines[0], left_to_ship=0), *first.lines[1:])
    edited = replace(first, lines=fewer, updated_at=first.updated_at + timedelta(hours=1))

    assert story.hears(push(edited)) == ["hold-set platform_hold"]
    assert story.hears(facts.booked(), facts.waybill_accepted()) == []
    assert story.lifted("platform_hold") == ["declaration-requested", "hold-lifted platform_hold"]


def test_a_refund_that_the_channel_made_is_kept_once_and_holds_the_order() -> None:
    story = Story.placed().pays()
    refund = Refund("9", RefundType.REFUND_ONLY, RefundStatus.SUCCEEDED, Amount(500, "CNY"))

    assert story.refunds_at_channel(refund) == ["hold-set platform_hold"]
    assert story.refunds_at_channel(refund) == []
    kept = story.states.get(SNAPSHOT, facts.ORDER)
    assert kept is not None
    assert (kept.order.refunds, kept.order.amounts.refunded) == ((refund,), Amount(500, "CNY"))


def test_the_channels_own_hold_comes_and_goes_with_its_snapshots() -> None:
    story, first = Story(), replace(snapshot(), hold=ChannelHold.RISK_REVIEW)
    assert story.hears(push(first)) == ["placed", "hold-set identity_missing", "hold-set risk_review"]
    story.identified()
    assert story.hears(facts.made(), facts.assessed()) == []

    cleared = replace(first, hold=None, updated_at=first.updated_at + timedelta(minutes=1))

    assert story.hears(push(cleared)) == ["payment-requested", "hold-lifted risk_review"]


def test_an_order_whose_total_is_not_explained_waits_for_a_person() -> None:
    story = Story()

    said = story.hears(push(replace(snapshot(), review="the total is not the sum of its parts")))

    assert said == ["placed", "hold-set identity_missing", "hold-set platform_hold"]


def test_the_second_parcel_has_another_number() -> None:
    assert parcel_id(facts.ORDER, 2) != facts.PARCEL


def test_the_sample_is_the_shop_of_the_profile() -> None:
    assert snapshot().shop_id == samples.SHOP
