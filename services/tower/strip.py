"""The tracks as strips: what was passed, where the order stands, what lies ahead. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from services.tower.story import Lane, Level, Step, Story


@dataclass(frozen=True, slots=True)
class Node:
    """`key` names its label in the catalogue; `here` marks where the track stands."""

    key: str
    level: Level
    here: bool = False


@dataclass(frozen=True, slots=True)
class Path:
    """A track's straight way, and its side states: after how many straight ones each stands, and how it looks.

    `words` is where the catalogue keeps its labels: released stock is not released money.
    """

    straight: tuple[str, ...]
    aside: Mapping[str, tuple[int, Level]]
    words: str = "step"


PATHS: Final[Mapping[str, Path]] = {
    "intent": Path(
        ("placed", "completed"),
        {"received": (0, Level.RUN), "closing": (1, Level.WARN), "cancelled": (1, Level.PARK)},
        "intent",
    ),
    "money": Path(
        ("open", "covered"),
        {
            "asked": (0, Level.RUN), "failed": (0, Level.BAD), "closing": (1, Level.RUN), "closed": (1, Level.PARK),
            "part": (1, Level.RUN), "refunding": (2, Level.RUN), "refunded": (2, Level.PARK), "stalled": (2, Level.BAD),
        },
    ),
    "channel_money": Path(
        ("covered",),
        {
            "observed": (0, Level.RUN), "refunding": (1, Level.RUN), "refunded": (1, Level.PARK),
            "stalled": (1, Level.BAD),
        },
        "channel_money",
    ),
    "funds": Path(("held", "released"), {"releasing": (1, Level.RUN)}, "fund"),
    "assessment": Path(("assessed",), {"inadmissible": (0, Level.BAD)}),
    "payment_paper": Path(("accepted",), {"refused": (0, Level.BAD)}),
    "waybill_paper": Path(("accepted",), {"refused": (0, Level.BAD)}),
    "inventory": Path(
        ("submitted", "stored", "released"),
        {
            "asked": (0, Level.RUN), "mismatched": (0, Level.BAD), "rejected": (1, Level.BAD), "held": (2, Level.WARN),
            "detained": (2, Level.BAD), "abroad": (2, Level.BAD), "withdrawing": (2, Level.RUN),
            "withdrawal_refused": (2, Level.WARN), "withdrawn": (2, Level.PARK),
        },
    ),
    "observed_inventory": Path(
        ("clearing", "released"),
        {"rejected": (1, Level.BAD), "held": (1, Level.WARN), "detained": (1, Level.BAD), "abroad": (1, Level.BAD)},
        "observed",
    ),
    "goods": Path(
        ("reserved", "drawn"),
        {
            "short": (0, Level.BAD), "undoing": (1, Level.RUN), "released": (1, Level.PARK),
            "restocked": (2, Level.PARK), "written_off": (2, Level.PARK),
        },
        "stock",
    ),
    "parcel": Path(
        ("booked", "packed", "exited", "delivered"),
        {
            "asked": (0, Level.RUN), "refused": (0, Level.BAD), "recalling": (1, Level.RUN), "voided": (1, Level.PARK),
            "lost": (3, Level.BAD), "returned": (3, Level.BAD),
        },
    ),
    "mailed_parcel": Path(
        ("booked", "packed", "handed_over", "consolidated", "exited", "delivered"),
        {
            "asked": (0, Level.RUN), "refused": (0, Level.BAD), "recalling": (1, Level.RUN), "voided": (1, Level.PARK),
            "lost": (5, Level.BAD), "returned": (5, Level.BAD),
        },
    ),
}  # fmt: skip
_QR: Final = "step.open"
_PAPERS: Final = ("assessment", "payment_paper", "waybill_paper")


def strip(story: Story) -> tuple[tuple[Lane, tuple[Node, ...]], ...]:
    """One row of nodes per drawn lane. Nothing lies ahead of an order that was cancelled."""
    rows = (
        (Lane.ORDER, (*_order(story),)),
        (Lane.PAYMENT, (*_paid(story), *_funds(story))),
        (Lane.DOCUMENTS, tuple(_paper(story, name) for name in _PAPERS)),
        (Lane.CUSTOMS, nodes(PATHS["observed_inventory" if story.watched else "inventory"], story.state("inventory"))),
        (Lane.GOODS, (*_nodes(story, "goods"), *_parcels(story))),
    )
    if story.state("intent") != "cancelled":
        return rows
    return tuple((lane, tuple(node for node in row if node.level is not Level.NONE)) for lane, row in rows)


def _paid(story: Story) -> tuple[Node, ...]:
    """A QR that was never opened was not passed either, however the track went on from there."""
    row = nodes(PATHS[_money(story)], story.state("money"))
    if story.purse.expires_at is not None:
        return row
    return tuple(node for node in row if node.here or node.level is Level.NONE or node.key != _QR)


def _funds(story: Story) -> tuple[Node, ...]:
    """Nothing is held any more of money that went back, whatever became of the attempts before and after it."""
    kept = story.purse.kept
    nothing_left = kept is not None and not kept and story.state("funds") != "released"
    return () if nothing_left or story.state("money") == "refunded" else _nodes(story, "funds")


def _money(story: Story) -> str:
    return "channel_money" if story.collected_by == "channel" else "money"


def _order(story: Story) -> Iterator[Node]:
    first, *rest = _nodes(story, "intent")
    yield first
    for hold in story.holding:
        yield Node(f"reason.hold.{hold.name}", Level.WARN, here=True)
    yield from rest


def _parcels(story: Story) -> tuple[Node, ...]:
    steps = [parcel.carriage for parcel in story.parcels.values()] or [Step()]
    path = PATHS["mailed_parcel" if story.mailed else "parcel"]
    return tuple(node for step in steps for node in nodes(path, step.state))


def _paper(story: Story, name: str) -> Node:
    """One document, one node: its name is the label, its level how it fared. The platform's own are good when customs
    released them: nothing else is told of them."""
    state = story.state(name)
    if story.declared_by.get(name.removesuffix("_paper")) == "platform":
        released = story.state("inventory") == "released"
        return Node(f"papers.{name}_platform", Level.OK if released else Level.NONE)
    if not state:
        return Node(f"papers.{name}", Level.NONE)
    level = Level.OK if state in PATHS[name].straight else PATHS[name].aside[state][1]
    return Node(f"papers.{name}", level, here=level is not Level.OK)


def _nodes(story: Story, track: str) -> tuple[Node, ...]:
    return nodes(PATHS[track], story.state(track))


def nodes(path: Path, state: str) -> tuple[Node, ...]:
    """The straight way with everything up to `state` passed; a side state stands where it left the way."""
    if state in path.aside:
        passed, level = path.aside[state]
        ahead = () if level is Level.PARK else path.straight[passed:]
        return (
            *(Node(f"{path.words}.{name}", Level.OK) for name in path.straight[:passed]),
            Node(f"{path.words}.{state}", level, here=True),
            *(Node(f"{path.words}.{name}", Level.NONE) for name in ahead),
        )
    reached = path.straight.index(state) + 1 if state in path.straight else 0
    return tuple(
        Node(f"{path.words}.{name}", Level.OK if n < reached else Level.NONE, here=n == reached - 1)
        for n, name in enumerate(path.straight)
    )
