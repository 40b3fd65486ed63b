"""What sellers and operators ask of customs. Closed by default; persons only masked."""

from __future__ import annotations

import re
from typing import Any, Final

from fastapi import APIRouter, Request, Response

from services.customs import store
from services.customs.commands import CloseCase
from services.customs.policy import Policy
from services.customs.view import declaration, view
from shared.http.app import read_body
from shared.http.closing import Closing, LeftOpen
from shared.http.commands import Authorization, Once, body_of, parsed, take_once
from shared.http.problem import NotFound
from shared.ids import OrderId
from shared.service import Service

CODE: Final = re.compile(r"[a-z_]{1,64}")


def router(service: Service, policy: Policy) -> APIRouter:
    routes = APIRouter(tags=["customs"])
    add_reads(routes, service, policy)
    add_commands(routes, service)
    return routes


def add_reads(routes: APIRouter, service: Service, policy: Policy) -> None:
    resources = service.resources

    @routes.get("/v1/orders/{order_id}/dossier")
    async def dossier(order_id: str, authorization: Authorization = "") -> dict[str, Any]:
        """One order's customs side: value, documents, findings, receipts, and what it waits for."""
        principal = resources.tokens.principal(authorization, "operator", "seller")
        return view(await store.dossier(resources.read, order_id, principal))

    @routes.get("/v1/declarations/{order_id}")
    async def declared(order_id: str, authorization: Authorization = "") -> dict[str, Any]:
        """The same with order, payment, waybill and inventory side by side, and every version that there was."""
        principal = resources.tokens.principal(authorization, "operator", "seller")
        return declaration(policy, await store.dossier(resources.read, order_id, principal))

    @routes.get("/v1/customs/cases")
    async def cases(authorization: Authorization = "") -> dict[str, Any]:
        """Dossiers that wait for a person, at most a hundred. For operators."""
        resources.tokens.principal(authorization, "operator")
        found = await store.with_cases(resources.read)
        return {"cases": [{"order_id": one.order_id, "seller": one.seller, "cases": one.cases} for one in found]}


def add_commands(routes: APIRouter, service: Service) -> None:
    resources = service.resources
    path = "/v1/customs/cases/{order_id}/{code}/close"

    @routes.post(path, response_model=LeftOpen, openapi_extra=body_of(Closing))
    async def close(
        order_id: str, code: str, request: Request, authorization: Authorization = "", once: Once = ""
    ) -> Response:
        """Say that a case is settled, and how; nothing else moves by it. For operators. One of a code is open."""
        principal = resources.tokens.principal(authorization, "operator")
        if not CODE.fullmatch(code):
            raise NotFound("no such case")
        raw = await read_body(request)
        note = parsed(Closing, raw).note
        await store.dossier(resources.read, order_id, principal)
        content = CloseCase(OrderId(order_id), code, note, principal.name)
        return await take_once(service.reception, (order_id, code), once, content, raw)
