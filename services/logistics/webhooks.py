"""The ways in: pushes of carrier and tracker, events of warehouses. Verified first, understood second, found by alias
third."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Final

from services.logistics.commands import (
    Arrived,
    Closed,
    Departed,
    DocumentAnswered,
    Exited,
    HandedOver,
    Member,
    Packed,
    Scanned,
    Stopped,
)
from services.logistics.providers.base import (
    ConsignmentArrived,
    ConsignmentClosed,
    ConsignmentDeparted,
    ConsignmentEvent,
    ParcelEvent,
    ParcelExited,
    ParcelHandedOver,
    ParcelPacked,
    Tracking,
    WaybillDocument,
)
from services.logistics.providers.cainiao import link, wire
from services.logistics.providers.cainiao.link import LinkSettings
from services.logistics.providers.seventeentrack import wire as seventeentrack_wire
from services.logistics.providers.seventeentrack.wire import StoppedUnsigned
from services.logistics.providers.warehouse import wire as warehouse_wire
from services.logistics.seen import kept
from services.logistics.shipment import Answer, Document, carrier_alias, consignment_alias, parcel_alias
from shared.errors import BadInput, Failure, SignatureRefused, Transient, Unrecognised, told
from shared.flow.decision import Reply
from shared.flow.fold import TooEarly
from shared.flow.items import Poison
from shared.http.aliases import Aliases
from shared.http.app import Inbound, Incoming
from shared.http.problem import TooLarge, problem_reply
from shared.http.signatures import Secret
from shared.ids import OrderId, ParcelId

CAINIAO: Final = "cainiao"
SEVENTEENTRACK: Final = seventeentrack_wire.PROVIDER
TAKEN: Final = Reply(204)


@dataclass(frozen=True)
class CainiaoDoor:
    """Scans, trace lists and customs' word on the waybill document."""

    aliases: Aliases
    secrets: Sequence[Secret] = field(repr=False)
    settings: LinkSettings

    name: ClassVar[str] = "cainiao"
    paths: ClassVar[tuple[str, ...]] = ("/webhooks/logistics/cainiao",)
    keeps: ClassVar[tuple[str, ...]] = ()

    async def read(self, inbound: Inbound, now: datetime) -> Incoming:
        envelope = link.open_envelope(self.secrets, inbound.body, now, self.settings)
        return Incoming(envelope.delivery_key, await self._content(envelope), Reply(200, link.ACCEPTED))

    async def _content(self, envelope: link.Envelope) -> object:
        try:
            said = wire.parse(envelope, self.settings)
        except (BadInput, Unrecognised) as failure:
            return Poison(failure)
        refs = said.refs if isinstance(said, Tracking) else (said.waybill_no,)
        lane = await self.aliases.lane(carrier_alias(CAINIAO, ref) for ref in refs)
        if lane is None:
            return Poison(TooEarly(f"no parcel of ours is known as {', '.join(map(told, refs))}", where="waybill"))
        order_id = OrderId(lane)
        if isinstance(said, WaybillDocument):
            return DocumentAnswered(order_id, said.waybill_no, _document(said))
        return _scanned(order_id, CAINIAO, said)

    def refusal(self, failure: Failure) -> Reply:
        """Only S02 is Cainiao's own code; the others are ours in its form."""
        match failure:
            case SignatureRefused():
                return Reply(401, link.REFUSED)
            case TooLarge():
                return Reply(413, b'{"success":"false","errorCode":"S01","errorMsg":"message too large"}')
            case Transient():
                return Reply(503, b'{"success":"false","errorCode":"S07","errorMsg":"try again"}')
            case _:
                return Reply(400, b'{"success":"false","errorCode":"S01","errorMsg":"message refused"}')


def _document(said: WaybillDocument) -> Document:
    return Document(Answer(said.state.value), said.logistics_code, said.code, said.info, said.at)


def _scanned(order_id: OrderId, provider: str, said: Tracking) -> Scanned:
    eta = (said.eta.latest or said.eta.earliest) if said.eta else None
    return Scanned(order_id, provider, said.refs, tuple(kept(event) for event in said.events), said.snapshot, eta)


@dataclass(frozen=True)
class SeventeenTrackDoor:
    """Whole histories of numbers that we registered. Any 200 acknowledges; nothing is read from its body."""

    aliases: Aliases
    secrets: Sequence[Secret] = field(repr=False)

    name: ClassVar[str] = SEVENTEENTRACK
    paths: ClassVar[tuple[str, ...]] = ("/webhooks/logistics/17track",)
    keeps: ClassVar[tuple[str, ...]] = ("sign",)

    async def read(self, inbound: Inbound, now: datetime) -> Incoming:
        delivery = seventeentrack_wire.open_push(self.secrets, inbound.headers, inbound.body, now)
        return Incoming(delivery.delivery_key, await self._content(delivery), Reply(200))

    async def _content(self, delivery: seventeentrack_wire.Delivery) -> object:
        try:
            said = seventeentrack_wire.parse(delivery)
        except (BadInput, Unrecognised) as failure:
            return Poison(failure)
        refs = said.refs if isinstance(said, Tracking) else (said.number,)
        lane = await self.aliases.lane(carrier_alias(SEVENTEENTRACK, ref) for ref in refs)
        if lane is None:
            return Poison(TooEarly(f"no parcel of ours is known as {', '.join(map(told, refs))}", where="number"))
        order_id = OrderId(lane)
        return _scanned(order_id, SEVENTEENTRACK, said) if isinstance(said, Tracking) else Stopped(order_id, refs)

    def refusal(self, failure: Failure) -> Reply:
        """An unsigned stop is acknowledged and nothing is kept of it: a refusal would only bring it back."""
        match failure:
            case StoppedUnsigned():
                return Reply(200)
            case SignatureRefused():
                return Reply(401)
            case TooLarge():
                return Reply(413)
            case Transient():
                return Reply(503)
            case _:
                return Reply(400)


class OtherOrder(BadInput):
    """The warehouse names a parcel under an order that it does not belong to."""

    code = "logistics.other_order"


@dataclass(frozen=True)
class WarehouseDoor:
    """Standard Webhooks: what origin, hub and gates did with parcels and consignments."""

    aliases: Aliases
    secrets: Sequence[Secret] = field(repr=False)

    name: ClassVar[str] = "warehouse"
    paths: ClassVar[tuple[str, ...]] = ("/webhooks/logistics/warehouse",)
    keeps: ClassVar[tuple[str, ...]] = ("webhook-id", "webhook-timestamp", "webhook-signature")

    async def read(self, inbound: Inbound, now: datetime) -> Incoming:
        delivery = warehouse_wire.verify(self.secrets, inbound.headers, inbound.body, now)
        return Incoming(delivery.delivery_key, await self._content(delivery), TAKEN)

    async def _content(self, delivery: warehouse_wire.Delivery) -> object:
        try:
            said = warehouse_wire.parse(delivery)
        except (BadInput, Unrecognised) as failure:
            return Poison(failure)
        if isinstance(said, ConsignmentEvent):
            return await self._of_consignment(said)
        lane = await self.aliases.lane([parcel_alias(said.parcel_id)])
        if lane is None:
            return Poison(TooEarly(f"no parcel {told(said.parcel_id)} was asked for", where="data.parcel_id"))
        order_id = OrderId(lane)
        if order_id != said.order_id:
            return Poison(OtherOrder(f"parcel {told(said.parcel_id)} is of another order", where="data.order_id"))
        return _of_parcel(order_id, said)

    async def _of_consignment(self, said: ConsignmentEvent) -> object:
        match said:
            case ConsignmentClosed():
                return await self._closed(said)
            case ConsignmentDeparted():
                return await self._known(Departed(said.consignment_id, said.offloaded, said.at))
            case ConsignmentArrived():
                return await self._known(Arrived(said.consignment_id, said.at))

    async def _known(self, said: Departed | Arrived) -> object:
        """Its list may still be on its way; one that never comes leaves this word in quarantine."""
        if await self.aliases.lane([consignment_alias(said.consignment_id)]) is not None:
            return said
        return Poison(TooEarly(f"no consignment {told(said.consignment_id)} was closed", where="data.consignment_id"))

    async def _closed(self, said: ConsignmentClosed) -> Closed:
        """A parcel that nobody asked for does not keep the others from flying: it is set apart, and seen."""
        lanes = await self.aliases.of([parcel_alias(parcel) for parcel in said.parcels])
        found = {parcel: lanes.get(parcel_alias(parcel)) for parcel in said.parcels}
        members = tuple(Member(OrderId(lane), ParcelId(parcel)) for parcel, lane in found.items() if lane)
        strays = tuple(parcel for parcel, lane in found.items() if not lane)
        return Closed(said.consignment_id, said.master_bill, said.voyage, said.vehicle, members, strays, said.at)

    def refusal(self, failure: Failure) -> Reply:
        return problem_reply(failure)


def _of_parcel(order_id: OrderId, said: ParcelEvent) -> object:
    parcel_id = ParcelId(said.parcel_id)
    match said:
        case ParcelPacked():
            return Packed(order_id, parcel_id, said.gross_grams, said.at)
        case ParcelHandedOver():
            return HandedOver(order_id, parcel_id, said.at)
        case ParcelExited():
            return Exited(order_id, parcel_id, said.at)
