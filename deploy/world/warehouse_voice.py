"""How warehouses, hub and gates speak to us: Standard Webhooks, one message per event, sent until it is taken."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from deploy.world import sender, standard_webhooks, times
from deploy.world.core import Core
from deploy.world.http_client import Answer
from deploy.world.sender import Delivery


def now() -> str:
    return times.iso_utc(times.now())


class Voice:
    def __init__(self, core: Core) -> None:
        self._core = core

    def tell(self, numbers: tuple[str, ...], kind: str, data: dict[str, Any], *, times_sent: int = 1) -> asyncio.Event:
        """Start telling; the event is set when somebody took it. Sent twice, it is the same message twice."""
        core, message_id, taken = self._core, f"msg_{uuid4().hex}", asyncio.Event()
        payload = {"type": kind, "timestamp": now(), "data": data}
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()

        def accepted(answer: Answer) -> bool:
            good = 200 <= answer.status < 300
            if good:
                taken.set()
            return good

        def build() -> sender.Built:
            return standard_webhooks.headers(core.keys.warehouse_secret, message_id, times.epoch(), body), body

        delivery = Delivery(core.config.doors.warehouse, build, sender.STANDARD, accepted, timeout=15.0)
        for number in range(times_sent):
            core.send(numbers, f"warehouse {kind}", message_id, delivery, after=0.02 * number)
        return taken

    async def until_taken(self, told: asyncio.Event) -> None:
        """Whoever moves goods wants the step before to be known; after a minute they go on all the same."""
        try:
            await asyncio.wait_for(told.wait(), 60)
        except TimeoutError:
            return


def lines_of(data: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What our message asks for; what is no line is passed over."""
    return [line for line in data.get("lines") or [] if isinstance(line, dict)]


def weight(grams: Mapping[str, int], lines: list[dict[str, Any]]) -> int:
    """Goods plus a box."""
    return sum(grams.get(str(line.get("sku")), 300) * int(line.get("quantity") or 1) for line in lines) + 80
