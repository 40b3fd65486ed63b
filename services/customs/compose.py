"""Documents from one version of the dossier: order and inventory to send, payment and waybill to hold them against.

Everything but the persons comes from the draft; the persons are opened by the caller, for the moment of composing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from services.customs.codebook import customs_country
from services.customs.documents import (
    BEIJING,
    CHINA,
    InventoryDocument,
    InventoryItem,
    OrderDocument,
    OrderItem,
    PaymentDocument,
    TradeMode,
    WaybillDocument,
    kilograms,
    yuan,
)
from services.customs.identity import normal_id, normal_name, normal_phone
from services.customs.match import Papers
from services.customs.parts import Cargo, Paid, Waybill
from services.customs.pricing import PricedLine
from services.customs.tariff import Rates
from shared.events.values import Goods, Sealed, Valuation
from shared.ids import OrderId, item_no
from shared.security.personal import Person, Recipient

PLACES = Decimal("0.00001")  # the schema's decimals have five
NO_BAR_CODE = "无"


@dataclass(frozen=True, slots=True)
class Company:
    code: str
    name: str


@dataclass(frozen=True, slots=True)
class Parties:
    """Who is who in a shop's documents, and where its goods lie. From the corridor profile.

    transport: the leg into the country, in a bonded flow the leg out of the zone. departure: customs' country code.
    """

    platform: Company
    seller: Company
    agent: Company
    guarantor: str
    office: str
    office_confirmed: bool
    trade_mode: str
    area: Company | None
    transport: str
    wrapping: str
    departure: str = CHINA

    @property
    def bonded(self) -> bool:
        return self.trade_mode == TradeMode.BONDED


@dataclass(frozen=True, slots=True)
class Draft:
    """All values of one version, persons sealed. Signed twice it gives the same documents: times and ids are in it."""

    order_id: OrderId
    version: int
    at: datetime
    parties: Parties
    goods: tuple[Goods, ...]
    quantities: tuple[int, ...]
    lines: tuple[PricedLine, ...]
    valuation: Valuation
    paid: Paid
    waybill: Waybill
    person: Sealed
    recipient: Sealed
    cop_no: str
    order_guid: str
    order_type: str
    order_message: str
    inventory_guid: str
    inventory_type: str
    inventory_message: str
    pre_no: str = ""
    invt_no: str = ""
    cargo: Cargo = field(default_factory=Cargo)

    @property
    def gross_grams(self) -> int:
        """Direct mail was weighed; of bonded goods, which lie on their shelf still, the products' own weights count."""
        if not self.parties.bonded:
            return self.cargo.gross_grams
        return _grams(self, [goods.gross_grams for goods in self.goods])

    @property
    def rates(self) -> dict[str, Rates]:
        return {self.goods[line.source].hs_code: line.rates for line in self.lines}


def rates_of(goods: Goods) -> Rates:
    return Rates(Decimal(goods.vat_rate), Decimal(goods.consumption_rate), Decimal(goods.duty_rate))


def account_book(goods: Sequence[Goods]) -> str:
    """One declaration draws from one book; goods of two have none, and the match says so."""
    books = {one.account_book for one in goods}
    return books.pop() if len(books) == 1 else ""


def order_document(draft: Draft, person: Person, recipient: Recipient) -> OrderDocument:
    parties, valuation, paid = draft.parties, draft.valuation, draft.paid
    return OrderDocument(
        guid=draft.order_guid,
        app_type=draft.order_type,
        app_time=draft.at,
        order_no=paid.order_no,
        ebp_code=parties.platform.code,
        ebp_name=parties.platform.name,
        ebc_code=parties.seller.code,
        ebc_name=parties.seller.name,
        goods_value=yuan(valuation.goods),
        freight=yuan(valuation.freight + valuation.insurance),
        discount=yuan(valuation.discount),
        tax_total=yuan(valuation.tax),
        actual_paid=yuan(valuation.total),
        # The platform's account id is a name for the buyer; ours is the fingerprint, which nobody can turn back.
        buyer_reg_no=draft.person.fingerprint,
        buyer_name=normal_name(person.name),
        buyer_telephone=normal_phone(person.phone),
        buyer_id_type=person.id_type,
        buyer_id_number=normal_id(person.id_number),
        pay_code=paid.pay_code,
        pay_name=paid.pay_name,
        pay_transaction_id=paid.transaction_id,
        consignee=recipient.name,
        consignee_telephone=recipient.phone,
        consignee_address=recipient.address,
        items=tuple(_order_item(draft, number, line) for number, line in enumerate(draft.lines, start=1)),
    )


def _order_item(draft: Draft, number: int, line: PricedLine) -> OrderItem:
    goods = draft.goods[line.source]
    return OrderItem(
        number=number,
        item_no=item_no(goods.sku),
        item_name=goods.name_zh,
        model=goods.spec_zh,
        unit=goods.unit,
        qty=Decimal(line.quantity),
        price=yuan(line.price),
        total_price=yuan(line.total),
        country=customs_country(goods.origin),
    )


def inventory_document(draft: Draft, person: Person, recipient: Recipient) -> InventoryDocument:
    """Bonded: account book, warehouse, departure country 142. Direct: the flight, and where the parcel left from."""
    parties, waybill, cargo = draft.parties, draft.waybill, draft.cargo
    bonded = parties.bonded
    return InventoryDocument(
        guid=draft.inventory_guid,
        app_type=draft.inventory_type,
        app_time=draft.at,
        order_no=draft.paid.order_no,
        ebp_code=parties.platform.code,
        ebp_name=parties.platform.name,
        ebc_code=parties.seller.code,
        ebc_name=parties.seller.name,
        logistics_no=waybill.number,
        logistics_code=waybill.code,
        logistics_name=waybill.name,
        cop_no=draft.cop_no,
        pre_no=draft.pre_no or None,
        assure_code=parties.guarantor,
        ems_no=(account_book(draft.goods) or None) if bonded else None,
        invt_no=draft.invt_no or None,
        declared_on=draft.at.astimezone(BEIJING).date(),
        customs_code=parties.office,
        port_code=parties.office,
        buyer_id_type=person.id_type,
        buyer_id_number=normal_id(person.id_number),
        buyer_name=normal_name(person.name),
        buyer_telephone=normal_phone(person.phone),
        consignee_address=recipient.address,
        agent_code=parties.agent.code,
        agent_name=parties.agent.name,
        area_code=parties.area.code if parties.area and bonded else None,
        area_name=parties.area.name if parties.area and bonded else None,
        trade_mode=parties.trade_mode,
        traf_mode=parties.transport,
        traf_no=None if bonded else cargo.vehicle or cargo.voyage or None,
        voyage_no=None if bonded else cargo.voyage or None,
        bill_no=None if bonded else cargo.master_bill or None,
        country=parties.departure,
        freight=yuan(draft.valuation.freight),
        insured_fee=yuan(draft.valuation.insurance),
        wrap_type=parties.wrapping,
        gross_kg=kilograms(draft.gross_grams),
        net_kg=kilograms(_grams(draft, [goods.net_grams for goods in draft.goods])),
        items=tuple(_inventory_item(draft, number, line) for number, line in enumerate(draft.lines, start=1)),
    )


def _grams(draft: Draft, of_one: Sequence[int]) -> int:
    return sum(grams * quantity for grams, quantity in zip(of_one, draft.quantities, strict=True))


def _inventory_item(draft: Draft, number: int, line: PricedLine) -> InventoryItem:
    goods = draft.goods[line.source]
    return InventoryItem(
        number=number,
        item_record_no=(goods.record_no or None) if draft.parties.bonded else None,
        item_no=item_no(goods.sku),
        item_name=goods.name_zh,
        hs_code=goods.hs_code,
        goods_name=goods.name_zh,
        model=goods.spec_zh,
        bar_code=NO_BAR_CODE,
        country=customs_country(goods.origin),
        qty=Decimal(line.quantity),
        unit=goods.unit,
        qty_1=_trimmed(Decimal(goods.unit_1_quantity) * line.quantity),
        unit_1=goods.unit_1,
        price=yuan(line.price),
        total_price=yuan(line.total),
    )


def _trimmed(quantity: Decimal) -> Decimal:
    """At most five places, and none that say nothing."""
    rounded = quantity.quantize(PLACES).normalize()
    return rounded.quantize(Decimal(1)) if rounded == rounded.to_integral_value() else rounded


def payment_document(draft: Draft, order: OrderDocument) -> PaymentDocument:
    """As the payment company must have declared it: it compared its payer with our buyer and said that they agree."""
    paid = draft.paid
    return PaymentDocument(
        guid=draft.order_guid,
        app_time=draft.at,
        pay_code=paid.pay_code,
        pay_name=paid.pay_name,
        pay_transaction_id=paid.transaction_id,
        order_no=paid.order_no,
        ebp_code=order.ebp_code,
        ebp_name=order.ebp_name,
        payer_id_type=order.buyer_id_type,
        payer_id_number=order.buyer_id_number,
        payer_name=order.buyer_name,
        amount_paid=yuan(paid.amount),
        pay_time=paid.paid_at,
    )


def waybill_document(draft: Draft, recipient: Recipient) -> WaybillDocument:
    waybill = draft.waybill
    return WaybillDocument(
        guid=draft.order_guid,
        app_time=draft.at,
        logistics_code=waybill.code,
        logistics_name=waybill.name,
        logistics_no=waybill.number,
        order_no=draft.paid.order_no,
        weight_kg=kilograms(draft.gross_grams),
        consignee=recipient.name,
        consignee_address=recipient.address,
        consignee_telephone=recipient.phone,
    )


def papers(draft: Draft, person: Person, recipient: Recipient) -> Papers:
    """All four, ready for the match."""
    order = order_document(draft, person, recipient)
    return Papers(
        order=order,
        payment=payment_document(draft, order),
        waybill=waybill_document(draft, recipient),
        inventory=inventory_document(draft, person, recipient),
    )
