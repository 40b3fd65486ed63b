"""What shops and operators ask of orders. Closed by default; a seller sees its own orders and no others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field

from services.orders import store
from services.orders.commands import (
    AddressCorrected,
    CancelAsked,
    CaseClosed,
    Command,
    HoldLiftAsked,
    IdentitySupplied,
    PaymentAskedAnew,
    ReceiptConfirmed,
)
from services.orders.said import HOLDS
from services.orders.tracks import Intent
from services.orders.view import view
from shared.errors import BadInput
from shared.http.app import read_body
from shared.http.commands import LONGEST, Authorization, Body, Once, body_of, parsed, take_once
from shared.http.problem import NotFound
from shared.ids import OrderId
from shared.security.auth import Principal, Role
from shared.security.personal import RESIDENT_CARD, Person, Recipient, id_number_is_valid, seal_person, seal_recipient
from shared.service import Service

Text = Annotated[str, Field(min_length=1, max_length=120)]
Phone = Annotated[str, Field(pattern=r"^\+?[0-9 -]{5,20}$")]
EVERYBODY: Final[tuple[Role, ...]] = ("operator", "seller", "service")
STATES: Final = tuple(intent.value for intent in Intent)


class Identity(Body):
    """The buyer whom customs asks for. `id_type` "1", the resident identity card (18 characters), is all it takes."""

    name: Text
    id_type: Annotated[str, Field(max_length=10, json_schema_extra={"enum": [RESIDENT_CARD]})] = RESIDENT_CARD
    id_number: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{6,20}$")]
    phone: Phone


class Address(Body):
    name: Text
    phone: Phone
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    province: Text
    city: Text
    district: Annotated[str, Field(max_length=120)] | None = None
    street: Text
    postal_code: Annotated[str, Field(max_length=20)] | None = None


class Cancellation(Body):
    """`by`: who wants out; unsaid, a shop speaks for its buyer and an operator for himself."""

    reason: Text = "requested"
    by: Literal["buyer", "operator"] | None = None


class Closing(Body):
    """What came of a case, in a few words."""

    note: Text


class Accepted(BaseModel):
    """Taken and stored; what follows is told by the order itself."""

    order_id: str
    intent: str
    holds: list[str]


def router(service: Service) -> APIRouter:
    routes = APIRouter(prefix="/v1/orders", tags=["orders"])
    add_reads(routes, service)
    desk = Desk(service)
    add_commands(routes, desk)
    add_operators_commands(routes, desk)
    return routes


def add_reads(routes: APIRouter, service: Service) -> None:
    resources = service.resources

    def who(authorization: str, *roles: Role) -> Principal:
        return resources.tokens.principal(authorization, *(roles or EVERYBODY))

    @routes.get("")
    async def find(
        authorization: Authorization = "",
        external_id: str | None = None,
        state: Annotated[str | None, one_of(STATES)] = None,
        hold: Annotated[str | None, one_of(HOLDS)] = None,
    ) -> dict[str, Any]:
        """The newest orders, at most a hundred; by the channel's id, by intent, by a hold."""
        principal = who(authorization)
        for name, text, words in (("state", state, STATES), ("hold", hold, HOLDS)):
            known(name, text, words)
        wanted = {"external_id": external_id, "intent": state, "hold": hold}
        filters = {name: word(name, text) for name, text in wanted.items() if text is not None}
        return {"orders": [view(order) for order in await store.orders(resources.read, principal, **filters)]}

    @routes.get("/{order_id}")
    async def one(order_id: str, authorization: Authorization = "") -> dict[str, Any]:
        """One order with all its tracks; `payment.qr` is there while an attempt is open."""
        principal = who(authorization)
        return view(await store.order(resources.read, named(order_id), principal))

    @routes.get("/{order_id}/channel")
    async def channel(order_id: str, authorization: Authorization = "") -> dict[str, Any]:
        """The channel's own last snapshot, personal data included: for operators."""
        who(authorization, "operator")
        return await store.snapshot(resources.read, resources.columns, named(order_id))


def add_commands(routes: APIRouter, desk: Desk) -> None:
    @routes.put("/{order_id}/identity", status_code=202, response_model=Accepted, openapi_extra=body_of(Identity))
    async def identity(order_id: str, request: Request, authorization: Authorization = "", once: Once = "") -> Response:
        """Name the buyer, once for good or again to correct it before the declaration."""
        asker, raw = await desk.asked(order_id, request, authorization)
        given = parsed(Identity, raw)
        person = Person(given.name, given.id_type, given.id_number.upper(), given.phone)
        if person.id_type != RESIDENT_CARD:
            fix = f'send "{RESIDENT_CARD}" and the number of the resident identity card: customs takes no other'
            raise BadInput("this kind of document is not accepted", where="id_type", fix=fix)
        if not id_number_is_valid(person.id_number):
            raise BadInput("the check digit is wrong", where="id_number", fix="send the number as the card prints it")
        sealed = seal_person(desk.service.resources.facts, person)
        return await desk.take(IdentitySupplied(OrderId(order_id), asker.seller, sealed), once, raw)

    @routes.post("/{order_id}/address", status_code=202, response_model=Accepted, openapi_extra=body_of(Address))
    async def address(order_id: str, request: Request, authorization: Authorization = "", once: Once = "") -> Response:
        """Correct the recipient; lifts the hold `customs` and lets the order be declared again."""
        asker, raw = await desk.asked(order_id, request, authorization)
        given = {name: value or "" for name, value in parsed(Address, raw).model_dump().items()}
        sealed = seal_recipient(desk.service.resources.facts, Recipient(**given))
        return await desk.take(AddressCorrected(OrderId(order_id), asker.seller, sealed), once, raw)

    @routes.post("/{order_id}/cancel", status_code=202, response_model=Accepted, openapi_extra=body_of(Cancellation))
    async def cancel(order_id: str, request: Request, authorization: Authorization = "", once: Once = "") -> Response:
        """Nothing irreversible is done from now on, and the rest is undone; 409 where the buyer has it, or where the
        channel has the money."""
        asker, raw = await desk.asked(order_id, request, authorization)
        given = parsed(Cancellation, raw or b"{}")
        by: Literal["operator", "buyer"] = "operator" if asker.role == "operator" else "buyer"
        if given.by == "operator" and by == "buyer":
            raise BadInput("a shop speaks for its buyer", where="by", fix="leave it out")
        content = CancelAsked(OrderId(order_id), asker.seller, given.by or by, given.reason)
        return await desk.take(content, once, raw)

    @routes.post("/{order_id}/payment", status_code=202, response_model=Accepted)
    async def payment(order_id: str, request: Request, authorization: Authorization = "", once: Once = "") -> Response:
        """A fresh code for a buyer whose code ran out; 409 where none is waited for."""
        asker, raw = await desk.asked(order_id, request, authorization)
        return await desk.take(PaymentAskedAnew(OrderId(order_id), asker.seller), once, raw)

    @routes.post("/{order_id}/receipt", status_code=202, response_model=Accepted)
    async def receipt(order_id: str, request: Request, authorization: Authorization = "", once: Once = "") -> Response:
        """The buyer confirmed the receipt to the shop: the hold period ends. 409 while a parcel has not left."""
        asker, raw = await desk.asked(order_id, request, authorization)
        return await desk.take(ReceiptConfirmed(OrderId(order_id), asker.seller), once, raw)


def add_operators_commands(routes: APIRouter, desk: Desk) -> None:
    @routes.delete("/{order_id}/holds/{hold}", status_code=202, response_model=Accepted)
    async def lift(
        order_id: str,
        hold: Annotated[str, Path(json_schema_extra={"enum": [*HOLDS]})],
        request: Request,
        authorization: Authorization = "",
        once: Once = "",
    ) -> Response:
        """Say that what held the order is settled. For operators. 409 where something else has to settle it; the
        detail says what."""
        asker, _ = await desk.asked(order_id, request, authorization, "operator")
        known("hold", hold, HOLDS)
        content = HoldLiftAsked(OrderId(order_id), asker.seller, hold)
        return await desk.take(content, once, hold.encode())

    @routes.post(
        "/{order_id}/conflicts/{number}/close",
        status_code=202,
        response_model=Accepted,
        openapi_extra=body_of(Closing),
    )
    async def close_case(
        order_id: str, number: int, request: Request, authorization: Authorization = "", once: Once = ""
    ) -> Response:
        """Say what came of a case; nothing moves by it. For operators. 409 where none of that number is open."""
        asker, raw = await desk.asked(order_id, request, authorization, "operator")
        note = parsed(Closing, raw).note
        content = CaseClosed(OrderId(order_id), asker.seller, number, note)
        return await desk.take(content, once, b"%d %b" % (number, raw))


@dataclass(frozen=True)
class Desk:
    """Takes commands: who asks, for which order, once."""

    service: Service

    async def asked(self, order_id: str, request: Request, authorization: str, *roles: Role) -> tuple[Principal, bytes]:
        """Refuses before anything is stored: strangers, oversize bodies, orders that the asker may not see."""
        resources = self.service.resources
        principal = resources.tokens.principal(authorization, *(roles or ("seller", "operator")))
        raw = await read_body(request)
        await store.order(resources.read, named(order_id), principal)
        return principal, raw

    async def take(self, content: Command, once: str, raw: bytes) -> Response:
        """A key is the asker's own, for one order and one body: another body under it is another command."""
        return await take_once(self.service.reception, (content.order_id, content.seller), once, content, raw)


def named(order_id: str) -> str:
    """An order id as we write them; anything else names no order."""
    try:
        known = str(UUID(order_id)) == order_id
    except ValueError:
        known = False
    if not known:
        raise NotFound("no such order")
    return order_id


def word(name: str, text: str) -> str:
    if len(text) > LONGEST or "\0" in text:
        raise BadInput(f"{name} is not a short text", where=name, fix=f"send at most {LONGEST} characters")
    return text


def known(name: str, text: str | None, words: Iterable[str]) -> None:
    """A word that is none of ours would find nothing, and look like an answer."""
    if text is not None and text not in words:
        raise BadInput(f"unknown {name}", where=name, fix=f"send one of: {', '.join(words)}")


def one_of(words: Iterable[str]) -> Any:  # noqa: ANN401  # FastAPI's own declaration of a parameter
    return Query(json_schema_extra={"enum": [*words]})
