"""Scenarios of the goods: all lines or none, the paid order that waits, and many who want the last pieces."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.catalog.stock import STOCK
from services.orders.canonical import ChannelHold
from shared.events import catalog, customs, logistics, orders
from shared.security.personal import id_number_is_valid
from tests.flows.books import checked
from tests.flows.partners.bank import Bank, Habits
from tests.flows.partners.window import Habits as Customs
from tests.flows.partners.window import Window
from tests.flows.people import person
from tests.flows.shops import CLEARED, COFFEE, NAIROBI, PAID, SHORT, TEA, Sold, canonical, pushed, shown
from tests.flows.town import Town

pytestmark = pytest.mark.usefixtures("any_order")


def test_10_one_of_three_lines_short_reserves_nothing_asks_no_payment_and_ends_cancelled() -> None:
    town = Town.of()
    order = town.places(sold=(Sold(COFFEE, 6900), Sold(TEA, 3000), Sold(SHORT, 3000)))

    town.ends()

    assert town.end(order) == "cancelled: short"
    assert (town.count(catalog.ReservationMade), town.count(orders.PaymentRequested)) == (0, 0)
    assert town.bank.asked == ()
    checked(town)


def test_11_paid_at_the_channel_and_short_waits_with_shortage_and_goes_on_when_replenished() -> None:
    town = Town.of()
    order = town.names(shown("P1", PAID, CLEARED, sold=(Sold(SHORT, 12900),)))
    town.passes(days=1)
    assert (town.end(order), town.count(orders.CancellationRequested)) == ("placed: shortage", 0)

    town.stocks(SHORT, "fz-bonded", 5)
    town.ends()

    assert town.end(order) == "completed"
    checked(town)


def test_12_a_livestream_reserves_exactly_what_there_is() -> None:
    """Reduced: 60 orders for 20 pieces; the rows and locks of the same are catalog's own test."""
    town = Town.of()
    town.stocks(SHORT, "fz-bonded", 20)
    placed = [town.places(str(n), (Sold(SHORT, 9900),), by=person(_id_number(n))) for n in range(60)]

    town.ends()

    ends = sorted(town.end(order) for order in placed)
    assert ends == ["cancelled: short"] * 40 + ["completed"] * 20
    assert town.count(catalog.ReservationMade) == 20
    shelf = town.node("catalog").states[STOCK.key(f"{SHORT}@fz-bonded")]
    assert (getattr(shelf, "on_hand"), getattr(shelf, "reserved")) == (0, 0)  # noqa: B009
    checked(town)


def _id_number(n: int) -> str:
    """Another person each, with the right check digit."""
    digits = f"99999919900307{n:03}"
    return next(number for last in "0123456789X" if id_number_is_valid(number := digits + last))


def test_15_a_risk_review_after_booking_keeps_the_parcel_inside_until_it_is_lifted() -> None:
    town = Town.of(customs=Window(Customs(inventory=(("2", "120"),))))
    order = town.places()
    town.settles()
    assert town.count(logistics.ParcelBooked) == 1

    told = canonical(NAIROBI, "5001", (Sold(COFFEE, 12900),), hold=ChannelHold.RISK_REVIEW, at=town.later(minutes=1))
    town.hears("orders", pushed(NAIROBI, told))
    town.receipts(order, "800")
    town.settles()
    assert (town.order(order).holds, town.count(orders.ExitAuthorised)) == (("risk_review",), 0)
    town.hears("orders", pushed(NAIROBI, replace(told, hold=None, updated_at=town.later(minutes=2))))
    town.ends()

    assert town.end(order) == "completed"
    assert town.count(orders.ExitAuthorised) == 1
    checked(town)


def test_18_a_bonded_parcel_is_not_packed_before_its_release_and_511_says_the_theoretical_weight() -> None:
    town = Town.of()
    town.places(sold=(Sold(COFFEE, 6900), Sold(TEA, 3000, 2)))

    town.ends()

    kinds = [type(fact) for fact in town.said]
    assert kinds.index(customs.DeclarationReleased) < kinds.index(logistics.ParcelPacked)
    assert [parcel.gross_grams for parcel in town.road.parcels.values()] == [260 + 2 * 120]
    checked(town)


def test_a_paid_order_that_is_held_before_it_is_booked_keeps_its_goods_for_as_long_as_it_is_held() -> None:
    town = Town.of(payments=Bank(Habits(pays=False)))
    order = town.places()
    town.settles()
    told = canonical(NAIROBI, "5001", (Sold(COFFEE, 12900),), hold=ChannelHold.RISK_REVIEW, at=town.later(minutes=1))
    town.hears("orders", pushed(NAIROBI, told))
    town.pays(order)

    town.passes(days=10)
    assert (town.order(order).holds, town.order(order).goods.state) == (("risk_review",), "reserved")
    assert town.count(orders.ShipmentRequested, catalog.ReservationReleased) == 0
    town.hears("orders", pushed(NAIROBI, replace(told, hold=None, updated_at=town.later(minutes=2))))
    town.ends()

    assert town.end(order) == "completed"
    checked(town)


def test_an_unpaid_orders_goods_are_free_again_for_the_next_buyer() -> None:
    town = Town.of(payments=Bank(Habits(pays=False)))
    town.stocks(SHORT, "fz-bonded", 1)
    first = town.places("1", (Sold(SHORT, 9900),))
    town.settles()
    late = town.places("2", (Sold(SHORT, 9900),))
    town.ends()
    assert (town.end(first), town.end(late)) == ("cancelled: payment_overdue", "cancelled: short")

    next_ = town.places("3", (Sold(SHORT, 9900),))
    town.settles()

    assert town.order(next_).goods.state == "reserved"
    town.ends()
    checked(town)
