"""The match of order, payment, waybill and inventory: every equality that customs prints, and the limits.

Documents may be missing: what cannot be compared is not reported. Text is exact after NFC and outer trimming, numbers
are decimals (332.9 is 332.90), ID numbers upper case.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from services.customs.documents import (
    CHINA,
    YUAN_CODE,
    InventoryDocument,
    InventoryItem,
    Kind,
    OrderDocument,
    OrderItem,
    PaymentDocument,
    TradeMode,
    WaybillDocument,
    fen,
    yuan,
)
from services.customs.findings import Cited, Finding, Severity
from services.customs.identity import is_masked, normal_text
from services.customs.tariff import LIMITS, NOTHING, Limits, Rates, Taxable, tax, treatment_of
from shared.errors import BadInput
from shared.money import Money
from shared.security.personal import id_number_is_valid


@dataclass(frozen=True, slots=True, kw_only=True)
class Papers:
    """The documents of one submission, as far as they are there."""

    order: OrderDocument | None = None
    payment: PaymentDocument | None = None
    waybill: WaybillDocument | None = None
    inventory: InventoryDocument | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the papers cannot say: the person's used amount, the goods list, the rates of a line (None: not checked)."""

    used: Money = NOTHING
    limits: Limits = LIMITS
    goods_list: Collection[str] | None = None
    rates: Callable[[InventoryItem], Rates | None] | None = None


# rule, the document to change first and its field, the document it is held against and its field
_PAIRS: Final = (
    ("R01", Kind.PAYMENT, "order_no", Kind.ORDER, "order_no"),
    ("R01", Kind.PAYMENT, "ebp_code", Kind.ORDER, "ebp_code"),
    ("R02", Kind.PAYMENT, "amount_paid", Kind.ORDER, "actual_paid"),
    ("R04", Kind.ORDER, "pay_code", Kind.PAYMENT, "pay_code"),
    ("R04", Kind.ORDER, "pay_transaction_id", Kind.PAYMENT, "pay_transaction_id"),
    ("R05", Kind.PAYMENT, "payer_name", Kind.ORDER, "buyer_name"),
    ("R05", Kind.PAYMENT, "payer_id_number", Kind.ORDER, "buyer_id_number"),
    ("R06", Kind.WAYBILL, "order_no", Kind.ORDER, "order_no"),
    ("R07", Kind.WAYBILL, "consignee", Kind.ORDER, "consignee"),
    ("R07", Kind.WAYBILL, "consignee_telephone", Kind.ORDER, "consignee_telephone"),
    ("R07", Kind.WAYBILL, "consignee_address", Kind.ORDER, "consignee_address"),
    ("R08", Kind.INVENTORY, "order_no", Kind.ORDER, "order_no"),
    ("R08", Kind.INVENTORY, "ebp_code", Kind.ORDER, "ebp_code"),
    ("R08", Kind.INVENTORY, "ebc_code", Kind.ORDER, "ebc_code"),
    ("R09", Kind.INVENTORY, "logistics_no", Kind.WAYBILL, "logistics_no"),
    ("R09", Kind.INVENTORY, "logistics_code", Kind.WAYBILL, "logistics_code"),
    ("R10", Kind.INVENTORY, "buyer_id_type", Kind.ORDER, "buyer_id_type"),
    ("R10", Kind.INVENTORY, "buyer_id_number", Kind.ORDER, "buyer_id_number"),
    ("R10", Kind.INVENTORY, "buyer_name", Kind.ORDER, "buyer_name"),
    ("R10", Kind.INVENTORY, "buyer_telephone", Kind.ORDER, "buyer_telephone"),
    ("R11", Kind.INVENTORY, "consignee_address", Kind.ORDER, "consignee_address"),
)

_LINE_PAIRS: Final = (
    ("R13", "goods_name", "item_name"),
    ("R14", "qty", "qty"),
    ("R14", "unit", "unit"),
    ("R14", "price", "price"),
    ("R14", "total_price", "total_price"),
    ("R14", "country", "country"),
)

_ID_NUMBERS: Final = (
    (Kind.ORDER, "buyer_id_number"),
    (Kind.PAYMENT, "payer_id_number"),
    (Kind.INVENTORY, "buyer_id_number"),
)
_YUAN: Final = ("wanted", YUAN_CODE)
_NEEDED: Final[dict[str, tuple[str, ...]]] = {
    TradeMode.DIRECT: ("traf_no", "voyage_no", "bill_no"),
    TradeMode.BONDED: ("ems_no", "area_code", "area_name"),
}


def _same(left: object, right: object, field: str) -> bool:
    if isinstance(left, str) and isinstance(right, str):
        left, right = normal_text(left), normal_text(right)
        return left.upper() == right.upper() if field.endswith("id_number") else left == right
    return left == right


def _text(value: object) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else "" if value is None else str(value)


def _compared(
    rule: str, here: tuple[Kind, str, object], there: tuple[Kind, str, object], line: int | None = None
) -> Iterator[Finding]:
    """Nothing where either side is absent or both agree; `unverifiable` where either is masked and they differ."""
    (kind, field, value), (other_kind, other_field, other) = here, there
    if value is None or other is None or _same(value, other, field):
        return
    masked = any(isinstance(side, str) and is_masked(side) for side in (value, other))
    severity = Severity.UNVERIFIABLE if masked else Severity.BLOCK
    yield Finding(
        rule, severity, Cited(kind, field, _text(value)), Cited(other_kind, other_field, _text(other)), line=line
    )


def _against(
    rule: str, here: tuple[str, Decimal], there: tuple[str, Decimal], severity: Severity = Severity.BLOCK
) -> Finding:
    """An amount of the order held against one that was computed."""
    left, right = (Cited(Kind.ORDER, field, _text(value)) for field, value in (here, there))
    return Finding(rule, severity, left, right)


def _wrong(
    rule: str, kind: Kind, field: str, value: object, wanted: tuple[str, object], line: int | None = None
) -> Finding:
    """A value held against what the rule wants in its place: the name and value of that."""
    name, right = wanted
    return Finding(rule, Severity.BLOCK, Cited(kind, field, _text(value)), Cited(kind, name, _text(right)), line=line)


def _between_documents(papers: Papers) -> Iterator[Finding]:
    for rule, kind, field, other_kind, other_field in _PAIRS:
        here, there = getattr(papers, kind), getattr(papers, other_kind)
        if here is not None and there is not None:
            left, right = getattr(here, field), getattr(there, other_field)
            yield from _compared(rule, (kind, field, left), (other_kind, other_field, right))


def _paired(order: OrderDocument, inventory: InventoryDocument) -> list[tuple[OrderItem, InventoryItem]]:
    """Lines of the same number, of numbers that are unique on both sides."""
    ordered, declared = (Counter(item.number for item in document.items) for document in (order, inventory))
    ours = {item.number: item for item in order.items if ordered[item.number] == declared[item.number] == 1}
    return [(ours[item.number], item) for item in inventory.items if item.number in ours]


def _lines(order: OrderDocument, inventory: InventoryDocument) -> Iterator[Finding]:
    numbers = [item.number for item in inventory.items]
    wanted = [item.number for item in order.items]
    if numbers != list(range(1, len(numbers) + 1)) or sorted(numbers) != sorted(wanted):
        yield Finding(
            "R12",
            Severity.BLOCK,
            Cited(Kind.INVENTORY, "number", " ".join(map(str, numbers))),
            Cited(Kind.ORDER, "number", " ".join(map(str, wanted))),
        )
    for ours, theirs in _paired(order, inventory):
        for rule, field, other in _LINE_PAIRS:
            here = (Kind.INVENTORY, field, getattr(theirs, field))
            yield from _compared(rule, here, (Kind.ORDER, other, getattr(ours, other)), theirs.number)


def _sums(order: OrderDocument) -> Iterator[Finding]:
    due = order.goods_value + order.freight + order.tax_total - order.discount
    if order.actual_paid != due:
        yield _against("R03", ("actual_paid", order.actual_paid), ("sum", due))
    goods = sum((item.total_price for item in order.items), Decimal(0))
    if order.goods_value != goods:
        yield _against("R16", ("goods_value", order.goods_value), ("sum", goods))


def _products(kind: Kind, document: OrderDocument | InventoryDocument) -> Iterator[Finding]:
    for item in document.items:
        if item.total_price != item.price * item.qty:
            product = ("price x qty", item.price * item.qty)
            yield _wrong("R15", kind, "total_price", item.total_price, product, item.number)


def _each_document(papers: Papers) -> Iterator[Finding]:
    for kind in (Kind.ORDER, Kind.PAYMENT, Kind.WAYBILL, Kind.INVENTORY):
        document = getattr(papers, kind)
        if document is not None and document.currency != YUAN_CODE:
            yield _wrong("R17", kind, "currency", document.currency, _YUAN)
    for lined in (papers.order, papers.inventory):
        if lined is not None:
            kind = Kind.ORDER if isinstance(lined, OrderDocument) else Kind.INVENTORY
            yield from _products(kind, lined)
            yield from (
                _wrong("R17", kind, "currency", item.currency, _YUAN, item.number)
                for item in lined.items
                if item.currency != YUAN_CODE
            )
    for packed in (papers.waybill, papers.inventory):
        if packed is not None and packed.pack_no != 1:
            kind = Kind.WAYBILL if isinstance(packed, WaybillDocument) else Kind.INVENTORY
            yield _wrong("R18", kind, "pack_no", packed.pack_no, ("wanted", 1))


def _identity(papers: Papers) -> Iterator[Finding]:
    for kind, field in _ID_NUMBERS:
        document = getattr(papers, kind)
        number = "" if document is None else normal_text(getattr(document, field)).upper()
        if document is not None and not id_number_is_valid(number):
            severity = Severity.UNVERIFIABLE if is_masked(number) else Severity.BLOCK
            wanted = Cited(kind, "wanted", "18 digits, the last one checks")
            yield Finding("R24", severity, Cited(kind, field, number), wanted)


def _mode(inventory: InventoryDocument) -> Iterator[Finding]:
    needed = _NEEDED.get(inventory.trade_mode, ())
    wanted = ("trade_mode", inventory.trade_mode)
    yield from (_wrong("R19", Kind.INVENTORY, field, "", wanted) for field in needed if not getattr(inventory, field))
    if inventory.trade_mode == TradeMode.BONDED:
        if inventory.country != CHINA:
            yield _wrong("R19", Kind.INVENTORY, "country", inventory.country, ("wanted", CHINA))
        yield from (
            _wrong("R19", Kind.INVENTORY, "item_record_no", "", wanted, item.number)
            for item in inventory.items
            if not item.item_record_no
        )


def _inventory(inventory: InventoryDocument, terms: Terms) -> Iterator[Finding]:
    yield from _mode(inventory)
    parties = (inventory.ebp_code, inventory.ebc_code, inventory.logistics_code)
    if inventory.assure_code not in parties:
        yield _wrong("R23", Kind.INVENTORY, "assure_code", inventory.assure_code, ("one of", " ".join(parties)))
    for item in inventory.items:
        listed = terms.goods_list is None or item.hs_code in terms.goods_list
        if not listed or len(item.hs_code) != 10 or not item.hs_code.isdecimal():
            yield _wrong("R25", Kind.INVENTORY, "hs_code", item.hs_code, ("wanted", "on the list"), item.number)
    if not inventory.gross_kg >= inventory.net_kg > 0:
        yield _wrong("R27", Kind.INVENTORY, "gross_kg", inventory.gross_kg, ("net_kg", inventory.net_kg))


def _limits(order: OrderDocument, terms: Terms) -> Iterator[Finding]:
    """Measured on goods + freight; an article more than one makes the single limit hard."""
    base = sum((item.total_price for item in order.items), order.freight)
    single, annual = yuan(terms.limits.single), yuan(terms.limits.annual)
    if base > single and sum((item.qty for item in order.items), Decimal(0)) != 1:
        yield _against("R21", ("base", base), ("limit", single))
    year = yuan(terms.used) + base
    if year > annual:
        yield _against("R22", ("year", year), ("limit", annual))


def _taxable(order: OrderDocument, inventory: InventoryDocument, terms: Terms) -> list[Taxable] | None:
    """None where a line has no rates or no partner line: other rules speak then."""
    pairs = _paired(order, inventory)
    rates = [None if terms.rates is None else terms.rates(theirs) for _, theirs in pairs]
    known = [(ours, theirs, rate) for (ours, theirs), rate in zip(pairs, rates, strict=True) if rate is not None]
    if not known or len(known) != len(order.items):
        return None
    return [Taxable(fen(ours.total_price), rate, theirs.qty_1) for ours, theirs, rate in known]


def _tax(order: OrderDocument, inventory: InventoryDocument, terms: Terms) -> Iterator[Finding]:
    """R26 only warns: how customs round is not documented, so a fen of difference must not stop an order."""
    try:
        lines = _taxable(order, inventory, terms)
        if lines is None:
            return
        insurance = fen(inventory.insured_fee)
        freight, goods = fen(order.freight) - insurance, sum((line.total.minor for line in lines), 0)
        articles = int(sum((item.qty for item in order.items), Decimal(0)))
        treatment = treatment_of(Money(goods, "CNY") + freight + insurance, articles, terms.limits)
        if treatment is None:
            return
        expected = tax(lines, freight=freight, insurance=insurance, treatment=treatment).tax
    except BadInput:  # fractions of a fen or lines below zero: the schema and R15 report them
        return
    if order.tax_total != yuan(expected):
        yield _against("R26", ("tax_total", order.tax_total), ("computed", yuan(expected)), Severity.WARN)


def match(papers: Papers, terms: Terms) -> tuple[Finding, ...]:
    """Every finding, in the order of the documents; an empty tuple means: send."""
    found = [*_between_documents(papers), *_each_document(papers), *_identity(papers)]
    if papers.order is not None:
        found += [*_sums(papers.order), *_limits(papers.order, terms)]
    if papers.inventory is not None:
        found += _inventory(papers.inventory, terms)
    if papers.order is not None and papers.inventory is not None:
        found += [*_lines(papers.order, papers.inventory), *_tax(papers.order, papers.inventory, terms)]
    return tuple(found)
