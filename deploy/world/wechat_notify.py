"""Notifications of WeChat Pay: encrypted, signed afresh for every attempt, with probes and forgeries among them."""

from __future__ import annotations

from typing import Final
from uuid import uuid4

from deploy.world import sender, times, wechat_trades, wechat_wire
from deploy.world.core import Core
from deploy.world.plan import chance
from deploy.world.sender import Built, Delivery
from deploy.world.wechat_trades import Charge, Json, Refund, Trade

HEADERS: Final = {"Content-Type": "application/json", "Accept": "*/*", "User-Agent": "Mozilla/4.0"}


class Notifier:
    def __init__(self, core: Core) -> None:
        self._core = core

    def charged(self, trade: Trade, charge: Charge) -> None:
        """With one forgery ahead of it, right in all but the signature, when the order's plan says so."""
        content = wechat_trades.paid(trade, charge, "SUCCESS")
        if self._core.plans("forged_notice", trade.no):
            self._forge(trade, content)
        self._notify(trade, "TRANSACTION.SUCCESS", "支付成功", "transaction", content)

    def refunded(self, refund: Refund) -> None:
        """Only where the refund named a `notify_url`."""
        url = refund.request.get("notify_url")
        if url:
            content = wechat_trades.refund_content(refund)
            self._notify(refund.trade, "REFUND.SUCCESS", "退款成功", "refund", content, url=str(url))

    def _notify(self, trade: Trade, event: str, summary: str, kind: str, content: Json, *, url: str = "") -> None:
        core, event_id = self._core, str(uuid4())
        url = url or str(trade.request["notify_url"])
        body = self._body(event_id, event, summary, kind, content)
        if core.misbehaving > 0 and chance(core.config.seed, "probe", trade.no, event) < core.config.wechat.probe_share:
            headers = HEADERS | wechat_wire.probe_headers(core.keys.platform_serial, times.epoch())
            core.send_forged((trade.no,), "wechat probe", event_id, Delivery(url, lambda: (headers, body), ()))
        delivery = Delivery(url, lambda: self._signed(body), sender.WECHAT, lambda answer: answer.status in {200, 204})
        core.send((trade.no,), f"wechat {event}", event_id, delivery, after=core.pause(core.config.durations.notice))

    def _forge(self, trade: Trade, content: Json) -> None:
        event_id = str(uuid4())
        body = self._body(event_id, "TRANSACTION.SUCCESS", "支付成功", "transaction", content)
        headers, _ = self._signed(body + b" ")
        delivery = Delivery(str(trade.request["notify_url"]), lambda: (headers, body), ())
        self._core.send_forged((trade.no,), "wechat forged notice", event_id, delivery)

    def _signed(self, body: bytes) -> Built:
        keys = self._core.keys
        return HEADERS | wechat_wire.signed_headers(keys.platform, keys.platform_serial, body, times.epoch()), body

    def _body(self, event_id: str, event: str, summary: str, kind: str, content: Json) -> bytes:
        return wechat_wire.callback(
            self._core.keys.api_v3,
            event_id=event_id,
            event_type=event,
            summary=summary,
            kind=kind,
            content=content,
            at=times.now(),
        )
