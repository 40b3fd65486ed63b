"""The shops' door against everything that the internet sends: refused or kept, and nobody else disturbed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any, Final

import asyncpg
import pytest

from shared.db.embedded import EmbeddedPostgres
from shared.ids import order_id
from shared.telemetry import parse_traceparent
from tests.orders.providers import samples
from tests.orders.shopfront import CONNECTION, ORDER, Shopfront, open_shop

MOST: Final = 256 * 1024
_NUMBERS: Final = count(10_000)


def another() -> dict[str, Any]:
    """An order that nobody else in this file pushes."""
    return samples.order(id=next(_NUMBERS))


async def is_open(front: Shopfront) -> bool:
    """An honest order is placed as if nothing had been."""
    body = another()
    answer = await front.push(body, X_Shopify_Event_Id=f"honest-{body['id']}")
    placed = await front.order(order_id(CONNECTION, str(body["id"])))
    return answer.status_code == 200 and placed["state"]["intent"] == "placed"


async def quarantined(front: Shopfront) -> list[str]:
    return [line for line in await front.running.receipts("shopify") if line.startswith("quarantined")]


# --- not authentic: refused, nothing kept -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        {"X_Shopify_Hmac_Sha256": "absent"},
        {"X_Shopify_Hmac_Sha256": ""},
        {"X_Shopify_Hmac_Sha256": "AAAA"},
        {"X_Shopify_Hmac_Sha256": "é"},
        {"X_Shopify_Shop_Domain": "nobody.myshopify.com"},
        {"X_Shopify_Shop_Domain": "absent"},
        {"X_Shopify_Shop_Domain": "x" * 5_000},
    ],
)
async def test_what_is_not_signed_by_a_known_shop_is_refused_and_not_kept(
    busy_shop: Shopfront, headers: dict[str, str]
) -> None:
    before = await busy_shop.running.receipts("shopify")

    answer = await busy_shop.push(another(), **headers)

    assert (answer.status_code, answer.content) == (401, b"")
    assert await busy_shop.running.receipts("shopify") == before
    assert await is_open(busy_shop)


async def test_a_shop_cannot_use_the_door_of_another_connection(busy_shop: Shopfront) -> None:
    await busy_shop.connect("second.myshopify.com", "s2", "second-shopify")

    own = await busy_shop.push(another(), path=f"/{CONNECTION}")
    foreign = await busy_shop.push(another(), path="/second-shopify")
    nowhere = await busy_shop.push(another(), path="/nowhere")

    assert [answer.status_code for answer in (own, foreign, nowhere)] == [200, 401, 401]


async def test_the_shop_of_the_header_is_the_one_whose_secret_counts(busy_shop: Shopfront) -> None:
    await busy_shop.connect("second.myshopify.com", "s2", "second-shopify")

    answer = await busy_shop.push(another(), X_Shopify_Shop_Domain="second.myshopify.com")

    assert answer.status_code == 401


@pytest.mark.parametrize("size", [MOST + 1, 4 * MOST])
async def test_an_oversize_body_is_refused_by_its_announcement(busy_shop: Shopfront, size: int) -> None:
    answer = await busy_shop.push(b"x" * size)

    assert answer.status_code == 413
    assert await is_open(busy_shop)


async def test_an_oversize_body_without_an_announcement_is_refused_while_it_streams(busy_shop: Shopfront) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(1_000):
            taken += 1
            yield b"x" * 65_536

    headers = samples.signed(b"")
    answer = await busy_shop.running.client.post("/hooks/shopify", headers=headers, content=endless())

    assert answer.status_code == 413
    assert taken <= 1_000
    assert await is_open(busy_shop)


async def test_a_slow_sender_delays_nobody_and_is_served_in_the_end(busy_shop: Shopfront) -> None:
    body = samples.encoded(another())
    go_on = asyncio.Event()

    async def slowly() -> AsyncIterator[bytes]:
        yield body[:100]
        await go_on.wait()
        yield body[100:]

    headers = samples.signed(body) | {"X-Shopify-Event-Id": "slow"}
    slow = asyncio.create_task(busy_shop.running.client.post("/hooks/shopify", headers=headers, content=slowly()))
    assert [await is_open(busy_shop) for _ in range(3)] == [True] * 3
    assert not slow.done()
    go_on.set()

    assert (await slow).status_code == 200


# --- authentic: acknowledged and kept, whatever it says ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "topic", "code"),
    [
        (b"", "orders/create", "input.malformed"),
        (b"{", "orders/create", "input.malformed"),
        (b"[]", "orders/create", "input.malformed"),
        (b"\xff\xfe\x00", "orders/create", "input.malformed"),
        (b"[" * 200_000, "orders/create", "input.malformed"),
        (b'{"a":' * 40_000, "orders/create", "input.malformed"),
        (b'{"id": 1, "id": 2}', "orders/create", "input.malformed"),
        (b'{"id": NaN}', "orders/create", "input.malformed"),
        (b'{"id": "\\u0000"}', "orders/create", "input.malformed"),
        (b"{}", "orders/create", "input.malformed"),
        (samples.encoded(samples.order(id=77)), "orders/teleported", "input.unrecognised"),
        (samples.encoded(samples.order(id=78, financial_status="moon_paid")), "orders/create", "input.unrecognised"),
        (samples.encoded(samples.order(id=79, total_price="-1.00")), "orders/create", "input.malformed"),
        (samples.encoded(samples.order(id=80, total_price="12.345")), "orders/create", "input.malformed"),
        (samples.encoded(samples.order(id=81, currency="kr")), "orders/create", "input.malformed"),
        (samples.encoded({"customer": {"id": 1}}), "customers/redact", "orders.privacy_request"),
    ],
)
async def test_what_is_authentic_and_not_understood_is_acknowledged_kept_and_quarantined(
    busy_shop: Shopfront, body: bytes, topic: str, code: str
) -> None:
    before = await quarantined(busy_shop)

    answer = await busy_shop.push(body, topic, X_Shopify_Event_Id=f"odd-{next(_NUMBERS)}")

    assert (answer.status_code, answer.content) == (200, b"")
    new = await quarantined(busy_shop)
    assert len(new) == len(before) + 1
    assert new.count(f"quarantined {code}") == before.count(f"quarantined {code}") + 1
    assert await is_open(busy_shop)


async def test_a_line_without_a_sku_of_ours_is_kept_for_a_person(busy_shop: Shopfront) -> None:
    before = await quarantined(busy_shop)

    answer = await busy_shop.push(
        another() | {"line_items": [samples.line(1, quantity=1, price="258.00", sku=None)], "total_discounts": "0.00"},
        X_Shopify_Event_Id="no-sku",
    )

    assert answer.status_code == 200
    assert len(await quarantined(busy_shop)) == len(before) + 1


@pytest.mark.parametrize(
    "forged", ["", "x", "00-" + "0" * 32 + "-" + "0" * 16 + "-01", "ff-" + "a" * 32 + "-" + "b" * 16 + "-01", "é"]
)
async def test_a_forged_trace_header_changes_nothing(busy_shop: Shopfront, forged: str) -> None:
    body = another()
    answer = await busy_shop.push(body, traceparent=forged, X_Shopify_Event_Id=f"traced-{body['id']}")

    assert answer.status_code == 200
    order = order_id(CONNECTION, str(body["id"]))
    rows = await busy_shop.running.rows("SELECT headers FROM outbox WHERE key = $1", order)
    packed = rows[0][0].split(b"\n")
    parent = packed[packed.index(b"traceparent") + 1].decode()
    assert parse_traceparent(parent) is not None
    assert "a" * 32 not in parent


# --- what is delivered again, differently, or by others ---------------------------------------------------------------


async def test_a_duplicate_is_acknowledged_and_stored_once(shop: Shopfront) -> None:
    answers = [await shop.push(samples.order()) for _ in range(3)]
    at_once = await asyncio.gather(*(shop.push(samples.order()) for _ in range(5)))

    assert [answer.status_code for answer in [*answers, *at_once]] == [200] * 8
    assert await shop.running.receipts("shopify") == ["accepted"]
    assert [fact.type for fact in await shop.running.spoken()] == ["orders.order.placed", "orders.order.hold-set"]


async def test_a_replay_under_new_unsigned_headers_places_nothing_twice(shop: Shopfront) -> None:
    await shop.push(samples.order())

    answer = await shop.push(samples.order(), "orders/updated", X_Shopify_Event_Id="replayed")

    assert answer.status_code == 200
    assert len(await shop.running.spoken()) == 2
    assert await shop.running.rows("SELECT count(*) FROM orders") == [(1,)]


async def test_the_same_number_in_two_shops_is_two_orders(shop: Shopfront) -> None:
    await shop.connect("second.myshopify.com", "s2", "second-shopify")
    raw = samples.encoded(samples.order())
    headers = samples.signed(raw, secret="s2") | {"X-Shopify-Shop-Domain": "second.myshopify.com"}

    await shop.push(raw)
    await shop.running.client.post("/hooks/shopify", headers=headers, content=raw)

    found = (await shop.running.ask("GET", "/v1/orders?external_id=5902603020001")).json()["orders"]
    assert {order["id"] for order in found} == {ORDER, order_id("second-shopify", "5902603020001")}


async def test_a_rotated_secret_is_found_after_a_while_without_a_restart(shop: Shopfront) -> None:
    await shop.push(samples.order())
    await shop.connect(secret="s0")
    door = shop.running.service.reception.doors["shopify"]
    connections = getattr(door, "connections")  # noqa: B009
    connections._read_at -= connections.AGAIN_SECONDS + 1

    old = await shop.push(another(), X_Shopify_Event_Id="old")
    raw = samples.encoded(another())
    headers = samples.signed(raw, secret="s0") | {"X-Shopify-Event-Id": "new"}
    new = await shop.running.client.post("/hooks/shopify", headers=headers, content=raw)

    assert (old.status_code, new.status_code) == (401, 200)


async def test_a_refund_before_its_order_is_kept_and_applied_when_the_order_is_known(shop: Shopfront) -> None:
    refund = samples.refund(9, "10.00")
    assert (await shop.push(refund, "refunds/create", X_Shopify_Event_Id="refund")).status_code == 200
    assert await shop.running.receipts("shopify") == ["quarantined flow.early"]
    await shop.push(samples.order())
    shop.at(samples.NOW.replace(minute=5))

    shop.running.service.start(("work",))

    for _ in range(200):
        if await shop.running.receipts("shopify") == ["accepted", "accepted"]:
            break
        await asyncio.sleep(0.05)
    snapshot = (await shop.running.ask("GET", f"/v1/orders/{ORDER}/channel")).json()
    assert [(one["external_refund_id"], one["amount"]) for one in snapshot["refunds"]] == [("9", 1000)]
    assert "platform_hold" in (await shop.order())["holds"]


async def test_test_orders_are_placed_in_development_and_ignored_in_production(
    postgres: EmbeddedPostgres, tmp_path: Path
) -> None:
    async with open_shop(postgres, tmp_path, accept_test_orders=False) as front:
        await front.connect()

        assert (await front.push(samples.order(test=True))).status_code == 200
        assert await front.running.receipts("shopify") == ["accepted"]
        assert await front.running.rows("SELECT count(*) FROM orders") == [(0,)]
        settings = front.running.service.resources.settings

    assert type(settings)(secrets=tmp_path, dsn=settings.dsn).model_dump()["accept_test_orders"] is None


async def test_a_database_that_is_away_is_said_and_the_sender_comes_again(
    shop: Shopfront, postgres: EmbeddedPostgres
) -> None:
    [(name,)] = await shop.running.rows("SELECT current_database()")
    admin = await asyncpg.connect(postgres.dsn())
    await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    await admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)

    away = await shop.push(samples.order())
    await admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    await admin.close()
    back = await shop.push(samples.order())

    assert (away.status_code, away.headers["retry-after"], back.status_code) == (503, "1", 200)
    assert await shop.running.receipts("shopify") == ["accepted"]


async def test_what_is_stored_holds_no_name_phone_or_address_in_the_clear(shop: Shopfront) -> None:
    await shop.push(samples.order())

    tables = ("orders", "snapshots", "receipts", "outbox", "connections", "work")
    rows = [row for table in tables for row in await shop.running.rows(f"SELECT * FROM {table}")]
    kept = " ".join(
        value.decode(errors="replace") if isinstance(value, bytes) else str(value) for value in sum(rows, ())
    )
    assert [word for word in ("林晓舟", "13800000000", "测试路", "shpat") if word in kept] == []
    assert "林** +86***00 福建省福州市" in kept  # masked, for people
