"""The customs window: takes declarations, matches them, answers with receipts when it is ready.

Source: our reference page on customs, sections 1.4, 3.2 and 3.3. An inventory that comes before its three documents
is sent back (undocumented; the sender is told to wait for all three).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from deploy.world import ceb, customs_match, dxp, times, xmldsig
from deploy.world.books import Entry, OrderBook
from deploy.world.core import Core
from deploy.world.customs_clearing import Clearing
from deploy.world.customs_receipts import LETTERS, Case, Receipts, soon, status
from deploy.world.documents import Declared, Manifest, PaymentDocument, WaybillDocument


class Customs:
    """`rejected` is told when an inventory was sent back although its documents agree."""

    def __init__(self, core: Core, rejected: Callable[[OrderBook], None]) -> None:
        self._core = core
        self._receipts = Receipts(core)
        self._clearing = Clearing(core, self._receipts, rejected)
        self._seen: dict[str, tuple[Case, Entry]] = {}  # sha256 of the bytes
        self._guids: set[str] = set()
        self._orders: dict[str, Case] = {}
        self._inventories: dict[str, Case] = {}
        self._payments: dict[str, PaymentDocument] = {}
        self._waybills: dict[str, WaybillDocument] = {}
        self._serial = times.Serial(9)

    # --- from the payment company and the carrier ---------------------------------------------------------------

    def take_payment(self, document: PaymentDocument) -> None:
        self._payments[document.order_no] = document
        entry = {"type": "CEB411", "order_no": document.order_no, "key": document.pay_transaction_id}
        self._core.books.file("documents", (document.order_no,), entry)

    def take_waybill(self, document: WaybillDocument) -> None:
        self._waybills[document.order_no] = document
        entry = {"type": "CEB511", "order_no": document.order_no, "key": document.logistics_no}
        self._core.books.file("documents", (document.order_no, document.logistics_no), entry)

    def inventory_of(self, order_no: str) -> Case | None:
        """The inventory that counts: the last one that was not refused at once."""
        return self._inventories.get(order_no)

    # --- from us ------------------------------------------------------------------------------------------------

    def take(self, envelope: dxp.Envelope) -> tuple[str, str]:
        """Code and text of the platform's answer. What is wrong inside is said later, by receipt."""
        refusal = self._refuse_envelope(envelope)
        if refusal:
            return refusal
        kind = envelope.message_type.removeprefix("CEB").removesuffix("Message")
        try:
            document = ceb.read(envelope.data, kind)
        except (ceb.FormatRefused, xmldsig.XmlRefused) as error:
            self._receipts.format_error(envelope, str(error), "")
            return dxp.TAKEN, ""
        known = self._seen.get(document.sha256)
        if known is not None:
            self._repeat(*known)
            return dxp.TAKEN, ""
        authentic = document.signed and xmldsig.verifies(xmldsig.parse(envelope.data), self._core.keys.enterprise)
        needs = kind != "311" or document.signed or self._core.config.customs.require_order_signature
        self._file(document, authentic=authentic or not needs)
        return dxp.TAKEN, ""

    def _refuse_envelope(self, envelope: dxp.Envelope) -> tuple[str, str] | None:
        required = self._core.config.customs.require_envelope_signature
        if (envelope.signed or required) and not envelope.authentic:
            self._core.distrust("customs", "envelope signature", message_id=envelope.message_id)
            return "1004", "签名与数据不符"
        if envelope.sender != self._core.keys.enterprise_dxp or not envelope.message_id:
            self._core.distrust("customs", "unknown sender", message_id=envelope.message_id)
            return "2002", "发送方不符"
        if envelope.receiver != self._core.keys.window_dxp:
            return "2001", "接收方不存在"
        known = {f"CEB{kind}Message" for kind in ceb.SHAPES}
        return None if envelope.message_type in known else ("0002", "报文类型不支持")

    def _repeat(self, case: Case, entry: Entry) -> None:
        """The same bytes again: the same answers. One that was kept silent about speaks now."""
        case.repeats += 1
        entry["count"] = case.repeats + 1
        if case.silent:
            case.silent = False
            self._core.sender.spawn(self._clearing.examine(case, self._objection(case.document), first=True))
        self._receipts.push_again(case)

    def _file(self, document: Declared, *, authentic: bool) -> None:
        case = Case(document)
        entry = self._entry(document, authentic=authentic)
        self._seen[document.sha256] = case, entry
        if document.kind != "311":
            case.pre_no = self._number(LETTERS[document.kind])
        if not authentic:
            self._core.distrust("customs", "message signature", key=document.key)
            case.state = "rejected"
            self._receipts.push(case, [status("-621029", times.now())])
            return
        handle = {"311": self._order, "621": self._inventory, "623": self._cancellation, "625": self._return}
        handle[document.kind](case)

    def _entry(self, document: Declared, *, authentic: bool) -> Entry:
        """`differs`: the same guid was here before with other bytes, which no resend may do."""
        entry = {
            "type": f"CEB{document.kind}",
            "order_no": document.order_no,
            "cop_no": document.head.get("copNo", ""),
            "key": document.key,
            "guid": document.guid,
            "app_type": document.app_type,
            "sha256": document.sha256,
            "authentic": authentic,
            "count": 1,
            "differs": document.guid in self._guids,
        }
        self._guids.add(document.guid)
        numbers = (document.order_no, *([document.head["copNo"]] if document.head.get("copNo") else []))
        return self._core.books.file("documents", numbers, entry)

    # --- kinds --------------------------------------------------------------------------------------------------

    def _order(self, case: Case) -> None:
        """New under a known number is refused; a change is taken while no inventory is stored."""
        earlier = self._orders.get(case.document.order_no)
        inventory = self._inventories.get(case.document.order_no)
        if earlier is not None and case.document.app_type == "1":
            self._receipts.push(case, [status("-301010", times.now())])
        elif inventory is not None and inventory.state in {"stored", "held", "released"}:
            self._receipts.push(case, [status("-301011", times.now())])
        else:
            self._orders[case.document.order_no] = case
            self._core.sender.spawn(self._store_order(case))

    async def _store_order(self, case: Case) -> None:
        declared = times.now()
        await self._wait(self._core.config.durations.receipt)
        case.state = "stored"
        self._receipts.push(case, [status("2", declared), status("120", max(times.now(), soon(declared)))])

    def _inventory(self, case: Case) -> None:
        earlier = self._inventories.get(case.document.order_no)
        if earlier is not None and earlier.state not in {"rejected", "withdrawn"}:
            self._receipts.push(case, [status("-621004", times.now())])
            return
        self._inventories[case.document.order_no] = case
        self._core.mark("declared", case.document.order_no)
        case.silent = earlier is None and self._core.plans("silent_customs", case.document.order_no)
        if not case.silent:
            self._core.sender.spawn(self._clearing.examine(case, self._objection(case.document), first=earlier is None))

    def _objection(self, document: Declared) -> str:
        if not self._core.config.customs.match:
            return ""
        order = self._orders.get(document.order_no)
        stored = order.document if order is not None and order.state == "stored" else None
        number = document.order_no
        return "; ".join(
            customs_match.findings(
                document,
                stored,
                self._payments.get(number),
                self._waybills.get(number),
                self._manifests(number),
            )
        )

    def _manifests(self, order_no: str) -> list[Manifest]:
        """The consignments in which the carrier listed the parcel: more than one where its bag was left behind."""
        book = self._core.books.find(order_no)
        listed = book.shelves["consolidations"] if book is not None else []
        return [Manifest(entry["master_bill"], entry["voyage"]) for entry in listed]

    def _cancellation(self, case: Case) -> None:
        self._clearing.cancel(case, self._inventories.get(case.document.order_no))

    def _return(self, case: Case) -> None:
        self._clearing.take_back(case, self._inventories.get(case.document.order_no))

    # --- numbers ------------------------------------------------------------------------------------------------

    async def _wait(self, seconds: float) -> None:
        await asyncio.sleep(self._core.pause(seconds))

    def _number(self, letter: str) -> str:
        """preNo: letter, day, nine digits."""
        return f"{letter}{times.stamp14(times.now())[:8]}{self._serial.next():09d}"
