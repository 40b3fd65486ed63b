"""Why an order stands where it stands, what happens next and who acts: the first thing that its page says.

A reason is a stable word; the sentences for it are in the catalogues (`why.*`, `next.*`), so that old orders read in
every language.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.tower.stages import ENDED, Pace, Stage
from services.tower.story import Level, Story

SLOW: Final = "slow"


@dataclass(frozen=True, slots=True)
class Answer:
    """`owner` is who acts next: buyer, shop, channel, operator, payments, customs, carrier, warehouse or nobody."""

    level: Level
    reason: str
    owner: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that can be wrong. The first of the table that is true is the answer."""

    reason: str
    level: Level
    owner: str
    true_of: Callable[[Story], bool]


def _is(track: str, *states: str) -> Callable[[Story], bool]:
    return lambda story: story.state(track) in states


def _parcel(*states: str) -> Callable[[Story], bool]:
    return lambda story: any(state in states for state in story.carriage)


TROUBLES: Final = (
    Trouble("conflict", Level.BAD, "operator", lambda story: story.conflicts > 0),
    Trouble("refund_stalled", Level.BAD, "operator", _is("money", "stalled")),
    Trouble("mismatched", Level.BAD, "operator", _is("inventory", "mismatched")),
    Trouble("detained", Level.BAD, "operator", _is("inventory", "detained")),
    Trouble("rejected", Level.BAD, "shop", _is("inventory", "rejected")),
    Trouble("payment_paper_refused", Level.BAD, "operator", _is("payment_paper", "refused")),
    Trouble("waybill_paper_refused", Level.BAD, "operator", _is("waybill_paper", "refused")),
    Trouble("lost", Level.BAD, "operator", _parcel("lost")),
    Trouble("returned", Level.BAD, "operator", _parcel("returned")),
    Trouble("booking_refused", Level.BAD, "operator", _parcel("refused")),
    Trouble("customs_holds", Level.WARN, "customs", _is("inventory", "held")),
)
# What may be wrong with an order that is on its way out anyway is not worth a person.
_WHILE_OPEN: Final = (
    Trouble("inadmissible", Level.BAD, "operator", _is("assessment", "inadmissible")),
    Trouble("short", Level.BAD, "operator", _is("goods", "short")),
    Trouble("payment_failed", Level.WARN, "buyer", _is("money", "failed")),
)
HOLD_OWNERS: Final = {
    "identity_missing": "shop",
    "customs": "shop",
    "cancel_requested": "customs",
    "group_pending": "nobody",
    "presale_balance": "buyer",
    "address_changed": "shop",
    "payment_not_declarable": "shop",
    "risk_review": "channel",
}
_WAITS: Final = {
    Stage.PLACED: "customs",
    Stage.UNPAID: "buyer",
    Stage.PAID: "carrier",
    Stage.BOOKED: "payments",
    Stage.DECLARED: "customs",
    Stage.RELEASED: "warehouse",
    Stage.MOVING: "carrier",
    Stage.DELIVERED: "nobody",
    Stage.CLOSING: "nobody",
}


def standing(story: Story) -> Answer:
    """What the facts alone say; how long it has been so is not asked."""
    stage = Stage(story.stage) if story.stage else Stage.PLACED
    if stage in ENDED and not story.holding:
        return Answer(Level.OK if stage is Stage.COMPLETED else Level.NONE, stage, "nobody")
    troubles = TROUBLES if stage is Stage.CLOSING or stage in ENDED else (*TROUBLES, *_WHILE_OPEN)
    for trouble in troubles:
        if trouble.true_of(story):
            return Answer(trouble.level, trouble.reason, trouble.owner)
    if story.holding:
        return _held(story.holding[0].name)
    return Answer(Level.RUN, stage, _WAITS[stage])


def _held(hold: str) -> Answer:
    """What an operator must settle is blocked; what somebody else will is watched."""
    owner = HOLD_OWNERS.get(hold, "operator")
    return Answer(Level.BAD if owner == "operator" else Level.WARN, f"hold.{hold}", owner)


def answer(story: Story, pace: Pace, now: datetime) -> Answer:
    """The same, and late where nothing else is wrong and the stage lasts longer than usual."""
    found = standing(story)
    limit = pace.limit(Stage(story.stage)) if story.stage else None
    if (
        found.level is Level.RUN
        and limit is not None
        and story.stage_since is not None
        and now - story.stage_since > limit
    ):
        return Answer(Level.WARN, SLOW, found.owner)
    return found
