"""What one order does to us. Drawn from a seed, so that a run can be repeated; every kind is named in the books."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

COMPLETED: Final = "completed"


@dataclass(frozen=True, slots=True)
class Kind:
    """weight: relative frequency among misbehaving orders. expected: outcome class when nothing else decides.

    at: which shops can do it: "any", or the traits that they need, with a space between.
    """

    weight: float
    expected: str = COMPLETED
    reason: str = ""
    at: str = "own"

    def fits(self, shop: str) -> bool:
        return self.at == "any" or TRAITS[shop].issuperset(self.at.split())

    @property
    def ends(self) -> bool:
        return self.expected != COMPLETED


# What a shop is: who collects and declares, by which way, through which wallet.
TRAITS: Final[Mapping[str, frozenset[str]]] = {
    "nairobi-roasters": frozenset({"own", "bonded", "shopify", "wechat"}),
    "lamu-tea-house": frozenset({"own", "direct", "standard", "alipay"}),
    "savanna-red": frozenset({"channel", "bonded", "xiaohongshu"}),
}
KINDS: Final[dict[str, Kind]] = {
    # The order completes all the same.
    "duplicate_pushes": Kind(4, at="any"),  # every push of every partner about this order is sent twice
    "delayed_create": Kind(2),  # the shop's first deliveries are lost on the way; a retry brings the bytes
    "receipts_reversed": Kind(3),  # 800 arrives before 120
    "tracking_reversed": Kind(3, at="any"),  # signed for before it was accepted
    "inspection": Kind(1),  # 500, then 800
    "pay_twice": Kind(2),  # one attempt, two charges
    "forged_create": Kind(2, at="any"),  # somebody else pushes the order first, with a wrong signature
    "forged_notice": Kind(2),  # a payment notification that WeChat did not sign
    "unknown_topic": Kind(2, at="any"),  # authentic, about nothing we know
    "slow_booking": Kind(1),  # the carrier books at once and answers late
    "bag_offloaded": Kind(2, at="direct"),  # direct mail: it misses its first flight
    "address_unclear": Kind(3),  # customs rejects; the operator corrects the address
    "inspected_late": Kind(1),  # 800, then 500 all the same, then 800
    "silent_customs": Kind(1),  # no receipt of the inventory until the same bytes come again
    "wrong_identity": Kind(2),  # an ID number with a slip of the pen, then the right one
    "payer_differs": Kind(2),  # somebody else's wallet; that money comes back, the buyer pays from an own one
    "confirms_receipt": Kind(3, at="standard"),  # the buyer says so, before the hold period is over
    "pushes_in_a_row": Kind(3, at="channel"),  # three pushes before anybody has fetched the order
    "seen_unpaid": Kind(2, at="channel"),  # the platform tells of the order before it is paid
    # The order ends otherwise, or waits for a person.
    "never_pays": Kind(3, "cancelled", "payment_overdue"),
    "cancel_before_create": Kind(2, "cancelled", "buyer"),
    "cancel_unpaid": Kind(3, "cancelled", "buyer"),
    "cancel_paid": Kind(3, "cancelled", "buyer"),
    "cancel_declared": Kind(3, "cancelled", "buyer"),  # the declaration is on its way: 623, or 625
    "release_wins": Kind(2, "cancelled", "buyer"),  # 800 beats the 623 that is on its way: 625
    "returned_abroad": Kind(1, "cancelled", "returned_abroad"),  # 500, then 700
    "over_the_year": Kind(1, "cancelled", "declaration_refused"),  # only customs knew what the buyer bought elsewhere
    "detained": Kind(1, "waiting:customs"),  # 501, and nothing more
    "cancel_released": Kind(3, "cancelled", "buyer"),  # customs has let it through: 625, or stopped on the road
    "pays_late": Kind(2, "cancelled", "payment_overdue"),  # the charge comes after the attempt was closed
    "cancel_exited": Kind(2, "cancelled", "buyer"),  # the carrier is told to turn round
    "refused_at_door": Kind(2, "cancelled", "parcel_returned"),  # it comes all the way back
    "lost_parcel": Kind(1, "waiting:parcel_lost", at="direct"),  # the carrier gives it up
    "lost_and_found": Kind(1, "waiting:parcel_lost", at="direct"),  # given up, and delivered all the same: a case
    "channel_unpaid": Kind(3, "cancelled", "cancelled_at_channel", at="channel"),
    "channel_refunded": Kind(3, "cancelled", "refunded_at_channel", at="channel"),
    "channel_short": Kind(2, "waiting:shortage", at="channel"),  # paid there, and not in stock
    "sku_short": Kind(3, "cancelled", "stock_short"),
    "wrong_amount": Kind(1, "waiting:payment_audit"),
    "paid_abroad": Kind(2, "waiting:payment_not_declarable"),
    "forged": Kind(1, "refused", at="any"),  # only a forgery: no such order may exist
}


@dataclass(frozen=True, slots=True)
class Plan:
    kinds: frozenset[str]
    expected: str
    reason: str = ""

    def __contains__(self, kind: object) -> bool:
        return kind in self.kinds


def plan_of(*kinds: str, expected: Mapping[str, str] | None = None) -> Plan:
    """The plan that does exactly these things; an ending decides what is expected."""
    unknown = set(kinds) - set(KINDS)
    if unknown:
        raise ValueError(f"unknown misbehaviour: {', '.join(sorted(unknown))}")
    overrides = expected or {}
    for kind in kinds:
        outcome = overrides.get(kind, KINDS[kind].expected)
        if outcome != COMPLETED:
            return Plan(frozenset(kinds), outcome, KINDS[kind].reason)
    return Plan(frozenset(kinds), COMPLETED)


def draw(
    rng: random.Random,
    share: float,
    weights: Mapping[str, float],
    expected: Mapping[str, str],
    shop: str = "nairobi-roasters",
) -> Plan:
    """`share` of the orders misbehave, each as its shop can; a third of those do a second, harmless thing as well."""
    if rng.random() >= share:
        return plan_of()
    weighed = {name: weights.get(name, kind.weight) for name, kind in KINDS.items() if kind.fits(shop)}
    first = rng.choices(list(weighed), list(weighed.values()))[0]
    harmless = [name for name, weight in weighed.items() if not KINDS[name].ends and weight > 0]
    second = [rng.choice(harmless)] if harmless and rng.random() < 1 / 3 and first != "forged" else []
    return plan_of(first, *(name for name in second if name != first), expected=expected)


def chance(seed: int, *key: str) -> float:
    """A number in [0, 1) that is always the same for the same key: faults do not depend on timing."""
    raw = hashlib.blake2b("\x1f".join([str(seed), *key]).encode(), digest_size=8).digest()
    return int.from_bytes(raw, "big") / 2**64
