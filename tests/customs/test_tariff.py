"""Limits, tax and the taking apart of tax-included prices; properties hold for every order."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.customs.pricing import RESIDUE_PER_LINE, Priced, Sold, from_included, priced
from services.customs.tariff import (
    LIMITS,
    NOTHING,
    Rates,
    Refusal,
    Taxable,
    Treatment,
    admit,
    apportion,
    limits_on,
    tax,
)
from shared.errors import BadInput
from shared.money import Money, total

COFFEE, TEA = Rates(Decimal("0.13")), Rates(Decimal("0.09"))
WINE, SPIRITS = (
    Rates(Decimal("0.13"), Decimal("0.10")),
    Rates(Decimal("0.13"), Decimal("0.20"), specific=Decimal("0.912")),
)
CASE = Rates(Decimal("0.13"), duty=Decimal("0.06"))


def cny(text: str) -> Money:
    return Money.parse(text, "CNY")


def taken_apart(sold: list[Sold], text: str, **more: Money) -> Priced:
    found = from_included(sold, cny(text), used=more.pop("used", NOTHING), freight=more.pop("freight", NOTHING), **more)  # type: ignore[arg-type]
    assert isinstance(found, Priced)
    return found


def test_a_total_of_129_is_118_24_of_goods_and_10_76_of_tax() -> None:
    taxed = taken_apart([Sold(cny("129.00"), 1, COFFEE)], "129.00").taxed

    assert (taxed.goods, taxed.tax, taxed.discount, taxed.paid) == (
        cny("118.24"), cny("10.76"), NOTHING, cny("129.00"),
    )  # fmt: skip


def test_a_line_that_does_not_divide_becomes_two_a_fen_apart() -> None:
    found = taken_apart([Sold(cny("129.00"), 3, COFFEE)], "129.00")

    assert [(line.quantity, line.price.major()) for line in found.lines] == [(2, "39.41"), (1, "39.42")]
    assert found.taxed.paid == cny("129.00")


def test_the_fen_that_rounding_leaves_over_stands_in_the_discount() -> None:
    residues = {taken_apart([Sold(Money(fen, "CNY"), 1, COFFEE)], Money(fen, "CNY").major()).taxed.discount.minor
                for fen in range(9000, 9400)}  # fmt: skip

    assert residues == {0, 1}


def test_vouchers_are_discount_and_do_not_lower_the_base() -> None:
    plain = taken_apart([Sold(cny("129.00"), 1, COFFEE)], "129.00").taxed
    with_voucher = taken_apart([Sold(cny("129.00"), 1, COFFEE)], "109.00", discount=cny("20.00")).taxed

    assert (with_voucher.goods, with_voucher.tax) == (plain.goods, plain.tax)
    assert (with_voucher.discount, with_voucher.paid) == (cny("20.00"), cny("109.00"))


def test_one_article_over_the_limit_is_taxed_in_full() -> None:
    taxed = taken_apart([Sold(cny("8145.04"), 1, CASE)], "8145.04").taxed

    assert (taxed.treatment, taxed.goods, taxed.duty, taxed.vat) == (
        Treatment.FULL, cny("6800.00"), cny("408.00"), cny("937.04"),
    )  # fmt: skip


def test_no_goods_value_gives_a_total_between_reduced_and_full_tax() -> None:
    limit = from_included([Sold(cny("5455.00"), 1, CASE)], cny("5455.00"), freight=NOTHING, used=NOTHING)

    assert isinstance(limit, Priced)
    assert limit.taxed.base == cny("5000.00")
    assert (
        from_included([Sold(cny("5500.00"), 1, CASE)], cny("5500.00"), freight=NOTHING, used=NOTHING)
        is Refusal.NO_GOODS_VALUE
    )


def test_no_goods_value_is_left_where_freight_and_its_tax_eat_the_total() -> None:
    sold = [Sold(cny("0.50"), 1, COFFEE)]

    assert from_included(sold, cny("10.50"), freight=cny("10.00"), used=NOTHING) is Refusal.NO_GOODS_VALUE
    assert isinstance(from_included(sold, cny("10.92"), freight=cny("10.00"), used=NOTHING), Priced)


def test_refusals_of_tax_included_orders_are_the_limits_own() -> None:
    two = [Sold(cny("6000.00"), 2, COFFEE)]

    assert from_included(two, cny("6000.00"), freight=NOTHING, used=NOTHING) is Refusal.SINGLE_LIMIT
    one = [Sold(cny("129.00"), 1, COFFEE)]
    assert from_included(one, cny("129.00"), freight=NOTHING, used=cny("25881.77")) is Refusal.ANNUAL_LIMIT
    assert isinstance(from_included(one, cny("129.00"), freight=NOTHING, used=cny("25881.76")), Priced)


@pytest.mark.parametrize(
    ("base", "articles", "answer"),
    [
        ("5000.00", 2, Treatment.REDUCED),
        ("5000.01", 2, Refusal.SINGLE_LIMIT),
        ("5000.01", 1, Treatment.FULL),
        ("26000.00", 1, Treatment.FULL),
        ("26000.01", 1, Refusal.ANNUAL_LIMIT),
    ],
)
def test_the_limits_count_to_the_fen(base: str, articles: int, answer: object) -> None:
    assert admit(cny(base), articles, NOTHING) is answer


def test_limits_have_dates() -> None:
    assert limits_on(date(2026, 3, 2)) == LIMITS
    assert limits_on(date(2018, 12, 31)).single == cny("2000.00")
    assert limits_on(date(2016, 4, 7)).annual == NOTHING


def test_specific_consumption_tax_goes_by_quantity() -> None:
    taxed = tax([Taxable(cny("260.00"), SPIRITS, Decimal("0.5"))], freight=NOTHING, treatment=Treatment.REDUCED)

    assert (taxed.consumption, taxed.vat) == (cny("45.90"), cny("29.63"))


def test_freight_without_any_priced_line_and_an_order_without_lines_are_bad_input() -> None:
    for lines in ([Taxable(NOTHING, COFFEE)], [], [Taxable(Money(-1, "CNY"), COFFEE)]):
        with pytest.raises(BadInput):
            tax(lines, freight=cny("1.00"), treatment=Treatment.REDUCED)


RATES = st.sampled_from([COFFEE, TEA, WINE, SPIRITS, CASE])
FEN = st.integers(0, 200_000).map(lambda fen: Money(fen, "CNY"))


@given(st.integers(0, 10**7), st.lists(st.integers(0, 10**6), min_size=1, max_size=20).filter(any))
def test_apportioning_loses_no_fen_and_gives_gifts_nothing(amount: int, weights: list[int]) -> None:
    shares = apportion(Money(amount, "CNY"), [Money(weight, "CNY") for weight in weights])
    exact = [amount * weight / sum(weights) for weight in weights]
    largest = weights.index(max(weights))

    assert sum(share.minor for share in shares) == amount
    assert all(abs(share.minor - part) <= 0.5 + 1e-6 for i, (share, part) in enumerate(zip(shares, exact, strict=True))
               if i != largest)  # fmt: skip
    assert all(share.minor == 0 for share, weight in zip(shares, weights, strict=True) if weight == 0 and largest)


@st.composite
def baskets(draw: st.DrawFn) -> list[Sold]:
    lines = draw(st.lists(st.tuples(st.integers(100, 60_000), st.integers(1, 9), RATES), min_size=1, max_size=5))
    return [Sold(Money(each * quantity, "CNY"), quantity, rates) for each, quantity, rates in lines]


@settings(max_examples=300, deadline=None)
@given(baskets(), st.integers(0, 5000))
def test_every_tax_included_order_adds_up_and_its_goods_value_is_the_smallest(
    sold: list[Sold], freight_fen: int
) -> None:
    freight = Money(freight_fen, "CNY")
    asked = total([line.payable for line in sold], "CNY") + freight
    found = from_included(sold, asked, freight=freight, used=NOTHING)
    if isinstance(found, Refusal):
        assert asked > LIMITS.single or asked < freight.share(Decimal("1.5"))
        return

    taxed = found.taxed
    assert taxed.paid == asked
    assert 0 <= taxed.discount.minor <= RESIDUE_PER_LINE * len(found.lines)
    assert total([line.total for line in found.lines], "CNY") == taxed.goods
    assert [sum(line.quantity for line in found.lines if line.source == i) for i in range(len(sold))] == [
        line.quantity for line in sold
    ]
    assert taxed == tax(
        [line.taxable() for line in found.lines],
        freight=freight, discount=taxed.discount, treatment=taxed.treatment,
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(baskets())
def test_no_smaller_goods_value_reaches_the_total(sold: list[Sold]) -> None:
    asked = total([line.payable for line in sold], "CNY")
    found = from_included(sold, asked, freight=NOTHING, used=NOTHING)
    if isinstance(found, Refusal):
        return
    for less in range(1, 30):
        goods = Money(found.taxed.goods.minor - less, "CNY")
        if goods.minor > 0:
            other = priced(sold, goods, freight=NOTHING, discount=NOTHING, treatment=found.taxed.treatment)
            assert other.taxed.paid < asked
