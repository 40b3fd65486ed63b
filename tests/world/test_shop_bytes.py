"""Shopify's and Standard Webhooks' bytes against the samples, and as the services read them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from deploy.world import people, shop_wire, standard_webhooks, times
from deploy.world.config import SKUS
from deploy.world.keys import Keys
from deploy.world.people import buyer, check_digit
from deploy.world.shop_wire import Line, ShopOrder
from services.orders.providers.base import OrderNews, ShopConnection
from services.orders.providers.shopify import wire as our_wire
from shared.http.signatures import Secret
from tests.world import samples
from tests.world.samples import Case

NOW = datetime(2026, 3, 1, 2, 18, 24, tzinfo=UTC)
PUSHES = [
    (case, delivery)
    for case in samples.files("marketplaces/shopify")
    for delivery in case["deliveries"]
    if delivery["expect"]["verify"] == "ok"
]
STANDARD = [
    (case, delivery)
    for case in samples.files("marketplaces/standard_webhooks")
    for delivery in case["deliveries"]
    if delivery["expect"]["verify"] == "ok" and " " not in delivery["headers"]["webhook-signature"]
]


def order(**more: Any) -> ShopOrder:
    lines = (Line(SKUS[0], 2), Line(SKUS[2], 1))
    plain = ShopOrder(5902603020001, 1001, lines, buyer(1), freight_minor=1200, created_at=NOW)
    return replace(plain, **more)


@pytest.mark.parametrize(("case", "delivery"), PUSHES)
def test_the_hmac_of_a_push_is_the_samples(case: Case, delivery: Case) -> None:
    given = delivery["headers"]["X-Shopify-Hmac-Sha256"]

    assert shop_wire.hmac_base64(case["config"]["client_secret"].encode(), delivery["body"].encode()) == given


def test_headers_carry_the_names_of_the_samples() -> None:
    made = shop_wire.headers("orders/create", b"{}", secret=b"s", shop="x", version="2026-01", event_id="e", at=NOW)

    assert made.keys() == PUSHES[0][1]["headers"].keys()


def test_an_order_has_every_field_of_the_sample() -> None:
    sample = json.loads(PUSHES[0][1]["body"])
    made = shop_wire.payload(order())

    assert made.keys() == sample.keys()
    assert made["line_items"][0].keys() == sample["line_items"][0].keys()
    assert made["shipping_address"].keys() == sample["shipping_address"].keys()


def connections(keys: Keys) -> dict[str, ShopConnection]:
    secret = Secret("1", keys.app_secret)
    return {keys.shop_domain: ShopConnection("c", keys.shop_domain, (secret,))}


def read(keys: Keys, made: ShopOrder, **more: datetime) -> OrderNews:
    body = shop_wire.encode(shop_wire.payload(made, **more))
    headers = shop_wire.headers(
        "orders/create", body, secret=keys.app_secret, shop=keys.shop_domain, version="2026-01", event_id="e", at=NOW
    )
    news = our_wire.parse(our_wire.verify(connections(keys), headers, body, NOW))
    assert isinstance(news, OrderNews)
    return news


def test_the_services_read_an_unpaid_order(keys: Keys) -> None:
    found = read(keys, order()).order

    assert (found.status, found.amounts.total.minor, found.amounts.total.currency) == ("pending", 32900, "CNY")
    assert found.amounts.total == found.amounts.expected_total()
    assert (found.recipient.country, found.recipient.name) == ("CN", buyer(1).name)


def test_the_services_read_a_cancelled_order_as_newer(keys: Keys) -> None:
    found = read(keys, order(), cancelled_at=NOW + timedelta(seconds=1)).order

    assert found.status == "cancelled"
    assert found.updated_at > read(keys, order()).order.updated_at


def test_the_services_read_an_order_paid_abroad(keys: Keys) -> None:
    assert read(keys, order(currency="KES", paid=True)).order.status == "paid"


@pytest.mark.parametrize(("case", "delivery"), STANDARD)
def test_a_standard_webhook_is_signed_as_the_samples(case: Case, delivery: Case) -> None:
    headers, body = delivery["headers"], delivery["body"].encode()
    made = standard_webhooks.headers(
        case["config"]["secret"], headers["webhook-id"], int(headers["webhook-timestamp"]), body
    )

    assert made == headers


def test_the_published_library_believes_what_we_sign_and_we_believe_it(keys: Keys) -> None:
    peer, body = Webhook(keys.warehouse_secret), '{"type":"parcel.packed"}'
    epoch = times.epoch()

    peer.verify(body, standard_webhooks.headers(keys.warehouse_secret, "m", epoch, body.encode()))
    theirs = {"webhook-id": "m", "webhook-timestamp": str(epoch)}
    theirs["webhook-signature"] = "v9,x " + peer.sign("m", datetime.fromtimestamp(epoch, UTC), body)

    def refused(content: bytes, late: int = 0) -> str | None:
        return standard_webhooks.refuse(theirs, content, keys.warehouse_secret, epoch + late)

    assert refused(body.encode()) is None
    assert refused(body.encode() + b" ") == "no signature matches"
    assert refused(body.encode(), late=301) is not None


def test_a_buyer_is_always_the_same_and_has_a_true_check_digit() -> None:
    numbers = {buyer(number).id_number for number in range(3000)}

    assert buyer(42) == buyer(42)
    assert len(numbers) == 3000
    assert all(check_digit(number[:17]) == number[17] for number in numbers)
    assert check_digit("99999919900307101") == "5"
    assert people.corrected(buyer(1).address) != buyer(1).address
