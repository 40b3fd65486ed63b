"""Cainiao: gives waybills, declares them to customs, carries what left the warehouse, brings back what it is told to.

Source: our reference page on logistics, section 2.5. The contents of booking, voiding, intercepting and of the declared
waybill are not confirmed by any document: booking uses the element names of CEB511, the answer to it those of CEB512.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Final
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response

from deploy.world import cainiao_scans, link, times
from deploy.world.cainiao_scans import REFUSED, RETURNING, Events, Scan, Teller, Traces
from deploy.world.core import LATE, SERVER_ERROR, Core
from deploy.world.documents import WaybillDocument

Json = dict[str, Any]
NEEDED: Final = ("parcelId", "orderNo", "consignee", "consigneeTelephone", "consigneeAddress", "weight")
SIGNED: Final = "SIGNED"
OUT: Final = "GTMS_DO_DEPART"


@dataclass(slots=True)
class Waybill:
    """state: booked, moving, out, delivered, returned, lost, void. `version` counts the contents that were declared.
    `scans` is everything that happened, `told` what was told so far; `recalled`: somebody wants it back; `abroad`: on
    its way to the supervised site, where the label of the last mile is put on."""

    content: Json
    number: str
    lp: str
    state: str = "booked"
    version: int = 1
    recalled: bool = False
    abroad: bool = False
    teller: Teller | None = None
    scans: list[Scan] = field(default_factory=list)
    told: list[Scan] = field(default_factory=list)

    @property
    def order_no(self) -> str:
        return str(self.content["orderNo"])


class Cainiao:
    """`tracker` tells of what travels by air; `on_recall` says whether a parcel is still with the origin, its hub or
    its gate, and goes back from there."""

    def __init__(self, core: Core, to_customs: Callable[[WaybillDocument], None], tracker: Teller) -> None:
        self._core, self._to_customs, self._tracker = core, to_customs, tracker
        self._events, self._traces = Events(core), Traces(core)
        self._by_parcel: dict[str, Waybill] = {}
        self._of_channels: dict[str, Waybill] = {}
        self._serial = times.Serial(10)
        self.on_recall: Callable[[str], bool] = lambda _: False

    async def door(self, request: Request) -> Response:
        """POST /cainiao/link: a LINK form; the answer is JSON with `success` as a text."""
        settings = self._core.config.cainiao
        fields = link.parse(await request.body())
        if not link.verifies(fields, self._core.keys.cainiao_secret):
            self._core.distrust("cainiao", "digest")
            return _json(link.refusal("S02", "digest check failed"))
        content = _object(fields["logistics_interface"])
        acts = {
            settings.book_msg_type: self._book,
            settings.cancel_msg_type: self._void,
            settings.intercept_msg_type: self._intercept,
        }
        act = acts.get(fields.get("msg_type", ""))
        if act is None or content is None or not content.get("parcelId"):
            return _json(link.refusal("S05", "unknown msg_type or content"))
        fault = self._fault(fields["msg_type"], content)
        if fault == SERVER_ERROR:
            return Response(status_code=503)
        return await self._core.wounded(fault, _json(act(content)))

    def _fault(self, msg_type: str, content: Json) -> str:
        parcel_id = str(content["parcelId"])
        if parcel_id not in self._by_parcel and self._core.plans("slow_booking", str(content.get("orderNo"))):
            return LATE
        return self._core.fault(f"cainiao.{msg_type}", parcel_id)

    def assign(self, external_id: str) -> str:
        """A number that a channel asks for itself; we hear of it by the channel's order only."""
        serial = self._serial.next()
        waybill = Waybill({"orderNo": external_id}, f"YT{serial:013d}", f"LP0{serial:013d}", teller=self._traces)
        self._of_channels[waybill.number] = waybill
        self._core.books.same(external_id, waybill.number)
        return waybill.number

    def picked_up(self, parcel_id: str, order_id: str, waybill_no: str = "") -> None:
        """What passed the bonded warehouse's gate is on our truck."""
        waybill = self._live(parcel_id, order_id, waybill_no)
        if waybill is not None:
            waybill.teller = waybill.teller or self._events
            self._core.sender.spawn(self._carry(waybill, list(self._core.config.cainiao.events)))

    def handed_over(self, parcel_id: str, order_id: str) -> None:
        """The origin gave it to the line-haul."""
        waybill = self._live(parcel_id, order_id, "")
        if waybill is not None:
            waybill.teller, waybill.abroad = self._tracker, True
            self.scan(parcel_id, "PU_PICKUP_SUCCESS")

    def scan(self, parcel_id: str, code: str) -> None:
        """Something happened to a parcel on its way to the supervised site."""
        waybill = self._by_parcel.get(parcel_id)
        if waybill is not None and waybill.state == "moving":
            self._tell(waybill, [self._seen(waybill, code)])

    def deliver(self, parcel_id: str) -> None:
        """The supervised site let it out: the rest is domestic."""
        waybill = self._by_parcel.get(parcel_id)
        if waybill is not None and waybill.state == "moving":
            waybill.abroad = False
            codes = ["CC_IM_SUCCESS", *self._core.config.cainiao.events[1:]]
            self._core.sender.spawn(self._carry(waybill, codes))

    def _live(self, parcel_id: str, order_id: str, waybill_no: str) -> Waybill | None:
        waybill = self._by_parcel.get(parcel_id) or self._of_channels.get(waybill_no)
        if waybill is None or waybill.state != "booked":
            self._core.distrust("cainiao", "a parcel without a live waybill left the warehouse", parcel_id=parcel_id)
            return None
        self._by_parcel[parcel_id] = waybill
        self._core.books.same(waybill.order_no, parcel_id, order_id, waybill.number)
        waybill.state = "moving"
        return waybill

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
            if waybill.state != "booked" and not (waybill.abroad and waybill.state == "moving"):
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
        if waybill.state not in {"booked", "void"}:
            return link.refusal("B01", "already on its way")
        waybill.state = "void"
        book = self._core.mark("voided", waybill.number)
        for entry in book.shelves["waybills"] if book else ():
            entry["voided"] = entry["voided"] or entry["waybill_no"] == waybill.number
        return link.ACCEPTED

    def _intercept(self, content: Json) -> bytes:
        """Too late once the courier has it; one that is on its way back stays so without complaint."""
        waybill = self._by_parcel.get(str(content["parcelId"])) or self._of_channels.get(str(content["logisticsNo"]))
        if waybill is None:
            return link.refusal("B02", "no such waybill")
        if waybill.recalled:
            return link.ACCEPTED
        if waybill.state != "moving" or self._core.plans("recall_refused", waybill.number):
            return link.refusal("B03", f"cannot be intercepted: {waybill.state}")
        waybill.recalled = True
        self._core.books.file("recalls", (waybill.number,), {"parcel_id": str(content["parcelId"])})
        if self.on_recall(str(content["parcelId"])):
            self._core.sender.spawn(self._carry(waybill, []))
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
        cainiao_scans.push(self._core, waybill.number, settings.declared_msg_type, receipt, "CEB512 120")

    async def _carry(self, waybill: Waybill, codes: Sequence[str]) -> None:
        """One scan after the other; with the plan `tracking_reversed` the last one is heard first."""
        held: list[Scan] = []
        left = list(codes)
        while left or self._turns_back(waybill, left):
            await asyncio.sleep(self._core.pause(self._core.config.durations.leg))
            if self._turns_back(waybill, left):
                left = list(RETURNING)
            scan = self._next(waybill, left)
            held.append(scan)
            if not self._core.plans("tracking_reversed", waybill.number):
                self._tell(waybill, [held.pop()])
        self._tell(waybill, held[::-1])

    def _turns_back(self, waybill: Waybill, left: Sequence[str]) -> bool:
        """Recalled in time, and not on its way back yet."""
        return waybill.recalled and waybill.state == "moving" and not set(left) & set(RETURNING)

    def _next(self, waybill: Waybill, left: list[str]) -> Scan:
        """What happens next; a buyer who refuses, or a loss, changes what is left."""
        code = left.pop(0)
        if code.endswith(SIGNED) and self._core.plans("refused_at_door", waybill.number):
            code, left[:] = REFUSED[0], REFUSED[1:]
        elif code == OUT and self._is_lost(waybill):
            found = self._core.plans("lost_and_found", waybill.number)
            code, left[:] = "LOST", ["GTMS_SC_ARRIVE", OUT, "GTMS_SIGNED"] if found else []
        ends = {OUT: "out", "LOST": "lost", RETURNING[0]: "back", RETURNING[1]: "returned"}
        waybill.state = "delivered" if code.endswith(SIGNED) else ends.get(code, waybill.state)
        if waybill.state in {"delivered", "returned", "lost"}:
            self._core.mark(waybill.state, waybill.number)
        return self._seen(waybill, code)

    def _is_lost(self, waybill: Waybill) -> bool:
        """Only who speaks 17TRACK's words can say that a parcel is lost: Cainiao has no code for it."""
        planned = self._core.plans("lost_parcel", waybill.number) or self._core.plans("lost_and_found", waybill.number)
        return planned and waybill.teller is self._tracker and waybill.state != "lost"

    def _seen(self, waybill: Waybill, code: str) -> Scan:
        scan = Scan(code, times.now(), abroad=waybill.teller is self._tracker and code in cainiao_scans.ABROAD)
        waybill.scans.append(scan)
        return scan

    def _tell(self, waybill: Waybill, scans: Sequence[Scan]) -> None:
        assert waybill.teller is not None
        for position, scan in enumerate(scans):
            waybill.told.append(scan)
            waybill.teller.tell(waybill.number, waybill.lp, list(waybill.told), after=0.1 * position)


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
