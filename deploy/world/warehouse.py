"""The warehouses' one door, and the bonded one: picks what may leave, packs it, lets it out of the gate."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from deploy.world import standard_webhooks, times, warehouse_voice
from deploy.world.core import SERVER_ERROR, Core
from deploy.world.warehouse_origin import SITE, Origin
from deploy.world.warehouse_voice import Voice

Json = dict[str, Any]


@dataclass(slots=True)
class Parcel:
    """state: picking, packed, exited, withdrawn."""

    parcel_id: str
    order_id: str
    lines: list[Json]
    grams: int
    waybill_no: str = ""
    state: str = "picking"


class Warehouse:
    """`exited` is the carrier's ear: it picks up what passed the gate. What the origin sent leaves by the origin's own
    gate; everything else is bonded stock."""

    def __init__(self, core: Core, exited: Callable[[str, str, str], None], origin: Origin) -> None:
        self._core, self._exited, self._origin = core, exited, origin
        self._voice = Voice(core)
        self._parcels: dict[str, Parcel] = {}
        self._answers: dict[str, int] = {}

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
        message_id = request.headers["webhook-id"]
        fault = self._core.fault("warehouse", message_id, str(event[1]["order_id"]))
        if fault == SERVER_ERROR:
            return Response(status_code=503)
        if message_id not in self._answers:
            self._answers[message_id] = self._take(*event)
        return await self._core.wounded(fault, Response(status_code=self._answers[message_id]))

    def _take(self, kind: str, data: Json) -> int:
        order_id, parcel_id = str(data["order_id"]), str(data["parcel_id"])
        entry = {"type": kind, "parcel_id": parcel_id, "dossier_version": data.get("dossier_version")}
        self._core.books.file("exit_messages", (order_id, parcel_id), entry)
        if kind.startswith("pick.") or data.get("warehouse") == SITE:
            return self._origin.take(kind, data)
        self._bonded(kind, data)
        return 204

    def _bonded(self, kind: str, data: Json) -> None:
        order_id, parcel_id = str(data["order_id"]), str(data["parcel_id"])
        parcel = self._parcels.get(parcel_id)
        if kind == "exit.authorised" and (parcel is None or parcel.state == "withdrawn"):
            lines = warehouse_voice.lines_of(data)
            grams = warehouse_voice.weight(self._core.config.grams, lines)
            parcel = Parcel(parcel_id, order_id, lines, grams, str(data.get("waybill_no") or ""))
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
        packed = self._tell("parcel.packed", parcel, {"packed_at": warehouse_voice.now()})
        self._core.books.file("packed", (parcel.order_id,), {"parcel_id": parcel.parcel_id, "grams": parcel.grams})
        await asyncio.sleep(self._core.pause(durations.exit))
        await self._voice.until_taken(packed)
        if parcel.state == "withdrawn":
            return
        parcel.state = "exited"
        at = warehouse_voice.now()
        self._core.books.file("exits", (parcel.order_id,), {"parcel_id": parcel.parcel_id, "at": at})
        self._core.mark("exited", parcel.order_id)
        self._tell("parcel.exited", parcel, {"exited_at": at})
        self._exited(parcel.parcel_id, parcel.order_id, parcel.waybill_no)

    def _tell(self, kind: str, parcel: Parcel, more: Json) -> asyncio.Event:
        data = {"parcel_id": parcel.parcel_id, "order_id": parcel.order_id, "lines": parcel.lines}
        whole = {**data, "gross_grams": parcel.grams, **more}
        return self._voice.tell((parcel.order_id, parcel.parcel_id), kind, whole)


def _event(body: bytes) -> tuple[str, Json] | None:
    try:
        event = json.loads(body)
        kind, data = event["type"], event["data"]
        if not data["parcel_id"] or not data["order_id"]:
            return None
    except (ValueError, KeyError, TypeError):
        return None
    return str(kind), data
