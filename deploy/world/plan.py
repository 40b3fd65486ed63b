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
    """weight: relative frequency among misbehaving orders. expected: outcome class when nothing else decides."""

    weight: float
    expected: str = COMPLETED
    reason: str = ""

    @property
    def ends(self) -> bool:
        return self.expected != COMPLETED


KINDS: Final[dict[str, Kind]] = {
    # The order completes all the same.
    "duplicate_pushes": Kind(4),  # every push of every partner about this order is sent twice
    "delayed_create": Kind(2),  # the shop's first deliveries are lost on the way; a retry brings the bytes
    "receipts_reversed": Kind(3),  # 800 arrives before 120
    "tracking_reversed": Kind(3),  # signed for before it was accepted
    "inspection": Kind(1),  # 500, then 800
    "pay_twice": Kind(2),  # one attempt, two charges
    "forged_create": Kind(2),  # somebody else pushes the order first, with a wrong signature
    "forged_notice": Kind(2),  # a payment notification that WeChat did not sign
    "unknown_topic": Kind(2),  # authentic, about nothing we know
    "address_unclear": Kind(3),  # customs rejects; the operator corrects the address
    # The order ends otherwise, or waits for a person.
    "never_pays": Kind(3, "cancelled", "payment_overdue"),
    "cancel_before_create": Kind(2, "cancelled", "buyer"),
    "cancel_unpaid": Kind(3, "cancelled", "buyer"),
    "cancel_paid": Kind(3, "cancelled", "buyer"),
    "sku_short": Kind(3, "cancelled", "stock_short"),
    "wrong_amount": Kind(1, "waiting:payment_audit"),
    "paid_abroad": Kind(2, "waiting:payment_not_declarable"),
    "forged": Kind(1, "refused"),  # only a forgery: no such order may exist
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


def draw(rng: random.Random, share: float, weights: Mapping[str, float], expected: Mapping[str, str]) -> Plan:
    """`share` of the orders misbehave; a third of those do a second, harmless thing as well."""
    if rng.random() >= share:
        return plan_of()
    weighed = {name: weights.get(name, kind.weight) for name, kind in KINDS.items()}
    first = rng.choices(list(weighed), list(weighed.values()))[0]
    harmless = [name for name, kind in KINDS.items() if not kind.ends and weighed[name] > 0]
    second = [rng.choice(harmless)] if harmless and rng.random() < 1 / 3 and first != "forged" else []
    return plan_of(first, *(name for name in second if name != first), expected=expected)


def chance(seed: int, *key: str) -> float:
    """A number in [0, 1) that is always the same for the same key: faults do not depend on timing."""
    raw = hashlib.blake2b("\x1f".join([str(seed), *key]).encode(), digest_size=8).digest()
    return int.from_bytes(raw, "big") / 2**64
