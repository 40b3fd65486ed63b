"""The orders service as a shop and its people meet it: the webhook door and the API."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from services.orders.app import build
from services.orders.settings import OrdersSettings
from services.orders.store import Connections
from shared.clock import FrozenClock
from shared.db.embedded import EmbeddedPostgres
from shared.ids import order_id
from tests.orders.providers import samples
from tests.support.service import Running, running

LINKS = {"standard_webhooks": "lamu-tea-house-standard", "xiaohongshu": "savanna-red-xiaohongshu"}
WAITING = "SELECT count(*) FROM work WHERE kind = 'fetch-order' AND phase <> 'stuck'"
CONNECTION = "nairobi-roasters-shopify"
ORDER = order_id(CONNECTION, "5902603020001")
IDENTITY = {"name": "林晓舟", "id_number": "350102199001010016", "phone": "+8613800000000"}
ADDRESS = {
    "name": "林晓舟", "phone": "+8613800000000", "country": "CN", "province": "福建省", "city": "厦门市",
    "street": "测试路2号",
}  # fmt: skip


@dataclass(frozen=True)
class Shopfront:
    running: Running

    async def connect(self, domain: str = samples.SHOP, secret: str = "s1", connection: str = CONNECTION) -> None:
        """As another process does it: this one has to find it by itself."""
        await Connections(self.running.service.resources).add(
            id=connection, channel="shopify", shop="nairobi-roasters", domain=domain, base_url="https://shop.test",
            secret=secret, token="shpat",
        )  # fmt: skip

    async def link(self, channel: str, shop: str, **more: str) -> None:
        """A connection to another channel's shop, under its usual id."""
        usual = {"base_url": f"https://{channel.replace('_', '-')}.test", "token": "token"}
        await Connections(self.running.service.resources).add(
            id=LINKS[channel], channel=channel, shop=shop, **usual | more
        )

    def meets(self, partner: Callable[[httpx.Request], httpx.Response]) -> None:
        """Whatever the service asks outside is answered by `partner`."""
        http = self.running.service.resources.http
        http._transport, http._mounts = httpx.MockTransport(partner), {}

    async def fetches(self) -> None:
        """Waits until every fetch is done or set aside. The worker has to run."""
        for _ in range(1000):
            if await self.running.rows(WAITING) == [(0,)]:
                return
            await asyncio.sleep(0.02)
        raise AssertionError("an order is still being fetched")

    async def push(self, body: Any, topic: str = "orders/create", *, path: str = "", **headers: str) -> httpx.Response:
        """Signed, unless `headers` say otherwise; a dict is sent as JSON."""
        raw = body if isinstance(body, bytes) else samples.encoded(body)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        given = samples.signed(raw, topic) | named
        sent = [(name.encode(), value.encode()) for name, value in given.items() if value != "absent"]
        return await self.running.client.post(f"/hooks/shopify{path}", headers=sent, content=raw)

    async def order(self, order: str = ORDER, token: str = "operator") -> dict[str, Any]:
        answer = await self.running.ask("GET", f"/v1/orders/{order}", token)
        assert answer.status_code == 200
        found: dict[str, Any] = answer.json()
        return found

    def at(self, moment: datetime) -> None:
        self.running.clock.skip(moment - self.running.clock.now())


@asynccontextmanager
async def open_shop(postgres: EmbeddedPostgres, folder: Path, **settings: Any) -> AsyncIterator[Shopfront]:
    clock = FrozenClock(samples.NOW)
    async with running(postgres, folder, "orders", build, OrdersSettings, clock, **settings) as service:
        yield Shopfront(service)
