"""A Shopify order body as a canonical order. Pure.

Money is decimal text in the shop's currency (`shop_money` where both are given). Tips, duties and whatever else the
total holds beyond its parts stand in `adjustment`; what neither tips nor duties explain sets `review`.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Final

from services.orders.canonical import (
    Amounts,
    Buyer,
    CanonicalOrder,
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
from services.orders.providers.shopify import statuses
from shared.errors import Unrecognised
from shared.http.payload import Fields
from shared.money import Money, total

MARKETPLACE: Final = "shopify"
_COUNTRY: Final = re.compile(r"[A-Z]{2}", re.ASCII)
_MOST_PIECES: Final = 10**6


def read_order(body: Fields, shop_id: str) -> CanonicalOrder:
    """The snapshot that the body says. BadInput where it cannot be read, Unrecognised for an unknown word."""
    currency = body.text("currency")
    reading = statuses.read(
        body.text("financial_status"), body.maybe_text("fulfillment_status"), cancelled=body.has("cancelled_at")
    )
    refunds = tuple(read_refund(refund, currency) for refund in body.children("refunds"))
    lines = _lines(body, currency)
    amounts, review = _amounts(body, lines, refunds, currency)
    shipments = _shipments(body)
    return CanonicalOrder(
        marketplace=MARKETPLACE,
        shop_id=shop_id,
        external_order_id=body.identifier("id"),
        external_status=reading.external_status,
        status=reading.status,
        hold=reading.hold,
        order_kind=OrderKind.NORMAL,
        currency=currency,
        amounts=amounts,
        lines=lines,
        buyer=_buyer(body),
        recipient=_recipient(body),
        payment=_payment(body) if reading.collected else None,
        customs=None,
        shipments=shipments,
        refunds=refunds,
        created_at=body.moment("created_at"),
        updated_at=body.moment("updated_at"),
        shipped_at=min((s.shipped_at for s in shipments if s.shipped_at), default=None),
        cancelled_at=body.maybe_moment("cancelled_at"),
        left_to_pay=body.amount("current_total_price", currency) if body.has("current_total_price") else None,
        review=review,
    )


def _amounts(
    body: Fields, lines: tuple[Line, ...], refunds: tuple[Refund, ...], currency: str
) -> tuple[Amounts, str | None]:
    zero = Money.zero(currency)
    amounts = Amounts(
        items_gross=Money(sum(line.gross.minor for line in lines), currency),
        discount_seller=body.amount("total_discounts", currency),
        discount_platform=zero,
        shipping=_shop_money(body, "total_shipping_price_set", currency),
        shipping_discount=zero,  # inside total_discounts
        tax=body.amount("total_tax", currency),
        tax_included=body.flag("taxes_included"),
        adjustment=zero,
        total=body.amount("total_price", currency),
        refunded=total([r.amount for r in refunds if r.status is RefundStatus.SUCCEEDED], currency),
    )
    adjustment = amounts.total - amounts.expected_total()
    review = None if adjustment == _tips_and_duties(body, currency) else "the total is not the sum of its parts"
    return replace(amounts, adjustment=adjustment), review


def _tips_and_duties(body: Fields, currency: str) -> Money:
    tips = body.amount("total_tip_received", currency) if body.has("total_tip_received") else Money.zero(currency)
    return tips + _shop_money(body, "original_total_duties_set", currency)


def _shop_money(body: Fields, name: str, currency: str) -> Money:
    """The shop-currency half of a `*_set`; zero where it is absent. Another currency there is BadInput."""
    both = body.maybe_child(name)
    if both is None:
        return Money.zero(currency)
    shop = both.child("shop_money")
    if shop.text("currency_code") != currency:
        shop.refuse("currency_code", "the order's currency")
    return shop.amount("amount", currency)


def _lines(body: Fields, currency: str) -> tuple[Line, ...]:
    included = body.flag("taxes_included")
    refunded = _refunded_pieces(body)
    items = body.children("line_items")
    if not items:
        body.refuse("line_items", "a list of at least one line")
    return tuple(_line(item, currency, refunded, included=included) for item in items)


def _line(item: Fields, currency: str, refunded: dict[str, int], *, included: bool) -> Line:
    quantity = item.integer("quantity", least=1, most=_MOST_PIECES)
    price = item.amount("price", currency)
    gross = price * quantity
    discount = total([share.amount("amount", currency) for share in item.children("discount_allocations")], currency)
    tax = total([part.amount("price", currency) for part in item.children("tax_lines")], currency)
    line_id = item.identifier("id")
    return Line(
        external_line_id=line_id,
        external_product_id=item.maybe_identifier("product_id"),
        external_sku_id=item.maybe_identifier("variant_id"),
        seller_sku=item.maybe_text("sku"),
        title=item.text("title"),
        quantity=quantity,
        left_to_ship=item.integer("current_quantity", most=quantity) if item.has("current_quantity") else quantity,
        unit_price=price,
        gross=gross,
        discount=discount,
        tax=tax,
        total=gross - discount if included else gross - discount + tax,
        refund_status=LineRefund.REFUNDED if refunded.get(line_id, 0) >= quantity else LineRefund.NONE,
    )


def _refunded_pieces(body: Fields) -> dict[str, int]:
    """Pieces per line that refunds whose money went back name."""
    pieces: dict[str, int] = {}
    for refund in body.children("refunds"):
        if _refund_status(refund) is RefundStatus.SUCCEEDED:
            for item in refund.children("refund_line_items"):
                line_id = item.identifier("line_item_id")
                pieces[line_id] = pieces.get(line_id, 0) + item.integer("quantity", most=_MOST_PIECES)
    return pieces


def read_refund(body: Fields, currency: str) -> Refund:
    """One refund. `amount` is what went or is to go back; a refund without money (a restock) is closed."""
    status = _refund_status(body)
    amounts = [t.amount("amount", currency) for t in _transactions(body, currency)]
    returned = any(item.maybe_text("restock_type") == "return" for item in body.children("refund_line_items"))
    kind = RefundType.RETURN_REFUND if returned else RefundType.REFUND_ONLY
    return Refund(body.identifier("id"), kind, status, total(amounts, currency))


def _transactions(body: Fields, currency: str) -> list[Fields]:
    transactions = [t for t in body.children("transactions") if t.text("kind") == "refund"]
    for transaction in transactions:
        if transaction.text("currency") != currency:
            transaction.refuse("currency", "the order's currency")
    return transactions


def _refund_status(body: Fields) -> RefundStatus:
    """The least advanced of its transactions: a refund has succeeded when all of its money has gone back."""
    words = [t.text("status") for t in body.children("transactions") if t.text("kind") == "refund"]
    for word in words:
        if word not in statuses.TRANSACTION:
            raise Unrecognised("refund transaction status", word)
    found = {statuses.TRANSACTION[word] for word in words}
    for status in (RefundStatus.APPROVED, RefundStatus.REJECTED, RefundStatus.SUCCEEDED):
        if status in found:
            return status
    return RefundStatus.CLOSED


def _shipments(body: Fields) -> tuple[Shipment, ...]:
    return tuple(shipment for fulfilment in body.children("fulfillments") for shipment in _shipments_of(fulfilment))


def _shipments_of(fulfilment: Fields) -> tuple[Shipment, ...]:
    word = fulfilment.text("status")
    if word not in statuses.SHIPMENT:
        raise Unrecognised("fulfillment status", word)
    if not statuses.SHIPMENT[word]:
        return ()
    company, at = fulfilment.maybe_text("tracking_company"), fulfilment.moment("created_at")
    numbers: tuple[str | None, ...] = fulfilment.texts("tracking_numbers") or (
        fulfilment.maybe_text("tracking_number"),
    )
    return tuple(Shipment(company, number, at) for number in numbers)


def _buyer(body: Fields) -> Buyer | None:
    customer = body.maybe_child("customer")
    return Buyer(customer.identifier("id"), _full_name(customer)) if customer else None


def _recipient(body: Fields) -> Recipient:
    address = body.maybe_child("shipping_address")
    if address is None:
        return Recipient.absent()
    country = address.maybe_text("country_code")
    if country is not None and not _COUNTRY.fullmatch(country):
        raise Unrecognised("country", country)
    return Recipient(
        name=address.maybe_text("name") or _full_name(address),
        phone=address.maybe_text("phone"),
        country=country,
        province=address.maybe_text("province"),
        city=address.maybe_text("city"),
        district=None,
        street=_joined(address, "address1", "address2"),
        postal_code=address.maybe_text("zip"),
        protection=Protection.PLAIN,
    )


def _full_name(person: Fields) -> str | None:
    return _joined(person, "first_name", "last_name")


def _joined(body: Fields, *names: str) -> str | None:
    parts = [text for name in names if (text := body.maybe_text(name)) is not None]
    return " ".join(parts) or None


def _payment(body: Fields) -> Payment:
    """Only the gateway's name travels with the order; serial numbers are in the transactions API."""
    gateways = body.texts("payment_gateway_names")
    return Payment(gateways[0] if gateways else "unknown")
