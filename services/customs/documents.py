"""The declared documents as values: what order, payment, waybill, inventory, cancellation and return say.

Amounts are yuan and weights kilograms, as decimals with up to five places, exactly as the document has them: a
partner's document may say 332.9100001, and the match must see that. Our own documents come from `yuan` and `kilograms`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from typing import Final

from shared.money import Money

CNY: Final = "CNY"
BEIJING: Final = timezone(timedelta(hours=8))  # the clock of every time and day in a document
YUAN_CODE: Final = "142"  # customs' own currency code; the import schema fixes it (GACC specification 202205)
CHINA: Final = "142"  # customs' own country code


class Kind(StrEnum):
    """The documents of one retail import, by their business name."""

    ORDER = "order"
    PAYMENT = "payment"
    WAYBILL = "waybill"
    WAYBILL_STATUS = "waybill_status"
    INVENTORY = "inventory"
    CANCELLATION = "cancellation"
    RETURN = "return"


class TradeMode(StrEnum):
    DIRECT = "9610"
    BONDED = "1210"


def yuan(amount: Money) -> Decimal:
    """Fen as the documents print them: two places."""
    if amount.currency != CNY:
        raise ValueError(f"customs documents are in CNY, not {amount.currency}")
    return Decimal(amount.minor).scaleb(-2)


def fen(amount: Decimal) -> Money:
    """Yuan of a document as money; a fraction of a fen is an error, not a rounding."""
    return Money.parse(f"{amount:f}", CNY)


def kilograms(grams: int) -> Decimal:
    return Decimal(grams).scaleb(-3)


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What they all begins with. `app_type`: 1 new, 2 change, 3 delete; `app_status`: 1 draft, 2 declare."""

    guid: str
    app_type: str = "1"
    app_time: datetime
    app_status: str = "2"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderItem:
    """`number` rises from 1; `country` is the origin in customs' code; `price` x `qty` = `total_price`."""

    number: int
    item_no: str | None = None
    item_name: str
    model: str
    item_describe: str | None = None
    bar_code: str | None = None
    unit: str
    qty: Decimal
    price: Decimal
    total_price: Decimal
    currency: str = YUAN_CODE
    country: str
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderDocument(Declared):
    """CEB311. `goods_value` includes what vouchers settled; `freight` includes insurance charged to the buyer."""

    order_type: str = "I"
    order_no: str
    ebp_code: str
    ebp_name: str
    ebc_code: str
    ebc_name: str
    goods_value: Decimal
    freight: Decimal
    discount: Decimal
    tax_total: Decimal
    actual_paid: Decimal
    currency: str = YUAN_CODE
    buyer_reg_no: str
    buyer_name: str
    buyer_telephone: str
    buyer_id_type: str = "1"
    buyer_id_number: str
    pay_code: str | None = None
    pay_name: str | None = None
    pay_transaction_id: str | None = None
    batch_numbers: str | None = None
    consignee: str
    consignee_telephone: str
    consignee_address: str
    consignee_district: str | None = None
    note: str | None = None
    items: tuple[OrderItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentDocument(Declared):
    """CEB411, sent by the payment enterprise."""

    pay_code: str
    pay_name: str
    pay_transaction_id: str
    order_no: str
    ebp_code: str
    ebp_name: str
    payer_id_type: str = "1"
    payer_id_number: str
    payer_name: str
    telephone: str | None = None
    amount_paid: Decimal
    currency: str = YUAN_CODE
    pay_time: datetime
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaybillDocument(Declared):
    """CEB511, sent by the carrier. `weight_kg` is gross."""

    logistics_code: str
    logistics_name: str
    logistics_no: str
    bill_no: str | None = None
    order_no: str
    freight: Decimal | None = None
    insured_fee: Decimal | None = None
    currency: str = YUAN_CODE
    weight_kg: Decimal
    pack_no: int = 1
    goods_info: str | None = None
    consignee: str
    consignee_address: str
    consignee_telephone: str
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryItem:
    """`hs_code` has ten digits; `country` is the origin; `qty_1` and `qty_2` are in the statutory units."""

    number: int
    item_record_no: str | None = None
    item_no: str | None = None
    item_name: str | None = None
    hs_code: str
    goods_name: str
    model: str
    bar_code: str | None = "无"
    country: str
    trade_country: str | None = None
    currency: str = YUAN_CODE
    qty: Decimal
    unit: str
    qty_1: Decimal
    unit_1: str
    qty_2: Decimal | None = None
    unit_2: str | None = None
    price: Decimal
    total_price: Decimal
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InventoryDocument(Declared):
    """CEB621. Direct import names the transport, bonded the account book; `country` is where the parcel left from."""

    order_no: str
    ebp_code: str
    ebp_name: str
    ebc_code: str
    ebc_name: str
    logistics_no: str
    logistics_code: str
    logistics_name: str
    cop_no: str | None = None
    pre_no: str | None = None
    assure_code: str
    ems_no: str | None = None
    invt_no: str | None = None
    ie_flag: str = "I"
    declared_on: date
    customs_code: str
    port_code: str
    entered_on: date | None = None
    buyer_id_type: str = "1"
    buyer_id_number: str
    buyer_name: str
    buyer_telephone: str
    consignee_address: str
    agent_code: str
    agent_name: str
    area_code: str | None = None
    area_name: str | None = None
    trade_mode: str
    traf_mode: str
    traf_no: str | None = None
    voyage_no: str | None = None
    bill_no: str | None = None
    loct_no: str | None = None
    license_no: str | None = None
    country: str
    freight: Decimal
    insured_fee: Decimal
    currency: str = YUAN_CODE
    wrap_type: str | None = None
    pack_no: int = 1
    gross_kg: Decimal
    net_kg: Decimal
    note: str | None = None
    items: tuple[InventoryItem, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _AgainstInventory(Declared):
    """What cancellation and return repeat of the inventory that they mean."""

    customs_code: str
    order_no: str
    ebp_code: str
    ebp_name: str
    ebc_code: str
    ebc_name: str
    logistics_no: str
    logistics_code: str
    logistics_name: str
    cop_no: str | None = None
    pre_no: str | None = None
    invt_no: str
    buyer_id_type: str = "1"
    buyer_id_number: str
    buyer_name: str
    buyer_telephone: str
    agent_code: str
    agent_name: str
    reason: str
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelDocument(_AgainstInventory):
    """CEB623: before release only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnItem:
    """`number` and `hs_code` are those of the inventory line."""

    number: int
    hs_code: str
    goods_name: str
    qty: Decimal
    unit: str
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnDocument(_AgainstInventory):
    """CEB625: after release, within 30 days."""

    items: tuple[ReturnItem, ...]


Document = OrderDocument | PaymentDocument | WaybillDocument | InventoryDocument | CancelDocument | ReturnDocument


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """Who transmits: enterprise code and name, and its user id on the exchange platform."""

    cop_code: str
    cop_name: str
    dxp_mode: str = "DXP"
    dxp_id: str
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxBillItem:
    """`tax_price` is the duty-paid value of the line."""

    number: int
    hs_code: str
    tax_price: Decimal
    customs_tax: Decimal
    value_added_tax: Decimal
    consumption_tax: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxBill:
    """CEB816. `status` 1 generated, 2 summarised, 3 void. Order and waybill numbers were seen in real bills only."""

    guid: str
    return_time: datetime
    invt_no: str
    tax_no: str
    customs_tax: Decimal
    value_added_tax: Decimal
    consumption_tax: Decimal
    status: str
    ent_duty_no: str | None = None
    note: str | None = None
    assure_code: str | None = None
    ebc_code: str | None = None
    logistics_code: str | None = None
    agent_code: str | None = None
    customs_code: str | None = None
    order_no: str | None = None
    logistics_no: str | None = None
    items: tuple[TaxBillItem, ...]

    @property
    def total(self) -> Decimal:
        return self.customs_tax + self.value_added_tax + self.consumption_tax


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxBillChange:
    """CEB818: the bill moved on (2 summarised, 3 void)."""

    guid: str
    return_time: datetime
    invt_no: str
    tax_no: str
    status: str
    ent_duty_no: str | None = None
    assure_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FormatReply:
    """CEB900: the e-port could not read what we sent. No business keys: `ori_cop_msg_id` names our message."""

    guid: str
    return_status: str
    return_info: str
    return_time: datetime
    ori_cop_msg_id: str
    ori_message_type: str
    ori_biz_message: str
