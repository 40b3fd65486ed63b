"""A running logistics service for tests, with a view into its database."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

import httpx

from services.logistics.app import build
from services.logistics.settings import LogisticsSettings
from services.logistics.shipment import Parcel, Shipment
from services.logistics.tables import TABLES
from shared.broker.ports import Broker
from shared.clock import Clock
from shared.events.base import Event
from shared.events.envelope import open_envelope
from shared.flow.decision import Reply
from shared.flow.headers import unpack
from shared.http.app import Incoming, new_app
from shared.ids import OrderId, uuid7
from shared.security.auth import development_tokens
from shared.service import Resources, Service

T = TypeVar("T")


@dataclass
class House:
    """The service with its `api` role running; calls are made when a test says so."""

    service: Service
    client: httpx.AsyncClient
    clock: Clock
    tokens: dict[str, str] = field(repr=False)

    @classmethod
    def open(cls, settings: LogisticsSettings, broker: Broker, clock: Clock) -> Self:
        tokens = development_tokens(settings.secrets)
        resources = Resources.open("logistics", settings, broker, clock)
        service = build(resources, settings)
        app = new_app("logistics")
        app.include_router(service.router)
        service.start(("api",))
        client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://logistics.test")
        return cls(service, client, clock, tokens)

    async def close(self) -> None:
        await self.client.aclose()
        await self.service.stop()

    async def hear(self, *contents: object) -> None:
        """Facts, commands and outcomes, decided and stored as if they had come the usual way."""
        reception = self.service.reception
        items = [
            reception.item("test", Incoming(str(uuid7()), content, Reply(200)), b"", self.clock.now())
            for content in contents
        ]
        runner = self.service.runner("test")
        results = await runner.run("receipts", items)
        runner.drop()
        assert [result.failure for result in results] == [None] * len(contents)

    async def preload(self, parcel: Parcel, order_id: OrderId, aliases: Sequence[str]) -> None:
        """Make a shipment known, as if it had been booked before."""
        shipment = Shipment(order_id, "highland-coop", {parcel.id: parcel})
        row = TABLES[0].row(order_id, shipment)
        async with self.service.resources.database.connected(role="test") as connection:
            await connection.execute(
                "INSERT INTO shipments (key, body, seller, open_cases) VALUES ($1, $2, $3, $4)", *row
            )
            pairs = [(name, order_id) for name in aliases]
            await connection.executemany("INSERT INTO aliases (name, lane) VALUES ($1, $2)", pairs)

    async def rows(self, sql: str) -> list[Any]:
        async with self.service.resources.database.connected(role="look") as connection:
            return list(await connection.fetch(sql))

    async def spoken(self) -> list[Event]:
        """Facts in the outbox, in order."""
        rows = await self.rows("SELECT headers, value FROM outbox ORDER BY id")
        return [open_envelope(unpack(row["headers"]), row["value"]).event for row in rows]

    async def work(self) -> list[tuple[str, str]]:
        return [
            (row["kind"], row["name"]) for row in await self.rows("SELECT kind, name FROM work ORDER BY kind, name")
        ]

    async def quarantined(self) -> list[str]:
        """Codes of receipts that a person or a later try must look at."""
        rows = await self.rows("SELECT reason FROM receipts WHERE status = 'quarantined' ORDER BY received_at, id")
        return [row["reason"].split(":", 1)[0] for row in rows]

    async def ask(self, path: str, role: str = "operator", **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.tokens[role]}"}
        return await self.client.request(more.pop("method", "GET"), path, headers=headers, **more)

    async def shipment(self, order_id: str) -> dict[str, Any]:
        answer = await self.ask(f"/v1/orders/{order_id}/shipment")
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = json.loads(answer.content)
        return shown


async def eventually(look: Callable[[], Awaitable[T]], wanted: T, *, seconds: float = 10) -> None:
    """Fails with what was last seen."""
    seen = await look()
    for _ in range(int(seconds / 0.02)):
        if seen == wanted:
            return
        await asyncio.sleep(0.02)
        seen = await look()
    assert seen == wanted
