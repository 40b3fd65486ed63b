"""Direct mail's way: the origin warehouse packs and weighs, the hub makes consignments, a supervised site lets out.

Nothing passes the site's gate without an authorisation, however long it has been there.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final

from deploy.world import times, warehouse_voice
from deploy.world.cainiao import Cainiao
from deploy.world.core import Core
from deploy.world.plan import chance
from deploy.world.warehouse_voice import Voice

Json = dict[str, Any]

SITE: Final = "fz-returns"  # the profile's supervised place; what is told to it is about direct mail
MOST_PARCELS: Final = 20  # of one consignment
AIRLINE: Final = "706"  # Kenya Airways' prefix of air waybills
VEHICLE: Final = "5Y-KZA"
TAKEN, TOO_LATE = 204, 409


@dataclass(slots=True)
class Parcel:
    """state: picking, packed, withdrawn, hub, flying, site, exited, back."""

    parcel_id: str
    order_id: str
    lines: list[Json]
    grams: int
    state: str = "picking"
    stayed: bool = False  # it missed a flight once

    @property
    def names(self) -> Json:
        return {"parcel_id": self.parcel_id, "order_id": self.order_id}


class Origin:
    def __init__(self, core: Core, carrier: Cainiao) -> None:
        self._core, self._carrier, self._voice = core, carrier, Voice(core)
        self._parcels: dict[str, Parcel] = {}
        self._authorised: set[str] = set()
        self._hub: list[Parcel] = []
        self._closing = False
        self._flights = times.Serial(10)
        carrier.on_recall = self._recalled

    def take(self, kind: str, data: Json) -> int:
        """The answer to one message of ours, as an HTTP status."""
        parcel = self._parcels.get(str(data["parcel_id"]))
        match kind:
            case "pick.requested":
                return self._pick(parcel, data)
            case "pick.withdrawn":
                return self._leave(parcel)
            case "exit.authorised":
                self._gate(str(data["parcel_id"]), open_to_it=True)
            case "exit.withdrawn":
                self._gate(str(data["parcel_id"]), open_to_it=False)
            case _:
                self._core.books.file("exit_messages", (str(data["order_id"]),), {"type": kind, "understood": False})
        return TAKEN

    # --- the warehouse ----------------------------------------------------------------------------------------------

    def _pick(self, before: Parcel | None, data: Json) -> int:
        if before is None or before.state == "withdrawn":
            lines = warehouse_voice.lines_of(data)
            parcel = Parcel(str(data["parcel_id"]), str(data["order_id"]), lines, self._weigh(data, lines))
            self._parcels[parcel.parcel_id] = parcel
            self._core.sender.spawn(self._work(parcel))
        return TAKEN

    def _weigh(self, data: Json, lines: list[Json]) -> int:
        """What it weighs in truth: boxes and beans differ by a little."""
        grams = warehouse_voice.weight(self._core.config.grams, lines)
        return round(grams * (0.98 + 0.04 * chance(self._core.config.seed, "weight", str(data["parcel_id"]))))

    def _leave(self, parcel: Parcel | None) -> int:
        """Back to the shelf, unless the truck has it."""
        if parcel is None:
            return TAKEN
        if parcel.state not in {"picking", "packed", "withdrawn"}:
            return TOO_LATE
        parcel.state = "withdrawn"
        return TAKEN

    async def _work(self, parcel: Parcel) -> None:
        durations = self._core.config.durations
        await asyncio.sleep(self._core.pause(durations.packing))
        if parcel.state == "withdrawn":
            return
        parcel.state = "packed"
        self._core.books.file("packed", (parcel.order_id,), {"parcel_id": parcel.parcel_id, "grams": parcel.grams})
        packed = self._tell(parcel, "parcel.packed", gross_grams=parcel.grams, packed_at=warehouse_voice.now())
        await asyncio.sleep(self._core.pause(durations.handover))
        await self._voice.until_taken(packed)
        if parcel.state == "withdrawn":
            return
        parcel.state = "hub"
        at = warehouse_voice.now()
        self._core.books.file("handovers", (parcel.order_id,), {"parcel_id": parcel.parcel_id, "at": at})
        self._core.mark("handed_over", parcel.order_id)
        self._tell(parcel, "parcel.handed_over", handed_over_at=at)
        self._carrier.handed_over(parcel.parcel_id, parcel.order_id)
        self._arrive_at_hub(parcel)

    def _tell(self, parcel: Parcel, kind: str, **more: Any) -> asyncio.Event:  # noqa: ANN401
        return self._voice.tell((parcel.order_id, parcel.parcel_id), kind, {**parcel.names, **more})

    # --- the hub ----------------------------------------------------------------------------------------------------

    def _arrive_at_hub(self, parcel: Parcel) -> None:
        self._hub.append(parcel)
        if len(self._hub) >= MOST_PARCELS:
            self._close()
        elif not self._closing:
            self._closing = True
            self._core.sender.spawn(self._close_later())

    async def _close_later(self) -> None:
        await asyncio.sleep(self._core.pause(self._core.config.durations.consolidation))
        self._closing = False
        self._close()

    def _close(self) -> None:
        """Everything that waits becomes one consignment with one master bill."""
        parcels, self._hub = self._hub, []
        parcels = [parcel for parcel in parcels if parcel.state == "hub"]
        if not parcels:
            return
        serial = self._flights.next()
        flight = {"consignment_id": f"CSG{serial}", "master_bill": _bill(serial), "voyage": f"KQ{serial % 9000 + 1000}"}
        for parcel in parcels:
            parcel.state = "flying"
            entry = {"parcel_id": parcel.parcel_id, **flight}
            self._core.books.file("consolidations", (parcel.order_id,), entry)
        self._core.sender.spawn(self._fly(flight, parcels))

    async def _fly(self, flight: Json, parcels: list[Parcel]) -> None:
        durations, key = self._core.config.durations, {"consignment_id": flight["consignment_id"]}
        listed = [parcel.parcel_id for parcel in parcels]
        closed = {**flight, "vehicle": VEHICLE, "parcels": listed, "closed_at": warehouse_voice.now()}
        told = self._tell_all(flight, "consignment.closed", closed)
        await asyncio.sleep(self._core.pause(durations.departure))
        await self._voice.until_taken(told)
        stayed = [parcel for parcel in parcels if self._stays(parcel)]
        aboard = [parcel for parcel in parcels if parcel not in stayed and parcel.state == "flying"]
        left = [parcel.parcel_id for parcel in parcels if parcel not in aboard]
        self._tell_all(flight, "consignment.departed", {**key, "offloaded": left, "departed_at": warehouse_voice.now()})
        self._scan(aboard, "LH_DEPART")
        for parcel in stayed:
            parcel.state, parcel.stayed = "hub", True
            self._arrive_at_hub(parcel)
        await asyncio.sleep(self._core.pause(durations.flight))
        self._tell_all(flight, "consignment.arrived", {**key, "arrived_at": warehouse_voice.now()})
        self._scan(aboard, "LH_ARRIVE")
        for parcel in aboard:
            self._arrive_at_site(parcel)

    def _stays(self, parcel: Parcel) -> bool:
        planned = self._core.plans("bag_offloaded", parcel.order_id)
        return planned and not parcel.stayed and parcel.state == "flying"

    def _scan(self, parcels: list[Parcel], code: str) -> None:
        for parcel in parcels:
            self._carrier.scan(parcel.parcel_id, code)

    def _tell_all(self, flight: Json, kind: str, data: Json) -> asyncio.Event:
        number = str(flight["consignment_id"])
        twice = chance(self._core.config.seed, kind, number) < self._core.misbehaving / 4
        return self._voice.tell((number,), kind, data, times_sent=2 if twice else 1)

    # --- the supervised site ----------------------------------------------------------------------------------------

    def _arrive_at_site(self, parcel: Parcel) -> None:
        if parcel.state != "flying":
            return
        parcel.state = "site"
        if parcel.parcel_id in self._authorised:
            self._core.sender.spawn(self._let_out(parcel))

    def _gate(self, parcel_id: str, *, open_to_it: bool) -> None:
        """What the gate was told last counts, also of a parcel that has not arrived."""
        parcel, already = self._parcels.get(parcel_id), parcel_id in self._authorised
        if not open_to_it:
            self._authorised.discard(parcel_id)
            return
        self._authorised.add(parcel_id)
        if parcel is not None and parcel.state == "site" and not already:
            self._core.sender.spawn(self._let_out(parcel))

    async def _let_out(self, parcel: Parcel) -> None:
        await asyncio.sleep(self._core.pause(self._core.config.durations.exit))
        if parcel.state != "site" or parcel.parcel_id not in self._authorised:
            return
        parcel.state = "exited"
        at = warehouse_voice.now()
        self._core.books.file("exits", (parcel.order_id,), {"parcel_id": parcel.parcel_id, "at": at})
        self._core.mark("exited", parcel.order_id)
        self._tell(parcel, "parcel.exited", gross_grams=parcel.grams, exited_at=at)
        self._carrier.deliver(parcel.parcel_id)

    def _recalled(self, parcel_id: str) -> bool:
        """The carrier was told to bring it back. True: it was still with us and goes back from here."""
        parcel = self._parcels.get(parcel_id)
        if parcel is None or parcel.state not in {"hub", "flying", "site"}:
            return False
        parcel.state = "back"
        return True


def _bill(number: int) -> str:
    """An air waybill's eleven digits; the last one is the serial modulo 7."""
    serial = number % 10**7
    return f"{AIRLINE}{serial:07d}{serial % 7}"
