"""Why an order stands where it stands, what happens next and who acts: the first thing that its page says.

A reason is a stable word; the sentences for it are in the catalogues (`why.*`, `next.*`), so that old orders read in
every language.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from services.tower.stages import ENDED, Pace, Stage
from services.tower.story import Hold, Level, Parcel, Story

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
    Trouble("booking_refused", Level.BAD, "operator", _parcel("refused")),
    Trouble("customs_holds", Level.WARN, "customs", _is("inventory", "held")),
)
# What may be wrong with an order that is on its way out anyway is not worth a person.
_WHILE_OPEN: Final = (
    Trouble("returned", Level.BAD, "operator", _parcel("returned")),
    Trouble("abroad", Level.BAD, "operator", _is("inventory", "abroad")),
    Trouble("inadmissible", Level.BAD, "operator", _is("assessment", "inadmissible")),
    Trouble("short", Level.BAD, "operator", _is("goods", "short")),
    Trouble("payment_failed", Level.WARN, "buyer", _is("money", "failed")),
    Trouble("delayed", Level.WARN, "carrier", lambda story: any(p.late_after for p in _under_way(story))),
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
    "payment_document_silent": "payments",
    "waybill_silent": "carrier",
    "warehouse_silent": "warehouse",
    "customs_silent": "customs",
    "channel_silent": "channel",
    "carrier_silent": "carrier",
}
_WEIGHT: Final = {hold: n for n, hold in enumerate(HOLD_OWNERS)}
_WAITS: Final = {
    Stage.RECEIVED: "channel",
    Stage.PLACED: "customs",
    Stage.UNPAID: "buyer",
    Stage.PAID: "carrier",
    Stage.BOOKED: "payments",
    Stage.HANDED_OVER: "carrier",
    Stage.DECLARED: "customs",
    Stage.RELEASED: "warehouse",
    Stage.MOVING: "carrier",
    Stage.DELIVERED: "nobody",
    Stage.CLOSING: "nobody",
}


@dataclass(frozen=True, slots=True)
class Wait:
    """What an order on its way waits for, where the stage alone would say too little. The first that is true."""

    reason: str
    owner: str
    true_of: Callable[[Story], bool]


WAITS: Final[Mapping[Stage, tuple[Wait, ...]]] = {
    Stage.UNPAID: (
        Wait("opening", "payments", _is("money", "asked")),
        Wait("unpaid_channel", "buyer", lambda story: story.collected_by == "channel"),
    ),
    Stage.PAID: (Wait("paid_channel", "channel", lambda story: story.collected_by == "channel"),),
    Stage.BOOKED: (
        Wait("watched", "channel", lambda story: story.watched),
        Wait("to_hand_over", "warehouse", lambda story: story.mailed and "packed" in story.carriage),
        Wait("to_pack", "warehouse", lambda story: story.mailed),
    ),
    Stage.HANDED_OVER: (Wait("consolidated", "carrier", _parcel("consolidated")),),
    Stage.DECLARED: (Wait("watched_clearing", "channel", lambda story: story.watched),),
    Stage.RELEASED: (
        Wait("released_watched", "warehouse", lambda story: story.watched),
        Wait("released_direct", "warehouse", lambda story: story.mailed),
    ),
    Stage.DELIVERED: (Wait("confirmed", "nobody", _is("funds", "releasing")),),
    Stage.CLOSING: (
        Wait("closing_payment", "payments", _is("money", "closing")),
        Wait("closing_sent", "customs", _is("inventory", "asked", "submitted")),
        Wait("closing_held", "customs", _is("inventory", "held", "detained")),
        Wait("closing_withdrawal", "customs", _is("inventory", "withdrawing")),
        Wait("closing_parcel", "carrier", _parcel("recalling")),
        Wait(
            "closing_refund_channel",
            "channel",
            lambda story: story.purse.with_channel and story.state("money") == "refunding",
        ),
        Wait("closing_refund", "payments", _is("money", "refunding")),
        Wait("closing_goods", "nobody", _is("goods", "undoing")),
    ),
}


def _under_way(story: Story) -> Iterator[Parcel]:
    return (parcel for parcel in story.parcels.values() if parcel.carriage.state not in ("delivered", "returned"))


def standing(story: Story, stage: Stage) -> Answer:
    """What the facts alone say; how long it has been so is not asked."""
    if stage in ENDED and not story.holding and not story.conflicts:
        return Answer(Level.OK if stage is Stage.COMPLETED else Level.NONE, stage, "over")
    troubles = TROUBLES if stage is Stage.CLOSING or stage in ENDED else (*TROUBLES, *_WHILE_OPEN)
    for trouble in troubles:
        if trouble.true_of(story):
            return Answer(trouble.level, trouble.reason, trouble.owner)
    if story.holding:
        return _held(main_hold(story).name)
    return waiting(story, stage)


def waiting(story: Story, stage: Stage) -> Answer:
    """Nothing is wrong: whom it waits for."""
    for wait in WAITS.get(stage, ()):
        if wait.true_of(story):
            return Answer(Level.RUN, wait.reason, wait.owner)
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
    found = plain(story, now)
    limit = pace.limit(Stage(story.stage or Stage.PLACED))
    late = limit is not None and story.stage_since is not None and now - story.stage_since > limit
    return Answer(Level.WARN, SLOW, found.owner) if found.level is Level.RUN and late else found


def plain(story: Story, now: datetime) -> Answer:
    """However long it lasts: what it waits for. A QR that ran out is not called open."""
    found = standing(story, Stage(story.stage or Stage.PLACED))
    expires = story.purse.expires_at
    if found.reason == Stage.UNPAID and expires is not None and expires <= now:
        return Answer(found.level, "expired", "payments")
    return found
