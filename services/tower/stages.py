"""Where an order is on its way, in one word, and how long that usually takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import Final

from services.tower.story import Story
from shared.clock import scaled


class Stage(StrEnum):
    """For counting and filtering; the order's own tracks say more. In the order of the straight way."""

    RECEIVED = "received"
    PLACED = "placed"
    UNPAID = "unpaid"
    PAID = "paid"
    BOOKED = "booked"
    HANDED_OVER = "handed_over"
    DECLARED = "declared"
    RELEASED = "released"
    MOVING = "moving"
    DELIVERED = "delivered"
    CLOSING = "closing"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


ENDED: Final = frozenset({Stage.COMPLETED, Stage.CANCELLED})
OPEN: Final = tuple(stage for stage in Stage if stage not in ENDED)
_INTENT: Final = {"closing": Stage.CLOSING, "completed": Stage.COMPLETED, "cancelled": Stage.CANCELLED}
_OUTSIDE: Final = frozenset({"exited", "moving", "delivered", "lost", "returned"})
_SENT: Final = frozenset(
    {"submitted", "stored", "held", "detained", "rejected", "clearing", "withdrawing", "withdrawal_refused", "abroad"}
)

# Ours, not a partner's promise: past these a person should look. Moving and delivered come from profile and settings.
_USUAL: Final = {
    Stage.RECEIVED: timedelta(hours=1),
    Stage.PLACED: timedelta(hours=1),
    Stage.UNPAID: timedelta(hours=2),
    Stage.PAID: timedelta(hours=2),
    Stage.BOOKED: timedelta(hours=12),  # direct mail is packed meanwhile
    Stage.HANDED_OVER: timedelta(days=10),
    Stage.DECLARED: timedelta(days=1),
    Stage.RELEASED: timedelta(days=1),
    Stage.MOVING: timedelta(days=12),
    Stage.DELIVERED: timedelta(days=16),
    Stage.CLOSING: timedelta(days=1),
}


def stage_of(story: Story) -> Stage:
    """The deepest point that was passed; leaving the way counts before everything else."""
    if ended := _INTENT.get(story.state("intent")):
        return ended
    carriage = story.carriage
    if carriage and all(state == "delivered" for state in carriage):
        return Stage.DELIVERED
    if any(state in _OUTSIDE for state in carriage):
        return Stage.MOVING
    if story.state("inventory") == "released":
        return Stage.RELEASED
    if story.state("inventory") in _SENT:
        return Stage.DECLARED
    if any(state in ("handed_over", "consolidated") for state in carriage):
        return Stage.HANDED_OVER
    if any(state in ("booked", "packed") for state in carriage):
        return Stage.BOOKED
    return _before_booking(story)


def _before_booking(story: Story) -> Stage:
    money = story.state("money")
    if money in ("covered", "part"):
        return Stage.PAID
    if money or (story.collected_by == "channel" and story.state("assessment")):
        return Stage.UNPAID
    return Stage.RECEIVED if story.state("intent") == "received" else Stage.PLACED


@dataclass(frozen=True)
class Pace:
    """How long a stage usually takes, and how fast this installation's business time runs."""

    limits: Mapping[Stage, timedelta] = field(default_factory=lambda: _USUAL)
    time_scale: float = 1.0

    @classmethod
    def of(cls, *, promise: timedelta, hold: timedelta, time_scale: float) -> Pace:
        """promise: from exit to the door; hold: how long the money waits after delivery. A day more is still usual."""
        day = timedelta(days=1)
        return cls({**_USUAL, Stage.MOVING: promise + day, Stage.DELIVERED: hold + day}, time_scale)

    def limit(self, stage: Stage) -> timedelta | None:
        """In real time; None for an order that has ended."""
        usual = self.limits.get(stage)
        return None if usual is None else scaled(usual, self.time_scale)

    def real(self, business: timedelta) -> timedelta:
        return scaled(business, self.time_scale)
