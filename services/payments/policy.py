"""What the corridor profile says about money, shop by shop, and how long things may take. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from services.payments.ledger import Parties, Terms
from shared.clock import scaled
from shared.corridor import Corridor, Shop
from shared.errors import BadInput

# The provider's own pace, real time: when to ask about an open attempt if no notification came.
# Source: WeChat Pay documentation of the order query, polling plan, as of mid 2026.
QUERY_PLAN: Final = tuple(timedelta(seconds=s) for s in (30, 60, 180, 300, 600, 1800))
# After every quick try is used up: idempotent calls go on at this pace, and the case is visible meanwhile.
SLOWLY: Final = timedelta(minutes=10)
# Two refunds of one payment must be a minute apart (WeChat Pay, refund rules, as of mid 2026).
BETWEEN_REFUNDS: Final = timedelta(minutes=1)
# Business time. WeChat sends payment documents in batches within minutes; a refund takes minutes to days.
DECLARE_PLAN: Final = tuple(timedelta(minutes=m) for m in (6, 2, 2, 5, 10, 30, 60))
REFUND_PLAN: Final = tuple(timedelta(minutes=m) for m in (30, 60, 180, 720, 1440))


@dataclass(frozen=True, slots=True)
class ShopTerms:
    """`place`: the provider's own word for the customs office where this shop's payments are declared; "" not by us."""

    seller: str
    provider: str
    marketplace: str
    carrier: str
    terms: Terms
    place: str
    merchant_customs_no: str

    def parties(self, order_id: str) -> Parties:
        return Parties(order_id, self.seller, self.provider, self.carrier, self.marketplace)


@dataclass(frozen=True, slots=True)
class Policy:
    shops: Mapping[str, ShopTerms]
    time_scale: float = 1.0

    def shop(self, shop: str) -> ShopTerms:
        if shop not in self.shops:
            raise BadInput(f"the corridor profile collects no money for shop {shop!r}", where="shop")
        return self.shops[shop]

    def after(self, now: datetime, duration: timedelta) -> datetime:
        return now + scaled(duration, self.time_scale)

    def check(self, now: datetime, plan: tuple[timedelta, ...], round_: int) -> datetime:
        """When to ask the `round_`-th time (from 0), in business time; the plan's last pause repeats."""
        return self.after(now, plan[min(round_, len(plan) - 1)])


def policy_of(corridor: Corridor, time_scale: float = 1.0) -> Policy:
    """Every shop whose money we collect. A shop that must declare where its provider cannot is BadInput, at start."""
    own = [shop for shop in corridor.shop if shop.collected_by == "self"]
    return Policy({shop.id: _terms(corridor, shop) for shop in own}, time_scale)


def _terms(corridor: Corridor, shop: Shop) -> ShopTerms:
    payment, marketplace = corridor.payment_of(shop.payment), corridor.marketplace_of(shop.marketplace)
    terms = Terms(Decimal(payment.fee), payment.fee_returned, Decimal(marketplace.commission))
    place = ""
    if shop.declared_by.payment == "partner":
        office = corridor.warehouse_of(shop.warehouse).customs
        place = payment.declares_to.get(office, "")
        if not place:
            raise BadInput(f"{payment.id} declares nothing at office {office}", where=f"shop.{shop.id}.declared_by")
    return ShopTerms(shop.seller, payment.id, marketplace.id, shop.carrier, terms, place, shop.mch_customs_no)
