"""Alipay's gateway: one URL for all methods. HTTP says 200 to errors too; who is not believed gets no signature."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deploy.world import alipay_wire, times
from deploy.world.alipay import Alipay
from deploy.world.alipay_customs import Said
from deploy.world.alipay_wire import Json
from deploy.world.core import SERVER_ERROR, Core

Act = Callable[[Json], Said]
# Faults are rolled once per method and number: questions do not go wrong, as with the other provider.
NUMBERS = {
    "alipay.trade.precreate": "out_trade_no",
    "alipay.trade.close": "out_trade_no",
    "alipay.trade.refund": "out_request_no",
    "alipay.trade.customs.declare": "out_request_no",
}


class Gateway:
    def __init__(self, core: Core, alipay: Alipay) -> None:
        self._core, self._alipay = core, alipay
        self._acts: Mapping[str, Act] = {
            "alipay.trade.query": alipay.query,
            "alipay.trade.close": alipay.close,
            "alipay.trade.cancel": alipay.cancel,
            "alipay.trade.refund": alipay.refund,
            "alipay.trade.fastpay.refund.query": alipay.refund_query,
            "alipay.trade.customs.declare": alipay.customs.declare,
            "alipay.trade.customs.query": alipay.customs.query,
        }

    def routes(self) -> list[Route]:
        return [Route("/gateway.do", self.door, methods=["POST"])]

    async def door(self, request: Request) -> Response:
        values = alipay_wire.parameters(request.url.query, (await request.body()).decode("utf-8", "replace"))
        method, keys = values.get("method", ""), self._core.keys
        why = alipay_wire.refuse_request(values, keys.alipay_app, keys.alipay_app_id, times.now())
        if why:
            self._core.distrust("alipay", why, method=method)
            return _text(alipay_wire.unsigned(method, _error("40002", "Invalid Arguments", why)))
        content, act = alipay_wire.business(values), self._act(method, values)
        if content is None or act is None:
            return self._signed(method, _error("40001" if act else "40002", "Invalid Arguments", "isv.invalid-method"))
        number = str(content.get(NUMBERS.get(method, ""), ""))
        trade = self._alipay.find(content)
        fault = self._core.fault(method, number, *([trade.no] if trade else ())) if number else ""
        if fault == SERVER_ERROR:
            return Response(status_code=503)
        return await self._core.wounded(fault, self._answer(method, *act(content)))

    def _act(self, method: str, values: Mapping[str, str]) -> Act | None:
        if method == "alipay.trade.precreate":
            return lambda content: self._alipay.precreate(content, values.get("notify_url", ""))
        return self._acts.get(method)

    def _answer(self, method: str, sub_code: str, fields: Json) -> Response:
        if sub_code:
            return self._signed(method, _error("40004", "Business Failed", sub_code))
        return self._signed(method, {"code": "10000", "msg": "Success", **fields})

    def _signed(self, method: str, fields: Json) -> Response:
        return _text(alipay_wire.answer(self._core.keys.alipay, method, fields))


def _error(code: str, text: str, sub_code: str) -> Json:
    return {"code": code, "msg": text, "sub_code": sub_code, "sub_msg": "业务处理失败"}


def _text(body: bytes) -> Response:
    """The real gateway calls its JSON text/html; nobody may go by the type."""
    return Response(body, media_type="text/html; charset=utf-8")
