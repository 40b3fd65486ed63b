from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.orders.canonical import Disposition, LineRefund, RefundStatus, RefundType
from services.orders.providers.base import Kind, OrderNews, OrderTouched, PrivacyNews, PrivacyWish, RefundNews
from services.orders.providers.shopify import wire
from services.orders.snapshots import attach_refund, channel_rank, take_snapshot
from shared.errors import BadInput, SignatureRefused, Unrecognised
from shared.money import Money
from tests.orders.providers.samples import (
    CONNECTION,
    NOW,
    SHOP,
    encoded,
    line,
    news,
    order,
    push,
    refund,
    signed,
    snapshot,
)

BODY = encoded(order())


# Who is believed


def test_an_unknown_shop_is_refused_like_a_bad_signature() -> None:
    with pytest.raises(SignatureRefused) as refused:
        push(order(), **{"X-Shopify-Shop-Domain": "other.myshopify.com"})

    assert str(refused.value) == "the signature was not accepted"


def test_a_shop_cannot_sign_for_its_neighbour() -> None:
    neighbour = "other.myshopify.com"
    connections = {SHOP: CONNECTION, neighbour: type(CONNECTION)("other", neighbour, CONNECTION.secrets[1:])}

    with pytest.raises(SignatureRefused):
        wire.verify(connections, signed(BODY, **{"X-Shopify-Shop-Domain": neighbour}), BODY, NOW)


def test_the_shop_domain_and_header_names_do_not_depend_on_case() -> None:
    headers = {name.lower(): value for name, value in signed(BODY).items()}
    headers["x-shopify-shop-domain"] = SHOP.upper()

    assert wire.verify({SHOP: CONNECTION}, headers, BODY, NOW).connection == "highland-coop-shopify"


def test_a_rotated_secret_is_accepted_and_named() -> None:
    assert wire.verify({SHOP: CONNECTION}, signed(BODY, secret="s0"), BODY, NOW).key_id == "old"


@given(bit=st.integers(min_value=0, max_value=8 * len(BODY) - 1))
def test_any_single_changed_bit_of_the_body_is_refused(bit: int) -> None:
    body = bytes(byte ^ (1 << bit % 8) if i == bit // 8 else byte for i, byte in enumerate(BODY))

    with pytest.raises(SignatureRefused):
        wire.verify({SHOP: CONNECTION}, signed(BODY), body, NOW)


@given(bit=st.integers(min_value=0, max_value=8 * 44 - 1))
def test_any_single_changed_bit_of_the_signature_is_refused(bit: int) -> None:
    headers = signed(BODY)
    right = headers["X-Shopify-Hmac-Sha256"].encode()
    wrong = bytes(byte ^ (1 << bit % 8) if i == bit // 8 else byte for i, byte in enumerate(right))

    with pytest.raises(SignatureRefused):
        wire.verify({SHOP: CONNECTION}, headers | {"X-Shopify-Hmac-Sha256": wrong.decode("latin-1")}, BODY, NOW)


# What a delivery is called


def test_without_an_event_id_the_webhook_id_names_the_delivery_and_without_both_its_digest() -> None:
    nameless = push(order(), **{"X-Shopify-Event-Id": "", "X-Shopify-Webhook-Id": ""})

    assert push(order(), **{"X-Shopify-Event-Id": ""}).delivery_key == f"shopify:{SHOP}:orders/create:w-1"
    assert nameless.delivery_key == f"shopify:{SHOP}:orders/create:{nameless.body_sha256}"


def test_two_topics_of_one_change_have_two_deliveries_and_one_effect() -> None:
    created, updated = push(order(), "orders/create"), push(order(), "orders/updated")

    assert created.delivery_key != updated.delivery_key
    assert created.effect_key == updated.effect_key is not None


def test_an_unreadable_trigger_time_refuses_nothing() -> None:
    assert push(order(), **{"X-Shopify-Triggered-At": "yesterday"}).triggered_at == NOW


def test_an_authentic_body_that_nobody_can_read_is_still_a_push() -> None:
    found = push(b"\xff{")

    assert (found.kind, found.external_order_id, found.effect_key) == (Kind.ORDER, None, None)
    with pytest.raises(BadInput):
        wire.parse(found)


# What it says


@pytest.mark.parametrize("topic", ["app/uninstalled", "", "orders/teleported"])
def test_an_unknown_topic_is_unrecognised(topic: str) -> None:
    with pytest.raises(Unrecognised):
        news(order(), topic)


@pytest.mark.parametrize(
    "topic", ["orders/create", "orders/updated", "orders/paid", "orders/fulfilled", "orders/cancelled", "orders/edited"]
)
def test_every_order_topic_carries_the_whole_order(topic: str) -> None:
    found = news(order(), topic)

    assert isinstance(found, OrderNews)
    assert found.order == snapshot()


def test_an_edit_without_the_order_says_only_that_it_changed() -> None:
    assert news({"order_edit": {"id": 1, "order_id": 59}}, "orders/edited") == OrderTouched("59", "edited")


def test_a_test_order_is_told_from_a_real_one() -> None:
    assert [news(order(test=flag)).test for flag in (True, False)] == [True, False]  # type: ignore[union-attr]


def test_a_refund_on_its_own_is_read() -> None:
    found = news(refund(9108, "100.00"), "refunds/create")

    assert isinstance(found, RefundNews)
    assert found.external_order_id == "5902603020001"
    assert found.refund.amount == Money(10000, "CNY")
    assert found.refund.status is RefundStatus.SUCCEEDED


def test_a_refund_that_moves_no_money_only_touches_the_order() -> None:
    assert news(refund(1, "1.00", transactions=[]), "refunds/create") == OrderTouched("5902603020001", "restocked")


@pytest.mark.parametrize(
    ("statuses", "wanted"),
    [
        (["success"], RefundStatus.SUCCEEDED),
        (["success", "pending"], RefundStatus.APPROVED),
        (["failure"], RefundStatus.REJECTED),
        ([], RefundStatus.CLOSED),
    ],
)
def test_a_refund_is_as_far_as_the_least_advanced_of_its_parts(statuses: list[str], wanted: RefundStatus) -> None:
    parts = [{"kind": "refund", "status": s, "amount": "1.00", "currency": "CNY"} for s in statuses]

    assert snapshot(refunds=[refund(1, "1.00", transactions=parts)]).refunds[0].status is wanted


def test_goods_that_came_back_make_it_a_return() -> None:
    items = [{"line_item_id": 1, "quantity": 1, "restock_type": "return"}]
    found = snapshot(refunds=[refund(1, "129.00", refund_line_items=items)])

    assert found.refunds[0].type is RefundType.RETURN_REFUND
    assert [one.refund_status for one in found.lines] == [LineRefund.REFUNDED, LineRefund.NONE]
    assert found.amounts.refunded == Money(12900, "CNY")


def test_an_unknown_refund_status_is_unrecognised() -> None:
    with pytest.raises(Unrecognised):
        snapshot(refunds=[refund(1, "1.00", "moonlit")])


@pytest.mark.parametrize("wish", list(PrivacyWish))
def test_privacy_wishes_name_customer_and_orders(wish: PrivacyWish) -> None:
    body = {"shop_domain": SHOP, "customer": {"id": 7, "email": "x@example.org"}, "orders_requested": [1, "2"]}

    assert news(body, wish.value) == PrivacyNews(wish, "7", ("1", "2"))


@pytest.mark.parametrize(
    ("changes", "status", "hold", "shippable"),
    [
        ({}, "pending", None, False),
        ({"financial_status": "authorized"}, "pending", "payment_audit", False),
        ({"financial_status": "partially_paid"}, "pending", "presale_balance", False),
        ({"financial_status": "paid"}, "paid", None, True),
        ({"financial_status": "partially_refunded"}, "paid", None, True),
        ({"financial_status": "paid", "fulfillment_status": "partial"}, "shipped", None, False),
        ({"financial_status": "paid", "fulfillment_status": "fulfilled"}, "shipped", None, False),
        ({"financial_status": "paid", "fulfillment_status": "restocked"}, "paid", None, True),
        ({"financial_status": "pending", "fulfillment_status": "fulfilled"}, "pending", None, False),
        ({"financial_status": "voided"}, "cancelled", None, False),
        ({"financial_status": "refunded"}, "refunded", None, False),
        ({"financial_status": "authorized", "cancelled_at": "2026-03-02T05:20:00+03:00"}, "cancelled", None, False),
    ],
)
def test_the_status_fields_together_are_one_status(
    changes: dict[str, Any], status: str, hold: str | None, shippable: bool
) -> None:
    found = snapshot(**changes)

    assert (found.status, found.hold, found.shippable) == (status, hold, shippable)


@pytest.mark.parametrize(
    "changes",
    [
        {"fulfillment_status": "levitated"},
        {"financial_status": "moon_paid"},
        {"fulfillments": [{"id": 1, "status": "beamed", "created_at": "2026-03-02T05:20:00+03:00"}]},
        {"shipping_address": {"country_code": "China"}},
    ],
)
def test_an_unknown_word_is_unrecognised_and_never_guessed(changes: dict[str, Any]) -> None:
    with pytest.raises(Unrecognised):
        snapshot(**changes)


def test_only_fulfilments_that_succeeded_are_shipments_one_per_number() -> None:
    at = "2026-03-02T09:30:00+03:00"
    made = {"id": 1, "status": "success", "created_at": at, "tracking_company": "SF", "tracking_numbers": ["A", "B"]}
    dead = {"id": 2, "status": "cancelled", "created_at": at, "tracking_number": "C"}

    found = snapshot(financial_status="paid", fulfillment_status="partial", fulfillments=[made, dead])

    assert [shipment.tracking_no for shipment in found.shipments] == ["A", "B"]
    assert found.shipped_at == found.shipments[0].shipped_at


def test_parts_in_two_currencies_are_no_order() -> None:
    found = snapshot()

    with pytest.raises(BadInput):
        replace(found, amounts=replace(found.amounts, refunded=Money(0, "KES")))


def test_tips_and_duties_are_an_adjustment_that_needs_no_review() -> None:
    duties = {"shop_money": {"amount": "3.00", "currency_code": "CNY"}}
    found = snapshot(total_tip_received="2.00", original_total_duties_set=duties, total_price="263.00")

    assert (found.amounts.adjustment, found.review) == (Money(500, "CNY"), None)


def test_a_remainder_that_nothing_explains_is_kept_and_asks_for_review() -> None:
    found = snapshot(total_price="257.99")

    assert found.amounts.adjustment == Money(-1, "CNY")
    assert found.amounts.expected_total() == found.amounts.total == Money(25799, "CNY")
    assert found.review == "the total is not the sum of its parts"


def test_after_an_edit_what_is_left_to_ship_and_pay_is_told() -> None:
    items = [line(1, quantity=3, price="86.00", current_quantity=1)]
    found = snapshot(line_items=items, total_discounts="0.00", total_price="268.00", current_total_price="96.00")

    assert (found.lines[0].quantity, found.lines[0].left_to_ship) == (3, 1)
    assert found.left_to_pay == Money(9600, "CNY")


def test_an_order_without_an_address_has_an_absent_recipient() -> None:
    found = snapshot(shipping_address=None, customer=None)

    assert (found.recipient.protection, found.buyer) == ("absent", None)


def test_both_address_lines_are_the_street_and_nothing_personal_is_shown() -> None:
    found = snapshot()

    assert found.recipient.street == "测试路1号 2单元"
    assert not {text for text in ("林晓舟", "13800000000", "测试路") if text in repr(found)}


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None},
        {"currency": "RENMINBI"},
        {"total_price": "1e3"},
        {"total_price": 258},
        {"total_price": "258.001"},
        {"total_price": "-1.00"},
        {"line_items": []},
        {"line_items": [line(1, quantity=0, price="1.00")]},
        {"line_items": [line(1, quantity=1, price="-1.00")]},
        {"line_items": [line(1, quantity=10**6, price="99999999999999.00")]},
        {"updated_at": "2026-03-02T05:01:10"},
        {"total_shipping_price_set": {"shop_money": {"amount": "1.00", "currency_code": "KES"}}},
        {"refunds": [refund(1, "1.00") | {"transactions": "none"}]},
    ],
)
def test_what_cannot_be_read_is_bad_input(changes: dict[str, Any]) -> None:
    with pytest.raises(BadInput):
        snapshot(**changes)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)
TOPICS = ["orders/create", "orders/edited", "refunds/create", "customers/redact", "shop/redact", "?"]


@given(member=st.sampled_from(sorted(order())), value=JSON, topic=st.sampled_from(TOPICS))
def test_whatever_one_member_holds_only_our_own_errors_leave(member: str, value: object, topic: str) -> None:
    with suppress(BadInput, Unrecognised):
        news(order(**{member: value}), topic)


@given(member=st.sampled_from(sorted(refund(1, "1.00"))), value=JSON)
def test_whatever_a_refund_holds_only_our_own_errors_leave(member: str, value: object) -> None:
    with suppress(BadInput, Unrecognised):
        news(refund(1, "1.00") | {member: value}, "refunds/create")


@given(body=st.binary(max_size=120), topic=st.sampled_from(TOPICS))
def test_whatever_bytes_are_signed_only_our_own_errors_leave(body: bytes, topic: str) -> None:
    with suppress(BadInput, Unrecognised):
        news(body, topic)


# Which snapshot counts

PAID = {"financial_status": "paid"}
EARLIER, LATER = {"updated_at": "2026-03-02T05:01:09+03:00"}, {"updated_at": "2026-03-02T05:01:11+03:00"}


@pytest.mark.parametrize(
    ("stored", "new", "wanted"),
    [
        ({}, LATER, Disposition.APPLIED),
        (PAID, LATER, Disposition.APPLIED),  # a newer snapshot may take something back
        ({}, EARLIER | PAID, Disposition.SUPERSEDED),
        ({}, {}, Disposition.SUPERSEDED),
        ({}, PAID, Disposition.APPLIED),  # the same second, further along
        (PAID, {}, Disposition.SUPERSEDED),
        ({}, {"financial_status": "authorized"}, Disposition.APPLIED),
        ({"financial_status": "authorized"}, {}, Disposition.SUPERSEDED),
        ({"financial_status": "authorized"}, PAID, Disposition.APPLIED),
        (PAID, PAID | {"fulfillment_status": "fulfilled"}, Disposition.APPLIED),
        (PAID | {"fulfillment_status": "fulfilled"}, PAID, Disposition.SUPERSEDED),
        ({}, {"cancelled_at": "2026-03-02T05:01:10+03:00"}, Disposition.APPLIED),
        ({"cancelled_at": "2026-03-02T05:01:10+03:00"}, {}, Disposition.SUPERSEDED),
        (PAID, PAID | {"refunds": [refund(1, "1.00")]}, Disposition.APPLIED),
        (PAID | {"refunds": [refund(1, "1.00")]}, PAID, Disposition.SUPERSEDED),
        (
            PAID | {"refunds": [refund(1, "1.00", "pending")]},
            PAID | {"refunds": [refund(1, "1.00")]},
            Disposition.APPLIED,
        ),
    ],
)
def test_newer_wins_and_within_a_second_what_is_further_along(
    stored: dict[str, Any], new: dict[str, Any], wanted: Disposition
) -> None:
    before, after = snapshot(**stored), snapshot(**new)

    taken = take_snapshot(before, after)

    assert taken.disposition is wanted
    assert taken.order == (after if wanted is Disposition.APPLIED else before)
    if before.updated_at == after.updated_at:
        assert (channel_rank(after) > channel_rank(before)) is (wanted is Disposition.APPLIED)


def test_a_refund_that_came_before_stays_attached_to_a_snapshot_that_leaves_it_out() -> None:
    known = attach_refund(snapshot(**PAID), snapshot(refunds=[refund(7, "58.00")]).refunds[0])
    assert known.disposition is Disposition.APPLIED

    taken = take_snapshot(known.order, snapshot(**PAID, **LATER))

    assert [one.external_refund_id for one in taken.order.refunds] == ["7"]
    assert taken.order.amounts.refunded == Money(5800, "CNY")


def test_the_same_refund_again_changes_nothing() -> None:
    stored = snapshot(refunds=[refund(7, "58.00")])

    for again in (refund(7, "58.00"), refund(7, "58.00", "pending")):
        taken = attach_refund(stored, snapshot(refunds=[again]).refunds[0])
        assert (taken.disposition, taken.order) == (Disposition.SUPERSEDED, stored)
