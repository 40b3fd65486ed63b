"""Every case of the vectors folder for our three channels through the real door: deliveries in order against an empty
store, each order fetched as its case answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from shared.db.embedded import EmbeddedPostgres
from shared.ids import order_id
from tests.orders.providers.marketplace_cases import Case, Delivery, cases
from tests.orders.providers.platform import Platform
from tests.orders.shopfront import CONNECTION, LINKS, Shopfront, open_shop

SHOPIFY = cases("shopify")
STANDARD = cases("standard_webhooks")
XIAOHONGSHU = cases("xiaohongshu")
STUCK = "SELECT count(*) FROM work WHERE kind = 'fetch-order' AND phase = 'stuck'"
KEPT = "SELECT status, count(*) FROM receipts WHERE door = $1 GROUP BY 1 ORDER BY 1"


@pytest.fixture
async def front(postgres: EmbeddedPostgres, tmp_path: Path) -> AsyncIterator[Shopfront]:
    async with open_shop(postgres, tmp_path) as front:
        yield front


async def deliver(front: Shopfront, delivery: Delivery) -> None:
    front.at(delivery.now)
    answer = await front.running.client.request(
        delivery.method, f"{delivery.path}{delivery.query and '?' + delivery.query}", headers=delivery.headers,
        content=delivery.body,
    )  # fmt: skip
    ack = delivery.expect["ack"]
    assert (answer.status_code, answer.text) == (ack["status"], ack["body"])


def kept(case: Case) -> dict[str, int]:
    """One receipt per message that is authentic and no duplicate; what is not understood is set aside."""
    told = [message["disposition"] for delivery in case.deliveries for message in delivery.expect["messages"]]
    applied = sum(word in ("applied", "superseded") for word in told)
    return {"accepted": applied, "quarantined": told.count("quarantined")}


async def held(front: Shopfront, case: Case) -> dict[str, int]:
    """What we kept: an order whose fetch showed something that nobody understands is set aside like its push."""
    receipts = dict(await front.running.rows(KEPT, case.marketplace))
    ((stuck,),) = await front.running.rows(STUCK)
    return {
        "accepted": receipts.get("accepted", 0) - stuck,
        "quarantined": receipts.get("quarantined", 0) + stuck,
    }


async def ends(front: Shopfront, case: Case, connection: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """What the case says was kept; each order that it expects, with ours."""
    assert await held(front, case) == kept(case)
    assert await front.running.rows("SELECT count(*) FROM orders") == [(len(case.expect_orders),)]
    return [(expected, await shows(front, expected, connection)) for expected in case.expect_orders]


async def shows(front: Shopfront, expected: dict[str, Any], connection: str) -> dict[str, Any]:
    """The channel's snapshot as the case says, and an order of ours that says the same of itself."""
    order = order_id(connection, expected["external_order_id"])
    snapshot = await front.running.ask("GET", f"/v1/orders/{order}/channel")
    assert snapshot.json() == expected
    ours = await front.order(order)
    assert (ours["external_id"], ours["amounts"]["total"]["minor"]) == (
        expected["external_order_id"], expected["amounts"]["total"],
    )  # fmt: skip
    return ours


async def spoken(front: Shopfront) -> list[str]:
    return [fact.type.rpartition(".")[2] for fact in await front.running.spoken()]


@pytest.mark.parametrize("case", SHOPIFY, ids=lambda case: case.id)
async def test_every_case_is_answered_and_kept_as_it_says(front: Shopfront, case: Case) -> None:
    await front.connect(case.shop_id, case.config["client_secret"])

    for delivery in case.deliveries:
        await deliver(front, delivery)

    for expected, ours in await ends(front, case, CONNECTION):
        await waits_for_a_payment_that_can_be_declared(front, ours, expected)


async def waits_for_a_payment_that_can_be_declared(
    front: Shopfront, ours: dict[str, Any], expected: dict[str, Any]
) -> None:
    """Paid in shillings or cedis: nobody can declare that in China, and nobody is asked to pay again."""
    over = expected["status"] == "cancelled"
    assert ours["state"]["intent"] == ("closing" if over else "placed")
    assert "payment_not_declarable" in ours["holds"]
    assert "payment-requested" not in await spoken(front)


@pytest.mark.parametrize("case", SHOPIFY[:3], ids=lambda case: case.id)
async def test_the_door_of_one_connection_takes_the_same(front: Shopfront, case: Case) -> None:
    await front.connect(case.shop_id, case.config["client_secret"])

    for delivery in case.deliveries:
        path = f"{delivery.path}/{CONNECTION}"
        answer = await front.running.client.post(path, headers=delivery.headers, content=delivery.body)
        assert answer.status_code == delivery.expect["ack"]["status"]


@pytest.mark.parametrize("case", STANDARD, ids=lambda case: case.id)
async def test_every_standard_webhooks_case_is_answered_and_kept_as_it_says(front: Shopfront, case: Case) -> None:
    secret = case.config["secret"]
    await front.link("standard_webhooks", "lamu-tea-house", domain=case.shop_id, secret=secret, token=secret)

    for delivery in case.deliveries:
        await deliver(front, delivery)

    for expected, ours in await ends(front, case, LINKS["standard_webhooks"]):
        await waits_for_a_payment_that_can_be_declared(front, ours, expected)


@pytest.mark.parametrize("case", XIAOHONGSHU, ids=lambda case: case.id)
async def test_every_xiaohongshu_case_is_answered_fetched_and_kept_as_it_says(front: Shopfront, case: Case) -> None:
    await front.link(
        "xiaohongshu", "savanna-red", domain=case.shop_id, secret=case.config["app_secret"],
        app_key=case.config["app_key"],
    )  # fmt: skip
    platform = Platform(case.config["app_key"], case.config["app_secret"], "token")
    front.meets(platform.answers)
    front.running.service.start(("work",))

    for delivery in case.deliveries:
        shown = delivery.fetched("order.getOrderDetail")
        platform.orders |= {order: answer["data"] for order, answer in shown.items()}
        await deliver(front, delivery)
        await front.fetches()

    assert platform.refused == 0
    for expected, ours in await ends(front, case, LINKS["xiaohongshu"]):
        await is_collected_by_the_platform(front, ours, expected)


async def is_collected_by_the_platform(front: Shopfront, ours: dict[str, Any], expected: dict[str, Any]) -> None:
    """The platform has the money and the buyer's identity: neither is asked for, and nothing else holds the order."""
    over = expected["status"] in ("cancelled", "refunded")
    assert ours["state"]["intent"] == ("closing" if over else "placed")
    assert ours["holds"] == (["platform_hold"] if expected["hold"] else [])
    said = [fact for fact in await front.running.spoken() if fact.key == ours["id"]]
    words = [fact.type.rpartition(".")[2] for fact in said]
    assert words[:2] == ["received", "placed"]
    assert words.count("payment-observed") == (expected["payment"] is not None)
    assert "payment-requested" not in words


def test_the_folder_holds_all_cases() -> None:
    assert (len(SHOPIFY), len(STANDARD), len(XIAOHONGSHU)) == (9, 14, 11)
