"""Xiaohongshu's pushes and orders against what the internet and the platform send."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from services.orders.canonical import (
    ChannelHold,
    ChannelStatus,
    OrderKind,
    RefundStatus,
    RefundType,
)
from services.orders.providers.xiaohongshu import wire
from shared.errors import BadInput, SignatureRefused, Stale, Transient, Unrecognised
from shared.money import Money
from tests.orders.providers import red

YUAN_128 = Money(12800, "CNY")


# --- signatures -------------------------------------------------------------------------------------------------------


def test_any_secret_of_the_app_is_enough_while_they_rotate() -> None:
    assert red.verifies(red.signed()) == "current"
    assert red.verifies(red.signed(secret="s0")) == "old"


@pytest.mark.parametrize("query", ["shop=gz01&a=1", "z=9&shop=gz01", "shop="])
def test_the_callbacks_own_query_is_signed_in_the_order_of_its_names(query: str) -> None:
    assert red.verifies(red.signed(query=query), query) == "current"
    with pytest.raises(SignatureRefused):
        red.verifies(red.signed(query=query), "shop=gz02")


@pytest.mark.parametrize("name", ["app-key", "timestamp", "sign"])
@pytest.mark.parametrize("value", ["", "1", "é", "9" * 40])
def test_a_changed_header_is_refused_whatever_it_says(name: str, value: str) -> None:
    with pytest.raises(SignatureRefused):
        red.verifies(red.signed() | {name: value})


@pytest.mark.parametrize(("minutes", "fresh"), [(15, True), (-15, True), (15.1, False), (-15.1, False)])
def test_a_push_is_believed_for_a_quarter_of_an_hour(minutes: float, *, fresh: bool) -> None:
    late = timedelta(minutes=minutes)
    if fresh:
        assert red.verifies(red.signed(), after=late) == "current"
        return
    with pytest.raises(Stale):
        red.verifies(red.signed(), after=late)


def test_the_platform_is_told_no_in_its_own_words() -> None:
    assert json.loads(wire.refused(Stale("old"))) == {"success": False, "error_code": 401, "error_msg": "stale"}
    assert json.loads(wire.refused(SignatureRefused("bad")))["error_msg"] == "bad sign"


@pytest.mark.parametrize(
    ("body", "asks"),
    [(b'{"test":true}', True), (b'{ "test" : true }', True), (b'{"test":false}', False), (b"[]", False)],
)
def test_only_the_url_test_is_one(body: bytes, *, asks: bool) -> None:
    assert wire.is_url_test(body) is asks


# --- messages ---------------------------------------------------------------------------------------------------------


def test_every_message_of_a_push_is_a_delivery_of_its_own() -> None:
    first, second = red.pushes(red.message("P1", 4), red.message("P2", 3))

    assert (first.external_order_id, second.external_order_id) == ("P1", "P2")
    assert first.delivery_key == f"xiaohongshu:{red.SELLER}:msg_fulfillment_status_change:P1:4:{red.PAID_AT}"
    (again,) = wire.read(b"[" + second.body + b"]", {red.SELLER: second.connection}, "current", red.NOW)
    assert again == second  # what is kept of it reads back as the same message


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"[1]", b"null", b'[{"a":1,"a":2}]', b"[" * 5000])
def test_a_body_that_is_no_list_of_messages_is_malformed(body: bytes) -> None:
    with pytest.raises(BadInput):
        wire.read(body, {}, "current", red.NOW)


@pytest.mark.parametrize(
    "given",
    [
        red.message(tag="msg_fulfillment_teleported"),
        red.message(status=42),
        red.message() | {"sellerId": "somebody"},
        red.message() | {"msgTag": 7},
        red.message(order=""),
        red.message() | {"data": "no json"},
        red.message() | {"data": {"orderId": "P1"}},
        red.message() | {"data": None},
        {},
    ],
)
def test_a_message_that_is_not_understood_is_for_quarantine(given: dict[str, Any]) -> None:
    with pytest.raises((Unrecognised, BadInput)):
        red.touched(given)


def test_a_message_names_an_order_and_nothing_else_of_it_counts() -> None:
    assert red.touched(red.message(status=7)).external_order_id == red.ORDER
    assert red.touched(red.message(status=7)).claim is None


@pytest.mark.parametrize(
    ("kind", "type_"), [(1, RefundType.RETURN_REFUND), (2, RefundType.EXCHANGE), (5, RefundType.REFUND_ONLY)]
)
@pytest.mark.parametrize("fee", [128, 128.0])
def test_an_after_sale_claims_a_refund_in_yuan(kind: int, type_: RefundType, fee: float) -> None:
    claim = red.touched(after_sale(returnType=kind, refundFee=fee)).claim

    assert claim is not None
    assert (claim.external_refund_id, claim.type, claim.status, claim.amount) == (
        "R1", type_, RefundStatus.REQUESTED, YUAN_128,
    )  # fmt: skip


@pytest.mark.parametrize("change", [{"refundFee": 1.234}, {"refundFee": -1}, {"refundFee": "128"}, {"returnType": 3}])
def test_an_after_sale_that_claims_nonsense_is_for_quarantine(change: dict[str, Any]) -> None:
    with pytest.raises((Unrecognised, BadInput)):
        red.touched(after_sale(**change))


def after_sale(**more: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"returnsId": "R1", "returnType": 5, "refundFee": 128, "orderStatus": None} | more
    return red.message(tag="msg_after_sale_create", **told)


# --- orders -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "mode", "after_sales", "status", "hold"),
    [
        (1, 2, 1, ChannelStatus.PENDING, None),
        (2, 2, 1, ChannelStatus.PAID, ChannelHold.PLATFORM_HOLD),
        (3, 2, 1, ChannelStatus.DECLARED, ChannelHold.CUSTOMS),
        (4, 1, 1, ChannelStatus.PAID, None),
        (4, 4, 1, ChannelStatus.PAID, None),
        (4, 2, 1, ChannelStatus.DECLARED, None),
        (4, 3, 1, ChannelStatus.DECLARED, None),
        (5, 2, 1, ChannelStatus.SHIPPED, None),
        (6, 2, 4, ChannelStatus.SHIPPED, None),
        (7, 2, 1, ChannelStatus.COMPLETED, None),
        (8, 2, 1, ChannelStatus.CANCELLED, None),
        (9, 2, 2, ChannelStatus.CANCELLED, None),
        (9, 2, 3, ChannelStatus.REFUNDED, None),
        (10, 2, 1, ChannelStatus.REFUNDING, None),
        (4, 2, 2, ChannelStatus.REFUNDING, None),
        (4, 2, 6, ChannelStatus.REFUNDING, None),
        (4, 2, 7, ChannelStatus.DECLARED, None),
    ],
)
def test_status_customs_and_after_sales_mean_something_together(
    order: int, mode: int, after_sales: int, status: ChannelStatus, hold: ChannelHold | None
) -> None:
    found = red.snapshot(order, logisticsMode=mode, orderAfterSalesStatus=after_sales)

    assert (found.status, found.hold, found.external_status) == (status, hold, str(order))


def test_closed_before_it_was_paid_is_cancelled_whatever_the_after_sale_says() -> None:
    assert red.snapshot(9, paidTime=0, orderAfterSalesStatus=3).status is ChannelStatus.CANCELLED


@pytest.mark.parametrize(
    "change",
    [
        {"orderStatus": 42}, {"logisticsMode": 9}, {"orderAfterSalesStatus": 8}, {"orderType": 6}, {"paymentType": 6},
        {"receiverCountryName": "火星"}, {"skuList": []}, {"updateTime": 0}, {"createdTime": "soon"},
        {"skuList": [red.sku(skuQuantity=0)]}, {"skuList": [red.sku(skuDetailList=[])]}, {"orderId": None},
        {"totalPayAmount": -1}, {"skuList": [red.sku(skuAfterSaleStatus=9)]}, {"totalPayAmount": 10**16},
    ],
)  # fmt: skip
def test_an_order_with_a_word_or_number_that_nobody_knows_is_not_guessed(change: dict[str, Any]) -> None:
    with pytest.raises((Unrecognised, BadInput)):
        red.snapshot(**change)


def test_tax_is_inside_the_prices_unless_the_total_says_otherwise() -> None:
    inside, extra = red.snapshot(), red.snapshot(totalPayAmount=25800 + 2152)

    assert (inside.amounts.tax_included, inside.amounts.tax, inside.review) == (True, Money(2152, "CNY"), None)
    assert (extra.amounts.tax_included, extra.amounts.total, extra.review) == (False, Money(27952, "CNY"), None)
    assert extra.lines[0].total == Money(27952, "CNY")


def test_a_changed_price_is_an_adjustment_and_any_other_rest_is_for_a_person() -> None:
    changed = red.snapshot(totalPayAmount=24800, totalChangePriceAmount=-1000)
    odd = red.snapshot(totalPayAmount=24800)

    assert (changed.amounts.adjustment, changed.review) == (Money(-1000, "CNY"), None)
    assert (odd.amounts.adjustment, odd.review) == (Money(-1000, "CNY"), "the total is not the sum of its parts")


def test_discounts_of_seller_and_platform_stay_apart() -> None:
    shares = red.sku(totalMerchantDiscount=1000, totalRedDiscount=500)
    found = red.snapshot(skuList=[shares], totalMerchantDiscount=1000, totalRedDiscount=500, totalPayAmount=24300)

    assert (found.amounts.discount_seller.minor, found.amounts.discount_platform.minor) == (1000, 500)
    assert (found.lines[0].discount.minor, found.review) == (1500, None)


def test_what_the_platform_tells_of_customs_payment_and_deadline_is_there() -> None:
    found = red.snapshot(4, promiseLastDeliveryTime=red.PAID_AT + 86_400_000, orderType=2)

    assert found.customs is not None
    assert (found.customs.mode, found.customs.port, found.customs.declared_tax) == (
        "bbc_bonded",
        "3500",
        Money(2152, "CNY"),
    )
    assert found.payment is not None
    assert (found.payment.method, found.payment.customs_no) == ("alipay", "2026030222001C")
    assert found.ship_by == red.NOW - timedelta(seconds=2) + timedelta(days=1)
    assert found.order_kind is OrderKind.PRESALE


def test_a_waybill_of_the_platforms_is_a_shipment_without_a_time() -> None:
    (shipment,) = red.snapshot(4, expressTrackingNo="TCX1", expressCompanyCode="cainiao").shipments

    assert (shipment.carrier, shipment.tracking_no, shipment.shipped_at) == ("cainiao", "TCX1", None)


@pytest.mark.parametrize(
    ("after_sales", "status", "refunded"),
    [(1, "requested", 0), (2, "requested", 0), (3, "succeeded", 12800), (4, "rejected", 0), (5, "closed", 0)],
)
def test_a_claimed_refund_is_what_the_order_bears_out(after_sales: int, status: str, refunded: int) -> None:
    claim = red.touched(after_sale()).claim
    assert claim is not None

    found = red.snapshot(6, [claim], orderAfterSalesStatus=after_sales)

    assert ([r.status.value for r in found.refunds], found.amounts.refunded.minor) == ([status], refunded)


def test_a_claim_above_what_was_paid_is_not_believed() -> None:
    claim = red.touched(after_sale(refundFee=999_999)).claim
    assert claim is not None

    found = red.snapshot(9, [claim], orderAfterSalesStatus=3)

    assert (found.refunds[0].amount, found.amounts.refunded) == (Money(25800, "CNY"), Money(25800, "CNY"))


@pytest.mark.parametrize("code", [429, 500, 502, 503, 504])
def test_a_busy_platform_is_asked_again_and_any_other_no_is_one(code: int) -> None:
    with pytest.raises(Transient):
        wire.parse_answer(json.dumps({"success": False, "error_code": code}).encode())
    with pytest.raises(wire.ChannelRefused):
        wire.parse_answer(b'{"success":false,"error_code":-9030}')
