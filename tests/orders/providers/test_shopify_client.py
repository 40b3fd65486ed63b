from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from services.orders.providers.base import Confirmation, ShipmentNotice
from services.orders.providers.shopify.client import ShopAccess, ShopifyShop
from services.orders.providers.shopify.fulfilment import FulfilmentRefused
from shared.errors import Transient, Unknown

NOTICE = ShipmentNotice("59", "Cainiao", "TCX1", "https://track.example.org/TCX1")
ACCESS = ShopAccess("https://roasters.example.org/", "shpat_secret")
OPEN = {"id": "gid://FO/1", "status": "OPEN"}


class Shop:
    """The shop's side: answers of the look and of the creation, and what it was asked."""

    def __init__(self, orders: list[Any], made: list[Any], create: Callable[[], httpx.Response]) -> None:
        self.look = {"data": {"order": {"fulfillmentOrders": {"nodes": orders}, "fulfillments": made}}}
        self.create, self.asked = create, list[dict[str, Any]]()

    def __call__(self, request: httpx.Request) -> httpx.Response:
        assert request.headers["x-shopify-access-token"] == "shpat_secret"
        assert str(request.url) == "https://roasters.example.org/admin/api/2026-01/graphql.json"
        self.asked.append(json.loads(request.content))
        return self.create() if "mutation" in self.asked[-1]["query"] else httpx.Response(200, json=self.look)


def created(errors: list[Any] | None = None) -> httpx.Response:
    made = None if errors else {"id": "gid://F/1", "status": "SUCCESS"}
    return httpx.Response(200, json={"data": {"fulfillmentCreate": {"fulfillment": made, "userErrors": errors or []}}})


async def confirm(answer: Callable[[httpx.Request], httpx.Response]) -> Confirmation:
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        return await ShopifyShop(http, ACCESS).confirm_shipment(NOTICE)


async def test_open_fulfilment_orders_are_fulfilled_under_the_waybill() -> None:
    shop = Shop([OPEN, {"id": "gid://FO/2", "status": "CLOSED"}], [], created)

    assert await confirm(shop) == Confirmation(["gid://F/1"], already=False)

    assert shop.asked[0]["variables"] == {"id": "gid://shopify/Order/59"}
    assert shop.asked[1]["variables"]["fulfillment"] == {
        "lineItemsByFulfillmentOrder": [{"fulfillmentOrderId": "gid://FO/1"}],
        "trackingInfo": {"company": "Cainiao", "number": "TCX1", "url": "https://track.example.org/TCX1"},
        "notifyCustomer": True,
    }


async def test_what_an_unanswered_attempt_did_is_found_and_not_repeated() -> None:
    made = [{"id": "gid://F/1", "status": "SUCCESS", "trackingInfo": [{"number": "TCX1"}]}]
    shop = Shop([], made, created)

    assert await confirm(shop) == Confirmation(("gid://F/1",), already=True)
    assert len(shop.asked) == 1


async def test_a_cancelled_fulfilment_under_the_number_does_not_count() -> None:
    made = [{"id": "gid://F/0", "status": "CANCELLED", "trackingInfo": [{"number": "TCX1"}]}]

    assert await confirm(Shop([OPEN], made, created)) == Confirmation(["gid://F/1"], already=False)


@pytest.mark.parametrize(
    ("shop", "failure"),
    [
        (Shop([], [], created), FulfilmentRefused),
        (Shop([OPEN], [], lambda: created([{"field": ["x"], "message": "not open"}])), FulfilmentRefused),
        (Shop([OPEN], [], lambda: httpx.Response(503)), Unknown),
        (Shop([OPEN], [], lambda: httpx.Response(200, content=b"<html>")), Unknown),
        (Shop([OPEN], [], lambda: httpx.Response(429)), Transient),
        (Shop([OPEN], [], lambda: httpx.Response(401)), FulfilmentRefused),
        (lambda _: httpx.Response(200, json={"data": {"order": None}}), FulfilmentRefused),
        (lambda _: httpx.Response(200, json={"errors": [{"message": "x"}]}), FulfilmentRefused),
        (lambda _: httpx.Response(200, json={"errors": [{"extensions": {"code": "THROTTLED"}}]}), Transient),
        (lambda _: httpx.Response(500), Transient),
        (lambda _: httpx.Response(200, content=b"\xff"), Transient),
    ],
    ids=range(11),
)
async def test_every_bad_answer_has_its_kind(
    shop: Callable[[httpx.Request], httpx.Response], failure: type[Exception]
) -> None:
    with pytest.raises(failure):
        await confirm(shop)


def broken(error: type[httpx.TransportError], *, after: int) -> Callable[[httpx.Request], httpx.Response]:
    shop, count = Shop([OPEN], [], created), iter(range(99))

    def answer(request: httpx.Request) -> httpx.Response:
        if next(count) == after:
            raise error("broken", request=request)
        return shop(request)

    return answer


@pytest.mark.parametrize(
    ("error", "after", "failure"),
    [
        (httpx.ConnectError, 0, Transient),
        (httpx.ConnectError, 1, Transient),
        (httpx.ReadTimeout, 0, Transient),  # a question may always be asked again
        (httpx.ReadTimeout, 1, Unknown),
        (httpx.RemoteProtocolError, 1, Unknown),
        (httpx.WriteError, 1, Unknown),
    ],
)
async def test_a_broken_line_is_unknown_only_where_something_may_have_happened(
    error: type[httpx.TransportError], after: int, failure: type[Exception]
) -> None:
    with pytest.raises(failure):
        await confirm(broken(error, after=after))


def test_the_token_is_not_shown() -> None:
    assert "shpat" not in repr(ACCESS)
