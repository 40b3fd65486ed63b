"""The three-document match, rule by rule on one consistent set of papers."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from services.customs.documents import Kind, TradeMode
from services.customs.duplicates import Repeat, check_repeat, repeat_of
from services.customs.findings import Severity, Verdict, verdict
from services.customs.fixes import FIXES
from services.customs.match import Papers, Terms, match
from shared.money import Money
from tests.customs import cases
from tests.customs.papers import inventory, order, papers, payment, waybill

TERMS = Terms(goods_list=["0901210000"], rates=cases.rates)


def rules(given: Papers, terms: Terms = TERMS) -> list[str]:
    return [finding.rule for finding in match(given, terms)]


def with_line(document: Any, **changes: Any) -> Any:
    return replace(document, items=(replace(document.items[0], **changes), *document.items[1:]))


def twice(document: Any, **changes: Any) -> Any:
    return replace(document, items=(*document.items, replace(document.items[0], **changes)))


def test_papers_that_agree_have_no_findings() -> None:
    assert match(papers(), TERMS) == ()
    assert verdict(()) is Verdict.SUBMIT


def test_nothing_is_said_about_documents_that_are_not_there() -> None:
    assert rules(Papers()) == []
    assert rules(papers(payment=None, waybill=None)) == []


@pytest.mark.parametrize(
    ("broken", "expected"),
    [
        ({"payment": payment(order_no="ANOTHER")}, ["R01"]),
        ({"payment": payment(amount_paid=Decimal("128.99"))}, ["R02"]),
        ({"payment": payment(pay_transaction_id="4200000043")}, ["R04"]),
        ({"payment": payment(payer_name="王测试")}, ["R05"]),
        ({"waybill": waybill(order_no="ANOTHER")}, ["R06"]),
        ({"waybill": waybill(consignee_telephone="13900000003")}, ["R07"]),
        ({"inventory": inventory(ebc_code="9999A60009")}, ["R08"]),
        ({"inventory": inventory(logistics_no="TC0000000043")}, ["R09"]),
        ({"inventory": inventory(buyer_telephone="13900000003")}, ["R10"]),
        ({"inventory": inventory(consignee_address="福建省福州市")}, ["R11"]),
        ({"inventory": with_line(inventory(), number=2)}, ["R12"]),
        ({"inventory": twice(inventory())}, ["R12"]),
        ({"inventory": with_line(inventory(), goods_name="咖啡")}, ["R13"]),
        ({"inventory": with_line(inventory(), unit="140")}, ["R14"]),
        ({"inventory": with_line(inventory(), price=Decimal("59.13"))}, ["R15", "R14"]),
        ({"order": order(actual_paid=Decimal("129.01")), "payment": None}, ["R03"]),
        ({"order": order(goods_value=Decimal("118.25"), discount=Decimal("0.01"))}, ["R16"]),
        ({"payment": payment(currency="502")}, ["R17"]),
        ({"waybill": waybill(pack_no=2)}, ["R18"]),
        ({"inventory": inventory(area_name=None)}, ["R19"]),
        ({"inventory": inventory(country="224")}, ["R19"]),
        ({"inventory": with_line(inventory(), item_record_no=None)}, ["R19"]),
        ({"inventory": inventory(trade_mode=TradeMode.DIRECT.value)}, ["R19", "R19", "R19"]),
        ({"inventory": inventory(assure_code="9999A60099")}, ["R23"]),
        ({"payment": payment(payer_id_number="999999199003070021")}, ["R05", "R24"]),
        ({"inventory": with_line(inventory(), hs_code="2401100000")}, ["R25"]),
        ({"inventory": with_line(inventory(), hs_code="09012100")}, ["R25"]),
        ({"order": order(tax_total=Decimal("10.75"), discount=Decimal("-0.01"))}, ["R26"]),
        ({"inventory": inventory(net_kg=Decimal("0.630"))}, ["R27"]),
        ({"inventory": inventory(net_kg=Decimal(0))}, ["R27"]),
    ],
)
def test_one_broken_place_gives_exactly_its_rule(broken: dict[str, Any], expected: list[str]) -> None:
    assert rules(papers(**broken)) == expected
    assert all(finding.there is not None for finding in match(papers(**broken), TERMS))


def expensive(*, pieces: int) -> Papers:
    """One line of 5,034.60 in one piece or two."""
    price = Decimal("5034.60") / pieces
    line: dict[str, Any] = {"qty": Decimal(pieces), "price": price, "total_price": Decimal("5034.60")}
    bought = with_line(order(goods_value=Decimal("5034.60"), tax_total=Decimal("654.50")), **line)
    bought = replace(bought, actual_paid=Decimal("5689.10"))
    paid = payment(amount_paid=Decimal("5689.10"))
    return papers(order=bought, payment=paid, inventory=with_line(inventory(), **line))


def test_several_pieces_over_the_single_limit_are_blocked_and_one_is_taxed_in_full() -> None:
    assert rules(expensive(pieces=2)) == ["R21"]
    assert rules(expensive(pieces=1)) == []  # 13 % of 5,034.60 is 654.50


def test_the_year_counts_the_duty_paid_value_to_the_fen() -> None:
    limit = Money(2_600_000 - 11_824, "CNY")

    assert rules(papers(), replace(TERMS, used=limit)) == []
    assert rules(papers(), replace(TERMS, used=limit + Money(1, "CNY"))) == ["R22"]


def test_understated_tax_only_warns() -> None:
    found = match(papers(order=order(tax_total=Decimal("10.75"), discount=Decimal("-0.01"))), TERMS)

    assert verdict(found) is Verdict.WARN
    assert (found[0].here.value, found[0].there and found[0].there.value) == ("10.75", "10.76")


def test_50_a_masked_recipient_is_not_verifiable_and_no_mismatch() -> None:
    found = match(papers(waybill=waybill(consignee="陈**", consignee_telephone="139****0002")), TERMS)

    assert [(one.rule, one.severity) for one in found] == [("R07", Severity.UNVERIFIABLE)] * 2
    assert [one.as_value().code for one in found] == ["R07.unverifiable"] * 2
    assert verdict(found) is Verdict.SUBMIT


def test_a_finding_shows_personal_values_masked_and_a_fix_in_two_languages() -> None:
    (found,) = match(papers(waybill=waybill(consignee_address="福建省厦门市思明区测试路9号")), TERMS)
    value = found.as_value()

    assert (value.code, value.field) == ("R07", "waybill.consignee_address")
    assert (value.ours, value.theirs) == ("福建省厦门市***", "福建省福州市***")
    assert (value.fix_en, value.fix_zh) == FIXES["R07"]
    assert found.there is not None
    assert found.there.document is Kind.ORDER


def test_no_finding_holds_a_whole_name_number_phone_or_address() -> None:
    other = {
        "buyer_name": "王测试",
        "buyer_id_number": "11",
        "buyer_telephone": "13900000003",
        "consignee_address": "他处",
    }
    found = match(
        papers(inventory=inventory(**other), payment=payment(payer_name="李测试", payer_id_number="12")), TERMS
    )
    secrets = {
        "陈测试",
        "王测试",
        "李测试",
        "99999919900307008X",
        "13900000002",
        "13900000003",
        "福建省福州市鼓楼区测试路9号",
    }

    assert {one.rule for one in found} == {"R05", "R10", "R11", "R24"}
    assert [secret for secret in secrets if secret in str(found)] == []


def test_equal_means_equal_after_composition_and_outer_blanks_and_numbers_are_numbers() -> None:
    spaced = waybill(consignee=" 陈测试 ")
    exact = payment(amount_paid=Decimal("129.0"), payer_id_number="99999919900307008x")

    assert rules(papers(waybill=spaced, payment=exact)) == []
    assert rules(papers(waybill=waybill(consignee="陈 测试"))) == ["R07"]


def test_a_repeated_number_with_other_content_stops_and_with_the_same_is_a_repeat() -> None:
    again = order(guid="0E3F6C1A-77B2-5D0C-9A44-2B1F00C0FFFF")
    changed = order(buyer_reg_no="u-43")

    assert repeat_of(again, [order()]) is Repeat.SAME
    assert [one.rule for one in check_repeat(changed, [order()])] == ["R20"]
    assert repeat_of(replace(changed, app_type="2"), [order()]) is Repeat.FRESH
    assert repeat_of(waybill(), [waybill(logistics_no="TC0000000001")]) is Repeat.FRESH
    assert repeat_of(payment(amount_paid=Decimal(1)), [payment()]) is Repeat.OTHER


def test_every_rule_has_a_fix() -> None:
    numbered = {f"R{number:02}" for number in range(1, 31)}

    assert set(FIXES) == numbered | {"X01", "X02", "X03", "G01"}
    assert all(english and chinese for english, chinese in FIXES.values())
