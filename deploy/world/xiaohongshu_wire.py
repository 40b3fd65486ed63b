"""What Xiaohongshu sends and answers: pushes with ids, orders in fen and milliseconds, signatures by suffixed MD5.

Source: our reference page on marketplaces, section 16. Members of the receiver's and the decryption's answers are
unconfirmed.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from deploy.world.shop_wire import Line, ShopOrder

Json = dict[str, Any]
UNPAID, PROCESSING, CLEARING, TO_SHIP, SHIPPED, COMPLETED, CANCELLED = 1, 2, 3, 4, 6, 7, 9
BONDED: Final = 2
TAX_IN_PRICE: Final = (91, 1091)  # VAT 13 % × 70 %, as a share of a price with tax in it


@dataclass(slots=True)
class RedOrder:
    """An order as the platform keeps it. Times in epoch milliseconds, 0 is "not yet"; after_sales 1 is none."""

    order: ShopOrder
    status: int = UNPAID
    after_sales: int = 1
    paid_at: int = 0
    shipped_at: int = 0
    cancelled_at: int = 0
    finished_at: int = 0
    updated_at: int = 0
    express_no: str = ""
    express_company: str = ""

    @property
    def id(self) -> str:
        return self.order.external_id

    @property
    def address_id(self) -> str:
        return f"oa-{self.order.id}"


def push_sign(path: str, pairs: Mapping[str, str], secret: str) -> str:
    text = path + "?" + "&".join(f"{name}={pairs[name]}" for name in sorted(pairs))
    return hashlib.md5((text + secret).encode(), usedforsecurity=False).hexdigest()


def push_headers(url: str, app_key: str, secret: str, epoch: int) -> dict[str, str]:
    """The callback's own path and query are signed, with the app key and the time; the body is not."""
    parts = urlsplit(url)
    signed = dict(parse_qsl(parts.query)) | {"app-key": app_key, "timestamp": str(epoch)}
    return {
        "Content-Type": "application/json",
        "app-key": app_key,
        "timestamp": str(epoch),
        "sign": push_sign(parts.path, signed, secret),
    }


def message(tag: str, seller: str, data: Json) -> bytes:
    inner = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return json.dumps([{"msgTag": tag, "sellerId": seller, "data": inner}], separators=(",", ":")).encode()


def accepted(body: bytes) -> bool:
    try:
        answer = json.loads(body)
    except ValueError:
        return False
    return isinstance(answer, dict) and answer.get("success") is True


def call_sign(method: str, app_key: str, timestamp: str, secret: str) -> str:
    text = f"{method}?appId={app_key}&timestamp={timestamp}&version=2.0{secret}"
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def detail(red: RedOrder, shop_id: str) -> Json:
    """order.getOrderDetail: only the region of the receiver, and a number to fetch the rest with."""
    order, place = red.order, red.order.buyer.address
    tax = sum(_tax(line) for line in order.lines)
    return {
        "orderId": red.id,
        "orderType": 1,
        "orderStatus": red.status,
        "orderAfterSalesStatus": red.after_sales,
        "cancelStatus": int(red.status == CANCELLED),
        "createdTime": int(order.created_at.timestamp() * 1000),
        "paidTime": red.paid_at,
        "updateTime": red.updated_at,
        "deliveryTime": red.shipped_at,
        "cancelTime": red.cancelled_at,
        "finishTime": red.finished_at,
        "receiverCountryName": "中国",
        "receiverProvinceName": place.province,
        "receiverCityName": place.city,
        "receiverDistrictName": place.district,
        "skuList": [_sku(line, red.after_sales) for line in order.lines],
        "totalPayAmount": order.total_minor,
        "totalShippingFree": order.freight_minor,
        "totalDepositAmount": 0,
        "totalMerchantDiscount": 0,
        "totalRedDiscount": 0,
        "totalChangePriceAmount": 0,
        "merchantActualReceiveAmount": order.total_minor,
        "openAddressId": red.address_id,
        "expressTrackingNo": red.express_no,
        "expressCompanyCode": red.express_company,
        "logistics": "red_bonded",
        "logisticsMode": BONDED,
        "customsCode": "3500",
        "paymentType": 1,
        "outTradeNo": f"20260302220{order.id}",
        "shopId": shop_id,
        "userId": f"u-{order.buyer.customer_id}",
        "boundExtendInfo": {
            "payNo": f"20260302220{order.id}C",
            "payChannel": "AliPay",
            "productValue": order.items_minor - tax,
            "payAmount": order.total_minor,
            "taxAmount": tax,
            "shippingFee": order.freight_minor,
            "discountAmount": 0,
            "zoneCodes": [],
        },
    }


def _tax(line: Line) -> int:
    share, whole = TAX_IN_PRICE
    return line.total_minor * share // whole


def _sku(line: Line, after_sales: int) -> Json:
    price, sku_id = line.sku.price_minor, str(line.sku.variant_id)
    article = {
        "skuId": sku_id,
        "erpCode": line.sku.sku,
        "barcode": f"69{line.sku.product_id % 10**11:011d}",
        "quantity": line.quantity,
        "registerName": line.sku.title,
        "skuName": line.sku.title,
        "pricePerSku": price - _tax(Line(line.sku, 1)),
        "taxPerSku": _tax(Line(line.sku, 1)),
        "paidAmountPerSku": price,
        "depositAmountPerSku": 0,
        "merchantDiscountPerSku": 0,
        "redDiscountPerSku": 0,
        "rawPricePerSku": price,
    }
    return {
        "skuId": sku_id,
        "itemId": str(line.sku.product_id),
        "itemName": line.sku.title,
        "skuName": line.sku.title,
        "erpcode": line.sku.sku,
        "skuQuantity": line.quantity,
        "totalPaidAmount": line.total_minor,
        "totalMerchantDiscount": 0,
        "totalRedDiscount": 0,
        "totalTaxAmount": _tax(line),
        "totalNetWeight": line.sku.grams * line.quantity,
        "skuTag": 0,
        "skuAfterSaleStatus": after_sales,
        "skuDetailList": [article],
    }


def receiver(red: RedOrder, asked_address: str) -> Json:
    """order.getOrderReceiverInfo for one order: the texts are hidden, each in its own cipher."""
    buyer, place = red.order.buyer, red.order.buyer.address
    if asked_address != red.address_id:
        return {"orderId": red.id, "matched": False}
    return {
        "orderId": red.id,
        "openAddressId": red.address_id,
        "matched": True,
        "receiverName": hidden(buyer.name, 2),
        "receiverPhone": hidden(buyer.phone, 3),
        "receiverProvinceName": place.province,
        "receiverCityName": place.city,
        "receiverDistrictName": place.district,
        "receiverAddress": hidden(place.street, 1),
    }


def hidden(text: str, kind: int) -> str:
    """`#index#cipher#type##`: 1 address, 2 name, 3 phone. Its bytes are only turned around: nobody reads it by eye."""
    cipher = base64.b64encode(text.encode()[::-1]).decode()
    index = hashlib.sha256(text.encode()).hexdigest()[:12]
    return f"#{index}#{cipher}#{kind}##"


def opened(text: str) -> str:
    return base64.b64decode(text.split("#")[2])[::-1].decode()
