"""The service with all its roles, and the partners' world over real HTTP: they share no code, so each side's signatures
check the other's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from pydantic import SecretStr

from deploy.world.app import World, create
from deploy.world.books import OrderBook
from deploy.world.config import Config, Doors, Durations, Faults, Tokens
from deploy.world.keys import load_keys
from deploy.world.plan import plan_of
from services.logistics.settings import LogisticsSettings
from shared.broker.embedded import EmbeddedBroker
from shared.clock import SystemClock
from shared.db.engine import Database
from shared.events.base import Event
from shared.events.values import Sealed
from shared.ids import OrderId
from shared.security.personal import Recipient, seal_recipient
from tests.logistics.house import House
from tests.logistics.shipments import ORDER

SCALE = 43_200.0


@asynccontextmanager
async def listening(app: FastAPI) -> AsyncIterator[int]:
    server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", 0, log_level="error", lifespan="on"))
    serving = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110  # uvicorn offers nothing to wait for
        await asyncio.sleep(0.01)
    try:
        yield int(server.servers[0].sockets[0].getsockname()[1])
    finally:
        server.should_exit = True
        await serving


@dataclass
class Chain:
    """One order's parcel between the two."""

    house: House
    world: World
    books: dict[str, OrderBook] = field(default_factory=dict)

    def plans(self, *kinds: str, order: OrderId = ORDER) -> OrderBook:
        """What the world does to this order; it knows it by our id from now on."""
        book = self.world.core.books.open(OrderBook(f"ext-{order}", plan_of(*kinds), 12900, "CNY", []))
        self.world.core.books.alias(book, order)
        self.world.core.books.alias(book, "T1A1" if order == ORDER else f"T-{order}")
        return book

    def recipient(self, street: str = "测试路1号") -> Sealed:
        whom = Recipient("林晓舟", "13800000000", "CN", "福建省", "福州市", "鼓楼区", street, "350000")
        return seal_recipient(self.house.service.resources.facts, whom)

    async def story(self, *, without: tuple[str, ...] = ("delayed", "promise")) -> list[str]:
        """What was spoken, in short; the clocks' facts depend on how busy the machine is."""
        told = [short(fact) for fact in await self.house.spoken()]
        return [name for name in told if not name.startswith(without)]

    async def refused(self) -> list[dict[str, object]]:
        return list(self.world.core.books.refused_calls)


def short(fact: Event) -> str:
    name = fact.type.removeprefix("logistics.").removeprefix("parcel.")
    return str(getattr(fact, "milestone", "") or name)


@asynccontextmanager
async def chained(dsn: str, secrets: Path, durations: Durations) -> AsyncIterator[Chain]:
    front = FastAPI()
    async with listening(front) as port:
        base = f"http://127.0.0.1:{port}"
        config = Config(
            base, secrets, Tokens("", ""), Doors().on(base), time_scale=SCALE, durations=durations,
            faults=Faults(late_seconds=0.5),
        )  # fmt: skip
        world = create(config, load_keys(secrets))
        async with listening(world) as world_port:
            url = f"http://127.0.0.1:{world_port}"
            settings = LogisticsSettings(secrets=secrets, dsn=SecretStr(dsn), world_url=url, time_scale=SCALE)
            house = House.open(settings, EmbeddedBroker(Database(dsn, "broker")), SystemClock())
            front.include_router(house.service.router)
            house.service.start(("work",))
            yield Chain(house, world.state.world)
            await house.close()
