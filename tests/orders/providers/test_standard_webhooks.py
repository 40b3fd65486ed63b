"""Standard Webhooks of own shops against what the internet sends, and our own `order.shipped` to them."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.orders.providers.base import Confirmation, ConfirmationRefused, Push, ShipmentNotice, ShopConnection
from services.orders.providers.canonical_json import as_json
from services.orders.providers.standard_webhooks import wire
from services.orders.providers.standard_webhooks.client import ShopEndpoint, StandardShop
from shared.errors import BadInput, SignatureRefused, Stale, Transient, Unknown, Unrecognised
from shared.http.signatures import sign_standard, standard_secret, verify_standard
from tests.orders.providers import red

NOW = datetime(2026, 3, 2, 2, 1, 12, tzinfo=UTC)
SHOP = "lamu-tea-house-01"


def secret(fill: bytes, name: str = "current") -> Any:
    return standard_secret(name, "whsec_" + base64.b64encode(fill * 32).decode())


CURRENT, OLD, OTHER = secret(b"a"), secret(b"b", "old"), secret(b"c")
OURS = ShopConnection("lamu-tea-house-standard", SHOP, (CURRENT, OLD))
SECOND = ShopConnection("second-standard", "second-01", (OTHER,))


def order(**changes: Any) -> dict[str, Any]:
    told = as_json(red.snapshot(1))
    return told | {"marketplace": "standard_webhooks", "shop_id": SHOP, "external_order_id": "LTH-1"} | changes


def event(kind: str = "order.created", **changes: Any) -> bytes:
    body = {"type": kind, "timestamp": "2026-03-02T02:01:10.000Z", "data": order(**changes)}
    return json.dumps(body, ensure_ascii=False).encode()


def push(body: bytes, *, signed_with: Any = CURRENT, to: tuple[ShopConnection, ...] = (OURS,)) -> Push:
    return wire.verify(to, sign_standard([signed_with], "msg_1", NOW, body), body, NOW)


@pytest.mark.parametrize(("key", "key_id"), [(CURRENT, "current"), (OLD, "old")])
def test_the_secret_in_use_and_the_one_before_it_are_both_believed(key: Any, key_id: str) -> None:
    assert push(event(), signed_with=key).key_id == key_id


def test_at_the_door_without_a_connection_the_signature_says_whose_it_is() -> None:
    body = event(shop_id="second-01")

    found = push(body, signed_with=OTHER, to=(OURS, SECOND))

    assert (found.connection, found.shop_id) == ("second-standard", "second-01")
    assert wire.parse(found).order.external_order_id == "LTH-1"


def test_without_any_connection_nothing_is_believed() -> None:
    with pytest.raises(SignatureRefused):
        push(event(), to=())


@pytest.mark.parametrize(("seconds", "fresh"), [(300, True), (-300, True), (301, False), (-301, False)])
def test_an_attempt_is_believed_for_five_minutes_both_ways(seconds: int, *, fresh: bool) -> None:
    body = event()
    headers = sign_standard([CURRENT], "msg_1", NOW, body)
    late = NOW + timedelta(seconds=seconds)
    if fresh:
        assert wire.verify([OURS], headers, body, late).delivery_key == f"standard_webhooks:{SHOP}:msg_1"
        return
    with pytest.raises(Stale):
        wire.verify([OURS], headers, body, late)


def test_other_versions_of_the_signature_are_ignored() -> None:
    body = event()
    headers = sign_standard([CURRENT], "msg_1", NOW, body)
    right = headers["webhook-signature"]

    assert wire.verify([OURS], headers | {"webhook-signature": f"v1a,AAAA v2,BBBB {right}"}, body, NOW).topic
    with pytest.raises(SignatureRefused):
        wire.verify([OURS], headers | {"webhook-signature": right.replace("v1,", "v1a,")}, body, NOW)


@pytest.mark.parametrize(
    "body",
    [
        event("order.teleported"),
        event("listing.published"),
        event("order.created", status="teleported"),
        event(shop_id="second-01"),
        event(marketplace="shopify"),
        event(currency="??"),
        event(recipient=order()["recipient"] | {"country": "China"}),
        event(external_order_id=""),
        event(updated_at="yesterday"),
        event(amounts=order()["amounts"] | {"total": 1}),
        event(lines=[]),
        b"",
        b"[]",
        b'{"type":"order.created"}',
        b'{"type":7,"data":{}}',
    ],
)
def test_what_is_signed_and_not_understood_is_for_quarantine(body: bytes) -> None:
    with pytest.raises((Unrecognised, BadInput)):
        wire.parse(push(body))


@pytest.mark.parametrize("kind", ["created", "paid", "declared", "shipped", "completed", "cancelled", "refunded"])
def test_every_known_event_carries_the_whole_order(kind: str) -> None:
    found = wire.parse(push(event(f"order.{kind}")))

    assert as_json(found.order) == order()
    assert not found.test


# --- ours → theirs ----------------------------------------------------------------------------------------------------


class Endpoint:
    """Where the shop listens; it believes our secret only, and answers as it is told."""

    def __init__(self, *answers: int | Exception) -> None:
        self.answers, self.heard = list(answers), list[tuple[str, dict[str, Any]]]()

    def handle(self, request: httpx.Request) -> httpx.Response:
        delivery = verify_standard([OTHER], dict(request.headers), request.content, NOW)
        self.heard.append((delivery.message_id, json.loads(request.content)))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return httpx.Response(answer)


async def confirm(endpoint: Endpoint, number: str = "TCX1") -> Confirmation:
    async with httpx.AsyncClient(transport=httpx.MockTransport(endpoint.handle)) as http:
        shop = StandardShop(http, ShopEndpoint("https://shop.test/hooks", SHOP, (OTHER,)), NOW)
        return await shop.confirm_shipment(ShipmentNotice("LTH-1", "cainiao-air", number))


async def test_the_shop_is_told_by_a_signed_webhook_of_ours() -> None:
    endpoint = Endpoint(204)

    done = await confirm(endpoint)

    ((message_id, body),) = endpoint.heard
    assert done == Confirmation([message_id], already=False)
    assert body == {
        "type": "order.shipped",
        "timestamp": "2026-03-02T02:01:12.000Z",
        "data": {
            "marketplace": "standard_webhooks",
            "shop_id": SHOP,
            "external_order_id": "LTH-1",
            "shipments": [{"carrier": "cainiao-air", "tracking_no": "TCX1", "shipped_at": "2026-03-02T02:01:12.000Z"}],
        },
    }


async def test_the_same_shipment_is_the_same_message_and_another_is_not() -> None:
    endpoint = Endpoint(204, 204, 204)

    for number in ("TCX1", "TCX1", "TCX2"):
        await confirm(endpoint, number)

    first, again, other = (message_id for message_id, _ in endpoint.heard)
    assert first == again != other


@pytest.mark.parametrize(
    ("answer", "ends"),
    [
        (408, Transient), (425, Transient), (429, Transient), (500, Transient), (502, Transient), (504, Transient),
        (httpx.ConnectError("no"), Transient), (httpx.ReadTimeout("late"), Unknown),
        (301, ConfirmationRefused), (400, ConfirmationRefused), (401, ConfirmationRefused), (410, ConfirmationRefused),
    ],
)  # fmt: skip
async def test_an_endpoint_that_does_not_take_it_ends_as_it_should(
    answer: int | Exception, ends: type[Exception]
) -> None:
    with pytest.raises(ends):
        await confirm(Endpoint(answer))
