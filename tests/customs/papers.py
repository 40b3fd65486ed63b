"""One bonded order's papers, complete and consistent: invented persons, the non-existent region 999999."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from services.customs.documents import (
    BEIJING,
    CancelDocument,
    InventoryDocument,
    InventoryItem,
    OrderDocument,
    OrderItem,
    PaymentDocument,
    ReturnDocument,
    ReturnItem,
    TradeMode,
    Transfer,
    WaybillDocument,
)
from services.customs.match import Papers

AT = datetime(2026, 3, 2, 9, 30, 15, tzinfo=BEIJING)
GUID = "0E3F6C1A-77B2-5D0C-9A44-2B1F00C0FFEE"
Values = dict[str, Any]
PERSON: Values = {"buyer_name": "陈测试", "buyer_telephone": "13900000002", "buyer_id_number": "99999919900307008X"}
PLATFORM: Values = {"ebp_code": "9999A60001", "ebp_name": "双城平台", "ebc_code": "9999A60002", "ebc_name": "高地食品"}
CARRIER: Values = {"logistics_code": "9999L60004", "logistics_name": "双城速递", "logistics_no": "TC0000000042"}
AGENT: Values = {"agent_code": "9999A60003", "agent_name": "双城报关"}
RECEIVER: Values = {
    "consignee": "陈测试",
    "consignee_telephone": "13900000002",
    "consignee_address": "福建省福州市鼓楼区测试路9号",
}
TRANSFER = Transfer(cop_code="9999A60003", cop_name="双城报关", dxp_id="DXPENT0000999999")
NUMBER = "OTN26030200000042A1"


def order(**changes: Any) -> OrderDocument:
    item = OrderItem(
        number=1, item_no="KE-COF-250", item_name="烘焙咖啡豆", model="品牌:TEST;250克/袋", unit="136", qty=Decimal(2),
        price=Decimal("59.12"), total_price=Decimal("118.24"), country="224",
    )  # fmt: skip
    whole = OrderDocument(
        guid=GUID, app_time=AT, order_no=NUMBER, goods_value=Decimal("118.24"), freight=Decimal("0.00"),
        discount=Decimal("0.00"), tax_total=Decimal("10.76"), actual_paid=Decimal("129.00"), buyer_reg_no="u-42",
        pay_code="9999P60003", pay_name="走廊支付", pay_transaction_id="4200000042", items=(item,),
        **PLATFORM, **PERSON, **RECEIVER,
    )  # fmt: skip
    return replace(whole, **changes)


def payment(**changes: Any) -> PaymentDocument:
    whole = PaymentDocument(
        guid=GUID, app_time=AT, pay_code="9999P60003", pay_name="走廊支付", pay_transaction_id="4200000042",
        order_no=NUMBER, ebp_code=PLATFORM["ebp_code"], ebp_name=PLATFORM["ebp_name"],
        payer_id_number=PERSON["buyer_id_number"], payer_name=PERSON["buyer_name"], amount_paid=Decimal("129.00"),
        pay_time=AT,
    )  # fmt: skip
    return replace(whole, **changes)


def waybill(**changes: Any) -> WaybillDocument:
    whole = WaybillDocument(
        guid=GUID, app_time=AT, order_no=NUMBER, freight=Decimal("0.00"), insured_fee=Decimal("0.00"),
        weight_kg=Decimal("0.620"), goods_info="烘焙咖啡豆*2", **CARRIER, **RECEIVER,
    )  # fmt: skip
    return replace(whole, **changes)


def inventory(**changes: Any) -> InventoryDocument:
    item = InventoryItem(
        number=1, item_record_no="7", item_no="KE-COF-250", item_name="烘焙咖啡豆", hs_code="0901210000",
        goods_name="烘焙咖啡豆", model="品牌:TEST;250克/袋", country="224", qty=Decimal(2), unit="136",
        qty_1=Decimal("0.5"), unit_1="035", price=Decimal("59.12"), total_price=Decimal("118.24"),
    )  # fmt: skip
    whole = InventoryDocument(
        guid=GUID, app_time=AT, order_no=NUMBER, cop_no="COP0000000000000042", assure_code=PLATFORM["ebp_code"],
        ems_no="T3500W000001", declared_on=date(2026, 3, 2), customs_code="3500", port_code="3500",
        consignee_address=RECEIVER["consignee_address"], area_code="9999W60005", area_name="福州保税仓",
        trade_mode=TradeMode.BONDED.value, traf_mode="4", country="142", freight=Decimal("0.00"),
        insured_fee=Decimal("0.00"), wrap_type="2", gross_kg=Decimal("0.620"), net_kg=Decimal("0.500"), items=(item,),
        **PLATFORM, **CARRIER, **AGENT, **PERSON,
    )  # fmt: skip
    return replace(whole, **changes)


def _against() -> dict[str, Any]:
    same = ("guid", "app_time", "customs_code", "order_no", "cop_no", *PLATFORM, *CARRIER, *AGENT, *PERSON)
    return {name: getattr(inventory(), name) for name in same}


def cancellation() -> CancelDocument:
    return CancelDocument(invt_no="35002026I000000042", reason="买家取消", **_against())


def refund(qty: str = "1", number: int = 1, hs_code: str = "0901210000") -> ReturnDocument:
    item = ReturnItem(number=number, hs_code=hs_code, goods_name="烘焙咖啡豆", qty=Decimal(qty), unit="136")
    return ReturnDocument(invt_no="35002026I000000042", reason="包装破损", items=(item,), **_against())


def papers(**changes: Any) -> Papers:
    return replace(Papers(order=order(), payment=payment(), waybill=waybill(), inventory=inventory()), **changes)
