"""What sellers and operators ask of customs. Closed by default; persons only masked."""

from __future__ import annotations

import hashlib
import re
from typing import Annotated, Any, Final

from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.customs import store
from services.customs.commands import CloseCase
from services.customs.policy import Policy
from services.customs.view import declaration, view
from shared.errors import BadInput
from shared.http.app import read_body
from shared.http.payload import read_object
from shared.http.problem import NotFound
from shared.ids import OrderId
from shared.service import Service

Authorization = Annotated[str, Header()]
CODE: Final = re.compile(r"[a-z_]{1,64}")


class Closing(BaseModel):
    """How the case was settled, for whoever looks later."""

    model_config = ConfigDict(extra="forbid")

    note: Annotated[str, Field(min_length=1, max_length=300)]


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
    body = {"content": {"application/json": {"schema": Closing.model_json_schema()}}, "required": True}

    @routes.post("/v1/customs/cases/{order_id}/{code}/close", openapi_extra={"requestBody": body})
    async def close(order_id: str, code: str, request: Request, authorization: Authorization = "") -> Response:
        """Say that a case is settled, and how; what was settled before is not there any more. For operators."""
        principal = resources.tokens.principal(authorization, "operator")
        if not CODE.fullmatch(code):
            raise NotFound("no such case")
        raw = await read_body(request)
        closing = _closing(raw)
        found = await store.dossier(resources.read, order_id, principal)
        opened = next((case.at.isoformat() for case in found.cases if case.code == code), "")
        content = CloseCase(OrderId(order_id), code, closing.note, principal.name)
        key = f"{order_id}:{code}:{opened}:{hashlib.sha256(raw).hexdigest()}"
        reply = await service.reception.command("api.CloseCase", key, content, raw)
        return Response(reply.body, reply.status, media_type=reply.content_type)


def _closing(raw: bytes) -> Closing:
    """What is wrong is told by field, never by value."""
    try:
        return Closing.model_validate(dict(read_object(raw).values))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise BadInput(first["msg"], where=".".join(map(str, first["loc"])), fix="see /openapi.json") from error
