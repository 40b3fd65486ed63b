"""Reads of logistics: shipments and consignments for its API."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pydantic import TypeAdapter
from sqlalchemy import select

from services.logistics.consignments import Consignment
from services.logistics.shipment import Shipment
from services.logistics.tables import CONSIGNMENTS, SHIPMENTS
from shared.db.engine import ReadTx
from shared.http.problem import NotFound
from shared.security.auth import Principal

_SHIPMENT: Final = TypeAdapter(Shipment)
_CONSIGNMENT: Final = TypeAdapter(Consignment)
PAGE: Final = 100


async def shipment(read: ReadTx, order_id: str, principal: Principal) -> Shipment:
    """One order's parcels, if the asker may see them; another seller's are as good as none."""
    async with read.begin() as tx:
        body = await tx.scalar(select(SHIPMENTS.c.body).where(SHIPMENTS.c.key == order_id))
    found = _SHIPMENT.validate_json(body) if body is not None else None
    if found is None or not principal.sees(found.seller):
        raise NotFound(f"no shipment of order {order_id[:64]}")
    return found


async def with_cases(read: ReadTx) -> Sequence[Shipment]:
    """Shipments that a person must look at, at most PAGE."""
    query = select(SHIPMENTS.c.body).where(SHIPMENTS.c.open_cases > 0).order_by(SHIPMENTS.c.key).limit(PAGE)
    async with read.begin() as tx:
        return [_SHIPMENT.validate_json(body) for body in (await tx.scalars(query)).all()]


async def consignment(read: ReadTx, consignment_id: str) -> Consignment:
    """One consignment, for operators: it carries parcels of many sellers."""
    async with read.begin() as tx:
        body = await tx.scalar(select(CONSIGNMENTS.c.body).where(CONSIGNMENTS.c.key == consignment_id))
    if body is None:
        raise NotFound(f"no consignment {consignment_id[:64]}")
    return _CONSIGNMENT.validate_json(body)
