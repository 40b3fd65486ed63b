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
from services.tower.story import Hold, Level, Story

SLOW: Final = "slow"


@dataclass(frozen=True, slots=True)
class Answer:
    """`owner` is who acts next, by the names of `owner.*` in the catalogues."""

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
# Who lifts a hold, the weightiest first; every other one is an operator's, and weighs more than these.
HOLD_OWNERS: Final = {
    "payment_not_declarable": "shop",
    "customs": "shop",
    "address_changed": "shop",
    "identity_missing": "shop",
    "cancel_requested": "customs",
    "risk_review": "channel",
    "presale_balance": "buyer",
    "group_pending": "nobody",
}
_WEIGHT: Final = {hold: n for n, hold in enumerate(HOLD_OWNERS)}
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


def standing(story: Story, stage: Stage) -> Answer:
    """What the facts alone say; how long it has been so is not asked."""
    if stage in ENDED and not story.holding:
        return Answer(Level.OK if stage is Stage.COMPLETED else Level.NONE, stage, "over")
    troubles = TROUBLES if stage is Stage.CLOSING or stage in ENDED else (*TROUBLES, *_WHILE_OPEN)
    for trouble in troubles:
        if trouble.true_of(story):
            return Answer(trouble.level, trouble.reason, trouble.owner)
    if story.holding:
        return _held(main_hold(story).name)
    return Answer(Level.RUN, stage, _WAITS[stage])


def main_hold(story: Story) -> Hold:
    """The weightiest of its holds; there is at least one."""
    return min(story.holding, key=lambda hold: _WEIGHT.get(hold.name, -1))


def _held(hold: str) -> Answer:
    """What an operator must settle is blocked; what somebody else will is watched."""
    owner = HOLD_OWNERS.get(hold, "operator")
    return Answer(Level.BAD if owner == "operator" else Level.WARN, f"hold.{hold}", owner)


def answer(story: Story, pace: Pace, now: datetime) -> Answer:
    """The same, and late where nothing else is wrong and the stage lasts longer than usual."""
    stage = Stage(story.stage or Stage.PLACED)
    found = standing(story, stage)
    limit = pace.limit(stage)
    if (
        found.level is Level.RUN
        and limit is not None
        and story.stage_since is not None
        and now - story.stage_since > limit
    ):
        return Answer(Level.WARN, SLOW, found.owner)
    return found
