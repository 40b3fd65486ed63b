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

from deploy.world import alipay_routes, dxp, times, traffic, wechat_routes, xiaohongshu, xmldsig
from deploy.world.alipay import Alipay
from deploy.world.books import OrderBook
from deploy.world.cainiao import Cainiao
from deploy.world.channel_journey import ChannelJourney
from deploy.world.config import Config
from deploy.world.core import SERVER_ERROR, Core
from deploy.world.customs import Customs
from deploy.world.http_client import Client
from deploy.world.journey import Journey, OwnShop
from deploy.world.keys import Keys
from deploy.world.plan import KINDS
from deploy.world.seller_api import SellerApi
from deploy.world.sender import Sender
from deploy.world.seventeentrack import SeventeenTrack
from deploy.world.shop import Shop
from deploy.world.standard_shop import StandardShop
from deploy.world.tills import Tills
from deploy.world.traffic import SHOPS, Traffic, Wish
from deploy.world.warehouse import Warehouse
from deploy.world.warehouse_origin import Origin
from deploy.world.wechat import WeChat
from deploy.world.xiaohongshu import Xiaohongshu

LOCAL: Final = {"127.0.0.1", "::1"}


class RunRequest(BaseModel):
    """rate: orders a second, null as fast as they are taken. plans: lists of kinds, dealt out in turn. shops: weight of
    each shop, the usual ones where none is given."""

    orders: int = Field(ge=0, le=1_000_000)
    rate: float | None = Field(default=None, gt=0)
    share: float = Field(default=0.0, ge=0, le=1)
    seed: int = 1
    plans: list[list[str]] = []
    shops: dict[str, float] = {}


class World:
    def __init__(self, core: Core) -> None:
        self.core = core
        self.customs = Customs(core, self._address_unclear)
        self.wechat = WeChat(core, self.customs.take_payment)
        self.alipay = Alipay(core, self.customs.take_payment)
        self.tracker = SeventeenTrack(core)
        self.cainiao = Cainiao(core, self.customs.take_waybill, self.tracker)
        self.warehouse = Warehouse(core, self.cainiao.picked_up, Origin(core, self.cainiao))
        self.shop, self.standard_shop = Shop(core), StandardShop(core)
        self.xiaohongshu = Xiaohongshu(core, self.cainiao.assign)
        tills, api, coast = Tills(self.wechat, self.alipay), SellerApi(core), core.config.tokens.of("coast-growers")
        shops = {
            "nairobi-roasters": OwnShop(self.shop, tills, api),
            "lamu-tea-house": OwnShop(self.standard_shop, tills, SellerApi(core, coast)),
        }
        self.journey = Journey(core, shops)
        channel = ChannelJourney(core, self.xiaohongshu, api)
        lives = dict.fromkeys(shops, self.journey.live) | {"savanna-red": channel.live}
        self.traffic = Traffic(core, lives, asyncio.Semaphore(core.config.open_orders))

    def _address_unclear(self, book: OrderBook) -> None:
        self.core.sender.spawn(self.journey.correct(book))

    def routes(self) -> list[BaseRoute]:
        return [
            *wechat_routes.Doors(self.core, self.wechat).routes(),
            *alipay_routes.Gateway(self.core, self.alipay).routes(),
            Route("/customs/dxp", self.dxp, methods=["POST"]),
            Route("/warehouse/events", self.warehouse.door, methods=["POST"]),
            Route("/cainiao/link", self.cainiao.door, methods=["POST"]),
            Route("/17track/track/v2.2/register", self.tracker.register, methods=["POST"]),
            Route("/standard/webhooks", self.standard_shop.door, methods=["POST"]),
            Route(xiaohongshu.PATH, self.xiaohongshu.door, methods=["POST"]),
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
        plans, shops = tuple(tuple(kinds) for kinds in wish.plans), wish.shops or SHOPS
        if unfit := traffic.unfit(plans, shops):
            raise HTTPException(422, f"no such shop, or none that can do it: {unfit}")
        world.traffic.start(Wish(wish.orders, wish.rate, wish.share, wish.seed, plans, shops))
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
