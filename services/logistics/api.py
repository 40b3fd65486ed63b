"""What shops and operators ask of logistics. A seller sees its own shipments and no others."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, Field

from services.logistics import store, view
from services.logistics.commands import CaseClosed, DeclaredLost
from services.logistics.promises import Promises
from shared.ids import OrderId, ParcelId, uuid7
from shared.service import Service

Authorization = Annotated[str, Header()]
Once = Annotated[str, Header(alias="Idempotency-Key", max_length=120)]


class Loss(BaseModel):
    """Where the carrier said so: a letter, a claim's number."""

    reason: str = Field(min_length=1, max_length=300)


def router(service: Service, promises: Promises) -> APIRouter:
    routes = APIRouter(prefix="/v1", tags=["logistics"])
    resources = service.resources

    @routes.get("/orders/{order_id}/shipment")
    async def shipment(order_id: str, authorization: Authorization = "") -> dict[str, Any]:
        """One order's parcels: waybill, milestones, exit, promise, and what a person must look at."""
        principal = resources.tokens.principal(authorization, "operator", "seller")
        found = await store.shipment(resources.read, order_id, principal)
        return view.shown(found, promises, resources.clock.now())

    @routes.get("/shipments/cases")
    async def cases(authorization: Authorization = "") -> dict[str, Any]:
        """Everything that is open, for operators."""
        resources.tokens.principal(authorization, "operator")
        found = await store.with_cases(resources.read)
        return {"cases": [case for one in found for case in view.cases(one)]}

    @routes.get("/consignments/{consignment_id}")
    async def consignment(consignment_id: str, authorization: Authorization = "") -> dict[str, Any]:
        """What flies under one master bill, and how far it is. For operators."""
        resources.tokens.principal(authorization, "operator")
        return view.consignment(await store.consignment(resources.read, consignment_id))

    @routes.post("/orders/{order_id}/shipment/parcels/{parcel_id}/lost", status_code=202)
    async def lost(
        order_id: str, parcel_id: str, body: Loss, authorization: Authorization = "", once: Once = ""
    ) -> Response:
        """Say that the carrier gave a parcel up, where its scans cannot. For operators; a later scan undoes it."""
        resources.tokens.principal(authorization, "operator")
        content = DeclaredLost(OrderId(order_id), ParcelId(parcel_id), body.reason)
        reply = await service.reception.command("api.DeclaredLost", once or str(uuid7()), content, b"")
        return Response(reply.body, reply.status, media_type=reply.content_type)

    @routes.post("/orders/{order_id}/shipment/cases/{number}/close", status_code=202)
    async def close(order_id: str, number: int, authorization: Authorization = "", once: Once = "") -> Response:
        """Say that a case was looked at. For operators; nothing else moves by it."""
        resources.tokens.principal(authorization, "operator")
        content = CaseClosed(OrderId(order_id), number)
        reply = await service.reception.command("api.CaseClosed", once or str(uuid7()), content, b"")
        return Response(reply.body, reply.status, media_type=reply.content_type)

    return routes
