"""WeChat Pay's HTTP doors. 2xx answers of v3 are signed; errors carry no signature, as in life."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deploy.world import times, wechat_v2, wechat_wire
from deploy.world.core import SERVER_ERROR, Core
from deploy.world.wechat import WeChat
from deploy.world.wechat_trades import Json, Reply

Act = Callable[[Json], Reply]


class Doors:
    def __init__(self, core: Core, wechat: WeChat) -> None:
        self._core, self._wechat = core, wechat

    def routes(self) -> list[Route]:
        orders, refunds = "/v3/pay/transactions", "/v3/refund/domestic/refunds"
        return [
            Route(f"{orders}/native", self.native, methods=["POST"]),
            Route(f"{orders}/out-trade-no/{{no}}", self.query, methods=["GET"]),
            Route(f"{orders}/out-trade-no/{{no}}/close", self.close, methods=["POST"]),
            Route(refunds, self.refund, methods=["POST"]),
            Route(f"{refunds}/{{no}}", self.refund_query, methods=["GET"]),
            Route("/v3/certificates", self.certificates, methods=["GET"]),
            Route("/cgi-bin/mch/customs/customdeclareorder", self.declare, methods=["POST"]),
            Route("/cgi-bin/mch/newcustoms/customdeclareredeclare", self.push_again, methods=["POST"]),
            # The first is the documented path; the other circulates.
            Route("/cgi-bin/mch/customs/customdeclarequery", self.declared, methods=["POST"]),
            Route("/cgi-bin/mch/newcustoms/customdeclarequery", self.declared, methods=["POST"]),
        ]

    async def native(self, request: Request) -> Response:
        return await self._v3(request, self._wechat.native, "wechat.native", "out_trade_no")

    async def query(self, request: Request) -> Response:
        if request.query_params.get("mchid") != self._core.keys.mchid:
            return _error(400, "PARAM_ERROR", "mchid")
        return await self._v3(request, lambda _: self._wechat.query(request.path_params["no"]))

    async def close(self, request: Request) -> Response:
        number = request.path_params["no"]
        return await self._v3(request, lambda _: self._wechat.close(number), "wechat.close")

    async def refund(self, request: Request) -> Response:
        return await self._v3(request, self._wechat.refund, "wechat.refund", "out_refund_no")

    async def refund_query(self, request: Request) -> Response:
        return await self._v3(request, lambda _: self._wechat.refund_query(request.path_params["no"]))

    async def certificates(self, request: Request) -> Response:
        keys = self._core.keys
        start, end = times.now().replace(month=1, day=1), times.now().replace(year=times.now().year + 5)
        body = wechat_wire.certificates(keys.api_v3, keys.platform_pem, keys.platform_serial, start, end)
        why = self._refused(request, b"")
        return self._signed(200, body) if why is None else _error(401, "SIGN_ERROR", why)

    async def declare(self, request: Request) -> Response:
        return await self._v2(request, self._wechat.customs.declare, "wechat.declare")

    async def push_again(self, request: Request) -> Response:
        return await self._v2(request, self._wechat.customs.push_again, "")

    async def declared(self, request: Request) -> Response:
        return await self._v2(request, self._wechat.customs.query, "")

    async def _v3(self, request: Request, act: Act, door: str = "", key: str = "") -> Response:
        """Believe it, do it, sign the answer. A fault is rolled at `door`, by that field or the path's number."""
        raw = await request.body()
        why = self._refused(request, raw)
        if why is not None:
            return _error(401, "SIGN_ERROR", why)
        body = _object(raw)
        if body is None:
            return _error(400, "PARAM_ERROR", "body")
        number = str(body.get(key) or request.path_params.get("no", ""))
        fault = self._core.fault(door, number) if door else ""
        if fault == SERVER_ERROR:
            return _error(503, "SYSTEM_ERROR", "系统繁忙")
        status, answer = act(body)
        if status >= 400 and answer is not None:
            return _error(status, answer["code"], answer["message"])
        response = self._signed(status, b"" if answer is None else wechat_wire.compact(answer))
        return await self._core.wounded(fault, response)

    async def _v2(self, request: Request, act: Callable[[dict[str, str]], dict[str, str]], door: str) -> Response:
        fields = wechat_v2.parse(await request.body())
        key = self._core.keys.api_v2
        if fields is None or not wechat_v2.verifies(fields, key):
            self._core.distrust("wechat v2", "malformed or wrong sign")
            return _xml(wechat_v2.build({"return_code": "FAIL", "return_msg": "签名错误"}, key))
        fault = self._core.fault(door, fields.get("out_trade_no", "")) if door else ""
        if fault == SERVER_ERROR:
            return Response(status_code=503)
        return await self._core.wounded(fault, _xml(wechat_v2.build(act(fields), key)))

    def _refused(self, request: Request, body: bytes) -> str | None:
        keys = self._core.keys
        target = request.scope["raw_path"].decode() + (f"?{request.url.query}" if request.url.query else "")
        why = wechat_wire.refuse_request(
            request.headers.get("authorization", ""),
            request.method,
            target,
            body,
            merchant=keys.merchant,
            mchid=keys.mchid,
            serial=keys.merchant_serial,
            epoch=times.epoch(),
        )
        if why is not None:
            self._core.distrust("wechat", why, target=target)
        return why

    def _signed(self, status: int, body: bytes) -> Response:
        keys = self._core.keys
        headers = wechat_wire.signed_headers(keys.platform, keys.platform_serial, body, times.epoch())
        kind = "application/json; charset=utf-8" if body else None
        return Response(body, status, headers=headers, media_type=kind)


def _object(raw: bytes) -> Json | None:
    if not raw:
        return {}
    try:
        body: Any = json.loads(raw)
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _error(status: int, code: str, message: str) -> Response:
    body = wechat_wire.compact({"code": code, "message": message})
    return Response(body, status, media_type="application/json; charset=utf-8")


def _xml(body: bytes) -> Response:
    return Response(body, media_type="text/xml; charset=utf-8")
