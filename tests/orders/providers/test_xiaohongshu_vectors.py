"""Every Xiaohongshu case of the vectors folder on the pure modules: pushes in order, each fetch as the case answers."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest

from services.orders.canonical import CanonicalOrder, Refund
from services.orders.providers.base import Push
from services.orders.providers.canonical_json import as_json, from_json, stamp
from services.orders.providers.xiaohongshu import wire
from services.orders.providers.xiaohongshu.snapshot import read_order
from services.orders.providers.xiaohongshu.wire import App
from shared.errors import SignatureRefused
from shared.http.payload import read_object
from shared.http.signatures import Secret
from tests.orders.providers.marketplace_cases import VECTORS, Case, Delivery, cases, request_cases
from tests.orders.providers.receiver import Store, named

XIAOHONGSHU = cases("xiaohongshu")
REQUESTS = request_cases("xiaohongshu")
GOLDEN = {
    row["name"]: row
    for row in json.loads((VECTORS / "marketplaces" / "golden_signatures.json").read_text("utf-8"))["vectors"]
}


Claims = dict[str | None, list[Refund]]  # by the order that they are about


def arrives(case: Case, delivery: Delivery, store: Store, claims: Claims) -> dict[str, Any]:
    """The answer and the messages of one push, in the words of the vectors."""
    max_age = timedelta(seconds=case.config["max_age_s"])
    try:
        key_id = wire.verify(case.app_secrets, delivery.path, delivery.query, delivery.headers, delivery.now, max_age)
    except SignatureRefused as refused:
        ack = {"status": 401, "body": wire.refused(refused).decode()}
        return {"verify": "fail", "reject": refused.reason, "ack": ack, "messages": []}
    pushes: Iterable[Push] = ()
    if not wire.is_url_test(delivery.body):
        pushes = wire.read(delivery.body, {case.shop_id: "case"}, key_id, delivery.now)
    messages = [message(push, delivery, store, claims) for push in pushes]
    return {"verify": "ok", "reject": None, "ack": {"status": 200, "body": wire.ACK.decode()}, "messages": messages}


def message(push: Push, delivery: Delivery, store: Store, claims: Claims) -> dict[str, Any]:
    return {
        "dedupe_key": push.delivery_key,
        "topic": push.topic,
        "kind": push.kind and push.kind.value,
        "external_order_id": push.external_order_id,
        "external_refund_id": push.external_refund_id,
        "occurred_at": stamp(push.triggered_at),
        "disposition": store.take(push, lambda: fetched(push, delivery, claims)),
        "external_status": push.external_status,
    }


def fetched(push: Push, delivery: Delivery, claims: Claims) -> CanonicalOrder:
    """What the push leads to: the order as the case lets it be fetched, with the refunds that pushes told of so far."""
    touched = wire.parse(push)
    known = claims[touched.external_order_id]
    known += [touched.claim] if touched.claim else []
    body = json.dumps(delivery.fetched("order.getOrderDetail")[touched.external_order_id]).encode()
    return read_order(wire.parse_answer(body).child("data"), push.shop_id, known)


@pytest.mark.parametrize("case", XIAOHONGSHU, ids=lambda case: case.id)
def test_every_case_is_answered_and_stored_as_it_says(case: Case) -> None:
    store, claims = Store(), defaultdict[str | None, list[Refund]](list)

    for delivery in case.deliveries:
        answer = arrives(case, delivery, store, claims)
        assert named(answer, delivery.expect) == {key: delivery.expect[key] for key in answer}

    assert [as_json(order) for order in store.orders.values()] == case.expect_orders
    for order in store.orders.values():
        assert from_json(read_object(json.dumps(as_json(order)).encode())) == order


@pytest.mark.parametrize("case", REQUESTS, ids=lambda case: case.id)
def test_a_request_is_signed_and_built_as_its_case_says(case: Case) -> None:
    for wanted in case.requests:
        parameters = dict(wanted["params"])
        method, seconds = parameters.pop("method"), parameters.pop("timestamp")
        app = App(parameters.pop("appId"), case.config["app_secret"], parameters.pop("accessToken"))
        assert parameters.pop("version") == "2.0"

        built = json.loads(wire.build(app, method, parameters, datetime.fromtimestamp(int(seconds)).astimezone()))

        assert built == wanted["params"] | {"sign": wanted["sign"]}


def test_the_platforms_own_published_push_verifies() -> None:
    row = GOLDEN["xiaohongshu_push_md5"]
    path, _, query = row["string"].partition("?")
    signed = dict(pair.split("=") for pair in query.split("&"))
    headers = {"app-key": signed.pop("app-key"), "timestamp": signed["timestamp"], "sign": row["expect"]}
    now = datetime.fromtimestamp(int(signed.pop("timestamp"))).astimezone()

    secret = Secret.of_text("published", row["secret"])
    assert wire.verify([secret], path, urlencode(signed), headers, now) == "published"


def test_the_folder_holds_all_twelve_cases() -> None:
    assert (len(XIAOHONGSHU), len(REQUESTS)) == (11, 1)
