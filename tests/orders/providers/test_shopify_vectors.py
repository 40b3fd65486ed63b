"""Every Shopify case of the vectors folder on the pure module, deliveries in order against an empty store."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest

from services.orders.canonical import CanonicalOrder
from services.orders.providers.base import OrderNews, Push, RefundNews
from services.orders.providers.canonical_json import as_json, from_json, stamp
from services.orders.providers.shopify import wire
from services.orders.snapshots import attach_refund, take_snapshot
from shared.errors import BadInput, SignatureRefused, Unrecognised
from shared.http.payload import read_object
from tests.orders.providers.marketplace_cases import Case, Delivery, cases

SHOPIFY = cases("shopify")


@dataclass
class Store:
    """What a receiver keeps between deliveries: body digests by delivery key, one snapshot per order."""

    seen: dict[str, str] = field(default_factory=dict)
    orders: dict[str, CanonicalOrder] = field(default_factory=dict)

    def take(self, push: Push) -> str:
        if self.seen.get(push.delivery_key) == push.body_sha256:
            return "duplicate"
        self.seen[push.delivery_key] = push.body_sha256
        try:
            news = wire.parse(push)
        except (Unrecognised, BadInput):
            return "quarantined"
        match news:
            case OrderNews(order):
                taken = take_snapshot(self.orders.get(order.external_order_id), order)
            case RefundNews(order_id, refund):
                taken = attach_refund(self.orders[order_id], refund)
            case _:
                return "applied"
        self.orders[taken.order.external_order_id] = taken.order
        return taken.disposition.value


def arrives(case: Case, delivery: Delivery, store: Store) -> dict[str, Any]:
    """The answer and the message of one delivery, in the words of the vectors."""
    connection = case.shopify_connection()
    try:
        push = wire.verify({connection.shop_id: connection}, delivery.headers, delivery.body, delivery.now)
    except SignatureRefused as refused:
        return {"verify": "fail", "reject": refused.reason, "status": 401, "messages": []}
    message = {
        "dedupe_key": push.delivery_key,
        "topic": push.topic,
        "kind": push.kind and push.kind.value,
        "external_order_id": push.external_order_id,
        "occurred_at": stamp(push.triggered_at),
        "disposition": store.take(push),
        "external_status": push.external_status,
    }
    return {"verify": "ok", "reject": None, "status": 200, "messages": [message]}


def expected(delivery: Delivery) -> dict[str, Any]:
    expect = delivery.expect
    return {"verify": expect["verify"], "reject": expect["reject"], "status": expect["ack"]["status"]} | {
        "messages": [{"external_status": None} | message for message in expect["messages"]]
    }


@pytest.mark.parametrize("case", SHOPIFY, ids=lambda case: case.id)
def test_every_case_is_answered_and_stored_as_it_says(case: Case) -> None:
    store = Store()

    for delivery in case.deliveries:
        answer = arrives(case, delivery, store)
        wanted = expected(delivery)
        named = [
            {k: v for k, v in m.items() if k in w} for m, w in zip(answer["messages"], wanted["messages"], strict=True)
        ]
        assert answer | {"messages": named} == wanted

    orders = [as_json(order) for order in store.orders.values()]
    assert orders == ([] if case.expect_order is None else [case.expect_order])


@pytest.mark.parametrize("case", [case for case in SHOPIFY if case.expect_order], ids=lambda case: case.id)
def test_a_stored_snapshot_reads_back_as_it_was(case: Case) -> None:
    store = Store()
    for delivery in case.deliveries:
        arrives(case, delivery, store)

    (order,) = store.orders.values()

    assert from_json(read_object(json_bytes(as_json(order)))) == order


def json_bytes(body: dict[str, Any]) -> bytes:

    return json.dumps(body, ensure_ascii=False).encode()


def test_the_folder_holds_cases() -> None:
    assert SHOPIFY
