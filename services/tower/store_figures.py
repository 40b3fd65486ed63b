"""Counts over all stories: what the overview shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Select, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.sql.expression import ColumnElement

from services.tower.stages import Pace, Stage
from services.tower.store import late, needs_eyes, seen
from services.tower.story import Level
from services.tower.tables import ENTRIES, STORIES
from shared.db.engine import ReadTx
from shared.money import Money
from shared.security.auth import Principal

# Business time; the last column has no end.
AGES: Final = tuple(timedelta(hours=hours) for hours in (1, 6, 24, 72, 168))
BARS: Final = 24
WINDOWS: Final = (timedelta(minutes=5), timedelta(hours=1), timedelta(hours=6), timedelta(days=1))
_COMPLETED: Final = STORIES.c.state == Stage.COMPLETED.value


@dataclass(frozen=True, slots=True)
class Row:
    """One stage's open orders by age; `late` of them per column are past what is usual."""

    stage: Stage
    counts: tuple[int, ...]
    late: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Reason:
    reason: str
    level: Level
    orders: int


@dataclass(frozen=True, slots=True)
class Figures:
    """`accepted` and `completed` are BARS equal parts of `window`, the newest last."""

    rows: tuple[Row, ...]
    total: int
    open: int
    ended: Mapping[str, int]
    eyes: int
    oldest: datetime | None
    in_hand: tuple[Money, ...]
    paid_orders: int
    reasons: tuple[Reason, ...]
    window: timedelta
    accepted: tuple[int, ...]
    completed: tuple[int, ...]
    last_fact: datetime | None


async def figures(read: ReadTx, principal: Principal, pace: Pace, now: datetime) -> Figures:
    """All of them as of `now`, in one read."""
    async with read.begin() as tx:
        rows = await _rows(tx, principal, pace, now)
        totals = (await tx.execute(_totals(principal, pace, now))).one()
        window = await _window(tx, principal, now)
        return Figures(
            rows=rows,
            total=totals.total,
            open=totals.open,
            ended={row.state: row.orders for row in await tx.execute(_ended(principal))},
            eyes=totals.eyes,
            oldest=totals.oldest,
            in_hand=await _in_hand(tx, principal),
            paid_orders=totals.paid,
            reasons=await _reasons(tx, principal),
            window=window,
            accepted=await _bars(tx, principal, STORIES.c.started_at, window, now),
            completed=await _bars(tx, principal, STORIES.c.ended_at, window, now, _COMPLETED),
            last_fact=await tx.scalar(select(ENTRIES.c.at).order_by(ENTRIES.c.change.desc()).limit(1)),
        )


def _totals(principal: Principal, pace: Pace, now: datetime) -> Select[int, int, int, Any, int]:
    opened = STORIES.c.ended_at.is_(None)
    eyes = needs_eyes(pace, now)
    return select(
        func.count().label("total"),
        func.count().filter(opened).label("open"),
        func.count().filter(eyes).label("eyes"),
        func.min(STORIES.c.stage_since).filter(eyes).label("oldest"),
        func.count().filter(STORIES.c.in_hand != 0).label("paid"),
    ).where(*seen(principal))


async def _rows(tx: AsyncConnection, principal: Principal, pace: Pace, now: datetime) -> tuple[Row, ...]:
    column = case(
        *((STORIES.c.stage_since >= now - pace.real(age), n) for n, age in enumerate(AGES)), else_=len(AGES)
    ).label("age")
    past = func.count().filter(late(pace, now)).label("late")
    query = select(STORIES.c.state, column, func.count().label("orders"), past)
    query = query.where(*seen(principal), STORIES.c.ended_at.is_(None)).group_by(STORIES.c.state, column)
    found = {(row.state, row.age): (row.orders, row.late) for row in await tx.execute(query)}
    cells = {stage: [found.get((stage.value, n), (0, 0)) for n in range(len(AGES) + 1)] for stage in Stage}
    return tuple(Row(stage, *zip(*row, strict=True)) for stage, row in cells.items() if any(map(any, row)))


def _ended(principal: Principal) -> Select[Any]:
    query = select(STORIES.c.state, func.count().label("orders")).where(
        *seen(principal), STORIES.c.ended_at.is_not(None)
    )
    return query.group_by(STORIES.c.state)


async def _in_hand(tx: AsyncConnection, principal: Principal) -> tuple[Money, ...]:
    query = select(STORIES.c.currency, func.sum(STORIES.c.in_hand)).where(*seen(principal), STORIES.c.in_hand != 0)
    rows = await tx.execute(query.group_by(STORIES.c.currency).order_by(STORIES.c.currency))
    return tuple(Money(int(minor), currency) for currency, minor in rows)


async def _reasons(tx: AsyncConnection, principal: Principal) -> tuple[Reason, ...]:
    """Why orders are not simply on their way: blocked first, then the most frequent."""
    count = func.count().label("orders")
    levels = (Level.BAD.value, Level.WARN.value)
    query = select(STORIES.c.reason, STORIES.c.level, count).where(*seen(principal), STORIES.c.level.in_(levels))
    query = query.group_by(STORIES.c.reason, STORIES.c.level).order_by(STORIES.c.level != Level.BAD.value, count.desc())
    return tuple(Reason(row.reason, Level(row.level), row.orders) for row in await tx.execute(query.limit(20)))


async def _window(tx: AsyncConnection, principal: Principal, now: datetime) -> timedelta:
    """The shortest of WINDOWS since the first order of all; at most a day."""
    first = await tx.scalar(select(func.min(STORIES.c.started_at)).where(*seen(principal)))
    return next((window for window in WINDOWS if first is None or now - first < window), WINDOWS[-1])


async def _bars(
    tx: AsyncConnection,
    principal: Principal,
    when: ColumnElement[datetime],
    window: timedelta,
    now: datetime,
    *more: ColumnElement[bool],
) -> tuple[int, ...]:
    start, part = now - window, window / BARS
    n = func.floor(func.extract("epoch", when - start) / part.total_seconds()).label("n")
    query = select(n, func.count()).where(*seen(principal), and_(when > start, when <= now), *more).group_by(n)
    found: dict[int, int] = {min(int(n), BARS - 1): orders for n, orders in await tx.execute(query)}
    return tuple(found.get(n, 0) for n in range(BARS))


async def changes(read: ReadTx, after: int, limit: int = 2000) -> Sequence[tuple[int, str, str]]:
    """(change number, order id, seller) of facts that came after this number, in order."""
    query = select(ENTRIES.c.change, ENTRIES.c.order_id, ENTRIES.c.seller).where(ENTRIES.c.change > after)
    async with read.begin() as tx:
        rows = (await tx.execute(query.order_by(ENTRIES.c.change).limit(limit))).all()
    return [(int(change), order_id, seller) for change, order_id, seller in rows]


async def last_change(read: ReadTx) -> int:
    async with read.begin() as tx:
        return int(await tx.scalar(select(func.coalesce(func.max(ENTRIES.c.change), 0))) or 0)
