"""The tower's reads. Every one is told who asks, and a seller is shown its own orders only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import TypeAdapter
from sqlalchemy import Select, and_, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.sql.expression import ColumnElement, literal

from services.tower.finding import answers, plain, question_words
from services.tower.stages import OPEN, Pace
from services.tower.story import Entry, Level, Story
from services.tower.tables import ENTRIES, STORIES
from shared.db.engine import ReadTx
from shared.errors import BadInput
from shared.http.payload import moment
from shared.http.problem import NotFound
from shared.security.auth import Principal

_STORY: Final = TypeAdapter(Story)
_ENTRY: Final = TypeAdapter(Entry)
PAGE: Final = 50
MOST_LINES: Final = 1000
MOST_HITS: Final = 20


@dataclass(frozen=True, slots=True)
class Filter:
    """What a list shows. Empty means any. `problems`: only what is not simply on its way. `number`: a whole number that
    several orders may share, such as a master bill."""

    number: str = ""
    state: str = ""
    hold: str = ""
    reason: str = ""
    problems: bool = False
    older: datetime | None = None
    younger: datetime | None = None


@dataclass(frozen=True, slots=True)
class Cursor:
    """The last row of the page before."""

    at: datetime
    key: str

    @classmethod
    def read(cls, text: str) -> Cursor:
        """What `more` has given. Raises BadInput for anything else."""
        at, _, key = text.partition("~")
        try:
            return cls(moment(at, "after"), key)
        except BadInput as error:
            raise BadInput("not a cursor", where="after", fix="send `next` of the answer before") from error


def more(found: Sequence[Story], limit: int) -> str:
    """The cursor behind the first `limit` of these, "" where there are no others."""
    return f"{found[limit - 1].started_at.isoformat()}~{found[limit - 1].id}" if len(found) > limit else ""


def seen(principal: Principal) -> list[ColumnElement[bool]]:
    return [STORIES.c.seller == principal.seller] if principal.role == "seller" else []


def late(pace: Pace, now: datetime) -> ColumnElement[bool]:
    """Longer in its stage than usual; an order that has ended never is."""
    limits = [(stage, limit) for stage in OPEN if (limit := pace.limit(stage)) is not None]
    return or_(*(and_(STORIES.c.state == stage.value, STORIES.c.stage_since < now - limit) for stage, limit in limits))


def needs_eyes(pace: Pace, now: datetime) -> ColumnElement[bool]:
    watched = STORIES.c.level.in_((Level.BAD.value, Level.WARN.value))
    return or_(watched, late(pace, now))


async def story(read: ReadTx, order_id: str, principal: Principal) -> Story:
    """One story, if the asker may see it; another seller's is as good as none."""
    if "\0" in order_id:  # PostgreSQL's text has no such character, so no order has it
        raise NotFound("no such order")
    async with read.begin() as tx:
        body = await tx.scalar(select(STORIES.c.body).where(STORIES.c.key == order_id, *seen(principal)))
    if body is None:
        raise NotFound(f"no order {order_id[:64]}")
    return _STORY.validate_json(body)


async def lines(read: ReadTx, told: Story) -> Sequence[Entry]:
    """An order's facts and those of its consignments, by the time at which they were spoken. The caller has asked
    whether they may be seen."""
    keys = (told.id, *told.consignments)
    query = select(ENTRIES.c.body).where(ENTRIES.c.order_id.in_(keys)).order_by(ENTRIES.c.at, ENTRIES.c.n)
    async with read.begin() as tx:
        return [_ENTRY.validate_json(body) for body in await tx.scalars(query.limit(MOST_LINES))]


async def orders(
    read: ReadTx,
    principal: Principal,
    wanted: Filter,
    pace: Pace,
    now: datetime,
    *,
    after: Cursor | None = None,
    limit: int = PAGE,
) -> Sequence[Story]:
    """Newest first; one more than `limit` says that there is another page."""
    query = _filtered(select(STORIES.c.body), principal, wanted, pace, now)
    if after is not None:
        query = query.where(tuple_(STORIES.c.started_at, STORIES.c.key) < (after.at, after.key))
    query = query.order_by(STORIES.c.started_at.desc(), STORIES.c.key.desc()).limit(limit + 1)
    async with read.begin() as tx:
        return [_STORY.validate_json(body) for body in await tx.scalars(query)]


async def stuck(read: ReadTx, principal: Principal, pace: Pace, now: datetime, limit: int = 10) -> Sequence[Story]:
    """What a person should look at: blocked before watched, then the longest standing."""
    query = select(STORIES.c.body).where(*seen(principal), needs_eyes(pace, now))
    query = query.order_by(STORIES.c.level != Level.BAD.value, STORIES.c.stage_since).limit(limit)
    async with read.begin() as tx:
        return [_STORY.validate_json(body) for body in await tx.scalars(query)]


def _filtered(query: Select[Any], principal: Principal, wanted: Filter, pace: Pace, now: datetime) -> Select[Any]:
    query = query.where(*seen(principal))
    if wanted.number:
        query = query.where(_holds(STORIES.c.ids, plain(wanted.number)))
    if wanted.state:
        query = query.where(STORIES.c.state == wanted.state)
    if wanted.reason:
        query = query.where(STORIES.c.reason == wanted.reason)
    if wanted.hold:
        query = query.where(STORIES.c.holds.contains([wanted.hold]))
    if wanted.problems:
        query = query.where(needs_eyes(pace, now))
    if wanted.older is not None:
        query = query.where(STORIES.c.stage_since < wanted.older)
    if wanted.younger is not None:
        query = query.where(STORIES.c.stage_since >= wanted.younger)
    return query


# --- any number -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Hit:
    """An order that answers to the number; `entry` where the number is one of its facts or their trace."""

    story: Story
    entry: str = ""


async def search(read: ReadTx, principal: Principal, text: str) -> Sequence[Hit]:
    """Orders by any of their numbers, whole or by the last characters (four or more), by a fact's id or a trace id."""
    whole, tail = question_words(text)
    if not whole:
        return []
    named = or_(_holds(STORIES.c.ids, whole), _holds(STORIES.c.ids, tail))
    numbers = select(STORIES.c.body).where(*seen(principal), named).limit(10 * MOST_HITS)
    async with read.begin() as tx:
        found = [_STORY.validate_json(body) for body in await tx.scalars(numbers)]
        hits = [Hit(one) for one in found if answers(text, one.ids)]
        if not hits and len(whole) == 32:
            rows = await tx.execute(_by_fact(principal, whole.lower()))
            hits = [Hit(_STORY.validate_json(body), entry) for body, entry in rows]
    return hits[:MOST_HITS]


def _holds(column: ColumnElement[Any], word: str) -> ColumnElement[bool]:
    return column.op("@>")(literal([word], JSONB))


def _by_fact(principal: Principal, digits: str) -> Select[Any]:
    event_id = "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
    named = or_(ENTRIES.c.key == event_id, ENTRIES.c.trace == digits)
    lines = select(ENTRIES.c.order_id, func.min(ENTRIES.c.key).label("entry")).where(named)
    first = lines.group_by(ENTRIES.c.order_id).subquery()
    query = select(STORIES.c.body, first.c.entry).join(first, first.c.order_id == STORIES.c.key)
    return query.where(*seen(principal)).limit(MOST_HITS)
