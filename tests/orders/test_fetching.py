"""Orders that a push only names, through the door and the worker: one fetch, whatever comes how often."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.db.embedded import EmbeddedPostgres
from shared.http.app import MOST_TOLD
from shared.ids import order_id
from tests.orders.providers import red
from tests.orders.providers.platform import Platform
from tests.orders.shopfront import LINKS, Shopfront, open_shop

CONNECTION = LINKS["xiaohongshu"]
ORDER = order_id(CONNECTION, red.ORDER)
ROWS = "SELECT count(*) FROM work WHERE kind = 'fetch-order'"
STUCK = "SELECT last_error FROM work WHERE kind = 'fetch-order' AND phase = 'stuck'"
ACK = b'{"success":true,"error_code":0,"error_msg":""}'


@pytest.fixture
async def front(postgres: EmbeddedPostgres, tmp_path: Path) -> AsyncIterator[Shopfront]:
    async with open_shop(postgres, tmp_path) as front:
        front.at(red.NOW)
        await front.link(
            "xiaohongshu", "savanna-red", domain=red.SELLER, secret=red.SECRET, token=red.TOKEN, app_key=red.APP_KEY
        )
        yield front


@pytest.fixture
def platform(front: Shopfront) -> Platform:
    made = Platform(red.APP_KEY, red.SECRET, red.TOKEN)
    made.orders[red.ORDER] = red.detail(2)
    front.meets(made.answers)
    return made


async def push(front: Shopfront, *messages: dict[str, Any], path: str = red.PATH, **headers: str) -> httpx.Response:
    given = red.signed(path, at=front.running.clock.now()) | {name.replace("_", "-"): v for name, v in headers.items()}
    return await front.running.client.post(f"{path}?shop=gz01", content=json.dumps(messages).encode(), headers=given)


async def spoken(front: Shopfront) -> list[str]:
    return [fact.type.rpartition(".")[2] for fact in await front.running.spoken()]


async def test_three_pushes_before_the_fetch_make_one_order_after_one_fetch(
    front: Shopfront, platform: Platform
) -> None:
    for updated in range(3):
        assert (await push(front, red.message(updateTime=updated + 1))).content == ACK
    assert await front.running.rows(ROWS) == [(1,)]
    assert await spoken(front) == ["received"]

    front.running.service.start(("work",))
    await front.fetches()

    assert platform.asked == ["order.getOrderDetail"]
    assert await spoken(front) == ["received", "placed", "payment-observed", "hold-set"]
    assert (await front.order(ORDER))["external_id"] == red.ORDER


async def test_a_push_that_comes_while_the_order_is_being_fetched_makes_one_more(
    front: Shopfront, platform: Platform
) -> None:
    asking, go_on = asyncio.Event(), asyncio.Event()

    async def slow(request: httpx.Request) -> httpx.Response:
        seen = platform.answers(request)  # as it stood when it was asked
        asking.set()
        await go_on.wait()
        return seen

    http = front.running.service.resources.http
    http._transport, http._mounts = httpx.MockTransport(slow), {}
    await push(front, red.message())
    front.running.service.start(("work",))
    await asyncio.wait_for(asking.wait(), 5)

    platform.orders[red.ORDER] = red.detail(3)
    await push(front, red.message(status=3, updateTime=1))
    go_on.set()
    await front.fetches()

    assert platform.asked == ["order.getOrderDetail"] * 2
    assert await spoken(front) == ["received", "placed", "payment-observed", "clearance-observed"]


async def test_several_orders_in_one_push_are_each_kept_and_fetched(front: Shopfront, platform: Platform) -> None:
    platform.orders["P2"] = red.detail(2, orderId="P2")

    answer = await push(front, red.message(), red.message("P2"), red.message("P3", status=42), red.message("P2"))
    front.running.service.start(("work",))
    await front.fetches()

    assert (answer.status_code, answer.content) == (200, ACK)
    kept = await front.running.receipts("xiaohongshu")
    assert sorted(kept) == ["accepted", "accepted", "quarantined input.unrecognised"]
    assert sorted(platform.asked) == ["order.getOrderDetail"] * 2
    assert await front.running.rows("SELECT count(*) FROM orders") == [(2,)]


@pytest.mark.parametrize(
    "trouble", [httpx.Response(503), httpx.Response(429), httpx.ReadTimeout("late"), httpx.ConnectError("no")]
)
async def test_a_platform_that_is_away_is_asked_again_later(
    front: Shopfront, platform: Platform, trouble: httpx.Response | Exception
) -> None:
    platform.trouble = [trouble]
    await push(front, red.message())
    front.running.service.start(("work",))
    await asked(platform, 1)
    assert await front.running.rows("SELECT count(*) FROM orders") == [(0,)]

    front.at(red.NOW + timedelta(seconds=2))
    await front.fetches()

    assert platform.asked == ["order.getOrderDetail"] * 2
    assert (await front.order(ORDER))["state"]["intent"] == "placed"


async def asked(platform: Platform, times: int) -> None:
    for _ in range(1000):
        if len(platform.asked) >= times:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"asked {len(platform.asked)} times")


@pytest.mark.parametrize(
    ("change", "stays"),
    [({"orderStatus": 42}, "42"), ({"skuList": [red.sku(erpcode="")]}, "SKU"), ({"totalPayAmount": -1}, "amount")],
)
async def test_an_order_that_is_not_understood_is_set_aside_until_the_next_push(
    front: Shopfront, platform: Platform, change: dict[str, Any], stays: str
) -> None:
    platform.orders[red.ORDER] = red.detail(2) | change
    await push(front, red.message())
    front.running.service.start(("work",))
    await front.fetches()
    assert await front.running.rows(STUCK) == [("NotFetched: orders.not_fetched",)], stays

    platform.orders[red.ORDER] = red.detail(2)
    await push(front, red.message(updateTime=2))
    await front.fetches()

    assert await front.running.rows(ROWS) == [(0,)]
    assert (await front.order(ORDER))["state"]["intent"] == "placed"


async def test_the_address_test_is_answered_whoever_asks_and_nothing_is_kept(front: Shopfront) -> None:
    for headers in ({}, red.signed()):
        answer = await front.running.client.post(f"{red.PATH}?shop=gz01", content=b'{"test":true}', headers=headers)
        assert (answer.status_code, answer.content) == (200, ACK)

    assert await front.running.receipts("xiaohongshu") == []


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"[7]", b"nonsense"])
async def test_a_signed_push_that_is_no_list_of_messages_is_acknowledged_and_set_aside(
    front: Shopfront, body: bytes
) -> None:
    answer = await front.running.client.post(f"{red.PATH}?shop=gz01", content=body, headers=red.signed())

    assert (answer.status_code, answer.content) == (200, ACK)
    assert await front.running.receipts("xiaohongshu") == ["quarantined input.malformed"]


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        (red.PATH, {"sign": "0" * 32}),
        (red.PATH, {"app_key": "another"}),
        (red.PATH, {"timestamp": "1"}),
        ("/hooks/xiaohongshu/nowhere", {}),
        ("/hooks/xiaohongshu/nairobi-roasters-shopify", {}),
    ],
)
async def test_whoever_does_not_sign_for_a_known_app_is_refused_in_the_platforms_words(
    front: Shopfront, path: str, headers: dict[str, str]
) -> None:
    await front.connect()

    answer = await push(front, red.message(), path=path, **headers)

    assert (answer.status_code, answer.json()["error_msg"]) == (401, "bad sign")
    assert await front.running.receipts("xiaohongshu") == []


async def test_a_seller_that_is_not_connected_is_set_aside(front: Shopfront) -> None:
    answer = await push(front, red.message() | {"sellerId": "6100other"})

    assert answer.content == ACK
    assert await front.running.receipts("xiaohongshu") == ["quarantined input.unrecognised"]


async def test_the_address_of_the_app_takes_the_pushes_of_all_its_sellers(front: Shopfront, platform: Platform) -> None:
    answer = await push(front, red.message(), path="/hooks/xiaohongshu")
    front.running.service.start(("work",))
    await front.fetches()

    assert answer.content == ACK
    assert (await front.order(ORDER))["shop"] == "savanna-red"


async def test_the_messages_of_one_push_are_stored_together(front: Shopfront) -> None:
    """One after another, a hundred commits took longer than the platform waits."""
    numbers = [f"P{n}" for n in range(MOST_TOLD - 1)]

    answer = await push(front, *(red.message(number) for number in [*numbers, numbers[0]]))

    assert (answer.status_code, answer.content) == (200, ACK)
    [(kept, commits)] = await front.running.rows("SELECT count(*), count(DISTINCT xmin::text) FROM receipts")
    assert kept == len(numbers)
    assert commits <= 3


async def test_more_messages_than_one_batch_takes_are_refused_and_none_is_kept(front: Shopfront) -> None:
    answer = await push(front, *(red.message(f"P{n}") for n in range(MOST_TOLD + 1)))

    assert answer.status_code == 413
    assert await front.running.rows("SELECT count(*) FROM receipts") == [(0,)]
