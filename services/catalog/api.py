"""What sellers and operators ask of catalog. Closed by default."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.catalog import store
from services.catalog.commands import StockReceived
from services.catalog.process import UnknownSku
from shared.errors import BadInput
from shared.http.app import read_body
from shared.http.payload import read_object
from shared.ids import uuid7
from shared.service import Service

Authorization = Annotated[str, Header()]
Once = Annotated[str, Header(alias="Idempotency-Key")]
Word = Annotated[str, Field(min_length=1, max_length=60)]


class Arrival(BaseModel):
    """Goods that arrived; send an `Idempotency-Key` (the delivery note's number) so that a repeat is a repeat."""

    model_config = ConfigDict(extra="forbid")

    location: Word
    lot: Word
    best_before: date
    quantity: Annotated[int, Field(gt=0, le=1_000_000)]


ARRIVAL = {"requestBody": {"content": {"application/json": {"schema": Arrival.model_json_schema()}}, "required": True}}


def router(service: Service) -> APIRouter:
    routes = APIRouter(prefix="/v1/products", tags=["catalog"])
    resources = service.resources

    @routes.get("")
    async def products(authorization: Authorization = "") -> dict[str, Any]:
        """Products with their stock; a seller sees its own."""
        principal = resources.tokens.principal(authorization, "operator", "seller", "service")
        return {"products": await store.products(resources.read, principal)}

    @routes.post("/{sku}/stock", status_code=202, openapi_extra=ARRIVAL)
    async def arrived(sku: str, request: Request, authorization: Authorization = "", once: Once = "") -> Response:
        """Book an arrival of goods. For operators."""
        resources.tokens.principal(authorization, "operator")
        raw = await read_body(request)
        given = parsed(raw)
        resources.corridor.warehouse_of(given.location)
        if "\0" in sku or len(sku) > 60:
            raise UnknownSku("no such product")
        content = StockReceived(sku, given.location, given.lot, given.best_before, given.quantity)
        key = f"{sku}:{once[:200] or uuid7()}:{hashlib.sha256(raw).hexdigest()}"
        reply = await service.reception.command("api.stock", key, content, raw)
        return Response(reply.body, reply.status, media_type=reply.content_type)

    return routes


def parsed(raw: bytes) -> Arrival:
    """What is wrong is told by field, never by value."""
    fields = read_object(raw)
    try:
        return Arrival.model_validate(dict(fields.values))
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        raise BadInput(first["msg"], where=".".join(map(str, first["loc"])), fix="see /openapi.json") from error
