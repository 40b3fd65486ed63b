"""A story's facts as lines that know their cause, and what is still to come. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from services.tower.drawing import Gutter, gutter
from services.tower.stages import OPEN, Stage
from services.tower.story import Entry, Lane, Level, Story

QUIET: Final = timedelta(hours=6)  # a longer silence is folded into one line
PROBLEM: Final = frozenset({Level.WARN, Level.BAD})
_HEAD, _TAIL = 50, 100  # of a very long story


@dataclass(frozen=True, slots=True)
class Line:
    """`n` counts by time. `cause` is the line that led to this one, None where a message from outside did."""

    n: int
    entry: Entry
    cause: int | None
    later: timedelta
    silence: timedelta | None
    gutter: Gutter


@dataclass(frozen=True, slots=True)
class Expected:
    lane: Lane
    key: str
    gutter: Gutter


def lines(entries: Sequence[Entry], quiet: timedelta = QUIET) -> tuple[Line, ...]:
    """One line a fact, by time; `entries` come sorted."""
    numbers = {entry.id: n for n, entry in enumerate(entries, start=1)}
    by_id = {entry.id: entry for entry in entries}
    made: list[Line] = []
    before: datetime | None = None
    for n, entry in enumerate(entries, start=1):
        cause = by_id.get(entry.cause)
        silence = entry.at - before if before is not None and entry.at - before > quiet else None
        later = entry.at - cause.at if cause else timedelta()
        drawn = gutter(entry.lane, entry.level, cause.lane if cause else None)
        made.append(Line(n, entry, numbers.get(entry.cause), later, silence, drawn))
        before = entry.at
    return tuple(made)


def chosen(story: Sequence[Line], lanes: Sequence[str], *, problems: bool) -> tuple[Line, ...]:
    """Lines of these lanes (none named: of all), and only those that are a problem where that is asked."""
    return tuple(
        line
        for line in story
        if (not lanes or line.entry.lane in lanes) and (not problems or line.entry.level in PROBLEM)
    )


def folded(story: Sequence[Line]) -> tuple[tuple[Line, ...], int]:
    """The first and the last lines of a very long story, and how many are left out between them."""
    if len(story) <= _HEAD + _TAIL + 50:
        return tuple(story), 0
    return (*story[:_HEAD], *story[-_TAIL:]), len(story) - _HEAD - _TAIL


_WAY: Final = tuple(stage for stage in OPEN if stage is not Stage.CLOSING)
_TO_COME: Final = (
    (Stage.PAID, Lane.PAYMENT, "payment"),
    (Stage.DECLARED, Lane.DOCUMENTS, "papers"),
    (Stage.RELEASED, Lane.CUSTOMS, "released"),
    (Stage.MOVING, Lane.GOODS, "exited"),
    (Stage.DELIVERED, Lane.GOODS, "delivered"),
)


def expected(story: Story) -> tuple[Expected, ...]:
    """What the straight way still has before it; nothing for an order that has ended or is being undone."""
    stage = Stage(story.stage or Stage.PLACED)
    if stage not in _WAY:
        return ()
    rest = [(lane, key) for reached, lane, key in _TO_COME if _WAY.index(stage) < _WAY.index(reached)]
    if all(story.state(paper) == "accepted" for paper in ("payment_paper", "waybill_paper")):
        rest = [(lane, key) for lane, key in rest if lane is not Lane.DOCUMENTS]
    return tuple(
        Expected(lane, key, gutter(lane, Level.NONE, None)) for lane, key in [*rest, (Lane.PAYMENT, "paid_out")]
    )


def traces(story: Sequence[Line]) -> tuple[tuple[str, tuple[int, ...]], ...]:
    """Trace id → the lines that were spoken in it, in order of the story."""
    found: dict[str, tuple[int, ...]] = {}
    for line in story:
        if line.entry.trace:
            found[line.entry.trace] = (*found.get(line.entry.trace, ()), line.n)
    return tuple(found.items())
