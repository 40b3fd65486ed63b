"""The books of an order hold whatever happens to it: they balance, close at zero and never give more than they hold."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.payments import ledger, refunds
from services.payments.ledger import Book, Journal, Overdrawn, Parties, Parts, Posting, Taxed, Terms
from services.payments.settlement import Pause, release_due
from shared.money import Money

PARTIES = Parties("O-1", "coop", "wechat", carrier="cainiao", marketplace="tmall", agent="mwangi", service="tp")
TERMS = Terms(Decimal("0.006"), commission=Decimal("0.03"), agent=Decimal("0.20"), service=Decimal("0.05"))
NOTHING = Money.zero("CNY")
DELIVERED = datetime(2026, 6, 5, tzinfo=UTC)


def cny(minor: int) -> Money:
    return Money(minor, "CNY")


def captured(terms: Terms = TERMS, **parts: int) -> ledger.Booked:
    return ledger.capture_and_hold(Book.opened(PARTIES, terms, "CNY"), "f1", Parts.of("CNY", **parts))


def test_a_journal_that_does_not_balance_cannot_exist() -> None:
    with pytest.raises(ValueError, match="does not balance"):
        Journal("f", (Posting("a", cny(1)), Posting("b", Money(-1, "KES"))))


def test_fees_round_half_up() -> None:
    assert ledger.portion(cny(50), Decimal("0.01")) == cny(1)
    assert ledger.portion(cny(49), Decimal("0.01")) == NOTHING


@pytest.mark.parametrize("given", [{"goods": 101}, {"freight": 11}, {"tax": 6}])
def test_more_than_is_left_is_not_given_back(given: dict[str, int]) -> None:
    book = captured(goods=100, freight=10, tax=5).book
    with pytest.raises(Overdrawn):
        refunds.refund(book, "f2", Parts.of("CNY", **given), NOTHING)


def test_tax_that_customs_was_paid_for_is_not_given_back() -> None:
    book = captured(goods=1000, tax=91).book
    book = ledger.tax_bill_paid(ledger.customs_released(book, "f2").book, "f3").book
    with pytest.raises(Overdrawn):
        refunds.refund(book, "f4", Parts.of("CNY", tax=1), NOTHING)
    assert refunds.refund(book, "f4", Parts.of("CNY", goods=1000), NOTHING).told["to_buyer"] == cny(1000)


def test_held_money_is_released_once_and_never_during_a_dispute() -> None:
    book = captured(goods=1000).book
    with pytest.raises(Overdrawn):
        ledger.release(ledger.release(book, "f2", NOTHING).book, "f3", NOTHING)
    with pytest.raises(Overdrawn):
        ledger.release(refunds.chargeback_opened(book, "f2", NOTHING).book, "f3", NOTHING)


def test_what_is_in_dispute_is_not_refunded_beside_it() -> None:
    book = refunds.chargeback_opened(captured(goods=1000).book, "f2", NOTHING).book
    with pytest.raises(Overdrawn):
        refunds.refund(book, "f3", Parts.of("CNY", goods=1000), NOTHING)


def test_an_order_that_still_holds_money_is_not_closed() -> None:
    with pytest.raises(Overdrawn):
        ledger.close_after_full_refund(captured(goods=1).book, "f2", NOTHING)


def test_costs_above_the_escrow_are_the_sellers_and_then_its_debt() -> None:
    book = ledger.dispatch_cost(captured(Terms(), goods=100).book, "f2", cny(250)).book
    journal = ledger.release(book, "f3", cny(60)).journal
    assert Posting("seller/coop", cny(60)) in journal.postings
    assert Posting("seller_debt/coop", cny(90)) in journal.postings


amounts = st.integers(0, 100_000)
slices = st.lists(st.tuples(st.integers(0, 100), st.integers(0, 100), st.integers(0, 100)), max_size=4)


@settings(deadline=None)
@given(
    goods=st.integers(1, 100_000), freight=amounts, tax=amounts, coupon=st.integers(0, 100), early=slices, late=slices,
    freight_cost=amounts, customs=st.booleans(), returned=st.booleans(), refundable=st.booleans(),
    taxed=st.sampled_from(get_args(Taxed)),
)  # fmt: skip
def test_whatever_is_refunded_before_and_after_release_the_books_close_at_zero(
    goods: int, freight: int, tax: int, coupon: int, early: list[tuple[int, int, int]],
    late: list[tuple[int, int, int]], freight_cost: int, customs: bool, returned: bool, refundable: bool, taxed: Taxed,
) -> None:  # fmt: skip
    terms = Terms(Decimal("0.006"), returned, Decimal("0.03"), Decimal("0.20"), Decimal("0.05"), refundable)
    parts = Parts.of("CNY", goods=goods, freight=freight, tax=tax, coupon=goods * coupon // 100)
    walk = Walk(ledger.capture_and_hold(Book.opened(replace(PARTIES, taxed=taxed), terms, "CNY"), "f1", parts))
    for slice_ in early:
        walk.refunds(slice_)
    walk.books(ledger.dispatch_cost(walk.book, "f", cny(freight_cost)))
    if customs:
        walk.books(ledger.customs_released(walk.book, "f"))
    walk.books(ledger.release(walk.book, "f", walk.owed))
    for slice_ in late:
        walk.refunds(slice_)
    walk.books(refunds.refund_all(walk.book, "f", walk.owed))

    left = ledger.balances(walk.postings)
    assert not {"escrow/O-1", "costs/O-1", "tax/O-1", "chargeback/O-1"} & left.keys()
    assert walk.given_back == walk.book.captured.paid
    assert not {"marketplace/tmall", "agent/mwangi", "marketplace_receivable/tmall"} & left.keys()
    assert sum(of["CNY"] for of in left.values()) == 0


class Walk:
    """One order's postings so far."""

    def __init__(self, first: ledger.Booked) -> None:
        self.book, self.postings, self.given_back = first.book, list(first.journal.postings), NOTHING

    @property
    def owed(self) -> Money:
        return cny(-ledger.balances(self.postings).get("seller/coop", {}).get("CNY", 0))

    def books(self, booked: ledger.Booked) -> None:
        self.book = booked.book
        self.postings += booked.journal.postings
        self.given_back += booked.told.get("to_buyer", NOTHING)

    def refunds(self, percent: tuple[int, int, int]) -> None:
        left = refunds.everything_left(self.book)
        parts = {name: getattr(left, name).minor * part // 100 for name, part in zip(PARTS, percent, strict=True)}
        self.books(refunds.refund(self.book, "f", Parts.of("CNY", **parts), self.owed))


PARTS = ("goods", "freight", "tax")


def test_a_pause_that_is_still_open_lets_nothing_go() -> None:
    assert release_due(DELIVERED, timedelta(days=15), [Pause(DELIVERED, None)]) is None


def test_time_that_two_pauses_share_counts_once() -> None:
    day = timedelta(days=1)
    both = [Pause(DELIVERED + day, DELIVERED + 4 * day), Pause(DELIVERED + 2 * day, DELIVERED + 5 * day)]
    assert release_due(DELIVERED, 15 * day, both) == DELIVERED + 19 * day
