"""What sellers and operators ask of catalog. Closed by default."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import Field, model_validator

from services.catalog import store
from services.catalog.commands import ProductOffered, StockReceived
from services.catalog.process import UnknownSku
from shared.errors import BadInput
from shared.events.values import Goods
from shared.http.app import read_body
from shared.http.commands import Authorization, Body, Once, body_of, parsed, take_once
from shared.security.auth import Principal
from shared.service import Resources, Service

Word = Annotated[str, Field(min_length=1, max_length=60)]
Title = Annotated[str, Field(min_length=1, max_length=250)]
Unit = Annotated[str, Field(pattern=r"^\d{3}$")]
Rate = Annotated[str, Field(pattern=r"^(0|1|0\.\d{1,6})$")]
Grams = Annotated[int, Field(gt=0, le=1_000_000)]
SKU: Final = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,59}", re.ASCII)


class Arrival(Body):
    """Goods that arrived; send an `Idempotency-Key` (the delivery note's number) so that a repeat is a repeat."""

    location: Word
    lot: Word
    best_before: date
    quantity: Annotated[int, Field(gt=0, le=1_000_000)]


class Titles(Body):
    en: Title
    zh: Title


class Declared(Body):
    """What customs must know of one piece. Units are customs unit codes, rates fractions, lengths customs' own.

    `unit_1_quantity` says how many of the first legal unit one piece has; `record_no` and `account_book` belong to
    goods that lie in a bonded warehouse and stay empty for all others.
    """

    name_zh: Title
    hs_code: Annotated[str, Field(pattern=r"^\d{10}$")]
    origin: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    spec_zh: Annotated[str, Field(min_length=1, max_length=510)]
    unit: Unit
    unit_1: Unit
    unit_1_quantity: Annotated[str, Field(pattern=r"^(0\.0*[1-9]\d*|[1-9]\d*(\.\d+)?)$", max_length=12)]
    net_grams: Grams
    gross_grams: Grams
    record_no: Annotated[str, Field(max_length=30)] = ""
    account_book: Annotated[str, Field(max_length=30)] = ""
    duty_rate: Rate
    vat_rate: Rate
    consumption_rate: Rate = "0"

    @model_validator(mode="after")
    def _agrees(self) -> Declared:
        if self.gross_grams < self.net_grams:
            raise ValueError("gross_grams is less than net_grams")
        if bool(self.record_no) != bool(self.account_book):
            raise ValueError("record_no and account_book stand together or not at all")
        return self


class Offer(Body):
    """A product as it is from now on. `seller` is the operator's to name; `based_on` is the version that you read, 0
    for a new product: another one refuses the change."""

    title: Titles
    goods: Declared
    seller: Annotated[str, Field(max_length=60)] = ""
    based_on: Annotated[int, Field(ge=0)] | None = None


class Entered(Body):
    """`version` is what the next change is `based_on`."""

    sku: str
    version: int


class Shelf(Body):
    location: str
    on_hand: int
    reserved: int


class Shown(Body):
    """`title` and `goods` are what a change of this product sends, and `version` is its `based_on`."""

    sku: str
    seller: str
    version: int
    title: Titles
    goods: Declared
    stock: list[Shelf]


CREATED: Final[dict[int | str, dict[str, Any]]] = {201: {"model": Entered, "description": "The product is new"}}


def router(service: Service) -> APIRouter:
    routes = APIRouter(prefix="/v1", tags=["catalog"])
    add_reads(routes, service)
    add_commands(routes, service)
    return routes


def add_reads(routes: APIRouter, service: Service) -> None:
    resources = service.resources

    @routes.get("/products")
    async def products(authorization: Authorization = "") -> dict[str, Any]:
        """Products with their stock; a seller sees its own."""
        principal = resources.tokens.principal(authorization, "operator", "seller", "service")
        return {"products": await store.products(resources.read, principal)}

    @routes.get("/products/{sku}", response_model=Shown)
    async def product(sku: str, authorization: Authorization = "") -> Response:
        """One product with all that its next version has to say; another seller's is not told from none."""
        principal = resources.tokens.principal(authorization, "operator", "seller", "service")
        found = await store.shown(resources.read, principal, named(sku))
        if found is None:
            raise UnknownSku(f"no product {sku}")
        return JSONResponse(found)

    @routes.get("/stock")
    async def stock(
        authorization: Authorization = "", sku: str | None = None, location: str | None = None
    ) -> dict[str, Any]:
        """Counters by location and lot, the account book's beside the shelf's; a seller sees its own goods."""
        principal = resources.tokens.principal(authorization, "operator", "seller", "service")
        wanted = {"sku": sku and named(sku), "location": location and word("location", location)}
        return {"stock": await store.stock(resources.read, principal, **wanted)}


def add_commands(routes: APIRouter, service: Service) -> None:
    resources = service.resources

    @routes.put("/products/{sku}", response_model=Entered, responses=CREATED, openapi_extra=body_of(Offer))
    async def offered(sku: str, request: Request, authorization: Authorization = "", once: Once = "") -> Response:
        """Enter a product (201; for operators), or its next version (200); orders that were reserved before keep the
        version that they name. A seller changes its own product's titles, name_zh and spec_zh, and sends all else as
        it is."""
        principal = resources.tokens.principal(authorization, "operator", "seller")
        raw = await read_body(request)
        given = parsed(Offer, raw)
        seller = await seller_of(resources, named(sku), principal, given)
        goods = Goods(line=0, sku=sku, **given.goods.model_dump())
        title, operator = given.title, principal.role == "operator"
        content = ProductOffered(sku, seller, title.zh, title.en, goods, given.based_on, operator)
        return await take_once(service.reception, (sku, principal.seller), once, content, raw, "api.product")

    @routes.post("/products/{sku}/stock", status_code=202, openapi_extra=body_of(Arrival))
    async def arrived(sku: str, request: Request, authorization: Authorization = "", once: Once = "") -> Response:
        """Book an arrival of goods. For operators."""
        resources.tokens.principal(authorization, "operator")
        raw = await read_body(request)
        given = parsed(Arrival, raw)
        one_of("location", given.location, (warehouse.id for warehouse in resources.corridor.warehouse))
        if SKU.fullmatch(sku) is None:
            raise UnknownSku("no such product")
        content = StockReceived(sku, given.location, given.lot, given.best_before, given.quantity)
        return await take_once(service.reception, (sku,), once, content, raw, "api.stock")


async def seller_of(resources: Resources, sku: str, principal: Principal, given: Offer) -> str:
    """Whose product it is: a seller's own, or as the operator says; who says nothing leaves it as it is."""
    if principal.role != "operator":
        if given.seller not in ("", principal.seller):
            raise BadInput("seller is not yours", where="seller", fix="leave it out")
        return principal.seller
    if given.seller:
        one_of("seller", given.seller, (shop.seller for shop in resources.corridor.shop))
        return given.seller
    known = await store.product(resources.read, sku)
    if known is None:
        raise BadInput("a new product needs a seller", where="seller", fix="say whose product it is")
    return known.seller


def named(sku: str) -> str:
    if SKU.fullmatch(sku) is None:
        raise BadInput("not a sku", where="sku", fix="letters, digits, dot, dash and underscore, at most 60")
    return sku


def one_of(where: str, given: str, known: Iterable[str]) -> None:
    """`where` is both the word in the request and what the corridor has of it."""
    if given not in (names := sorted({*known})):
        raise BadInput(f"the corridor has no such {where}", where=where, fix=f"send one of: {', '.join(names)}")


def word(name: str, text: str) -> str:
    if len(text) > 60 or "\0" in text:
        raise BadInput(f"{name} is not a short text", where=name, fix="send at most 60 characters")
    return text
