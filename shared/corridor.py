"""The corridor profile: one city pair as data (`deploy/corridors/*.toml`). Unknown keys are an error; nothing is
secret here."""

from __future__ import annotations

import tomllib
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from shared.errors import BadInput, told
from shared.events.values import DeclaredBy

FlowKind = Literal["direct_mail", "bonded", "export_parcel", "b2b_freight"]


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class City(Table):
    role: Literal["origin", "china"]
    name: dict[str, str]
    country: str
    zone: str
    currency: str
    places: tuple[str, ...]
    aliases: tuple[tuple[str, ...], ...] = ()


class Flow(Table):
    id: str
    kind: FlowKind
    from_: str = Field(alias="from")
    to: str
    documents: tuple[str, ...]
    legs: tuple[str, ...]
    milestones: tuple[str, ...]
    customs_mode: str = ""
    promise: str = ""
    max_value: int = 0
    incoterm: str = ""


class Registration(Table):
    """A company as customs knows it."""

    code: str
    name: str


class Shop(Table):
    id: str
    marketplace: str
    seller: str
    flows: tuple[str, ...]
    collected_by: Literal["self", "channel"]
    tax: Literal["included", "extra"]
    declared_by: DeclaredBy
    payment: str = ""
    carrier: str = ""
    warehouse: str = ""
    ebp: Registration | None = None
    ebc: Registration | None = None
    agent: Registration | None = None
    assure_code: str = ""
    mch_customs_no: str = ""


class Marketplace(Table):
    id: str
    direction: Literal["to_china", "to_origin"]
    currency: str
    commission: str
    payment_fee: str
    deposit: int = 0
    annual_fee: int = 0
    hold_days: int = 15
    buffer: dict[str, Any] = {}
    locales: tuple[str, ...] = ()


class Payment(Table):
    id: str
    currencies: tuple[str, ...]
    fee: str
    fee_returned: bool
    declares_to: dict[str, str] = {}
    share_cap: str = "0"


class Carrier(Table):
    """`books`: the interface that books it, its own id where "". `tracked_by`: who pushes its scans, else `books`."""

    id: str
    kind: str
    books: str = ""
    tracked_by: str = ""
    customs_code: str = ""
    customs_name: str = ""


class Warehouse(Table):
    id: str
    kind: Literal["origin", "bonded", "returns", "overseas"]
    place: str
    customs: str = ""
    ems_no: str = ""
    area: Registration | None = None
    temperature: str = ""


class Customs(Table):
    office: str
    country: str
    system: str
    uses: tuple[str, ...]
    confirmed: bool = False


class GoodsRule(Table):
    need: str
    source: str
    mark: Literal["confirmed", "unconfirmed"]
    from_: date | None = Field(default=None, alias="from")
    to: date | None = None

    def holds(self, day: date) -> bool:
        return (self.from_ is None or self.from_ <= day) and (self.to is None or day <= self.to)


class Goods(Table):
    hs: str
    flows: tuple[str, ...]
    rules: tuple[GoodsRule, ...]


class Promise(Table):
    id: str
    clock_from: str
    due: dict[str, Any]
    cutoff: str = ""
    excludes: tuple[str, ...] = ()
    compensation: dict[str, Any] = {}


class Holiday(Table):
    country: str
    dates: tuple[str, ...]
    stops: tuple[Literal["customs", "linehaul", "last_mile", "factory", "bank"], ...]
    source: str


class Lane(Table):
    id: str
    from_: str = Field(alias="from")
    to: str
    mode: str
    carrier: str
    days: dict[str, int]
    cutoff: str = ""
    vessels_per_week: int = 0
    co2_g_per_tkm: str = "0"
    km: int = 0


class Phase(Table):
    n: int
    deliverables: tuple[dict[str, Any], ...]


class Partnership(Table):
    sister_since: str
    memorandum: dict[str, Any]
    parties: tuple[str, ...]
    committee: dict[str, Any]
    targets: dict[str, Any]
    channels: tuple[str, ...] = ()
    phase: tuple[Phase, ...] = ()


class Fx(Table):
    quote_source: str
    valuation_source: str
    lock_minutes: int
    max_drift: str
    rounding: str


class Preference(Table):
    origin: str
    from_: date = Field(alias="from")
    to: date | None = None
    rate: str
    proof: str
    source: str


class Contingency(Table):
    when: str
    use: dict[str, str]
    until: str


class Corridor(Table):
    """One pair. Look things up by their business name; a missing one is BadInput, not a KeyError."""

    id: str
    title: dict[str, str]
    schema_: Literal[1] = Field(alias="schema")
    home_currency: str
    city: tuple[City, City]
    flow: tuple[Flow, ...]
    marketplace: tuple[Marketplace, ...]
    shop: tuple[Shop, ...]
    payment: tuple[Payment, ...]
    carrier: tuple[Carrier, ...]
    lane: tuple[Lane, ...]
    rate: tuple[dict[str, Any], ...]
    warehouse: tuple[Warehouse, ...]
    customs: tuple[Customs, ...]
    fx: Fx
    promise: tuple[Promise, ...]
    holiday: tuple[Holiday, ...]
    goods: tuple[Goods, ...]
    preference: tuple[Preference, ...] = ()
    contingency: tuple[Contingency, ...] = ()
    partnership: Partnership

    @cached_property
    def _shops(self) -> dict[str, Shop]:
        return {shop.id: shop for shop in self.shop}

    def shop_of(self, shop: str) -> Shop:
        return _found(self._shops, shop, "shop")

    def flow_of(self, flow: str) -> Flow:
        return _found({f.id: f for f in self.flow}, flow, "flow")

    def warehouse_of(self, warehouse: str) -> Warehouse:
        return _found({w.id: w for w in self.warehouse}, warehouse, "warehouse")

    def customs_of(self, office: str) -> Customs:
        return _found({c.office: c for c in self.customs}, office, "customs office")

    def marketplace_of(self, marketplace: str) -> Marketplace:
        return _found({m.id: m for m in self.marketplace}, marketplace, "marketplace")

    def payment_of(self, payment: str) -> Payment:
        return _found({p.id: p for p in self.payment}, payment, "payment provider")


T = TypeVar("T")


def _found(known: dict[str, T], name: str, what: str) -> T:
    if name not in known:
        raise BadInput(f"the corridor profile has no {what} {told(name)!r}", where=what)
    return known[name]


def load_corridor(path: Path) -> Corridor:
    """Read and check a profile; its id is its file name."""
    try:
        corridor = Corridor.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (ValidationError, tomllib.TOMLDecodeError) as error:
        raise BadInput(
            f"{path.name}: {error}", where=path.name, fix="see the profile's schema in shared/corridor.py"
        ) from error
    if corridor.id != path.stem:
        raise BadInput(f"{path.name} says its id is {corridor.id!r}", where="id")
    return corridor
