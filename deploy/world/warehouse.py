"""The bonded warehouse: picks what may leave, packs it, lets it out of the gate; Standard Webhooks both ways."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response

from deploy.world import sender, standard_webhooks, times
from deploy.world.core import SERVER_ERROR, Core
from deploy.world.http_client import Answer
from deploy.world.sender import Delivery


@dataclass(slots=True)
class Parcel:
    """state: picking, packed, exited, withdrawn."""

    parcel_id: str
    order_id: str
    lines: list[dict[str, Any]]
    grams: int
    state: str = "picking"


class Warehouse:
    """`exited` is the carrier's ear: it picks up what passed the gate."""

    def __init__(self, core: Core, exited: Callable[[str, str], None]) -> None:
        self._core, self._exited = core, exited
        self._parcels: dict[str, Parcel] = {}
        self._seen: set[str] = set()
        self._grams = {sku.sku: sku.grams for sku in core.config.shop.skus}

    async def door(self, request: Request) -> Response:
        """POST /warehouse/events: 2xx once understood and kept; the same webhook-id again changes nothing."""
        body = await request.body()
        why = standard_webhooks.refuse(request.headers, body, self._core.keys.warehouse_secret, times.epoch())
        if why is not None:
            self._core.distrust("warehouse", why)
            return Response(why, 401)
        event = _event(body)
        if event is None:
            return Response("type, data.parcel_id or data.order_id missing", 422)
        fault = self._core.fault("warehouse", request.headers["webhook-id"], str(event[1]["order_id"]))
        if fault == SERVER_ERROR:
            return Response(status_code=503)
        if request.headers["webhook-id"] not in self._seen:
            self._seen.add(request.headers["webhook-id"])
            self._take(*event)
        return await self._core.wounded(fault, Response(status_code=204))

    def _take(self, kind: str, data: dict[str, Any]) -> None:
        order_id, parcel_id = str(data["order_id"]), str(data["parcel_id"])
        entry = {"type": kind, "parcel_id": parcel_id, "dossier_version": data.get("dossier_version")}
        self._core.books.file("exit_messages", (order_id, parcel_id), entry)
        parcel = self._parcels.get(parcel_id)
        if kind == "exit.authorised" and (parcel is None or parcel.state == "withdrawn"):
            lines = [line for line in data.get("lines") or [] if isinstance(line, dict)]
            parcel = Parcel(parcel_id, order_id, lines, self._weigh(lines))
            self._parcels[parcel_id] = parcel
            self._core.sender.spawn(self._work(parcel))
        elif kind == "exit.withdrawn" and parcel is not None and parcel.state != "exited":
            parcel.state = "withdrawn"

    async def _work(self, parcel: Parcel) -> None:
        """Pack, then exit; a withdrawal in between stops it at the gate."""
        durations = self._core.config.durations
        await asyncio.sleep(self._core.pause(durations.packing))
        if parcel.state == "withdrawn":
            return
        parcel.state = "packed"
        packed = self._tell("parcel.packed", parcel, {"gross_grams": parcel.grams, "packed_at": _now()})
        self._core.books.file("packed", (parcel.order_id,), {"parcel_id": parcel.parcel_id, "grams": parcel.grams})
        await asyncio.sleep(self._core.pause(durations.exit))
        await self._until_taken(packed)
        if parcel.state == "withdrawn":
            return
        parcel.state = "exited"
        at = _now()
        self._core.books.file("exits", (parcel.order_id,), {"parcel_id": parcel.parcel_id, "at": at})
        self._core.mark("exited", parcel.order_id)
        self._tell("parcel.exited", parcel, {"gross_grams": parcel.grams, "exited_at": at})
        self._exited(parcel.parcel_id, parcel.order_id)

    async def _until_taken(self, packed: asyncio.Event) -> None:
        """The gate wants the packing known; after a minute it lets go all the same."""
        try:
            await asyncio.wait_for(packed.wait(), 60)
        except TimeoutError:
            return

    def _tell(self, kind: str, parcel: Parcel, more: dict[str, Any]) -> asyncio.Event:
        core, message_id = self._core, f"msg_{uuid4().hex}"
        data = {"parcel_id": parcel.parcel_id, "order_id": parcel.order_id, "lines": parcel.lines, **more}
        payload = {"type": kind, "timestamp": _now(), "data": data}
        body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()
        taken = asyncio.Event()

        def accepted(answer: Answer) -> bool:
            good = 200 <= answer.status < 300
            if good:
                taken.set()
            return good

        def build() -> sender.Built:
            return standard_webhooks.headers(core.keys.warehouse_secret, message_id, times.epoch(), body), body

        delivery = Delivery(core.config.doors.warehouse, build, sender.STANDARD, accepted, timeout=15.0)
        core.send((parcel.order_id, parcel.parcel_id), f"warehouse {kind}", message_id, delivery)
        return taken

    def _weigh(self, lines: list[dict[str, Any]]) -> int:
        """Goods plus a box."""
        goods = sum(self._grams.get(str(line.get("sku")), 300) * int(line.get("quantity") or 1) for line in lines)
        return goods + 80


def _event(body: bytes) -> tuple[str, dict[str, Any]] | None:
    try:
        event = json.loads(body)
        kind, data = event["type"], event["data"]
        if not data["parcel_id"] or not data["order_id"]:
            return None
    except (ValueError, KeyError, TypeError):
        return None
    return str(kind), data


def _now() -> str:
    return times.iso_utc(times.now())
