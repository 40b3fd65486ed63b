"""The ways in: Cainiao's pushes and the warehouse's events. Verified first, understood second, found by alias third."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, Final

from services.logistics.commands import DocumentAnswered, Exited, Packed, Scanned
from services.logistics.providers.base import ParcelExited, ParcelPacked, Tracking, WaybillDocument
from services.logistics.providers.cainiao import link, wire
from services.logistics.providers.cainiao.link import LinkSettings
from services.logistics.providers.warehouse import wire as warehouse_wire
from services.logistics.shipment import Answer, Document, carrier_alias, parcel_alias
from shared.errors import BadInput, Failure, SignatureRefused, Transient, Unrecognised
from shared.flow.decision import Reply
from shared.flow.fold import TooEarly
from shared.flow.items import Poison
from shared.http.aliases import Aliases
from shared.http.app import Inbound, Incoming
from shared.http.problem import problem_reply
from shared.http.signatures import Secret
from shared.ids import OrderId, ParcelId

CAINIAO: Final = "cainiao"
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
            return Poison(TooEarly(f"no parcel of ours is known as {', '.join(refs)}", where="waybill"))
        order_id = OrderId(lane)
        if isinstance(said, WaybillDocument):
            return DocumentAnswered(order_id, said.waybill_no, _document(said))
        eta = (said.eta.latest or said.eta.earliest) if said.eta else None
        return Scanned(order_id, CAINIAO, said.refs, said.events, said.snapshot, eta)

    def refusal(self, failure: Failure) -> Reply:
        """Only S02 is Cainiao's own code; the others are ours in its form."""
        match failure:
            case SignatureRefused():
                return Reply(401, link.REFUSED)
            case Transient():
                return Reply(503, b'{"success":"false","errorCode":"S07","errorMsg":"try again"}')
            case _:
                return Reply(400, b'{"success":"false","errorCode":"S01","errorMsg":"message refused"}')


def _document(said: WaybillDocument) -> Document:
    return Document(Answer(said.state.value), said.logistics_code, said.code, said.info, said.at)


class OtherOrder(BadInput):
    """The warehouse names a parcel under an order that it does not belong to."""

    code = "logistics.other_order"


@dataclass(frozen=True)
class WarehouseDoor:
    """Standard Webhooks: packed and exited."""

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
        lane = await self.aliases.lane([parcel_alias(said.parcel_id)])
        if lane is None:
            return Poison(TooEarly(f"no parcel {said.parcel_id} was asked for", where="data.parcel_id"))
        order_id = OrderId(lane)
        if order_id != said.order_id:
            return Poison(OtherOrder(f"parcel {said.parcel_id} is of another order", where="data.order_id"))
        match said:
            case ParcelPacked():
                return Packed(order_id, ParcelId(said.parcel_id), said.gross_grams, said.at)
            case ParcelExited():
                return Exited(order_id, ParcelId(said.parcel_id), said.at)

    def refusal(self, failure: Failure) -> Reply:
        return problem_reply(failure)
