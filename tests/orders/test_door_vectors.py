"""Every Shopify case of the vectors folder through the real door: deliveries in order against an empty store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from shared.db.embedded import EmbeddedPostgres
from shared.ids import order_id
from tests.orders.providers.marketplace_cases import Case, Delivery, cases
from tests.orders.shopfront import CONNECTION, Shopfront, open_shop

SHOPIFY = cases("shopify")
KEPT = "SELECT status, count(*) FROM receipts WHERE door = 'shopify' GROUP BY 1 ORDER BY 1"


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


def kept(case: Case) -> list[tuple[str, int]]:
    """One receipt per delivery that is authentic and no duplicate; what is not understood is quarantined."""
    told = [message["disposition"] for delivery in case.deliveries for message in delivery.expect["messages"]]
    counted = {
        "accepted": sum(word in ("applied", "superseded") for word in told),
        "quarantined": told.count("quarantined"),
    }
    return [(status, number) for status, number in counted.items() if number]


@pytest.mark.parametrize("case", SHOPIFY, ids=lambda case: case.id)
async def test_every_case_is_answered_and_kept_as_it_says(front: Shopfront, case: Case) -> None:
    await front.connect(case.shop_id, case.config["client_secret"])

    for delivery in case.deliveries:
        await deliver(front, delivery)

    assert await front.running.rows(KEPT) == kept(case)
    if case.expect_order is None:
        assert await front.running.rows("SELECT count(*) FROM orders") == [(0,)]
        return
    await shows(front, case.expect_order)


async def shows(front: Shopfront, expected: dict[str, Any]) -> None:
    """The channel's snapshot as the case says, and an order of ours that says the same of itself."""
    order = order_id(CONNECTION, expected["external_order_id"])
    snapshot = await front.running.ask("GET", f"/v1/orders/{order}/channel")
    assert snapshot.json() == expected
    ours = await front.order(order)
    assert (ours["external_id"], ours["amounts"]["total"]["minor"]) == (
        expected["external_order_id"], expected["amounts"]["total"],
    )  # fmt: skip
    over = expected["status"] == "cancelled"
    assert ours["state"]["intent"] == ("closing" if over else "placed")
    assert "payment_not_declarable" in ours["holds"]  # paid in shillings: nobody can declare that in China
    assert "payment-requested" not in {fact.type.rpartition(".")[2] for fact in await front.running.spoken()}


@pytest.mark.parametrize("case", SHOPIFY[:3], ids=lambda case: case.id)
async def test_the_door_of_one_connection_takes_the_same(front: Shopfront, case: Case) -> None:
    await front.connect(case.shop_id, case.config["client_secret"])

    for delivery in case.deliveries:
        path = f"{delivery.path}/{CONNECTION}"
        answer = await front.running.client.post(path, headers=delivery.headers, content=delivery.body)
        assert answer.status_code == delivery.expect["ack"]["status"]


def test_the_folder_holds_all_nine_cases() -> None:
    assert len(SHOPIFY) == 9
