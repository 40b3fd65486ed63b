"""Geometry of the small drawings: numbers and path data only; colour and text belong to the page. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from services.tower.story import Lane, Level

PITCH: Final = 24  # the style sheet paints the lanes' own lines at the same places
FIRST: Final = 12
MIDDLE: Final = 22  # height of the node in its row
LANES: Final = tuple(Lane)


@dataclass(frozen=True, slots=True)
class Elbow:
    """The way from the cause's lane to the node, and the arrow's tip; in the colour of the cause's lane.

    `beside`: not from its cause but from another line that the same message from outside led to.
    """

    lane: Lane
    way: str
    tip: str
    beside: bool = False


@dataclass(frozen=True, slots=True)
class Gutter:
    """One row's node on its lane, in pixels, and where it comes from."""

    lane: Lane
    level: Level
    x: int
    y: int
    elbow: Elbow | None


def x_of(lane: Lane) -> int:
    return FIRST + PITCH * LANES.index(lane)


def gutter(lane: Lane, level: Level, cause: Lane | None, *, beside: bool = False) -> Gutter:
    elbow = None if cause is None else _elbow(cause, lane, beside=beside)
    return Gutter(lane, level, x_of(lane), MIDDLE, elbow)


def _elbow(cause: Lane, lane: Lane, *, beside: bool) -> Elbow:
    here, there, y = x_of(lane), x_of(cause), MIDDLE
    if here == there:
        return Elbow(cause, f"M{here} 0V{y - 12}", f"M{here} {y - 8}l-4 -6h8z", beside)
    side = 1 if here > there else -1
    way = f"M{there} 0V{y - 8}Q{there} {y} {there + 8 * side} {y}H{here - 13 * side}"
    return Elbow(cause, way, f"M{here - 9 * side} {y}l{-6 * side} -4v8z", beside)


@dataclass(frozen=True, slots=True)
class Curve:
    """A line through `values`, with its area and its last point; `width` × `height` is the view box."""

    width: int
    height: int
    line: str
    area: str
    x: float
    y: float


def curve(values: Sequence[int], width: int = 120, height: int = 32, top: int | None = None) -> Curve:
    """Scaled so that `top` (default: the largest value, at least 1) touches the upper edge; zero is the lower one."""
    most = max(1, top or max(values, default=0))
    step = (width - 8) / max(1, len(values) - 1)
    points = [
        (round(4 + n * step, 1), round(height - 3 - value * (height - 6) / most, 1)) for n, value in enumerate(values)
    ]
    line = " ".join(f"{x},{y}" for x, y in points)
    last_x, last_y = points[-1] if points else (0.0, float(height))
    return Curve(width, height, line, f"4,{height} {line} {last_x},{height}", last_x, last_y)


@dataclass(frozen=True, slots=True)
class Tick:
    at: float
    text: int


def ticks(top: int, height: int) -> tuple[Tick, ...]:
    """Zero, the middle and the top of a chart whose curve is drawn by `curve`; one number is never written twice."""
    return tuple(Tick(round(height - 3 - value * (height - 6) / top, 1), value) for value in sorted({0, top // 2, top}))


def round_top(values: Sequence[int]) -> int:
    """A number that people like, at or above the largest value."""
    most = max(2, *values)
    size = 10 ** (len(str(most)) - 1)
    return next(int(size * step // 10) for step in (10, 20, 40, 50, 100) if size * step // 10 >= most)


def heat(count: int) -> int:
    """0 for nothing, then four steps: below 10, 50 and 200, and more."""
    return 0 if count == 0 else 1 + sum(count >= bound for bound in (10, 50, 200))
