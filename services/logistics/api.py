"""What shops and operators ask of logistics. A seller sees its own shipments and no others."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from services.logistics import store, view
from services.logistics.commands import CaseClosed, DeclaredLost
from services.logistics.promises import Promises
from shared.http.app import read_body
from shared.http.closing import Closing, LeftOpen, Sentence
from shared.http.commands import Authorization, Body, Once, body_of, parsed, take_once
from shared.http.problem import NotFound
from shared.ids import OrderId, ParcelId
from shared.service import Service


class Loss(Body):
    """Where the carrier said so: a letter, a claim's number."""

    reason: Sentence


def router(service: Service, promises: Promises) -> APIRouter:
    routes = APIRouter(prefix="/v1", tags=["logistics"])
    add_reads(routes, service, promises)
    add_commands(routes, service)
    return routes


def add_reads(routes: APIRouter, service: Service, promises: Promises) -> None:
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


def add_commands(routes: APIRouter, service: Service) -> None:
    resources = service.resources

    @routes.post("/orders/{order_id}/shipment/parcels/{parcel_id}/lost", status_code=202, openapi_extra=body_of(Loss))
    async def lost(
        order_id: str, parcel_id: str, request: Request, authorization: Authorization = "", once: Once = ""
    ) -> Response:
        """Say that the carrier gave a parcel up, where its scans cannot. For operators; a later scan undoes it."""
        principal = resources.tokens.principal(authorization, "operator")
        raw = await read_body(request)
        reason = parsed(Loss, raw).reason
        if parcel_id not in (await store.shipment(resources.read, order_id, principal)).parcels:
            raise NotFound("no such parcel")
        content = DeclaredLost(OrderId(order_id), ParcelId(parcel_id), reason)
        return await take_once(service.reception, (order_id, parcel_id), once, content, raw)

    @routes.post(
        "/orders/{order_id}/shipment/cases/{number}/close", response_model=LeftOpen, openapi_extra=body_of(Closing)
    )
    async def close(
        order_id: str, number: int, request: Request, authorization: Authorization = "", once: Once = ""
    ) -> Response:
        """Say that a case is settled, and how; nothing else moves by it. For operators."""
        principal = resources.tokens.principal(authorization, "operator")
        raw = await read_body(request)
        note = parsed(Closing, raw).note
        await store.shipment(resources.read, order_id, principal)
        content = CaseClosed(OrderId(order_id), number, note, principal.name)
        return await take_once(service.reception, (order_id, str(number)), once, content, raw)
