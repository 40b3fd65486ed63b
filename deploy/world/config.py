"""The world's one configuration file. README.md shows it whole; only `base`, `secrets` and `tokens` have no default."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Final, Self, TypeVar

T = TypeVar("T")


class BadConfig(Exception):
    """The file cannot be used; the message names the key."""


@dataclass(frozen=True, slots=True)
class Sku:
    sku: str
    title: str
    price_minor: int
    grams: int
    product_id: int
    variant_id: int


@dataclass(frozen=True, slots=True)
class Tokens:
    seller: str = field(repr=False)
    operator: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Doors:
    """Where the services listen, door by door; an empty one is `base` with the usual path."""

    orders_api: str = ""
    shopify: str = ""
    cainiao: str = ""
    warehouse: str = ""
    customs: str = ""

    PATHS: ClassVar[Mapping[str, str]] = {
        "orders_api": "/v1/orders",
        "shopify": "/hooks/shopify",
        "cainiao": "/webhooks/logistics/cainiao",
        "warehouse": "/webhooks/logistics/warehouse",
        "customs": "/webhooks/customs/dxp",
    }

    def on(self, base: str) -> Self:
        return replace(self, **{name: getattr(self, name) or base + path for name, path in self.PATHS.items()})


@dataclass(frozen=True, slots=True)
class Shop:
    api_version: str = "2026-01"
    skus: tuple[Sku, ...] = ()
    short_sku: str = ""  # sold by the shop, not in stock: what `sku_short` orders
    freight_minor: int = 0
    max_lines: int = 2
    max_quantity: int = 2


@dataclass(frozen=True, slots=True)
class WeChatPay:
    """What the provider has on file about the merchant and about itself at customs."""

    pay_code: str = "4403169D3W"
    pay_name: str = "财付通支付科技有限公司"
    mch_customs_no: str = "3599TEST01"
    ebp_code: str = "9999A60001"
    ebp_name: str = "双城走廊跨境电商平台（测试）"
    probe_share: float = 0.02  # of the notifications are preceded by a signature probe
    respect_expiry: bool = True


@dataclass(frozen=True, slots=True)
class CustomsWindow:
    require_envelope_signature: bool = False
    require_order_signature: bool = False
    match: bool = True


@dataclass(frozen=True, slots=True)
class Cainiao:
    """Message types are agreed per partner; ours are not confirmed by any document."""

    logistics_code: str = "9999L60004"
    logistics_name: str = "双城速递（测试）有限公司"
    from_code: str = "CNCTP"
    resource_code: str = "TRAN_STORE_TEST01"
    book_msg_type: str = "CORRIDOR_WAYBILL_BOOK"
    cancel_msg_type: str = "CORRIDOR_WAYBILL_CANCEL"
    declared_msg_type: str = "CORRIDOR_WAYBILL_DECLARED"
    event_msg_type: str = "CAINIAO_GLOBAL_PARCEL_EVENT_CALLBACK"
    events: tuple[str, ...] = (
        "PU_PICKUP_SUCCESS",
        "GTMS_ACCEPT",
        "GTMS_SC_ARRIVE",
        "GTMS_DO_DEPART",
        "GTMS_SIGNED",
    )


@dataclass(frozen=True, slots=True)
class Durations:
    """How long things take in life, in seconds; divided by `time_scale`."""

    buyer: float = 60
    notice: float = 1
    payment_declared: float = 300
    refund_done: float = 600
    receipt: float = 15
    release: float = 60
    inspection: float = 7200
    examination: float = 300
    waybill_declared: float = 60
    packing: float = 1800
    exit: float = 1800
    leg: float = 21600
    correction: float = 3600


@dataclass(frozen=True, slots=True)
class Faults:
    """Share of answers of the partners (first call of each key) that go wrong while a run misbehaves."""

    server_error: float = 0.02  # 503, nothing happened
    lost: float = 0.02  # it happened, the connection breaks before the answer
    late: float = 0.0  # it happened, the answer takes `late_seconds`
    late_seconds: float = 12.0


@dataclass(frozen=True, slots=True)
class Config:
    base: str
    secrets: Path
    tokens: Tokens
    doors: Doors = Doors()
    time_scale: float = 1.0
    retry_scale: float = 0.0  # of the retry schedules only; 0: min(time_scale, 60)
    patience_seconds: float = 120.0  # real seconds that a buyer waits for a QR
    connections: int = 64
    open_orders: int = 200  # journeys at once; a journey ends with the payment
    seed: int = 1
    shop: Shop = Shop()
    wechat: WeChatPay = WeChatPay()
    customs: CustomsWindow = CustomsWindow()
    cainiao: Cainiao = Cainiao()
    durations: Durations = Durations()
    faults: Faults = Faults()
    misbehaviour: Mapping[str, float] = field(default_factory=dict)  # kind → weight; see plan.py for the defaults
    expected: Mapping[str, str] = field(default_factory=dict)  # kind → outcome class, where a service rules otherwise

    @property
    def retries_divided_by(self) -> float:
        return self.retry_scale or min(max(self.time_scale, 1.0), 60.0)

    @classmethod
    def load(cls, path: Path) -> Self:
        try:
            raw = json.loads(path.read_text())
        except ValueError as error:
            raise BadConfig(f"{path}: {error}") from error
        return cls.of(raw)

    @classmethod
    def of(cls, raw: Mapping[str, Any]) -> Self:
        made: dict[str, Any] = {name: _section(kind, raw[name]) for name, kind in SECTIONS.items() if name in raw}
        config = _section(cls, {**raw, **made, "secrets": Path(raw.get("secrets", ""))})
        shop = config.shop if config.shop.skus else replace(config.shop, skus=SKUS, short_sku="KE-COF-SHORT")
        return replace(config, doors=config.doors.on(config.base.rstrip("/")), shop=shop)


SKUS: Final = (
    Sku("KE-COF-227", "烘焙咖啡豆 肯尼亚AA 227克 Kenya AA coffee 227 g", 12900, 227, 7900000000001, 43900000000001),
    Sku("KE-COF-454", "烘焙咖啡豆 肯尼亚AA 454克 Kenya AA coffee 454 g", 23800, 454, 7900000000002, 43900000000002),
    Sku("KE-TEA-100", "肯尼亚红茶 100克 Kenya black tea 100 g", 5900, 100, 7900000000003, 43900000000003),
    Sku("KE-COF-SHORT", "烘焙咖啡豆 限量 Kenya peaberry, limited lot", 18800, 250, 7900000000009, 43900000000009),
)
SECTIONS: Final[dict[str, type[Any]]] = {
    "tokens": Tokens,
    "doors": Doors,
    "shop": Shop,
    "wechat": WeChatPay,
    "customs": CustomsWindow,
    "cainiao": Cainiao,
    "durations": Durations,
    "faults": Faults,
}


def _section(kind: type[T], raw: Mapping[str, Any]) -> T:
    known = {one.name for one in fields(kind)}  # type: ignore[arg-type]
    unknown = set(raw) - known
    if unknown:
        raise BadConfig(f"unknown keys of {kind.__name__}: {', '.join(sorted(unknown))}")
    values = {name: tuple(value) if isinstance(value, list) else value for name, value in raw.items()}
    if kind is Shop:
        values["skus"] = tuple(_section(Sku, one) for one in raw.get("skus", ()))
    try:
        return kind(**values)
    except TypeError as error:
        raise BadConfig(f"{kind.__name__}: {error}") from error
