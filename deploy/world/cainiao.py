"""Cainiao: gives waybills, declares them to customs, carries what left the warehouse and tells of it.

Source: our reference page on logistics, section 2.5. The contents of booking, voiding and of the declared waybill are
not confirmed by any document: booking uses the element names of CEB511, the answer to it those of CEB512.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response

from deploy.world import link, sender, times
from deploy.world.core import SERVER_ERROR, Core
from deploy.world.documents import WaybillDocument
from deploy.world.sender import Delivery

Json = dict[str, Any]
NEEDED: Final = ("parcelId", "orderNo", "consignee", "consigneeTelephone", "consigneeAddress", "weight")
SIGNED: Final = "SIGNED"


@dataclass(slots=True)
class Waybill:
    """state: booked, moving, delivered, void. `version` counts the contents that were declared."""

    content: Json
    number: str
    lp: str
    state: str = "booked"
    version: int = 1

    @property
    def order_no(self) -> str:
        return str(self.content["orderNo"])


class Cainiao:
    def __init__(self, core: Core, to_customs: Callable[[WaybillDocument], None]) -> None:
        self._core, self._to_customs = core, to_customs
        self._by_parcel: dict[str, Waybill] = {}
        self._serial = times.Serial(10)

    async def door(self, request: Request) -> Response:
        """POST /cainiao/link: a LINK form; the answer is JSON with `success` as a text."""
        settings = self._core.config.cainiao
        fields = link.parse(await request.body())
        if not link.verifies(fields, self._core.keys.cainiao_secret):
            self._core.distrust("cainiao", "digest")
            return _json(link.refusal("S02", "digest check failed"))
        content = _object(fields["logistics_interface"])
        acts = {settings.book_msg_type: self._book, settings.cancel_msg_type: self._void}
        act = acts.get(fields.get("msg_type", ""))
        if act is None or content is None or not content.get("parcelId"):
            return _json(link.refusal("S05", "unknown msg_type or content"))
        fault = self._core.fault(f"cainiao.{fields['msg_type']}", str(content["parcelId"]))
        if fault == SERVER_ERROR:
            return Response(status_code=503)
        return await self._core.wounded(fault, _json(act(content)))

    def picked_up(self, parcel_id: str, order_id: str) -> None:
        """What passed the warehouse's gate is on our truck."""
        waybill = self._by_parcel.get(parcel_id)
        if waybill is None or waybill.state != "booked":
            self._core.distrust("cainiao", "a parcel without a live waybill left the warehouse", parcel_id=parcel_id)
            return
        self._core.books.same(waybill.order_no, parcel_id, order_id)
        waybill.state = "moving"
        self._core.sender.spawn(self._carry(waybill))

    # --- asked by us --------------------------------------------------------------------------------------------

    def _book(self, content: Json) -> bytes:
        """One live waybill per parcel: the same content again changes nothing, another updates and declares anew."""
        missing = [name for name in NEEDED if not content.get(name)]
        if missing or _grams(content) is None:
            return link.refusal("S03", f"missing or malformed: {', '.join(missing) or 'weight'}")
        waybill = self._by_parcel.get(str(content["parcelId"]))
        if waybill is None or waybill.state == "void":
            waybill = self._issue(content)
        elif waybill.content != content:
            if waybill.state != "booked":
                return link.refusal("B01", "already on its way")
            waybill.content, waybill.version = content, waybill.version + 1
            self._core.sender.spawn(self._declare(waybill))
        return _compact({"success": "true", "mailNo": waybill.number, "logisticsOrderCode": waybill.lp})

    def _issue(self, content: Json) -> Waybill:
        serial = self._serial.next()
        waybill = Waybill(content, f"TCX{serial:010d}", f"LP0{serial:013d}")
        self._by_parcel[str(content["parcelId"])] = waybill
        entry = {"waybill_no": waybill.number, "lp": waybill.lp, "parcel_id": content["parcelId"], "voided": False}
        numbers = (waybill.order_no, str(content["parcelId"]), waybill.number, waybill.lp)
        self._core.books.file("waybills", numbers, entry)
        self._core.sender.spawn(self._declare(waybill))
        return waybill

    def _void(self, content: Json) -> bytes:
        """A dead one stays dead without complaint; what moves can only be intercepted."""
        waybill = self._by_parcel.get(str(content["parcelId"]))
        if waybill is None:
            return link.refusal("B02", "no such waybill")
        if waybill.state in {"moving", "delivered"}:
            return link.refusal("B01", "already on its way")
        waybill.state = "void"
        book = self._core.mark("voided", waybill.number)
        for entry in book.shelves["waybills"] if book else ():
            entry["voided"] = entry["voided"] or entry["waybill_no"] == waybill.number
        return link.ACCEPTED

    # --- told to us ---------------------------------------------------------------------------------------------

    async def _declare(self, waybill: Waybill) -> None:
        """The 511 goes to customs; its receipt comes back to us in the fields of CEB512."""
        version = waybill.version
        await asyncio.sleep(self._core.pause(self._core.config.durations.waybill_declared))
        if waybill.state == "void" or waybill.version != version:
            return
        settings = self._core.config.cainiao
        self._to_customs(_document(waybill, settings.logistics_code))
        receipt = {
            "guid": str(uuid4()).upper(),
            "logisticsCode": settings.logistics_code,
            "logisticsNo": waybill.number,
            "returnStatus": "120",
            "returnTime": times.stamp17(times.now()),
            "returnInfo": "[Code:1800;Desc:逻辑校验通过]",
        }
        self._push(waybill, settings.declared_msg_type, receipt, "CEB512 120")

    async def _carry(self, waybill: Waybill) -> None:
        """One scan after the other; with the plan `tracking_reversed` the last one is heard first."""
        events = list(self._core.config.cainiao.events)
        told: list[tuple[str, Json]] = []
        for code in events:
            await asyncio.sleep(self._core.pause(self._core.config.durations.leg))
            told.append((code, self._scan(waybill, code)))
            if code.endswith(SIGNED):
                waybill.state = "delivered"
                self._core.mark("delivered", waybill.number)
            if not self._core.plans("tracking_reversed", waybill.number):
                self._tell([told.pop()], waybill)
        self._tell(told[::-1], waybill)

    def _tell(self, scans: Sequence[tuple[str, Json]], waybill: Waybill) -> None:
        for position, (code, scan) in enumerate(scans):
            self._push(waybill, self._core.config.cainiao.event_msg_type, scan, code, after=0.1 * position)

    def _scan(self, waybill: Waybill, code: str) -> Json:
        return {
            "logisticsOrderCode": waybill.lp,
            "currentCPResCode": self._core.config.cainiao.resource_code,
            "eventTime": times.wall(times.now()),
            "operator": "auto",
            "eventCode": code,
            "statusCode": "0",
            "reason": "",
            "location": "福州",
            "timeZone": "+8",
        }

    def _push(self, waybill: Waybill, msg_type: str, content: Json, name: str, *, after: float = 0.0) -> None:
        keys, settings = self._core.keys, self._core.config.cainiao
        body = link.form(
            msg_type, content, secret=keys.cainiao_secret, partner=keys.partner_code, from_code=settings.from_code
        )
        url = self._core.config.doors.cainiao
        delivery = Delivery(
            url,
            lambda: (link.FORM, body),
            sender.INVENTED,
            lambda answer: answer.status == 200 and link.accepted(answer.body),
        )
        self._core.send((waybill.number,), f"cainiao {name}", f"{waybill.number}:{name}", delivery, after=after)


def _document(waybill: Waybill, logistics_code: str) -> WaybillDocument:
    content = waybill.content
    return WaybillDocument(
        logistics_code=logistics_code,
        logistics_no=waybill.number,
        order_no=waybill.order_no,
        consignee=str(content["consignee"]),
        telephone=str(content["consigneeTelephone"]),
        address=str(content["consigneeAddress"]),
        grams=_grams(content) or 0,
    )


def _grams(content: Json) -> int | None:
    """`weight` is kilograms as a decimal text, like CEB511's."""
    try:
        return int(Decimal(str(content["weight"])) * 1000)
    except InvalidOperation:
        return None


def _object(text: str) -> Json | None:
    try:
        content = json.loads(text)
    except ValueError:
        return None
    return content if isinstance(content, dict) else None


def _compact(value: Json) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _json(body: bytes) -> Response:
    return Response(body, media_type="application/json")
