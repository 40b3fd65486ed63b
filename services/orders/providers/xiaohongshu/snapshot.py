"""A fetched order of Xiaohongshu as a canonical order. Pure.

Money is in fen, times are epoch milliseconds (0 stands for "not yet"). Whether tax is inside the prices is decided by
the sum, as for every channel that does not say; what neither tax nor the order's price change explains sets `review`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Final

from services.orders.canonical import (
    Amounts,
    Buyer,
    CanonicalOrder,
    ChannelStatus,
    CustomsNote,
    Line,
    LineRefund,
    Payment,
    Protection,
    Recipient,
    Refund,
    RefundStatus,
    Shipment,
)
from services.orders.providers.xiaohongshu import statuses
from shared.errors import Unrecognised
from shared.http.payload import Fields
from shared.money import Money, total

MARKETPLACE: Final = "xiaohongshu"
CURRENCY: Final = "CNY"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MOST_PIECES: Final = 10**6
_MOST_MILLISECONDS: Final = 10**14


def at_milliseconds(body: Fields, name: str) -> datetime | None:
    """None where it is absent or 0."""
    if not body.has(name):
        return None
    milliseconds = body.integer(name, most=_MOST_MILLISECONDS)
    return _EPOCH + timedelta(milliseconds=milliseconds) if milliseconds else None


def read_order(body: Fields, shop_id: str, claims: Sequence[Refund] = ()) -> CanonicalOrder:
    """The snapshot that `order.getOrderDetail` says; `claims` are refunds that pushes told of: the order names none.

    BadInput where it cannot be read, Unrecognised for an unknown word.
    """
    paid_at = at_milliseconds(body, "paidTime")
    order, mode = body.integer("orderStatus"), body.integer("logisticsMode")
    after_sales = body.integer("orderAfterSalesStatus")
    status, hold = statuses.read_order(order, after_sales, mode, paid=paid_at is not None)
    amounts, review = _amounts(body)
    refunds = _refunds(claims, after_sales, amounts.total)
    created_at = at_milliseconds(body, "createdTime")
    updated_at = at_milliseconds(body, "updateTime")
    shipped_at = at_milliseconds(body, "deliveryTime")
    lines = tuple(_line(sku, extra=not amounts.tax_included) for sku in body.children("skuList"))
    return CanonicalOrder(
        marketplace=MARKETPLACE,
        shop_id=shop_id,
        external_order_id=body.identifier("orderId"),
        external_status=str(order),
        status=status,
        hold=hold,
        order_kind=statuses.known(statuses.KIND, body.integer("orderType"), "orderType"),
        currency=CURRENCY,
        amounts=replace(amounts, refunded=_refunded(refunds, status, amounts.total)),
        lines=lines,
        buyer=Buyer(body.identifier("userId"), None) if body.has("userId") else None,
        recipient=_recipient(body),
        payment=_payment(body) if paid_at else None,
        customs=_customs(body, mode),
        shipments=_shipments(body, shipped_at),
        refunds=refunds,
        created_at=created_at or body.refuse("createdTime", "a time"),
        updated_at=updated_at or body.refuse("updateTime", "a time"),
        paid_at=paid_at,
        shipped_at=shipped_at,
        completed_at=at_milliseconds(body, "finishTime"),
        cancelled_at=at_milliseconds(body, "cancelTime"),
        review=review,
        ship_by=at_milliseconds(body, "promiseLastDeliveryTime"),
    )


def _fen(body: Fields, name: str, *, least: int = 0) -> Money:
    return Money(body.integer(name, least=least) if body.has(name) else 0, CURRENCY)


def _amounts(body: Fields) -> tuple[Amounts, str | None]:
    skus = body.children("skuList")
    if not skus:
        body.refuse("skuList", "a list of at least one line")
    zero = Money.zero(CURRENCY)
    amounts = Amounts(
        items_gross=total([_gross(sku) for sku in skus], CURRENCY),
        discount_seller=_fen(body, "totalMerchantDiscount"),
        discount_platform=_fen(body, "totalRedDiscount"),
        shipping=_fen(body, "totalShippingFree"),  # so it is spelt: the freight that was paid
        shipping_discount=zero,
        tax=total([_fen(sku, "totalTaxAmount") for sku in skus], CURRENCY),
        tax_included=True,
        adjustment=zero,
        total=_fen(body, "totalPayAmount"),
        refunded=zero,
    )
    rest = amounts.total - amounts.expected_total()
    if rest != zero and rest == amounts.tax:
        return replace(amounts, tax_included=False), None
    changed = _fen(body, "totalChangePriceAmount", least=-(10**15))
    return replace(amounts, adjustment=rest), None if rest in (zero, changed, -changed) else _REVIEW


_REVIEW: Final = "the total is not the sum of its parts"


def _pieces(sku: Fields) -> tuple[Fields, ...]:
    details = sku.children("skuDetailList")
    return details or sku.refuse("skuDetailList", "a list of at least one article")


def _gross(sku: Fields) -> Money:
    """Selling price of every article in it; `quantity` counts the whole line's pieces (unconfirmed for bundles)."""
    prices = [d.integer("rawPricePerSku") * d.integer("quantity", most=_MOST_PIECES) for d in _pieces(sku)]
    return Money(sum(prices), CURRENCY)


def _line(sku: Fields, *, extra: bool) -> Line:
    quantity = sku.integer("skuQuantity", least=1, most=_MOST_PIECES)
    gross, tax = _gross(sku), _fen(sku, "totalTaxAmount")
    discount = _fen(sku, "totalMerchantDiscount") + _fen(sku, "totalRedDiscount")
    whole = gross.minor % quantity == 0
    return Line(
        external_line_id=sku.identifier("skuId"),
        external_product_id=sku.maybe_identifier("itemId"),
        external_sku_id=sku.identifier("skuId"),
        seller_sku=sku.maybe_text("erpcode"),
        title=sku.text("skuName"),
        quantity=quantity,
        left_to_ship=quantity,
        unit_price=Money(gross.minor // quantity, CURRENCY) if whole else None,
        gross=gross,
        discount=discount,
        tax=tax,
        total=gross - discount + (tax if extra else Money.zero(CURRENCY)),
        refund_status=_line_refund(sku),
    )


def _line_refund(sku: Fields) -> LineRefund:
    number = sku.integer("skuAfterSaleStatus") if sku.has("skuAfterSaleStatus") else 1
    status = statuses.known(statuses.REFUND, number, "skuAfterSaleStatus")
    return LineRefund.NONE if status is None else statuses.LINE_REFUND.get(status, LineRefund.NONE)


def _refunds(claims: Sequence[Refund], after_sales: int, paid: Money) -> tuple[Refund, ...]:
    """What pushes claimed, as far as the order's after-sales status bears it out and never above what was paid."""
    status = statuses.REFUND[after_sales] or RefundStatus.REQUESTED
    return tuple(replace(claim, status=status, amount=min(claim.amount, paid)) for claim in claims)


def _refunded(refunds: Sequence[Refund], status: ChannelStatus, paid: Money) -> Money:
    if status is ChannelStatus.REFUNDED:
        return paid  # closed with its after-sale finished: all of it went back (unconfirmed for partial ones)
    back = total([refund.amount for refund in refunds if refund.status is RefundStatus.SUCCEEDED], CURRENCY)
    return min(back, paid)


def _recipient(body: Fields) -> Recipient:
    """Only the region travels with the order; the rest is fetched with `openAddressId` while it is to be shipped."""
    country = body.maybe_text("receiverCountryName")
    if country is not None and country not in statuses.COUNTRY:
        raise Unrecognised("country", country)
    return replace(
        Recipient.absent(),
        country=statuses.COUNTRY[country] if country else None,
        province=body.maybe_text("receiverProvinceName"),
        city=body.maybe_text("receiverCityName"),
        district=body.maybe_text("receiverDistrictName"),
        ref=body.maybe_text("openAddressId"),
    )


def read_receiver(answer: Fields, order: CanonicalOrder) -> Recipient | None:
    """The receiver of one order; None where the address changed since the order was fetched (`matched` false).

    The names of the answer's members are unconfirmed.
    """
    infos = [i for i in answer.children("receiverInfos") if i.identifier("orderId") == order.external_order_id]
    if not infos:
        answer.refuse("receiverInfos", "the order that was asked for")
    return _receiver(infos[0], order.recipient) if infos[0].flag("matched") else None


def _receiver(info: Fields, region: Recipient) -> Recipient:
    return replace(
        region,
        name=info.text("receiverName"),
        phone=info.text("receiverPhone"),
        province=info.maybe_text("receiverProvinceName") or region.province,
        city=info.maybe_text("receiverCityName") or region.city,
        district=info.maybe_text("receiverDistrictName") or region.district,
        street=info.text("receiverAddress"),
        protection=Protection.PLAIN,
    )


def _payment(body: Fields) -> Payment:
    number = body.integer("paymentType", least=-1) if body.has("paymentType") else -1
    bound = body.maybe_child("boundExtendInfo")
    return Payment(
        statuses.known(statuses.PAYMENT, number, "paymentType"),
        body.maybe_text("outTradeNo"),
        bound.maybe_text("payNo") if bound else None,
    )


def _customs(body: Fields, mode: int) -> CustomsNote | None:
    way = statuses.CUSTOMS_MODE[mode]
    if way is None:
        return None
    bound = body.maybe_child("boundExtendInfo")
    tax = _fen(bound, "taxAmount") if bound and bound.has("taxAmount") else None
    return CustomsNote(way, None, None, tax, body.maybe_text("customsCode"))


def _shipments(body: Fields, shipped_at: datetime | None) -> tuple[Shipment, ...]:
    """Also a waybill that the platform gave before anything left: then without a time."""
    number = body.maybe_text("expressTrackingNo")
    return (Shipment(body.maybe_text("expressCompanyCode"), number, shipped_at),) if number else ()
