"""Orders as channels tell them, and what the doors make of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final

from services.orders.canonical import (
    Amounts,
    CanonicalOrder,
    ChannelHold,
    ChannelStatus,
    CustomsNote,
    Line,
    OrderKind,
    Payment,
    Recipient,
)
from services.orders.commands import OrderNamed, Pushed
from services.orders.placing import (
    Connection,
    Snapshot,
    cancelled,
    hold_of,
    order_of,
    paid_elsewhere,
    without_people,
)
from shared.corridor import Corridor, load_corridor
from shared.events.values import Sealed
from shared.ids import OrderId, order_id
from shared.money import Money
from tests.flows.partners.channel import Shown
from tests.flows.people import recipient

START: Final = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
PROFILE: Final = Path(__file__).parents[2] / "deploy" / "corridors" / "mombasa-fuzhou.toml"
SEED: Final = PROFILE.with_name("mombasa-fuzhou.catalog.toml")
COFFEE, BIG_COFFEE, TEA, SHORT = "KE-COF-227", "KE-COF-454", "KE-TEA-100", "KE-COF-SHORT"
LAMU_TEA = "LM-TEA-100"


@cache
def corridor() -> Corridor:
    return load_corridor(PROFILE)


@dataclass(frozen=True, slots=True)
class Sold:
    """One line as the buyer bought it; `price` in fen (or cents) of one piece."""

    sku: str
    price: int
    quantity: int = 1


@cache
def connection(id_: str, channel: str, shop: str) -> Connection:
    profile = corridor()
    of = profile.shop_of(shop)
    return Connection(id_, channel, f"{shop}.example", of, profile.flow_of(of.flows[0]))


NAIROBI: Final = connection("nairobi-roasters-shopify", "shopify", "nairobi-roasters")
LAMU: Final = connection("lamu-tea-house-standard", "standard_webhooks", "lamu-tea-house")
SAVANNA: Final = connection("savanna-red-xiaohongshu", "xiaohongshu", "savanna-red")


def number(of: Connection, external_id: str) -> OrderId:
    return order_id(of.id, external_id)


def canonical(
    of: Connection,
    external_id: str,
    sold: Sequence[Sold],
    *,
    status: ChannelStatus = ChannelStatus.PENDING,
    currency: str = "CNY",
    at: datetime = START,
    **more: Any,
) -> CanonicalOrder:
    none, lines = Money.zero(currency), tuple(_line(n, each, currency) for n, each in enumerate(sold, start=1))
    goods = sum((line.gross for line in lines), none)
    values: dict[str, Any] = {
        "marketplace": of.channel,
        "shop_id": of.shop.id,
        "external_order_id": external_id,
        "external_status": status.value,
        "status": status,
        "hold": None,
        "order_kind": OrderKind.NORMAL,
        "currency": currency,
        "amounts": Amounts(goods, none, none, none, none, None, True, none, goods, none),
        "lines": lines,
        "buyer": None,
        "recipient": Recipient.absent(),
        "payment": None,
        "customs": None,
        "shipments": (),
        "refunds": (),
        "created_at": START,
        "updated_at": at,
    }
    return CanonicalOrder(**{**values, **more})


def _line(n: int, sold: Sold, currency: str) -> Line:
    price, none = Money(sold.price, currency), Money.zero(currency)
    gross = Money(sold.price * sold.quantity, currency)
    return Line(
        str(n), None, None, sold.sku, "烘焙咖啡豆", sold.quantity, sold.quantity, price, gross, none, none, gross
    )


def pushed(of: Connection, order: CanonicalOrder, to: Sealed | None = None) -> Pushed:
    """As doors hand it in; the recipient is sealed there."""
    to = to or recipient()
    elsewhere = of.shop.collected_by == "self" and paid_elsewhere(order)
    return Pushed(
        order_of(order, of, to), Snapshot(without_people(order), ""), cancelled(order), elsewhere, hold_of(order),
        to.fingerprint,
    )  # fmt: skip


# --- a channel that shows its orders only to who asks -----------------------------------------------------------------

PAID: Final = {"status": ChannelStatus.PAID, "paid_at": START, "hold": ChannelHold.PLATFORM_HOLD}
CLEARING: Final = {"status": ChannelStatus.DECLARED, "paid_at": START, "hold": ChannelHold.CUSTOMS}
CLEARED: Final = {"status": ChannelStatus.DECLARED, "paid_at": START}
SHIPPED: Final = {"status": ChannelStatus.SHIPPED, "paid_at": START}
COMPLETED: Final = {"status": ChannelStatus.COMPLETED, "paid_at": START}
CANCELLED: Final = {"status": ChannelStatus.CANCELLED, "paid_at": START}


def shown(
    external_id: str, *stages: dict[str, Any], sold: Sequence[Sold] = (Sold(COFFEE, 12900),), stays: int = 0
) -> Shown:
    """An order of the third shop, stage by stage, each a second younger than the one before."""
    note = CustomsNote("bonded", id_verified=True, id_ref=None, declared_tax=None, port=None)
    paid = Payment("alipay", "P1", "C1")
    snapshots = (
        canonical(SAVANNA, external_id, sold, at=START + timedelta(seconds=n), customs=note, payment=paid, **stage)
        for n, stage in enumerate(stages)
    )
    named = OrderNamed(number(SAVANNA, external_id), SAVANNA, external_id)
    return Shown(named, tuple(pushed(SAVANNA, each) for each in snapshots), stays)
