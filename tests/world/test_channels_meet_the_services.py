"""The other two shops of the world against our own modules: what they push is believed, what they are told is taken."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from deploy.world import times, xiaohongshu_wire
from deploy.world.app import World
from deploy.world.books import OrderBook
from deploy.world.config import DIRECT_SKUS, SKUS
from deploy.world.keys import Keys
from deploy.world.people import buyer
from deploy.world.plan import plan_of
from deploy.world.sender import Delivery
from deploy.world.shop_wire import Line, ShopOrder
from deploy.world.xiaohongshu_wire import RedOrder
from services.orders.canonical import ChannelHold, ChannelStatus, Protection
from services.orders.providers.base import ConfirmationRefused, OrderNews, ShipmentNotice, ShopConnection
from services.orders.providers.standard_webhooks import wire as standard
from services.orders.providers.standard_webhooks.client import ShopEndpoint, StandardShop
from services.orders.providers.xiaohongshu import wire as red_wire
from services.orders.providers.xiaohongshu.client import Seller, Xiaohongshu
from services.orders.providers.xiaohongshu.wire import App, ChannelRefused
from shared.errors import Transient
from shared.http.signatures import Secret, standard_secret

SHOP = "lamu-tea-house"


def tea(number: int = 1, **changes: Any) -> ShopOrder:
    lines = (Line(DIRECT_SKUS[0], 2), Line(DIRECT_SKUS[2], 1))
    return ShopOrder(number, number, lines, buyer(number), 0, times.now(), prefix="LTH-", **changes)


def coffee(number: int = 1) -> ShopOrder:
    return ShopOrder(number, number, (Line(SKUS[0], 2),), buyer(number), 0, times.now(), prefix="P")


def booked(world: World, order: ShopOrder, shop: str = SHOP, *kinds: str) -> OrderBook:
    book = OrderBook(order.external_id, plan_of(*kinds), order.total_minor, "CNY", [], shop)
    return world.core.books.open(book)


@pytest.fixture
async def http(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://world") as client:
        yield client


# --- Standard Webhooks ------------------------------------------------------------------------------------------------


def read(keys: Keys, delivery: Delivery) -> OrderNews:
    headers, body = delivery.build()
    connection = ShopConnection("c", keys.standard_shop_id, (standard_secret("1", keys.standard_secret),))
    return standard.parse(standard.verify([connection], headers, body, times.now()))


def test_a_created_order_is_believed_and_means_what_it_says(world: World, keys: Keys) -> None:
    order = tea()

    message_id, delivery = world.standard_shop.delivery("orders/create", order)
    news = read(keys, delivery)

    assert news.order.external_order_id == "LTH-1"
    assert (news.order.status, news.order.amounts.total.minor) == (ChannelStatus.PENDING, order.total_minor)
    assert [(line.seller_sku, line.quantity) for line in news.order.lines] == [("LM-TEA-100", 2), ("LM-COF-227", 1)]
    assert news.order.recipient.name == order.buyer.name
    assert delivery.build()[0]["webhook-id"] == message_id  # the same on every retry


@pytest.mark.parametrize(
    ("topic", "status"),
    [("orders/cancelled", ChannelStatus.CANCELLED), ("orders/completed", ChannelStatus.COMPLETED)],
)
def test_what_happens_later_is_a_newer_snapshot(world: World, keys: Keys, topic: str, status: ChannelStatus) -> None:
    order = tea()
    at = order.created_at + timedelta(seconds=5)

    news = read(keys, world.standard_shop.delivery(topic, order, at=at)[1])

    assert (news.order.status, news.order.updated_at > news.order.created_at) == (status, True)


async def test_our_shipment_is_taken_once_and_only_if_we_signed_it(
    world: World, keys: Keys, http: httpx.AsyncClient
) -> None:
    order = tea()
    book = booked(world, order)
    endpoint = ShopEndpoint(
        "http://world/standard/webhooks", keys.standard_shop_id, (standard_secret("1", keys.standard_ours),)
    )
    shop = StandardShop(http, endpoint, times.now())

    for _ in range(2):
        await shop.confirm_shipment(ShipmentNotice(order.external_id, "cainiao-air", "TCX1"))

    assert [one["tracking_no"] for one in book.shelves["fulfilments"]] == ["TCX1"]
    with pytest.raises(ConfirmationRefused):
        await shop.confirm_shipment(ShipmentNotice("LTH-99", "cainiao-air", "TCX1"))
    stranger = ShopEndpoint(endpoint.url, endpoint.shop_id, (standard_secret("1", keys.standard_secret),))
    with pytest.raises(ConfirmationRefused):
        await StandardShop(http, stranger, times.now()).confirm_shipment(ShipmentNotice("LTH-1", "c", "TCX2"))


# --- Xiaohongshu ------------------------------------------------------------------------------------------------------


@pytest.fixture
def red(world: World, http: httpx.AsyncClient, keys: Keys) -> Xiaohongshu:
    """Our own client, with the seller's token."""
    app = App(keys.red_app_key, keys.red_app_secret, keys.red_token)
    return Xiaohongshu(http, Seller("http://world", keys.red_seller_id, app), times.now(), {"cainiao": "cainiao"})


def paid(world: World, number: int = 1) -> tuple[OrderBook, RedOrder]:
    order = coffee(number)
    book = booked(world, order, "savanna-red")
    there = world.xiaohongshu.place(order)
    world.xiaohongshu.pay(there)
    return book, there


def test_a_push_of_the_platforms_is_believed_and_names_the_order(world: World, keys: Keys) -> None:
    url = world.core.config.doors.xiaohongshu
    headers = xiaohongshu_wire.push_headers(url, keys.red_app_key, keys.red_app_secret, times.epoch())
    body = xiaohongshu_wire.message(
        "msg_fulfillment_status_change", keys.red_seller_id, {"orderId": "P1", "orderStatus": 2, "updateTime": 1}
    )
    _, _, rest = url.partition("//")
    path, _, query = rest[rest.index("/") :].partition("?")

    secrets = [Secret.of_text("1", keys.red_app_secret)]
    assert red_wire.verify(secrets, path, query, headers, times.now()) == "1"
    (push,) = red_wire.read(body, {keys.red_seller_id: "c"}, "1", times.now())
    assert red_wire.parse(push).external_order_id == "P1"


async def test_an_order_is_shown_as_it_stands(world: World, red: Xiaohongshu) -> None:
    _, there = paid(world)

    processing = await red.fetch(there.id)
    world.xiaohongshu.clear(there)
    clearing = await red.fetch(there.id)

    assert (processing.order.status, processing.order.hold) == (ChannelStatus.PAID, ChannelHold.PLATFORM_HOLD)
    assert (clearing.order.status, clearing.order.hold) == (ChannelStatus.DECLARED, ChannelHold.CUSTOMS)
    assert clearing.order.amounts.total.minor == there.order.total_minor
    assert clearing.order.review is None
    assert clearing.order.updated_at > processing.order.updated_at
    assert clearing.receiver is None


async def test_the_receiver_of_an_order_to_ship_is_opened_and_whole(world: World, red: Xiaohongshu) -> None:
    _, there = paid(world)
    world.xiaohongshu.release(there)

    receiver = (await red.fetch(there.id)).receiver

    buyer_ = there.order.buyer
    assert receiver is not None
    assert (receiver.name, receiver.phone, receiver.street) == (buyer_.name, buyer_.phone, buyer_.address.street)
    assert receiver.protection is Protection.PLAIN


async def test_half_of_the_orders_come_with_a_waybill_that_the_carrier_knows(world: World, red: Xiaohongshu) -> None:
    books = []
    for number in range(1, 41):
        book, there = paid(world, number)
        world.xiaohongshu.release(there)
        books.append((book, there, await red.fetch(there.id)))

    given = [(book, there, shown) for book, there, shown in books if there.express_no]
    assert 10 <= len(given) <= 30
    for book, there, shown in given:
        assert world.core.books.find(there.express_no) is book
        assert [one.tracking_no for one in shown.order.shipments] == [there.express_no]


async def test_a_shipment_is_taken_from_status_4_on_and_once(world: World, red: Xiaohongshu) -> None:
    book, there = paid(world)
    notice = ShipmentNotice(there.id, "cainiao", "TCX9")

    with pytest.raises(Transient):
        await red.confirm_shipment(notice)
    world.xiaohongshu.release(there)
    made, again = await red.confirm_shipment(notice), await red.confirm_shipment(notice)

    assert (made.already, again.already) == (False, True)
    assert [one["tracking_no"] for one in book.shelves["fulfilments"]] == ["TCX9"]
    assert (await red.fetch(there.id)).order.status is ChannelStatus.SHIPPED


async def test_a_refund_ends_as_refunded_and_stands_in_the_channels_books(world: World, red: Xiaohongshu) -> None:
    book, there = paid(world)
    await world.xiaohongshu.open_after_sale(book, there)
    asked = await red.fetch(there.id)
    world.xiaohongshu.close(there)
    done = await red.fetch(there.id)

    assert (asked.order.status, done.order.status) == (ChannelStatus.REFUNDING, ChannelStatus.REFUNDED)
    assert [e["amount"] for e in book.shelves["channel_payments"]] == [there.order.total_minor]
    assert [e["amount"] for e in book.shelves["channel_refunds"]] == [there.order.total_minor]


@pytest.mark.parametrize(("part", "value"), [("key", "other"), ("secret", "other"), ("token", "other")])
async def test_whoever_does_not_sign_or_has_no_token_is_told_nothing(
    world: World, http: httpx.AsyncClient, keys: Keys, part: str, value: str
) -> None:
    _, there = paid(world)
    parts = {"key": keys.red_app_key, "secret": keys.red_app_secret, "token": keys.red_token} | {part: value}
    stranger = Xiaohongshu(http, Seller("http://world", keys.red_seller_id, App(**parts)), times.now())

    with pytest.raises(ChannelRefused):
        await stranger.fetch(there.id)
    assert [call["partner"] for call in world.core.books.refused_calls] == ["xiaohongshu"]


async def test_a_call_that_says_nothing_is_answered_in_the_platforms_words(http: httpx.AsyncClient) -> None:
    for body in (b"", b"[]", b'{"method":7}', json.dumps({"method": "order.getOrderDetail"}).encode()):
        answer = await http.post("/ark/open_api/v3/common_controller", content=body)
        assert (answer.status_code, answer.json()["success"]) == (200, False)
