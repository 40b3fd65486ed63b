"""Every line of an order or none; what is set aside is drawn or given back, once."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from services.catalog.commands import ProductRevised
from services.catalog.process import reach
from services.catalog.returning import NotReserved
from services.catalog.stock import Held, NoSuchLot
from shared.events import catalog
from shared.flow.decision import NOTHING, Decision, Early
from tests.catalog.shelf import (
    COFFEE,
    NOW,
    PLACE,
    TEA,
    Shelf,
    arrival,
    captured,
    id_of,
    packed,
    placed,
    product,
    release,
)


def test_every_line_is_set_aside_and_said_with_its_lot_and_goods() -> None:
    shelf = Shelf.stocked()
    shelf.raise_version(TEA)

    [made] = shelf.hears(placed(1, (COFFEE, 1), (TEA, 2)))

    assert isinstance(made, catalog.ReservationMade)
    assert [(line.line, line.sku, line.quantity, line.location, line.lot) for line in made.lines] == [
        (1, COFFEE, 1, PLACE, "A"), (2, TEA, 2, PLACE, "A"),
    ]  # fmt: skip
    assert [(goods.line, goods.sku) for goods in made.goods] == [(1, COFFEE), (2, TEA)]
    assert (made.product_version, made.expires_at) == (2, NOW + timedelta(days=4))
    assert (shelf.counters(COFFEE), shelf.counters(TEA)) == ((5, 1, 5), (5, 2, 5))


def test_one_short_line_and_nothing_is_set_aside() -> None:
    shelf = Shelf.stocked(coffee=5, tea=1)

    [refused] = shelf.hears(placed(1, (COFFEE, 1), (TEA, 2)))

    assert isinstance(refused, catalog.ReservationRefused)
    assert refused.short == (TEA,)
    assert (shelf.counters(COFFEE), shelf.counters(TEA)) == ((5, 0, 5), (1, 0, 1))
    assert shelf.work == {}


def test_a_sku_that_nobody_entered_is_unknown_and_not_short() -> None:
    [refused] = Shelf.stocked().hears(placed(1, (COFFEE, 1), ("COF-250-W", 1)))

    assert isinstance(refused, catalog.ReservationRefused)
    assert (refused.short, refused.reason) == ((), "unknown sku COF-250-W")


def test_what_is_unknown_and_what_is_short_is_told_apart() -> None:
    [refused] = Shelf.stocked(coffee=1).hears(placed(1, (COFFEE, 2), (COFFEE, 3), ("NOBODY", 1)))

    assert isinstance(refused, catalog.ReservationRefused)
    assert (refused.short, refused.reason) == ((COFFEE,), f"unknown sku NOBODY; short of {COFFEE}")


def test_another_sellers_sku_is_unknown() -> None:
    shelf = Shelf.stocked()
    theirs = replace(product(COFFEE), sku="THEIRS", seller="coast-growers")
    shelf.hears(ProductRevised(theirs), arrival("THEIRS", 5))

    [refused] = shelf.hears(placed(1, ("THEIRS", 1)))

    assert isinstance(refused, catalog.ReservationRefused)
    assert refused.reason == "unknown sku THEIRS"


def test_two_lines_of_one_sku_see_each_other() -> None:
    shelf = Shelf.stocked(coffee=5)

    assert isinstance(shelf.hears(placed(1, (COFFEE, 3), (COFFEE, 3)))[0], catalog.ReservationRefused)
    assert isinstance(shelf.hears(placed(2, (COFFEE, 3), (COFFEE, 2)))[0], catalog.ReservationMade)
    assert shelf.counters(COFFEE) == (5, 5, 5)
    shelf.hears(release(2, *shelf.lines(2)))
    assert shelf.counters(COFFEE) == (5, 0, 5)


def test_the_lot_that_expires_first_goes_first_and_a_line_is_never_two_lots() -> None:
    shelf = Shelf.stocked(coffee=2)
    shelf.hears(arrival(COFFEE, 3, "B", date(2027, 1, 31)))

    shelf.hears(placed(1, (COFFEE, 2)), placed(2, (COFFEE, 2)), placed(3, (COFFEE, 1)))

    assert [shelf.lines(number)[0].lot for number in (1, 2, 3)] == ["B", "A", "B"]
    assert isinstance(shelf.hears(placed(4, (COFFEE, 1)))[0], catalog.ReservationRefused)


def test_a_lot_that_will_not_keep_long_enough_is_left_on_the_shelf() -> None:
    shelf = Shelf.stocked(coffee=2)
    shelf.hears(arrival(COFFEE, 9, "OLD", (NOW + timedelta(days=29)).date()))
    shelf.hears(arrival(COFFEE, 1, "JUST", (NOW + timedelta(days=30)).date()))

    shelf.hears(placed(1, (COFFEE, 1)), placed(2, (COFFEE, 2)), placed(3, (COFFEE, 1)))

    assert [shelf.reservation(number).state for number in (1, 2, 3)] == [Held.RESERVED, Held.RESERVED, Held.REFUSED]
    assert [shelf.lines(number)[0].lot for number in (1, 2)] == ["JUST", "A"]


def test_what_is_given_back_can_be_set_aside_again() -> None:
    shelf = Shelf.stocked(coffee=1)
    shelf.hears(placed(1, (COFFEE, 1)))

    [released] = shelf.hears(release(1, *shelf.lines(1)))

    assert isinstance(released, catalog.ReservationReleased)
    assert shelf.work == {}
    assert isinstance(shelf.hears(placed(2, (COFFEE, 1)))[0], catalog.ReservationMade)


def test_giving_back_twice_says_and_moves_nothing() -> None:
    shelf = Shelf.stocked()
    shelf.hears(placed(1, (COFFEE, 1)))
    lines = shelf.lines(1)
    shelf.hears(release(1, *lines))

    assert shelf.decides(release(1, *lines)) == NOTHING
    assert shelf.decides(release(1, *lines, disposition="write_off")) == NOTHING


def test_what_was_never_set_aside_is_given_back_in_words_only() -> None:
    shelf = Shelf.stocked(coffee=0)
    shelf.hears(placed(1, (COFFEE, 1)))

    assert [type(fact) for fact in shelf.hears(release(1))] == [catalog.ReservationReleased]
    assert shelf.counters(COFFEE) == (0, 0, 0)


def test_an_unpaid_reservation_expires() -> None:
    shelf = Shelf.stocked()
    shelf.hears(placed(1, (COFFEE, 2), (TEA, 1)))

    [released] = shelf.expires(1)

    assert isinstance(released, catalog.ReservationReleased)
    assert (shelf.now, shelf.counters(COFFEE), shelf.counters(TEA)) == (NOW + timedelta(days=4), (5, 0, 5), (5, 0, 5))


def test_a_paid_order_keeps_its_goods_for_as_long_as_it_takes() -> None:
    shelf = Shelf.stocked()
    shelf.hears(placed(1, (COFFEE, 2)))

    assert shelf.hears(captured(1)) == []
    assert shelf.work == {}


def test_money_that_comes_when_the_time_is_over_brings_no_goods_back() -> None:
    shelf = Shelf.stocked()
    shelf.hears(placed(1, (COFFEE, 2)))
    shelf.expires(1)

    assert shelf.hears(captured(1)) == []
    assert (shelf.reservation(1).state, shelf.counters(COFFEE)) == (Held.EXPIRED, (5, 0, 5))


def test_money_of_an_order_that_is_not_known_yet_waits_for_it() -> None:
    assert isinstance(Shelf.stocked().decides(captured(1)), Early)


def test_packed_goods_leave_the_shelf_and_the_account_book() -> None:
    shelf = Shelf.stocked()
    shelf.hears(placed(1, (COFFEE, 2)))

    [drawn] = shelf.hears(packed(1, *shelf.lines(1)))

    assert isinstance(drawn, catalog.ReservationDrawn)
    assert (shelf.counters(COFFEE), shelf.work) == ((3, 0, 3), {})
    assert shelf.decides(packed(1, *shelf.lines(1))) == NOTHING


def test_packing_something_else_than_what_is_set_aside_is_for_a_person() -> None:
    shelf = Shelf.stocked()
    shelf.hears(placed(1, (COFFEE, 2), (TEA, 1)))

    with pytest.raises(NotReserved):
        shelf.decides(packed(1, shelf.lines(1)[0]))


def test_packing_what_had_expired_is_for_a_person() -> None:
    shelf = Shelf.stocked()
    shelf.hears(placed(1, (COFFEE, 2)))
    lines = shelf.lines(1)
    shelf.expires(1)

    with pytest.raises(NotReserved):
        shelf.decides(packed(1, *lines))
    assert shelf.counters(COFFEE) == (5, 0, 5)


def test_packed_before_the_reservation_is_known_waits() -> None:
    shelf = Shelf.stocked()
    shelf.hears(placed(1, (COFFEE, 2)))

    assert isinstance(shelf.decides(packed(2, *shelf.lines(1))), Early)


def test_a_release_of_an_order_that_was_never_placed_is_for_a_person() -> None:
    with pytest.raises(NotReserved):
        Shelf.stocked().decides(release(1))


def test_an_arrival_is_told_with_its_counters() -> None:
    shelf = Shelf.stocked(coffee=5)
    shelf.hears(placed(1, (COFFEE, 2)))

    [changed] = shelf.hears(arrival(COFFEE, 10, "B"))

    assert isinstance(changed, catalog.StockChanged)
    assert (changed.key, changed.on_hand, changed.reserved) == (f"{COFFEE}@{PLACE}", 15, 2)


def test_stock_of_an_unknown_product_is_refused() -> None:
    answer = Shelf.stocked().decides(arrival("NOBODY", 1))

    assert isinstance(answer, Decision)
    assert answer.reply is not None
    assert (answer.reply.status, answer.puts, answer.facts) == (404, (), ())


def test_a_lot_has_one_date() -> None:
    answer = Shelf.stocked().decides(arrival(COFFEE, 1, "A", date(2030, 1, 1)))

    assert isinstance(answer, Decision)
    assert answer.reply is not None
    assert (answer.reply.status, answer.puts) == (409, ())


def test_a_lot_that_is_not_there_cannot_be_drawn() -> None:
    shelf = Shelf.stocked()
    shelf.hears(placed(1, (COFFEE, 1)))
    [line] = shelf.lines(1)

    with pytest.raises(NoSuchLot):
        shelf.stock(TEA).draw(line.__class__(1, TEA, 1, PLACE, "Z"))


def test_an_order_locks_itself_first_and_each_sku_once() -> None:
    lanes = reach(placed(1, (COFFEE, 1), (TEA, 1), (COFFEE, 2))).lanes

    assert lanes == (id_of(1), f"{COFFEE}@{PLACE}", f"{TEA}@{PLACE}")
