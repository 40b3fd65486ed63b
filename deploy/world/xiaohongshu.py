"""Xiaohongshu: buyers pay there, it clears their orders through customs itself, tells of every change by id only, and
answers what an order is to whoever signs.

Source: our reference page on marketplaces, section 16.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any, Final
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response

from deploy.world import sender, times
from deploy.world import xiaohongshu_wire as wire
from deploy.world.books import OrderBook, Push
from deploy.world.core import SERVER_ERROR, Core
from deploy.world.plan import chance
from deploy.world.sender import Delivery
from deploy.world.shop_wire import ShopOrder
from deploy.world.xiaohongshu_wire import Json, RedOrder

PATH: Final = "/ark/open_api/v3/common_controller"
STATUS: Final = "msg_fulfillment_status_change"
AFTER_SALE: Final = "msg_after_sale_create"
UNKNOWN_TAG: Final = "msg_fulfillment_teleported"
COMPANY: Final = "cainiao"
BAD_SIGN, NOT_FOUND, NOT_NOW = 1001, 2001, 2002


class Refusal(Exception):
    """What the API answers instead of data."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


class Xiaohongshu:
    """`waybill` is the carrier's way to a number: the platform has one ready for some orders."""

    def __init__(self, core: Core, waybill: Callable[[str], str]) -> None:
        self._core, self._waybill = core, waybill
        self._orders: dict[str, RedOrder] = {}
        self._delivered: dict[str, asyncio.Event] = {}

    # --- what happens there ---------------------------------------------------------------------------------------

    def place(self, order: ShopOrder) -> RedOrder:
        red = RedOrder(order)
        self._orders[red.id], self._delivered[red.id] = red, asyncio.Event()
        return self._moved(red, wire.UNPAID)

    def pay(self, red: RedOrder) -> None:
        red.paid_at = _now()
        entry = {"amount": red.order.total_minor, "out_trade_no": f"20260302220{red.order.id}"}
        self._core.books.file("channel_payments", (red.id,), entry)
        self._moved(red, wire.PROCESSING)

    def clear(self, red: RedOrder) -> None:
        self._moved(red, wire.CLEARING)

    def release(self, red: RedOrder) -> None:
        """Its own customs let it through; half of the orders get a waybill of the platform's."""
        if chance(self._core.config.seed, "red-waybill", red.id) < 0.5:
            red.express_no, red.express_company = self._waybill(red.id), COMPANY
        self._core.mark("released", red.id)
        self._moved(red, wire.TO_SHIP)

    def close(self, red: RedOrder) -> None:
        """Nobody paid, or all of it went back."""
        red.cancelled_at = _now()
        if red.paid_at:
            red.after_sales = 3
            self._core.books.file("channel_refunds", (red.id,), {"amount": red.order.total_minor})
        self._moved(red, wire.CANCELLED)

    def complete(self, red: RedOrder) -> None:
        red.finished_at = _now()
        self._moved(red, wire.COMPLETED)

    async def shipped(self, red: RedOrder) -> None:
        """Until the seller has told of it."""
        await self._delivered[red.id].wait()

    def _moved(self, red: RedOrder, status: int) -> RedOrder:
        red.status, red.updated_at = status, max(_now(), red.updated_at + 1)
        return red

    # --- told to us -----------------------------------------------------------------------------------------------

    async def tell(self, book: OrderBook, red: RedOrder, *, forged: bool = False, lost: int = 0) -> bool:
        """The order's status, by id. What it says of itself is not signed and need not be true."""
        data = {"orderId": red.id, "orderStatus": red.status, "updateTime": red.updated_at}
        return await self._push(book, STATUS, data, forged=forged, lost=lost)

    async def tell_nonsense(self, book: OrderBook, red: RedOrder) -> bool:
        return await self._push(book, UNKNOWN_TAG, {"orderId": red.id, "updateTime": red.updated_at})

    async def open_after_sale(self, book: OrderBook, red: RedOrder) -> bool:
        """A refund before shipping; the amount is in yuan here and nowhere else."""
        red.after_sales = 2
        self._moved(red, red.status)
        data = {
            "returnsId": f"R{red.order.id}",
            "orderId": red.id,
            "returnType": 5,
            "requestFrom": 1,
            "refundFee": red.order.total_minor / 100,
            "updateTime": red.updated_at,
        }
        return await self._push(book, AFTER_SALE, data)

    async def _push(self, book: OrderBook, tag: str, data: Json, *, forged: bool = False, lost: int = 0) -> bool:
        core, push_id = self._core, str(uuid4())
        url, body = core.config.doors.xiaohongshu, wire.message(tag, core.keys.red_seller_id, data)
        secret = "somebody else" if forged else core.keys.red_app_secret
        headers = wire.push_headers(url, core.keys.red_app_key, secret, times.epoch())
        delivery = Delivery(
            url,
            lambda: (headers, body),  # the one retry carries the same bytes and the same time
            sender.XIAOHONGSHU,
            lambda answer: answer.status == 200 and wire.accepted(answer.body),
            lost=lost,
        )
        wanted = "refusal" if forged else "ack"
        push = core.books.push((book.external_id,), Push(f"xiaohongshu {tag}", push_id, wanted=wanted))
        if "duplicate_pushes" in book.plan and not forged:
            again = core.books.push((book.external_id,), Push(f"xiaohongshu {tag}", push_id))
            core.sender.start(again, delivery, after=0.02)
        return await core.sender.deliver(push, delivery)

    # --- asked by us ----------------------------------------------------------------------------------------------

    async def door(self, request: Request) -> Response:
        """POST /ark/open_api/v3/common_controller: every method at one address; HTTP 200 whatever it answers."""
        try:
            asked = json.loads(await request.body())
            act = self._act(asked)
            fault = self._fault(asked)
            if fault == SERVER_ERROR:
                return Response(status_code=503)
            data = act(asked)
        except Refusal as refusal:
            return _json({"error_code": refusal.code, "success": False, "error_msg": str(refusal)})
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return _json({"error_code": 1000, "success": False, "error_msg": f"bad request: {error}"})
        return await self._core.wounded(fault, _json({"error_code": 0, "success": True, "data": data}))

    def _act(self, asked: Json) -> Callable[[Json], Json]:
        """What the method does, for whoever may call it."""
        acts: dict[str, Callable[[Json], Json]] = {
            "order.getOrderDetail": self._detail,
            "order.getOrderReceiverInfo": self._receiver,
            "data.batchDecrypt": self._decrypt,
            "order.orderDeliver": self._deliver,
        }
        self._believe(asked)
        if asked["method"] not in acts:
            raise Refusal(NOT_FOUND, "unknown method")
        return acts[asked["method"]]

    def _fault(self, asked: Json) -> str:
        number = str(asked.get("orderId", ""))
        return self._core.fault(f"xiaohongshu.{asked['method']}", number) if number else ""

    def _believe(self, asked: Json) -> None:
        keys = self._core.keys
        stamp = str(asked.get("timestamp", ""))
        right = wire.call_sign(str(asked["method"]), keys.red_app_key, stamp, keys.red_app_secret)
        if asked.get("sign") != right or asked.get("accessToken") != keys.red_token or not stamp.isdigit():
            self._core.distrust("xiaohongshu", "sign or token")
            raise Refusal(BAD_SIGN, "sign or token")

    def _known(self, number: Any) -> RedOrder:  # noqa: ANN401
        red = self._orders.get(str(number))
        if red is None:
            raise Refusal(NOT_FOUND, "no such order")
        return red

    def _detail(self, asked: Json) -> Json:
        return wire.detail(self._known(asked["orderId"]), self._core.keys.red_seller_id)

    def _receiver(self, asked: Json) -> Json:
        """Only while the order is to be shipped."""
        found = []
        for query in asked["receiverQueries"]:
            red = self._known(query["orderId"])
            if red.status != wire.TO_SHIP:
                raise Refusal(NOT_NOW, "only while the order is to be shipped")
            found.append(wire.receiver(red, str(query["openAddressId"])))
        return {"receiverInfos": found}

    def _decrypt(self, asked: Json) -> Json:
        infos = []
        for info in asked["baseInfos"]:
            self._known(info["dataTag"])
            text = str(info["encryptedData"])
            infos.append({"dataTag": info["dataTag"], "encryptedData": text, "decryptedData": wire.opened(text)})
        return {"dataInfoList": infos}

    def _deliver(self, asked: Json) -> Json:
        red = self._known(asked["orderId"])
        if red.status != wire.TO_SHIP:
            book = self._core.books.find(red.id)
            if book is not None:
                book.notes.append(f"a delivery was told in status {red.status} and refused")
            raise Refusal(NOT_NOW, "the order is not to be shipped")
        red.express_no, red.express_company = str(asked["expressNo"]), str(asked["expressCompanyCode"])
        red.shipped_at = int(asked["deliveringTime"])
        self._moved(red, wire.SHIPPED)
        entry = {"id": f"D{red.order.id}", "tracking_no": red.express_no, "company": red.express_company}
        self._core.books.file("fulfilments", (red.id,), entry)
        self._core.mark("fulfilled", red.id)
        self._delivered[red.id].set()
        return {}


def _now() -> int:
    return int(times.now().timestamp() * 1000)


def _json(body: Json) -> Response:
    return Response(json.dumps(body, ensure_ascii=False).encode(), 200, media_type="application/json")
