"""The canonical order as JSON and back: how a snapshot is stored, served, and sent by partners who speak it.

Money in minor units, times in UTC with milliseconds, every key present; `left_to_ship`, `left_to_pay`, `review`,
`ship_by` and `unit_price_exact` appear only where they say something of their own.
"""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from services.orders.canonical import (
    Amounts,
    Buyer,
    CanonicalOrder,
    ChannelHold,
    ChannelStatus,
    CustomsNote,
    Line,
    LineRefund,
    OrderKind,
    Payment,
    Protection,
    Recipient,
    Refund,
    RefundStatus,
    RefundType,
    Shipment,
)
from shared.errors import Unrecognised
from shared.http.payload import Fields
from shared.money import Money

W = TypeVar("W", bound=StrEnum)


def as_json(order: CanonicalOrder) -> dict[str, Any]:
    body: dict[str, Any] = {
        "marketplace": order.marketplace,
        "shop_id": order.shop_id,
        "external_order_id": order.external_order_id,
        "external_status": order.external_status,
        "status": order.status.value,
        "hold": _word(order.hold),
        "shippable": order.shippable,
        "order_kind": order.order_kind.value,
        "currency": order.currency,
        "amounts": _amounts(order.amounts),
        "lines": [_line(line) for line in order.lines],
        "buyer": _buyer(order.buyer) if order.buyer else None,
        "recipient": _recipient(order.recipient),
        "payment": _payment(order.payment) if order.payment else None,
        "customs": _customs(order.customs) if order.customs else None,
        "shipments": [
            {"carrier": s.carrier, "tracking_no": s.tracking_no, "shipped_at": stamp(s.shipped_at)}
            for s in order.shipments
        ],
        "refunds": [_refund(refund) for refund in order.refunds],
        "created_at": stamp(order.created_at),
        "paid_at": stamp(order.paid_at),
        "shipped_at": stamp(order.shipped_at),
        "completed_at": stamp(order.completed_at),
        "cancelled_at": stamp(order.cancelled_at),
        "updated_at": stamp(order.updated_at),
    }
    if order.left_to_pay not in (None, order.amounts.total):
        body["left_to_pay"] = _minor(order.left_to_pay)
    if order.ship_by is not None:
        body["ship_by"] = stamp(order.ship_by)
    return body if order.review is None else body | {"review": order.review}


def stamp(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _minor(money: Money | None) -> int | None:
    return None if money is None else money.minor


def _word(hold: ChannelHold | None) -> str | None:
    return None if hold is None else hold.value


def _amounts(amounts: Amounts) -> dict[str, Any]:
    return {
        "items_gross": amounts.items_gross.minor,
        "discount_seller": amounts.discount_seller.minor,
        "discount_platform": amounts.discount_platform.minor,
        "shipping": amounts.shipping.minor,
        "shipping_discount": amounts.shipping_discount.minor,
        "tax": _minor(amounts.tax),
        "tax_included": amounts.tax_included,
        "adjustment": amounts.adjustment.minor,
        "total": amounts.total.minor,
        "refunded": amounts.refunded.minor,
    }


def _line(line: Line) -> dict[str, Any]:
    body = {
        "external_line_id": line.external_line_id,
        "external_product_id": line.external_product_id,
        "external_sku_id": line.external_sku_id,
        "seller_sku": line.seller_sku,
        "title": line.title,
        "quantity": line.quantity,
        "unit_price": _minor(line.unit_price),
        "gross": line.gross.minor,
        "discount": line.discount.minor,
        "tax": line.tax.minor,
        "total": line.total.minor,
        "refund_status": line.refund_status.value,
    }
    if line.left_to_ship != line.quantity:
        body["left_to_ship"] = line.left_to_ship
    return body if line.unit_price_exact is None else body | {"unit_price_exact": line.unit_price_exact}


def _recipient(recipient: Recipient) -> dict[str, Any]:
    return {
        "name": recipient.name,
        "phone": recipient.phone,
        "country": recipient.country,
        "province": recipient.province,
        "city": recipient.city,
        "district": recipient.district,
        "street": recipient.street,
        "postal_code": recipient.postal_code,
        "protection": recipient.protection.value,
        "ref": recipient.ref,
    }


def _buyer(buyer: Buyer) -> dict[str, Any]:
    return {"external_id": buyer.external_id, "display_name": buyer.display_name}


def _payment(payment: Payment) -> dict[str, Any]:
    return {"method": payment.method, "external_no": payment.external_no, "customs_no": payment.customs_no}


def _customs(note: CustomsNote) -> dict[str, Any]:
    return {
        "mode": note.mode,
        "id_verified": note.id_verified,
        "id_ref": note.id_ref,
        "declared_tax": _minor(note.declared_tax),
        "port": note.port,
    }


def _refund(refund: Refund) -> dict[str, Any]:
    return {
        "external_refund_id": refund.external_refund_id,
        "type": refund.type.value,
        "status": refund.status.value,
        "amount": refund.amount.minor,
    }


def from_json(body: Fields) -> CanonicalOrder:
    """Read what `as_json` wrote. BadInput or Unrecognised where it does not say a canonical order."""
    currency = body.text("currency")
    buyer, payment, customs = (body.maybe_child(name) for name in ("buyer", "payment", "customs"))
    return CanonicalOrder(
        marketplace=body.text("marketplace"),
        shop_id=body.text("shop_id"),
        external_order_id=body.identifier("external_order_id"),
        external_status=body.text("external_status"),
        status=word(ChannelStatus, body.text("status")),
        hold=word(ChannelHold, body.text("hold")) if body.has("hold") else None,
        order_kind=word(OrderKind, body.text("order_kind")),
        currency=currency,
        amounts=_read_amounts(body.child("amounts"), currency),
        lines=tuple(_read_line(line, currency) for line in body.children("lines")),
        buyer=_read_buyer(buyer) if buyer else None,
        recipient=_read_recipient(body.child("recipient")),
        payment=_read_payment(payment) if payment else None,
        customs=_read_customs(customs, currency) if customs else None,
        shipments=tuple(_read_shipment(shipment) for shipment in body.children("shipments")),
        refunds=tuple(_read_refund(refund, currency) for refund in body.children("refunds")),
        created_at=body.moment("created_at"),
        updated_at=body.moment("updated_at"),
        paid_at=body.maybe_moment("paid_at"),
        shipped_at=body.maybe_moment("shipped_at"),
        completed_at=body.maybe_moment("completed_at"),
        cancelled_at=body.maybe_moment("cancelled_at"),
        left_to_pay=_maybe_money(body, "left_to_pay", currency),
        review=body.maybe_text("review"),
        ship_by=body.maybe_moment("ship_by"),
    )


def word(vocabulary: type[W], value: str) -> W:
    """A word of a fixed vocabulary; any other is Unrecognised."""
    try:
        return vocabulary(value)
    except ValueError as error:
        raise Unrecognised(vocabulary.__name__, value) from error


def _money(body: Fields, name: str, currency: str) -> Money:
    return Money(body.integer(name, least=-(10**15)), currency)


def _maybe_money(body: Fields, name: str, currency: str) -> Money | None:
    return _money(body, name, currency) if body.has(name) else None


def _read_amounts(body: Fields, currency: str) -> Amounts:
    return Amounts(
        items_gross=_money(body, "items_gross", currency),
        discount_seller=_money(body, "discount_seller", currency),
        discount_platform=_money(body, "discount_platform", currency),
        shipping=_money(body, "shipping", currency),
        shipping_discount=_money(body, "shipping_discount", currency),
        tax=_maybe_money(body, "tax", currency),
        tax_included=body.flag("tax_included"),
        adjustment=_money(body, "adjustment", currency),
        total=_money(body, "total", currency),
        refunded=_money(body, "refunded", currency),
    )


def _read_line(body: Fields, currency: str) -> Line:
    quantity = body.integer("quantity", most=10**9)
    return Line(
        external_line_id=body.identifier("external_line_id"),
        external_product_id=body.maybe_identifier("external_product_id"),
        external_sku_id=body.maybe_identifier("external_sku_id"),
        seller_sku=body.maybe_text("seller_sku"),
        title=body.text("title"),
        quantity=quantity,
        left_to_ship=body.integer("left_to_ship", most=quantity) if body.has("left_to_ship") else quantity,
        unit_price=_maybe_money(body, "unit_price", currency),
        gross=_money(body, "gross", currency),
        discount=_money(body, "discount", currency),
        tax=_money(body, "tax", currency),
        total=_money(body, "total", currency),
        refund_status=word(LineRefund, body.text("refund_status")),
        unit_price_exact=body.maybe_text("unit_price_exact"),
    )


def _read_recipient(body: Fields) -> Recipient:
    return Recipient(
        name=body.maybe_text("name"),
        phone=body.maybe_text("phone"),
        country=body.maybe_text("country"),
        province=body.maybe_text("province"),
        city=body.maybe_text("city"),
        district=body.maybe_text("district"),
        street=body.maybe_text("street"),
        postal_code=body.maybe_text("postal_code"),
        protection=word(Protection, body.text("protection")),
        ref=body.maybe_text("ref"),
    )


def _read_buyer(body: Fields) -> Buyer:
    return Buyer(body.identifier("external_id"), body.maybe_text("display_name"))


def _read_payment(body: Fields) -> Payment:
    return Payment(body.text("method"), body.maybe_text("external_no"), body.maybe_text("customs_no"))


def _read_customs(body: Fields, currency: str) -> CustomsNote:
    verified = body.flag("id_verified") if body.has("id_verified") else None
    tax = _maybe_money(body, "declared_tax", currency)
    return CustomsNote(body.text("mode"), verified, body.maybe_text("id_ref"), tax, body.maybe_text("port"))


def _read_shipment(body: Fields) -> Shipment:
    return Shipment(body.maybe_text("carrier"), body.maybe_text("tracking_no"), body.maybe_moment("shipped_at"))


def _read_refund(body: Fields, currency: str) -> Refund:
    return Refund(
        body.identifier("external_refund_id"),
        word(RefundType, body.text("type")),
        word(RefundStatus, body.text("status")),
        _money(body, "amount", currency),
    )
