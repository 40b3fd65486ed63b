"""The door of shops that speak Standard Webhooks: whose push it is, what is kept, and what becomes of the order."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from services.orders.providers.canonical_json import as_json
from shared.db.embedded import EmbeddedPostgres
from shared.http.signatures import sign_standard, standard_secret
from shared.ids import order_id
from tests.orders.providers import red
from tests.orders.shopfront import LINKS, Shopfront, open_shop

SHOP: Final = "lamu-tea-house-01"
CONNECTION: Final = LINKS["standard_webhooks"]
ORDER: Final = order_id(CONNECTION, "LTH-1")
DOORS: Final = ("/hooks/standard", "/hooks/standard_webhooks", f"/hooks/standard_webhooks/{CONNECTION}")


def secret(fill: bytes) -> str:
    return "whsec_" + base64.b64encode(fill * 32).decode()


NEW, OLD, OURS, OTHER = secret(b"n"), secret(b"o"), secret(b"u"), secret(b"x")


@pytest.fixture
async def front(postgres: EmbeddedPostgres, tmp_path: Path) -> AsyncIterator[Shopfront]:
    async with open_shop(postgres, tmp_path) as front:
        front.at(red.NOW)
        await front.link(
            "standard_webhooks", "lamu-tea-house", domain=SHOP, secret=NEW, old_secret=OLD, token=OURS,
            base_url="https://tea.test/hooks",
        )  # fmt: skip
        yield front


def order(status: str = "pending", second: int = 10, **changes: Any) -> dict[str, Any]:
    """The shop's order as it stood in that second; unpaid, in CNY, tea for one."""
    told = as_json(red.snapshot(1)) | {
        "marketplace": "standard_webhooks",
        "shop_id": SHOP,
        "external_order_id": "LTH-1",
    }
    at = f"2026-03-02T02:01:{second:02d}.000Z"
    return told | {"status": status, "external_status": status, "customs": None, "updated_at": at} | changes


async def push(
    front: Shopfront, data: dict[str, Any], kind: str = "order.created", *, key: str = NEW, path: str = DOORS[2],
    message_id: str = "",
) -> httpx.Response:  # fmt: skip
    body = json.dumps({"type": kind, "timestamp": data["updated_at"], "data": data}, ensure_ascii=False).encode()
    name = message_id or f"msg_{kind.replace('.', '_')}_{data['updated_at'][17:19]}"
    headers = sign_standard([standard_secret("k", key)], name, front.running.clock.now(), body)
    return await front.running.client.post(path, content=body, headers=headers)


async def words(front: Shopfront) -> list[str]:
    return [fact.type.rpartition(".")[2] for fact in await front.running.spoken()]


@pytest.mark.parametrize("key", [NEW, OLD])
@pytest.mark.parametrize("path", DOORS)
async def test_either_secret_opens_every_door_of_the_shop_while_they_rotate(
    front: Shopfront, path: str, key: str
) -> None:
    answer = await push(front, order(), key=key, path=path)

    assert (answer.status_code, answer.content) == (204, b"")
    assert (await front.order(ORDER, "operator"))["shop"] == "lamu-tea-house"


@pytest.mark.parametrize(
    ("path", "key"),
    [(DOORS[0], OTHER), (DOORS[2], OTHER), ("/hooks/standard_webhooks/nowhere", NEW), (DOORS[0], OURS)],
)
async def test_another_secret_or_another_shops_door_is_refused_and_nothing_kept(
    front: Shopfront, path: str, key: str
) -> None:
    answer = await push(front, order(), key=key, path=path)

    assert (answer.status_code, answer.content) == (401, b"")
    assert await front.running.receipts("standard_webhooks") == []


async def test_a_retry_is_the_same_delivery_and_places_one_order(front: Shopfront) -> None:
    for _ in range(3):
        assert (await push(front, order())).status_code == 204

    assert await front.running.receipts("standard_webhooks") == ["accepted"]
    assert (await words(front)).count("placed") == 1


async def test_an_unpaid_order_in_cny_waits_for_the_buyers_identity_and_for_nothing_else(front: Shopfront) -> None:
    await push(front, order())

    placed = await front.order(ORDER, "operator")
    assert (placed["holds"], placed["flow"]) == (["identity_missing"], "coffee-direct")


async def test_an_order_paid_there_waits_because_no_payment_document_can_be_made(front: Shopfront) -> None:
    await push(front, order("paid", paid_at="2026-03-02T02:01:05.000Z"), "order.paid")

    assert "payment_not_declarable" in (await front.order(ORDER, "operator"))["holds"]
    assert "payment-observed" not in await words(front)


async def test_a_cancellation_of_the_shops_closes_the_order(front: Shopfront) -> None:
    await push(front, order())
    await push(front, order("cancelled", 20), "order.cancelled")

    cancelled = await front.order(ORDER, "operator")
    assert (cancelled["state"]["intent"], cancelled["reason"]) == ("closing", "cancelled_at_channel")


async def test_a_refund_that_the_shop_made_itself_is_for_a_person(front: Shopfront) -> None:
    refund = {"external_refund_id": "R1", "type": "refund_only", "status": "succeeded", "amount": 25800}
    await push(front, order())
    await push(front, order("refunded", 20, refunds=[refund]), "order.refunded")

    assert "platform_hold" in (await front.order(ORDER, "operator"))["holds"]


async def test_an_event_that_nobody_knows_is_acknowledged_and_set_aside(front: Shopfront) -> None:
    answer = await push(front, order(), "order.teleported")

    assert answer.status_code == 204
    assert await front.running.receipts("standard_webhooks") == ["quarantined input.unrecognised"]


async def test_a_seller_sees_the_orders_of_its_own_shop_only(front: Shopfront) -> None:
    await push(front, order())

    answer = await front.running.ask("GET", f"/v1/orders/{ORDER}", "seller")  # of highland-coop
    assert answer.status_code == 404
