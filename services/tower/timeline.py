"""A story's facts as lines that know their cause, and what is still to come. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from services.tower.drawing import Gutter, gutter
from services.tower.stages import OPEN, Stage
from services.tower.story import Entry, Lane, Level, Story

QUIET: Final = timedelta(hours=6)  # business time; a longer silence is folded into one line
SHORTEST: Final = timedelta(minutes=1)  # real time; nothing shorter is called silence, however fast the clock runs
PROBLEM: Final = frozenset({Level.WARN, Level.BAD})
_HEAD, _TAIL = 50, 100  # of a very long story


@dataclass(frozen=True, slots=True)
class Line:
    """`n` counts by time. `cause` is the line that led to this one, None where a message from outside did.

    `beside` is the first line that the same message led to, if that is another one.
    """

    n: int
    entry: Entry
    cause: int | None
    beside: int | None
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
    numbered = {entry.id: (n, entry) for n, entry in enumerate(entries, start=1)}
    first: dict[str, tuple[int, Entry]] = {}
    for n, entry in enumerate(entries, start=1):
        first.setdefault(entry.cause, (n, entry))
    befores: list[Entry | None] = [None, *entries]
    return tuple(
        _line(n, entry, numbered.get(entry.cause), first[entry.cause], _silence(before, entry, quiet))
        for n, (before, entry) in enumerate(zip(befores, entries, strict=False), start=1)
    )


def _line(
    n: int, entry: Entry, cause: tuple[int, Entry] | None, first: tuple[int, Entry], silence: timedelta | None
) -> Line:
    beside = first if cause is None and first[0] != n else None
    origin = cause or beside
    drawn = gutter(entry.lane, entry.level, origin[1].lane if origin else None, beside=beside is not None)
    later = entry.at - cause[1].at if cause else timedelta()
    return Line(n, entry, cause[0] if cause else None, beside[0] if beside else None, later, silence, drawn)


def _silence(before: Entry | None, entry: Entry, quiet: timedelta) -> timedelta | None:
    return entry.at - before.at if before is not None and entry.at - before.at > quiet else None


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
# What is still to come, each until its stage is reached: bonded goods are declared before they are packed, direct mail
# travels first; what the platform declares is only observed.
_BONDED: Final = (
    (Stage.PAID, Lane.PAYMENT, "payment"),
    (Stage.DECLARED, Lane.DOCUMENTS, "papers"),
    (Stage.RELEASED, Lane.CUSTOMS, "released"),
    (Stage.MOVING, Lane.GOODS, "exited"),
    (Stage.DELIVERED, Lane.GOODS, "delivered"),
)
_MAILED: Final = (
    (Stage.PAID, Lane.PAYMENT, "payment"),
    (Stage.HANDED_OVER, Lane.GOODS, "handed_over"),
    (Stage.DECLARED, Lane.GOODS, "consolidated"),
    (Stage.DECLARED, Lane.DOCUMENTS, "papers"),
    (Stage.RELEASED, Lane.CUSTOMS, "released"),
    (Stage.MOVING, Lane.GOODS, "exited_border"),
    (Stage.DELIVERED, Lane.GOODS, "delivered"),
)
_WATCHED: Final = (
    (Stage.PAID, Lane.PAYMENT, "payment_channel"),
    (Stage.RELEASED, Lane.CUSTOMS, "released_channel"),
    (Stage.MOVING, Lane.GOODS, "exited"),
    (Stage.DELIVERED, Lane.GOODS, "delivered"),
)


def expected(story: Story) -> tuple[Expected, ...]:
    """What the straight way still has before it; nothing for an order that has ended or is being undone."""
    stage = Stage(story.stage or Stage.PLACED)
    if stage not in _WAY:
        return ()
    way = _WATCHED if story.watched else _MAILED if story.mailed else _BONDED
    rest = [(lane, key) for reached, lane, key in way if _WAY.index(stage) < _WAY.index(reached)]
    done = {
        "papers": all(story.state(paper) == "accepted" for paper in ("payment_paper", "waybill_paper")),
        "consolidated": "consolidated" in story.carriage,
    }
    rest = [(lane, key) for lane, key in rest if not done.get(key)]
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
