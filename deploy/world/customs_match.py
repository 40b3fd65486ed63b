"""The three documents and the inventory must agree. Our own simple reading of the circulars: exact, no tolerance.

Source: our reference page on customs, section 3.1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from decimal import Decimal

from deploy.world.documents import Declared, Manifest, PaymentDocument, WaybillDocument
from deploy.world.people import check_digit

Finding = str
PERSON = ("buyerIdType", "buyerIdNumber", "buyerName", "buyerTelephone")
LINE = (("gname", "itemName"), ("unit", "unit"), ("country", "country"))
LINE_NUMBERS = ("qty", "price", "totalPrice")
BONDED = ("emsNo", "areaCode", "areaName")
DIRECT = ("trafNo", "voyageNo", "billNo")


def findings(
    inventory: Declared,
    order: Declared | None,
    payment: PaymentDocument | None,
    waybill: WaybillDocument | None,
    manifests: Sequence[Manifest] = (),
) -> list[Finding]:
    """Why the inventory is sent back; empty when everything agrees."""
    missing = [name for name, found in (("订单", order), ("支付单", payment), ("运单", waybill)) if found is None]
    if order is None or payment is None or waybill is None:
        return [f"缺少{name}" for name in missing]
    return [
        *_order(order),
        *_payment(order, payment),
        *_waybill(order, waybill),
        *_inventory(inventory, order, waybill),
        *_lines(inventory, order),
        *_by_trade_mode(inventory),
        *_flight(inventory, manifests),
    ]


def identity_is_valid(number: str) -> bool:
    return len(number) == 18 and number[:17].isdigit() and check_digit(number[:17]) == number[17]


def _order(order: Declared) -> Iterator[Finding]:
    head = order.head
    goods, freight, tax, discount = (Decimal(head[name]) for name in ("goodsValue", "freight", "taxTotal", "discount"))
    if Decimal(head["acturalPaid"]) != goods + freight + tax - discount:
        yield "acturalPaid"
    if goods != sum((Decimal(line["totalPrice"]) for line in order.lines), Decimal()):
        yield "goodsValue"
    if any(Decimal(line["price"]) * Decimal(line["qty"]) != Decimal(line["totalPrice"]) for line in order.lines):
        yield "totalPrice"
    if not identity_is_valid(head["buyerIdNumber"]):
        yield "buyerIdNumber"
    if head["currency"] != "142" or any(line["currency"] != "142" for line in order.lines):
        yield "currency"


def _payment(order: Declared, payment: PaymentDocument) -> Iterator[Finding]:
    head = order.head
    if Decimal(payment.amount_minor).scaleb(-2) != Decimal(head["acturalPaid"]):
        yield "支付单 amountPaid"
    if payment.order_no != order.order_no:
        yield "支付单 orderNo"
    if payment.ebp_code != head["ebpCode"]:
        yield "支付单 ebpCode"
    if head.get("payCode", payment.pay_code) != payment.pay_code:
        yield "支付单 payCode"
    if head.get("payTransactionId", payment.pay_transaction_id) != payment.pay_transaction_id:
        yield "支付单 payTransactionId"
    if (payment.payer_name, payment.payer_id_number) != (head["buyerName"], head["buyerIdNumber"]):
        yield "支付人与订购人不一致"


def _waybill(order: Declared, waybill: WaybillDocument) -> Iterator[Finding]:
    head = order.head
    pairs = {
        "consignee": waybill.consignee,
        "consigneeTelephone": waybill.telephone,
        "consigneeAddress": waybill.address,
    }
    for name, value in pairs.items():
        if head[name] != value:
            yield f"运单 {name}"
    if waybill.order_no != order.order_no:
        yield "运单 orderNo"


def _inventory(inventory: Declared, order: Declared, waybill: WaybillDocument) -> Iterator[Finding]:
    ours, theirs = inventory.head, order.head
    for name in ("ebpCode", "ebcCode", "consigneeAddress", *PERSON):
        if ours[name] != theirs[name]:
            yield f"清单 {name}"
    if (ours["logisticsCode"], ours["logisticsNo"]) != (waybill.logistics_code, waybill.logistics_no):
        yield "清单 logisticsNo"
    if ours["assureCode"] not in {ours["ebpCode"], ours["ebcCode"], ours["logisticsCode"]}:
        yield "清单 assureCode"
    if ours["packNo"] != "1":
        yield "清单 packNo"
    if not Decimal(ours["grossWeight"]) >= Decimal(ours["netWeight"]) > 0:
        yield "清单 grossWeight"


def _lines(inventory: Declared, order: Declared) -> Iterator[Finding]:
    if [line["gnum"] for line in inventory.lines] != [str(number + 1) for number in range(len(order.lines))]:
        yield "清单 gnum"
        return
    for ours, theirs in zip(inventory.lines, order.lines, strict=True):
        for name, other in LINE:
            if ours[name] != theirs[other]:
                yield f"清单 {name}"
        for name in LINE_NUMBERS:
            if Decimal(ours[name]) != Decimal(theirs[name]):
                yield f"清单 {name}"


def _by_trade_mode(inventory: Declared) -> Iterator[Finding]:
    """1210 names its account book and warehouse, 9610 the flight it came with."""
    head = inventory.head
    bonded = head["tradeMode"] == "1210"
    for name in BONDED if bonded else DIRECT:
        if not head.get(name):
            yield f"清单 {name}"
    for name in DIRECT if bonded else BONDED:
        if head.get(name):
            yield f"清单 {name}"
    if bonded != (head["country"] == "142"):
        yield "清单 country"
    if any(bonded != bool(line.get("itemRecordNo")) for line in inventory.lines):
        yield "清单 itemRecordNo"


def _flight(inventory: Declared, manifests: Sequence[Manifest]) -> Iterator[Finding]:
    """Direct import came in a consignment in which the carrier listed it; nothing is compared where none is known."""
    if not manifests or inventory.head["tradeMode"] == "1210":
        return
    if inventory.head.get("billNo") not in {each.bill_no for each in manifests}:
        yield "清单 billNo"
    if inventory.head.get("voyageNo") not in {each.voyage_no for each in manifests}:
        yield "清单 voyageNo"
