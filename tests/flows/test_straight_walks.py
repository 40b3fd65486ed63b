"""The straight ways, aloud: every fact of a walk, in the order of saying."""

from __future__ import annotations

from services.orders.canonical import Shipment
from services.orders.commands import FETCH_ORDER, ReceiptConfirmed
from shared.events import catalog, orders, payments
from tests.flows.books import checked
from tests.flows.partners.road import Habits, Road
from tests.flows.shops import CLEARED, CLEARING, COMPLETED, LAMU, LAMU_TEA, PAID, START, Sold, shown
from tests.flows.town import Town

ASKED = [
    "orders.order.placed",
    "orders.order.hold-set",
    "orders.order.amended",
    "orders.order.hold-lifted",
    "catalog.reservation.made",
    "customs.assessment.made",
    "orders.order.payment-requested",
    "payments.payment.opened",
    "payments.payment.captured",
    "payments.escrow.held",
    "payments.customs-declaration.accepted",
    "orders.order.shipment-requested",
    "logistics.parcel.booked",
    "logistics.waybill-document.accepted",
]
DECLARED = [
    "orders.order.declaration-requested",
    "customs.declaration.submitted",
    "customs.declaration.stored",
    "customs.declaration.released",
    "orders.order.exit-authorised",
]
ADVANCED = ["logistics.parcel.advanced", "logistics.parcel.advanced"]
DELIVERED = [*ADVANCED, "logistics.parcel.delivered"]
CONSIGNMENT = ["logistics.consignment.closed", "logistics.consignment.departed", "logistics.consignment.arrived"]
OVER = ["orders.order.funds-release-authorised", "payments.escrow.released", "orders.order.completed"]


def test_a_bonded_order_of_an_own_shop_is_released_before_it_is_packed() -> None:
    town = Town.of()
    order = town.places()

    town.ends()

    assert town.facts(order) == [
        *ASKED,
        *DECLARED,
        "logistics.parcel.packed",
        "catalog.reservation.drawn",
        "logistics.parcel.exited",
        *DELIVERED,
        "orders.order.shipment-confirmed",
        *OVER,
    ]
    assert town.bank.movements(order) == ["charge 129.00"]
    assert town.window.sent == ("order/1", "inventory/1")
    assert town.channel.confirmed == (("5001", "TCX0000000001"),)
    checked(town)


def test_19_direct_mail_is_handed_over_before_it_is_declared_and_leaves_after_its_release() -> None:
    town = Town.of(logistics=Road(Habits(extra_grams=35)))
    order = town.places(sold=(Sold(LAMU_TEA, 6000, 2),), of=LAMU)

    town.ends()

    assert town.facts(order) == [
        *ASKED,
        "logistics.parcel.packed",
        "catalog.reservation.drawn",
        "logistics.parcel.handed-over",
        "logistics.parcel.consolidated",
        *ADVANCED,  # the flight departed and arrived
        *DECLARED,
        "logistics.parcel.exited",
        *DELIVERED,
        "orders.order.shipment-confirmed",  # asked at the hand-over; the channel's answer comes when it comes
        *OVER,
    ]
    assert town.facts("C1") == CONSIGNMENT
    [draft] = town.window.drafts.values()
    cargo = draft.cargo
    assert cargo is not None
    assert (cargo.gross_grams, cargo.master_bill, cargo.voyage) == (2 * 120 + 35, "70612345001", "KQ001")
    assert town.bank.movements(order) == ["charge 120.00"]
    assert town.channel.confirmed == (("5001", "TCX0000000001"),)
    checked(town)


def test_01_xiaohongshu_paid_pushed_before_fetched_is_one_order_after_one_fetch_and_three_pushes_still_one() -> None:
    town = Town.of()
    order = shown("P1", PAID)
    town.names(order)
    town.names(order)

    town.names(order)
    town.settles()

    assert town.channel.asked == (FETCH_ORDER,)
    assert (town.count(orders.OrderReceived), town.count(orders.OrderPlaced)) == (1, 1)
    assert (town.count(catalog.ReservationMade), town.count(payments.PaymentConfirmed)) == (1, 1)


def test_02_xiaohongshu_platform_declared_sends_no_document_observes_the_release_and_completes() -> None:
    town = Town.of()
    order = town.names(shown("P1", PAID, CLEARING, CLEARED))

    town.ends()

    assert town.facts(order) == [
        "orders.order.received",
        "orders.order.placed",
        "orders.order.payment-observed",
        "orders.order.hold-set",  # the channel is not done with it
        "catalog.reservation.made",
        "customs.assessment.made",
        "payments.payment.confirmed",
        "payments.escrow.held",
        "orders.order.clearance-observed",
        "orders.order.hold-lifted",
        "orders.order.clearance-observed",
        "orders.order.shipment-requested",
        "customs.declaration.released",
        "logistics.parcel.booked",
        "orders.order.exit-authorised",
        "logistics.waybill-document.accepted",
        "logistics.parcel.packed",
        "catalog.reservation.drawn",
        "logistics.parcel.exited",
        *DELIVERED,
        "orders.order.shipment-confirmed",
        *OVER,
    ]
    assert (town.window.sent, town.window.drafts, town.bank.asked) == ((), {}, ())
    assert town.channel.confirmed == (("P1", "TCX0000000001"),)
    booked = town.balances(order)
    assert (booked["marketplace/xiaohongshu"], f"tax/{order}" in booked) == (-(1076 + 591), False)  # tax, 5 % of goods
    checked(town)


def test_xiaohongshus_own_waybill_is_adopted_and_nothing_is_booked() -> None:
    town = Town.of()
    given = (Shipment("cainiao", "XHS000001", None),)
    order = town.names(shown("P1", PAID, CLEARED | {"shipments": given}))

    town.ends()

    assert town.end(order) == "completed"
    assert (town.count(orders.WaybillAssigned), town.count(orders.ShipmentRequested)) == (1, 0)
    assert "book-waybill" not in town.road.asked
    assert town.channel.confirmed == (("P1", "XHS000001"),)
    checked(town)


def test_xiaohongshus_completion_ends_the_hold_period_at_once() -> None:
    town = Town.of()
    order = town.names(shown("P1", PAID, CLEARED, COMPLETED, stays=1))
    town.settles()
    assert town.order(order).intent == "placed"

    town.goes_on("P1")
    town.settles()

    assert town.end(order) == "completed"
    assert (town.count(orders.ReceiptConfirmed), town.house.now) == (1, START)
    town.ends()
    checked(town)


def test_an_own_shops_buyer_who_confirms_the_receipt_ends_the_hold_period_at_once() -> None:
    town = Town.of()
    order = town.places()
    town.settles()

    assert town.asks(ReceiptConfirmed(order, "highland-coop")) == 202
    town.settles()

    assert town.end(order) == "completed"
    town.ends()
    checked(town)
