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
    """`sellers`: of each further seller by its id; one that has none is asked for with the operator's."""

    seller: str = field(repr=False)
    operator: str = field(repr=False)
    sellers: Mapping[str, str] = field(default_factory=dict, repr=False)

    def of(self, seller: str) -> str:
        return self.sellers.get(seller, self.operator)


@dataclass(frozen=True, slots=True)
class Doors:
    """Where the services listen, door by door; an empty one is `base` with the usual path."""

    orders_api: str = ""
    shopify: str = ""
    standard: str = ""
    xiaohongshu: str = ""
    cainiao: str = ""
    seventeentrack: str = ""
    warehouse: str = ""
    customs: str = ""

    PATHS: ClassVar[Mapping[str, str]] = {
        "orders_api": "/v1/orders",
        "shopify": "/hooks/shopify",
        "standard": "/hooks/standard_webhooks/lamu-tea-house-standard",
        "xiaohongshu": "/hooks/xiaohongshu/savanna-red-xiaohongshu?shop=gz01",
        "cainiao": "/webhooks/logistics/cainiao",
        "seventeentrack": "/webhooks/logistics/17track",
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
class AlipayPay:
    """What the provider has on file about the merchant and about itself at customs."""

    pay_code: str = "31222699S7"
    mch_customs_no: str = "3599TEST02"
    ebp_code: str = "9999A60011"
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
    intercept_msg_type: str = "CORRIDOR_PARCEL_INTERCEPT"
    trace_msg_type: str = "TRACEPUSH"
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
    handover: float = 3600
    consolidation: float = 21600  # how long the hub waits for more parcels
    departure: float = 21600
    flight: float = 43200
    leg: float = 21600
    correction: float = 3600
    clearing: float = 60
    confirmation: float = 3600


@dataclass(frozen=True, slots=True)
class Faults:
    """Share of answers of the partners (first call of each key) that go wrong while a run misbehaves."""

    server_error: float = 0.02  # 503, nothing happened
    lost: float = 0.02  # it happened, the connection breaks before the answer
    late: float = 0.0  # it happened, the answer takes `late_seconds`
    late_seconds: float = 12.0
    failed: float = 0.01  # it happened, the answer is 500


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
    standard: Shop = Shop()
    xiaohongshu: Shop = Shop()
    wechat: WeChatPay = WeChatPay()
    alipay: AlipayPay = AlipayPay()
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
        return replace(
            config,
            doors=config.doors.on(config.base.rstrip("/")),
            shop=_stocked(config.shop, SKUS, "KE-COF-SHORT"),
            standard=_stocked(config.standard, DIRECT_SKUS, "LM-TEA-NONE"),
            xiaohongshu=_stocked(config.xiaohongshu, SKUS, "KE-COF-SHORT"),
        )

    @property
    def grams(self) -> Mapping[str, int]:
        """What one piece of every SKU weighs."""
        return {sku.sku: sku.grams for shop in (self.standard, self.xiaohongshu, self.shop) for sku in shop.skus}


SKUS: Final = (
    Sku("KE-COF-227", "烘焙咖啡豆 肯尼亚AA 227克 Kenya AA coffee 227 g", 12900, 227, 7900000000001, 43900000000001),
    Sku("KE-COF-454", "烘焙咖啡豆 肯尼亚AA 454克 Kenya AA coffee 454 g", 23800, 454, 7900000000002, 43900000000002),
    Sku("KE-TEA-100", "肯尼亚红茶 100克 Kenya black tea 100 g", 5900, 100, 7900000000003, 43900000000003),
    Sku("KE-COF-SHORT", "烘焙咖啡豆 限量 Kenya peaberry, limited lot", 18800, 250, 7900000000009, 43900000000009),
)
DIRECT_SKUS: Final = (
    Sku("LM-TEA-100", "拉穆红茶 100克 Lamu black tea 100 g", 6900, 100, 7900000000011, 43900000000011),
    Sku("LM-TEA-250", "拉穆红茶 250克 Lamu black tea 250 g", 14900, 250, 7900000000012, 43900000000012),
    Sku("LM-COF-227", "烘焙咖啡豆 海岸 227克 Coast roasted coffee 227 g", 11900, 227, 7900000000013, 43900000000013),
    Sku("LM-TEA-NONE", "拉穆白茶 Lamu white tea, not in the catalogue yet", 17900, 50, 7900000000019, 43900000000019),
)
SECTIONS: Final[dict[str, type[Any]]] = {
    "tokens": Tokens,
    "doors": Doors,
    "shop": Shop,
    "standard": Shop,
    "xiaohongshu": Shop,
    "wechat": WeChatPay,
    "alipay": AlipayPay,
    "customs": CustomsWindow,
    "cainiao": Cainiao,
    "durations": Durations,
    "faults": Faults,
}


def _stocked(shop: Shop, skus: tuple[Sku, ...], short_sku: str) -> Shop:
    return shop if shop.skus else replace(shop, skus=skus, short_sku=short_sku)


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
