"""Values that facts share. Frozen dataclasses: pydantic reads them, domain code needs nothing else to make them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import StringConstraints

from shared.money import Money

CountryCode = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]  # ISO 3166-1 alpha-2
Party = Literal["self", "partner", "platform"]
Role = Literal["import", "export"]


@dataclass(frozen=True, slots=True)
class Sealed:
    """Personal data as it travels: AES-256-GCM under `key_id`, base64 nonce + ciphertext + tag.

    `fingerprint` is keyed and stands for equality without opening; `masked` is what people may see.
    """

    key_id: str
    ciphertext: str
    fingerprint: str
    masked: str


@dataclass(frozen=True, slots=True)
class DeclaredBy:
    """Who sends each of the four documents: we, a partner whom we trigger and await, or the platform whom we
    observe."""

    order: Party
    payment: Party
    waybill: Party
    inventory: Party


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One line as the buyer bought it; `gross` is price x quantity, `discount` its share of the order's discounts."""

    number: int
    sku: str
    title: str
    quantity: int
    unit_price: Money
    gross: Money
    discount: Money


@dataclass(frozen=True, slots=True)
class Amounts:
    """What the buyer was shown, in one currency; `tax` is None where the channel does not itemise it."""

    goods: Money
    shipping: Money
    discount: Money
    tax: Money | None
    tax_included: bool
    total: Money


@dataclass(frozen=True, slots=True)
class Components:
    """What an amount consists of: goods after their discounts, freight, import tax. They sum to it."""

    goods: Money
    freight: Money
    tax: Money


@dataclass(frozen=True, slots=True)
class StockLine:
    """A quantity of one SKU at one location: what a reservation names and a pick order takes."""

    line: int
    sku: str
    quantity: int
    location: str
    lot: str


@dataclass(frozen=True, slots=True)
class Goods:
    """What customs must know of a reserved line: the product version's words and the lot's book entries.

    Weights are grams of one unit; units are customs unit codes; `unit_net` says how many of `unit_1` one piece has
    (decimal text: "0.25" kg); rates are fractions as text ("0.13").
    """

    line: int
    sku: str
    name_zh: str
    hs_code: str
    origin: CountryCode
    spec_zh: str
    unit: str
    unit_1: str
    unit_1_quantity: str
    net_grams: int
    gross_grams: int
    record_no: str
    account_book: str
    duty_rate: str
    vat_rate: str
    consumption_rate: str


@dataclass(frozen=True, slots=True)
class Valuation:
    """Computed once by customs, versioned: what 311 and 621 say and what the buyer is asked."""

    version: int
    goods: Money
    freight: Money
    insurance: Money
    discount: Money
    tax: Money
    total: Money


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not agree or is not allowed, with the fix, for people in two languages."""

    code: str
    field: str
    ours: str
    theirs: str
    fix_en: str
    fix_zh: str
