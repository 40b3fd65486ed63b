"""What shops and operators ask of orders. Closed by default; a seller sees its own orders and no others."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from services.orders import store
from services.orders.commands import AddressCorrected, CancelAsked, HoldLiftAsked, IdentitySupplied
from services.orders.order import Order
from shared.errors import BadInput
from shared.flow.decision import Reply
from shared.http.app import read_body
from shared.http.payload import read_object
from shared.ids import OrderId, uuid7
from shared.security.auth import Principal, Role
from shared.security.personal import Person, Recipient, seal_person, seal_recipient
from shared.service import Service

Text = Annotated[str, Field(min_length=1, max_length=120)]
Authorization = Annotated[str, Header()]
Once = Annotated[str, Header(alias="Idempotency-Key", max_length=120)]
EVERYBODY: Final[tuple[Role, ...]] = ("operator", "seller", "service")


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Identity(Body):
    """The buyer whom customs asks for. `id_type` "1" is the resident identity card: 18 characters."""

    name: Text
    id_type: Annotated[str, Field(pattern=r"^[1-9]$")] = "1"
    id_number: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{6,20}$")]
    phone: Annotated[str, Field(pattern=r"^\+?[0-9 -]{5,20}$")]


class Address(Body):
    name: Text
    phone: Annotated[str, Field(pattern=r"^\+?[0-9 -]{5,20}$")]
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
    province: Text
    city: Text
    district: str | None = None
    street: Text
    postal_code: str | None = None


class Cancellation(Body):
    reason: Annotated[str, Field(min_length=1, max_length=200)] = "requested"


class Accepted(BaseModel):
    """Taken and stored; what follows is told by the order itself."""

    order_id: str
    intent: str
    holds: list[str]


def router(service: Service) -> APIRouter:
    routes = APIRouter(prefix="/v1/orders", tags=["orders"])
    resources, reception = service.resources, service.reception

    def who(authorization: str, *roles: Role) -> Principal:
        return resources.tokens.principal(authorization, *(roles or EVERYBODY))

    async def command(content: object, once: str, body: bytes) -> Response:
        reply: Reply = await reception.command(f"api.{type(content).__name__}", once or str(uuid7()), content, body)
        return Response(reply.body, reply.status, media_type=reply.content_type)

    @routes.get("")
    async def find(
        authorization: Authorization = "",
        external_id: str | None = None,
        state: str | None = None,
        hold: str | None = None,
    ) -> dict[str, Any]:
        """The newest orders, at most a hundred; by the channel's id, by intent, by a hold."""
        found = await store.orders(resources.read, who(authorization), external_id=external_id, intent=state, hold=hold)
        return {"orders": [view(order) for order in found]}

    @routes.get("/{order_id}")
    async def one(order_id: str, authorization: Authorization = "") -> dict[str, Any]:
        """One order with all its tracks; `payment.qr` is there while an attempt is open."""
        return view(await store.order(resources.read, order_id, who(authorization)))

    @routes.get("/{order_id}/channel")
    async def channel(order_id: str, authorization: Authorization = "") -> dict[str, Any]:
        """The channel's own last snapshot, personal data included: for operators."""
        await store.order(resources.read, order_id, who(authorization, "operator"))
        return await store.snapshot(resources.read, resources.columns, order_id)

    @routes.put("/{order_id}/identity", status_code=202, response_model=Accepted)
    async def identity(order_id: str, request: Request, authorization: Authorization = "", once: Once = "") -> Response:
        """Name the buyer, once for good or again to correct it before the declaration."""
        principal = who(authorization, "seller", "operator")
        raw = await read_body(request)
        given = _parsed(Identity, raw)
        person = Person(given.name, given.id_type, given.id_number.upper(), given.phone)
        content = IdentitySupplied(OrderId(order_id), principal.seller, seal_person(resources.facts, person))
        return await command(content, once, raw)

    @routes.post("/{order_id}/address", status_code=202, response_model=Accepted)
    async def address(order_id: str, request: Request, authorization: Authorization = "", once: Once = "") -> Response:
        """Correct the recipient; lifts the hold `customs` and lets the order be declared again."""
        principal = who(authorization, "seller", "operator")
        raw = await read_body(request)
        given = _parsed(Address, raw)
        recipient = Recipient(
            given.name, given.phone, given.country, given.province, given.city, given.district or "", given.street,
            given.postal_code or "",
        )  # fmt: skip
        content = AddressCorrected(OrderId(order_id), principal.seller, seal_recipient(resources.facts, recipient))
        return await command(content, once, raw)

    @routes.post("/{order_id}/cancel", status_code=202, response_model=Accepted)
    async def cancel(order_id: str, request: Request, authorization: Authorization = "", once: Once = "") -> Response:
        """Undo the order as far as it can be undone; behind the declaration it waits (hold `cancel_requested`)."""
        principal = who(authorization, "seller", "operator")
        raw = await read_body(request)
        by: Literal["operator", "buyer"] = "operator" if principal.role == "operator" else "buyer"
        content = CancelAsked(OrderId(order_id), principal.seller, by, _parsed(Cancellation, raw or b"{}").reason)
        return await command(content, once, raw)

    @routes.delete("/{order_id}/holds/{hold}", status_code=202, response_model=Accepted)
    async def lift(order_id: str, hold: str, authorization: Authorization = "", once: Once = "") -> Response:
        """Say that what held the order is settled. For operators."""
        who(authorization, "operator")
        return await command(HoldLiftAsked(OrderId(order_id), hold), once, hold.encode())

    return routes


def _parsed(kind: Any, raw: bytes) -> Any:  # noqa: ANN401
    """The body as `kind`; what is wrong is told by field, never by value."""
    fields = read_object(raw)
    try:
        return TypeAdapter(kind).validate_python(dict(fields.values))
    except ValidationError as error:
        first = error.errors(include_input=False)[0]
        raise BadInput(first["msg"], where=".".join(map(str, first["loc"])), fix="see /openapi.json") from error


def view(order: Order) -> dict[str, Any]:
    """One order for people and scripts: tracks, money in minor units, personal data masked."""
    money, papers = order.money, order.import_papers
    return {
        "id": order.id,
        "external_id": order.external_id,
        "seller": order.seller,
        "shop": order.shop,
        "channel": order.channel,
        "flow": order.flow,
        "placed_at": order.placed_at,
        "state": {
            "intent": order.intent,
            "money": money.state,
            "goods": order.goods.state,
            "carriage": {parcel_id: parcel.state for parcel_id, parcel in order.parcels.items()},
            "papers": {role: trail.state for role, trail in order.papers.items()},
            "funds": order.funds,
        },
        "holds": list(order.holds),
        "reason": order.reason,
        "amounts": order.amounts,
        "valuation": order.valuation,
        "lines": [{"sku": line.sku, "title": line.title, "quantity": line.quantity} for line in order.lines],
        "person": order.person.masked if order.person else None,
        "recipient": order.recipient.masked,
        "payment": {
            "qr": money.qr,
            "out_trade_no": money.out_trade_no,
            "amount": money.asked,
            "expires_at": money.expires_at,
            "transaction_id": money.transaction_id,
        }
        if money.attempt
        else None,
        "declaration": {"cop_no": papers.cop_no, "invt_no": papers.invt_no, "attempt": papers.attempt, "reason": papers.reason},
        "parcels": {
            parcel_id: {
                "waybill_no": parcel.waybill_no, "milestone": parcel.milestone, "exit": parcel.exit, "confirmed": parcel.confirmed,
            }
            for parcel_id, parcel in order.parcels.items()
        },
        "funds_due_at": order.release_due_at,
    }  # fmt: skip
