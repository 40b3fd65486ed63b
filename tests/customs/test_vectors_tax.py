"""Every worked tax example, the partial return and the yearly amounts, to the fen."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from services.customs.quota import Quota
from services.customs.returns import restored
from services.customs.tariff import Rates, Refusal, Taxable, Taxed, TaxedLine, Treatment, admit, tax
from shared.money import Money
from tests.customs import cases

TAX = cases.table("tax/examples.json")
ZERO = Money(0, "CNY")


def cny(text: str) -> Money:
    return Money.parse(text, "CNY")


def taxable(line: Mapping[str, str]) -> Taxable:
    rates = Rates(
        Decimal(line["vat_rate"]),
        Decimal(line["ct_rate"]),
        Decimal(line["duty_rate"]),
        Decimal(line["ct_specific_per_unit"]),
    )
    return Taxable(cny(line["total"]), rates, Decimal(line["ct_quantity"]))


def as_lines(taxed: Taxed) -> list[dict[str, str]]:
    return [
        {
            "freight_share": line.freight.major(),
            "insurance_share": line.insurance.major(),
            "discount_share": line.discount.major(),
            "base": line.base.major(),
            "duty": line.duty.major(),
            "consumption_tax": line.consumption.major(),
            "vat": line.vat.major(),
        }
        for line in taxed.lines
    ]


@pytest.mark.parametrize("case", **cases.named(TAX["examples"]))
def test_an_order_is_taxed_to_the_fen(case: Mapping[str, Any]) -> None:
    taxed = tax(
        [taxable(line) for line in case["lines"]],
        freight=cny(case["freight"]),
        insurance=cny(case["insurance"]),
        discount=cny(case["discount"]),
        treatment=Treatment.REDUCED if case["within_limits"] else Treatment.FULL,
    )

    assert as_lines(taxed) == [{key: line[key] for key in as_lines(taxed)[0]} for line in case["lines"]]
    assert {
        "goodsValue": taxed.goods.major(),
        "base": taxed.base.major(),
        "duty": taxed.duty.major(),
        "consumption_tax": taxed.consumption.major(),
        "vat": taxed.vat.major(),
        "taxTotal": taxed.tax.major(),
        "acturalPaid": taxed.paid.major(),
    } == case["totals"]


def test_a_bottle_of_two_returned_gives_back_what_the_kept_one_does_not_owe() -> None:
    part = TAX["partial_return"]
    original = part["original"]
    line = TaxedLine(cny(original["base"]), ZERO, ZERO, ZERO, ZERO, cny(original["ct"]), cny(original["vat"]))

    back = restored(line, cases.RATES["2204210000"], treatment=Treatment.REDUCED, quantity=2, kept=1)

    assert {
        "base": back.base.major(),
        "ct": back.consumption.major(),
        "vat": back.vat.major(),
        "tax": back.tax.major(),
        "annual_amount_restored": back.base.major(),
    } == part["returned"]


@pytest.mark.parametrize("case", **cases.named([one for one in TAX["annual_amount"] if "allowed" in one]))
def test_a_person_is_admitted_up_to_the_limits(case: Mapping[str, Any]) -> None:
    base, quota = cny(case["base"]), Quota(2025, cny(case["used"]))
    answer = admit(base, 1 if case.get("single_article", True) else 2, quota.used)
    after = quota if isinstance(answer, Refusal) else quota.booked(base)

    assert (not isinstance(answer, Refusal)) is case["allowed"]
    assert after.used == cny(case["used_after"])
    assert (answer is Refusal.SINGLE_LIMIT) is (case.get("reason") == "single-transaction limit")


@pytest.mark.parametrize("case", **cases.named([one for one in TAX["annual_amount"] if "event" in one]))
def test_the_yearly_amount_comes_back_and_starts_anew(case: Mapping[str, Any]) -> None:
    quota, event = Quota(2025, cny(case["used"])), case["event"]
    if "calendar year" in event:
        after = quota.in_year_of(datetime(2025, 12, 31, 16, 0, tzinfo=UTC))  # 2026 in Beijing
    else:
        after = quota.given_back(cny(case.get("base") or event.split()[2]))

    assert after.used == cny(case["used_after"])
