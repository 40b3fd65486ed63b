"""The one place where the partners are put together and given their doors."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Final

from fastapi import Depends, FastAPI, HTTPException, Request
from pydantic import BaseModel, Field
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from deploy.world import dxp, times, wechat_routes, xmldsig
from deploy.world.books import OrderBook
from deploy.world.cainiao import Cainiao
from deploy.world.config import Config
from deploy.world.core import SERVER_ERROR, Core
from deploy.world.customs import Customs
from deploy.world.http_client import Client
from deploy.world.journey import Journey
from deploy.world.keys import Keys
from deploy.world.plan import KINDS
from deploy.world.sender import Sender
from deploy.world.shop import Shop
from deploy.world.traffic import Traffic, Wish
from deploy.world.warehouse import Warehouse
from deploy.world.wechat import WeChat

LOCAL: Final = {"127.0.0.1", "::1"}


class RunRequest(BaseModel):
    """rate: orders a second, null as fast as they are taken. plans: lists of kinds, dealt out in turn."""

    orders: int = Field(ge=0, le=1_000_000)
    rate: float | None = Field(default=None, gt=0)
    share: float = Field(default=0.0, ge=0, le=1)
    seed: int = 1
    plans: list[list[str]] = []


class World:
    def __init__(self, core: Core) -> None:
        self.core = core
        self.customs = Customs(core, self._address_unclear)
        self.wechat = WeChat(core, self.customs.take_payment)
        self.cainiao = Cainiao(core, self.customs.take_waybill)
        self.warehouse = Warehouse(core, self.cainiao.picked_up)
        self.shop = Shop(core)
        self.journey = Journey(core, self.shop, self.wechat)
        self.traffic = Traffic(core, self.journey, asyncio.Semaphore(core.config.open_orders))

    def _address_unclear(self, book: OrderBook) -> None:
        self.core.sender.spawn(self.journey.correct(book))

    def routes(self) -> list[BaseRoute]:
        return [
            *wechat_routes.Doors(self.core, self.wechat).routes(),
            Route("/customs/dxp", self.dxp, methods=["POST"]),
            Route("/warehouse/events", self.warehouse.door, methods=["POST"]),
            Route("/cainiao/link", self.cainiao.door, methods=["POST"]),
            Route("/admin/api/{version}/graphql.json", self.shop.graphql, methods=["POST"]),
        ]

    async def dxp(self, request: Request) -> Response:
        """The customs window's door: a DxpMsg, answered by a DxpRep."""
        try:
            envelope = dxp.read(await request.body(), self.core.keys.enterprise)
        except xmldsig.XmlRefused as error:
            return _xml(dxp.reply(None, "0001", str(error), times.now()))
        fault = self.core.fault("customs", hashlib.sha256(envelope.data).hexdigest(), envelope.order_no)
        if fault == SERVER_ERROR:
            return Response(status_code=503)
        code, info = self.customs.take(envelope)
        return await self.core.wounded(fault, _xml(dxp.reply(envelope, code, info, times.now())))


def create(config: Config, keys: Keys) -> FastAPI:
    client = Client()
    divided_by = config.retries_divided_by
    core = Core(config, keys, Sender(client, connections=config.connections, retries_divided_by=divided_by))
    world = World(core)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await core.sender.stop()
        client.close()

    app = FastAPI(title="The partners' world", lifespan=lifespan, routes=world.routes(), docs_url=None, redoc_url=None)
    app.state.world = world
    _add_control(app, world)
    return app


def _add_control(app: FastAPI, world: World) -> None:
    local = [Depends(_local_only)]

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.post("/control/run", status_code=202, dependencies=local)
    async def run(wish: RunRequest) -> dict[str, Any]:
        unknown = {kind for kinds in wish.plans for kind in kinds} - set(KINDS)
        if unknown:
            raise HTTPException(422, f"unknown kinds: {', '.join(sorted(unknown))}")
        plans = tuple(tuple(kinds) for kinds in wish.plans)
        world.traffic.start(Wish(wish.orders, wish.rate, wish.share, wish.seed, plans))
        return world.traffic.status()

    @app.post("/control/stop", dependencies=local)
    async def stop() -> dict[str, Any]:
        world.traffic.stop()
        return world.traffic.status()

    @app.get("/control/status", dependencies=local)
    async def status() -> dict[str, Any]:
        return world.traffic.status()

    @app.get("/control/books", dependencies=local)
    async def books(external_id: Annotated[str, "one order only"] = "") -> dict[str, Any]:
        if not external_id:
            return world.core.books.as_json()
        book = world.core.books.find(external_id)
        if book is None:
            raise HTTPException(404, "no such order")
        return book.as_json()


def _local_only(request: Request) -> None:
    if request.client is None or request.client.host not in LOCAL:
        raise HTTPException(403, "control is for this machine only")


def _xml(body: bytes) -> Response:
    return Response(body, media_type="application/xml; charset=utf-8")
