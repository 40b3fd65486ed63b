"""What becomes of an inventory at the window: sent back, stored, inspected, detained, released; cancelled, returned.

Source: our reference page on customs, sections 1.4 and 8. The plan of an order decides what goes astray.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Final

from deploy.world import times
from deploy.world.books import OrderBook
from deploy.world.core import Core
from deploy.world.customs_receipts import CLEARED, Case, Receipts, soon, status
from deploy.world.documents import Declared

UNCLEAR: Final = "收货地址不详"
OVER_THE_YEAR: Final = "超过个人年度限额，已使用 25990.00，限额 26000.00"
CONTESTED: Final = ("cancel_declared", "release_wins")
LATE_SECONDS: Final = 0.2  # a receipt that another one overtakes
LOOK_SECONDS: Final = 0.02


class Clearing:
    """`rejected` is told when an inventory was sent back although its documents agree."""

    def __init__(self, core: Core, receipts: Receipts, rejected: Callable[[OrderBook], None]) -> None:
        self._core, self._receipts, self._rejected = core, receipts, rejected
        self._serial = times.Serial(9)

    # --- an inventory -------------------------------------------------------------------------------------------

    async def examine(self, case: Case, objection: str, *, first: bool) -> None:
        declared, order_no = times.now(), case.document.order_no
        if self._core.plans("cancel_declared", order_no):
            await self._until(lambda: "cancel_taken" in self._marks(order_no))
        await self._wait(self._core.config.durations.receipt)
        decided = max(times.now(), soon(declared))
        if self._core.plans("over_the_year", order_no):
            self._refuse(case, [status("2", declared), status("-621018", decided, OVER_THE_YEAR)])
            return
        unclear = first and self._core.plans("address_unclear", order_no)
        if objection or unclear:
            self._refuse(case, [status("2", declared), status("100", decided, objection or UNCLEAR)])
            self._tell(order_no, objection)
            return
        await self._store(case, [status("2", declared), status("120", decided)])

    def _refuse(self, case: Case, statuses: list[tuple[str, str, datetime]]) -> None:
        case.state = "rejected"
        self._core.mark("rejected", case.document.order_no)
        self._receipts.push(case, statuses)

    def _tell(self, order_no: str, objection: str) -> None:
        book = self._core.books.find(order_no)
        if book is None:
            return
        if objection:
            book.notes.append(f"inventory sent back: {objection}")
        else:
            self._rejected(book)

    async def _store(self, case: Case, stored: list[tuple[str, str, datetime]]) -> None:
        case.state, case.invt_no = "stored", self._inventory_number(case.document)
        self._core.mark("stored", case.document.order_no)
        late = self._core.plans("receipts_reversed", case.document.order_no) and not self._contested(case)
        if not late:
            self._receipts.push(case, stored)
        await self._decide(case)
        if late:
            self._receipts.push(case, stored, after=LATE_SECONDS)

    async def _decide(self, case: Case) -> None:
        """Inspection first where the plan says so; a cancellation that got in between wins."""
        order_no, durations = case.document.order_no, self._core.config.durations
        if self._contested(case):
            await self._until(lambda: case.state in CLEARED)
        if self._core.plans("inspection", order_no) or self._core.plans("returned_abroad", order_no):
            await self._inspect(case)
        await self._wait(durations.release)
        if case.state in CLEARED:
            return
        if self._core.plans("detained", order_no):
            self._end(case, "detained", "501")
        elif self._core.plans("returned_abroad", order_no):
            self._end(case, "abroad", "700")
        else:
            self.release(case)
        if self._core.plans("inspected_late", order_no):
            await self._wait(durations.release)
            await self._inspect(case)
            self.release(case)

    def _contested(self, case: Case) -> bool:
        """The buyer wants out while it lies here: nothing is decided before the cancellation has come."""
        return any(self._core.plans(kind, case.document.order_no) for kind in CONTESTED)

    async def _inspect(self, case: Case) -> None:
        self._end(case, "held", "500")
        await self._wait(self._core.config.durations.inspection)

    def release(self, case: Case) -> None:
        self._end(case, "released", "800")

    def _end(self, case: Case, state: str, code: str) -> None:
        """Each word some moments after the one before, whatever the clock says."""
        case.state = state
        case.steps += 1
        self._core.mark(state, case.document.order_no)
        self._receipts.push(case, [status(code, soon(times.now(), 1 + case.steps))])

    # --- taking it back -----------------------------------------------------------------------------------------

    def cancel(self, case: Case, inventory: Case | None) -> None:
        """Only before release, and only of an inventory that customs has numbered."""
        if inventory is None or inventory.invt_no != case.document.head["invtNo"]:
            self._receipts.push(case, [status("-623003", times.now())])
            return
        if inventory.state == "stored" and self._core.plans("release_wins", case.document.order_no):
            self.release(inventory)
        if inventory.state not in {"stored", "withdrawn"}:
            # Each word is a delivery of its own: the release was first, and has to arrive first.
            self._receipts.push(case, [status("-623005", times.now())], after=LATE_SECONDS)
            return
        inventory.state = "withdrawn"
        self._core.mark("withdrawn", case.document.order_no)
        self._core.sender.spawn(self._approve(case))

    def take_back(self, case: Case, inventory: Case | None) -> None:
        """Of what was released: lines of it, and no more of each than there was."""
        if inventory is None or inventory.state != "released" or inventory.invt_no != case.document.head["invtNo"]:
            self._receipts.push(case, [status("-625032", times.now())])
            return
        declared = {(line["gnum"], line["gcode"]): Decimal(line["qty"]) for line in inventory.document.lines}
        if any(
            Decimal(line["qty"]) > declared.get((line["gnum"], line["gcode"]), Decimal())
            for line in case.document.lines
        ):
            self._receipts.push(case, [status("-625209", times.now())])
            return
        inventory.state = "returned"
        self._core.sender.spawn(self._approve(case))

    async def _approve(self, case: Case) -> None:
        declared = times.now()
        case.invt_no = case.document.head["invtNo"]
        await self._wait(self._core.config.durations.receipt)
        self._receipts.push(case, [status("2", declared), status("120", max(times.now(), soon(declared)))])
        await self._wait(self._core.config.durations.examination)
        self._core.mark(f"approved_{case.document.kind}", case.document.order_no)
        self._receipts.push(case, [status("399", soon(times.now(), 2))])

    # --- time and numbers ---------------------------------------------------------------------------------------

    async def _wait(self, seconds: float) -> None:
        await asyncio.sleep(self._core.pause(seconds))

    async def _until(self, true: Callable[[], bool]) -> None:
        """Until it is true, or patience is over and things take their way."""
        for _ in range(int(self._core.config.patience_seconds / LOOK_SECONDS)):
            if true():
                return
            await asyncio.sleep(LOOK_SECONDS)

    def _marks(self, order_no: str) -> dict[str, str]:
        book = self._core.books.find(order_no)
        return book.marks if book is not None else {}

    def _inventory_number(self, document: Declared) -> str:
        """invtNo: customs office, year, I, nine digits."""
        return f"{document.head['customsCode']}{times.stamp14(times.now())[:4]}I{self._serial.next():09d}"
