"""What the corridor profile says about money, shop by shop, and how long things may take. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from services.payments.ledger import Parties, Taxed, Terms
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
# Seconds. Alipay knows of a refund ten seconds after it was asked at the earliest (refund query, as of mid 2026).
REFUND_BACKOFF: Final = (10.0, 30.0, 120.0, 600.0)
# Business time. WeChat sends payment documents in batches within minutes; a refund takes minutes to days.
DECLARE_PLAN: Final = tuple(timedelta(minutes=m) for m in (6, 2, 2, 5, 10, 30, 60))
REFUND_PLAN: Final = tuple(timedelta(minutes=m) for m in (30, 60, 180, 720, 1440))


@dataclass(frozen=True, slots=True)
class ShopTerms:
    """`provider`: who has the buyer's money, a payment provider or the marketplace itself.

    `place`: the provider's own word for the customs office where this shop's payments are declared; "" not by us.
    """

    seller: str
    provider: str
    marketplace: str
    carrier: str
    terms: Terms
    place: str
    merchant_customs_no: str
    merchant_customs_name: str = ""
    collects: bool = True

    def parties(self, order_id: str, provider: str = "", taxed: Taxed = "us") -> Parties:
        provider = provider or self.provider
        return Parties(order_id, self.seller, provider, self.carrier, self.marketplace, taxed=taxed)


@dataclass(frozen=True, slots=True)
class Policy:
    shops: Mapping[str, ShopTerms]
    time_scale: float = 1.0

    def shop(self, shop: str) -> ShopTerms:
        if shop not in self.shops:
            raise BadInput(f"the corridor profile has no money of shop {shop!r}", where="shop")
        return self.shops[shop]

    def collecting(self, shop: str) -> ShopTerms:
        """A shop whose money we ask for ourselves."""
        terms = self.shop(shop)
        if not terms.collects:
            raise BadInput(f"the marketplace collects the money of shop {shop!r}", where="shop")
        return terms

    def observed(self, shop: str, seller: str) -> str:
        """The shop whose money its marketplace collects; the seller's only one where the fact names none."""
        theirs = [name for name, terms in self.shops.items() if terms.seller == seller and not terms.collects]
        if shop in theirs or (not shop and len(theirs) == 1):
            return shop or theirs[0]
        raise BadInput(f"no marketplace collects for {seller!r}, or several do", where="shop")

    def after(self, now: datetime, duration: timedelta) -> datetime:
        return now + scaled(duration, self.time_scale)

    def check(self, now: datetime, plan: tuple[timedelta, ...], round_: int) -> datetime:
        """When to ask the `round_`-th time (from 0), in business time; the plan's last pause repeats."""
        return self.after(now, plan[min(round_, len(plan) - 1)])


def policy_of(corridor: Corridor, time_scale: float = 1.0) -> Policy:
    """Every shop's money. A shop that must declare where its provider cannot is BadInput, at start."""
    kinds = {"self": _terms, "channel": _observed}
    return Policy({shop.id: kinds[shop.collected_by](corridor, shop) for shop in corridor.shop}, time_scale)


def _terms(corridor: Corridor, shop: Shop) -> ShopTerms:
    payment, marketplace = corridor.payment_of(shop.payment), corridor.marketplace_of(shop.marketplace)
    terms = Terms(Decimal(payment.fee), payment.fee_returned, Decimal(marketplace.commission))
    place = ""
    if shop.declared_by.payment == "partner":
        office = office_of(corridor, shop)
        place = payment.declares_to.get(office, "")
        if not place:
            raise BadInput(f"{payment.id} declares nothing at office {office}", where=f"shop.{shop.id}.declared_by")
    name = shop.ebc.name if shop.ebc else ""
    return ShopTerms(shop.seller, payment.id, marketplace.id, shop.carrier, terms, place, shop.mch_customs_no, name)


def _observed(corridor: Corridor, shop: Shop) -> ShopTerms:
    """The marketplace has the money and takes its fees there; nothing is declared by us."""
    marketplace = corridor.marketplace_of(shop.marketplace)
    terms = Terms(Decimal(marketplace.payment_fee), commission=Decimal(marketplace.commission))
    return ShopTerms(shop.seller, marketplace.id, marketplace.id, shop.carrier, terms, "", "", collects=False)


def providers_of(corridor: Corridor) -> tuple[str, ...]:
    """The providers that a shop of ours collects through, in the profile's order."""
    used = {shop.payment for shop in corridor.shop if shop.collected_by == "self"}
    return tuple(payment.id for payment in corridor.payment if payment.id in used)


def office_of(corridor: Corridor, shop: Shop) -> str:
    """The customs office that clears the shop's orders at the destination.

    The warehouse's own where goods wait in the destination's country; else (direct mail) the first office of that
    country that clears by the flow's mode.
    """
    flow = corridor.flow_of(shop.flows[0])
    country = next(city.country for city in corridor.city if city.role == flow.to)
    offices = {office.office: office for office in corridor.customs if office.country == country}
    own = corridor.warehouse_of(shop.warehouse).customs
    if own in offices:
        return own
    return next((name for name, office in offices.items() if flow.customs_mode in office.uses), own)
