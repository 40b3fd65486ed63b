"""The tower's answers for scripts: the same stories as JSON. A seller sees its own orders and no others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query

from services.tower import saying, store, store_figures
from services.tower.attention import DeadLetter, grouped
from services.tower.cases import CONFLICT, Case, of_story, oldest_first
from services.tower.pages_frame import Frame
from services.tower.pages_words import words_in
from services.tower.stages import Stage
from services.tower.store import Cursor, Filter
from services.tower.story import Story
from services.tower.timeline import Line, lines
from services.tower.wording import Language, Words
from shared.http.commands import Authorization
from shared.security.auth import Principal, Role

Limit = Annotated[int, Query(ge=1, le=200)]
Text = Annotated[str, Query(max_length=120)]
MOST_CASES: Final = 200  # orders whose own cases are listed
READERS: Final[tuple[Role, ...]] = ("operator", "seller", "service")


def router(frame: Frame) -> APIRouter:
    routes = APIRouter(tags=["tower"])
    _figures(frame, routes)
    _orders(frame, routes)
    return routes


def _who(frame: Frame, authorization: str, *roles: Role) -> Principal:
    return frame.service.resources.tokens.principal(authorization, *(roles or READERS))


def _figures(frame: Frame, routes: APIRouter) -> None:
    resources, pace = frame.service.resources, frame.pace

    @routes.get("/v1/tower/overview")
    async def overview(authorization: Authorization = "") -> dict[str, Any]:
        """Open orders by state and age, money in hand, what waits and why, and how many came and went lately."""
        principal = _who(frame, authorization)
        figures = await store_figures.figures(resources.read, principal, pace, resources.clock.now())
        return _overview(figures)

    @routes.get("/v1/tower/dead-letters")
    async def dead_letters(authorization: Authorization = "") -> dict[str, Any]:
        """What services have set aside, grouped by service and code, and what facts report as refused or on hold.

        `silent` names services that did not answer.
        """
        principal = _who(frame, authorization, "operator", "service")
        attended = await frame.attention(authorization)
        figures = await store_figures.figures(resources.read, principal, pace, resources.clock.now())
        return {
            "count": attended.for_people,
            "counts": attended.counts,
            "silent": attended.silent,
            "groups": _groups(attended.letters),
            "problems": [asdict(reason) for reason in figures.reasons],
        }

    @routes.get("/v1/tower/cases")
    async def cases(authorization: Authorization = "", lang: Language = "en") -> dict[str, Any]:
        """What services have opened for a person, the oldest first, and what closes each: at the service that keeps it,
        with the reader's own token. `silent` names services that did not answer."""
        principal = _who(frame, authorization, "operator")
        found, silent = await frame.colleagues.cases(authorization)
        now, wanted = resources.clock.now(), Filter(reason=CONFLICT)
        stories = await store.orders(resources.read, principal, wanted, pace, now, limit=MOST_CASES)
        own = [case for story in stories[:MOST_CASES] for case in of_story(story)]
        words = words_in(lang, frame.settings.zone)
        return {"cases": [_case(words, case) for case in oldest_first([*found, *own])], "silent": silent}


def _orders(frame: Frame, routes: APIRouter) -> None:
    resources, pace = frame.service.resources, frame.pace

    @routes.get("/v1/tower/orders")
    async def orders(
        authorization: Authorization = "", state: Stage | None = None, hold: Text = "", reason: Text = "",
        number: Text = "", *, problems: bool = False, after: Text = "", limit: Limit = store.PAGE,
    ) -> dict[str, Any]:  # fmt: skip
        """Newest first; `next` goes into `after` for the page that follows."""
        wanted = Filter(number, state.value if state else "", hold, reason, problems=problems)
        now = resources.clock.now()
        principal, cursor = _who(frame, authorization), Cursor.read(after) if after else None
        found = await store.orders(resources.read, principal, wanted, pace, now, after=cursor, limit=limit)
        told = [_story(frame, one, now) for one in found[:limit]]
        return {"orders": told, "next": store.more(found, limit) or None}

    @routes.get("/v1/orders/{order_id}/timeline")
    async def timeline(order_id: str, authorization: Authorization = "", lang: Language = "en") -> dict[str, Any]:
        """Every fact of one order by its time: what, by which service, caused by which fact, in which trace."""
        story = await store.story(resources.read, order_id, _who(frame, authorization))
        told = lines(await store.lines(resources.read, story))
        words = words_in(lang, frame.settings.zone)
        whole = _story(frame, story, resources.clock.now(), words)
        return {**whole, "facts": [_line(words, line) for line in told]}

    @routes.get("/v1/tower/search")
    async def search(
        q: Annotated[str, Query(min_length=1, max_length=120)], authorization: Authorization = ""
    ) -> dict[str, Any]:
        """Orders by any number of theirs, whole or by its last four or more characters; by event id; by trace id.

        Less than four characters must be the whole number.
        """
        hits = await store.search(resources.read, _who(frame, authorization), q)
        now = resources.clock.now()
        return {"hits": [{**_story(frame, hit.story, now), "fact": hit.entry or None} for hit in hits]}


def _case(words: Words, case: Case) -> dict[str, Any]:
    """`title` and `do` are for people; `code` is stable. `close` is None for a case that has no number."""
    method, _, path = case.closed_by.partition(" ")
    told = {"title": saying.case_title(words, case), "do": saying.case_do(words, case) or None}
    detail = {"detail": saying.case_detail(words, case)}
    close = {"method": method, "path": path} if path else None
    return {**asdict(case), **told, **detail, "number": case.number or None, "close": close}


def _overview(figures: store_figures.Figures) -> dict[str, Any]:
    orders = {"total": figures.total, "open": figures.open, "ended": figures.ended, "need_a_look": figures.eyes}
    return {
        "orders": orders,
        "ages_seconds": [age.total_seconds() for age in store_figures.AGES],
        "states": {row.stage: {"by_age": row.counts, "late": row.late} for row in figures.rows},
        "money_in_hand": figures.in_hand,
        "reasons": [asdict(reason) for reason in figures.reasons],
        "window_seconds": figures.window.total_seconds(),
        "accepted": figures.accepted,
        "completed": figures.completed,
        "last_fact": figures.last_fact,
    }


def _story(frame: Frame, story: Story, now: datetime, words: Words | None = None) -> dict[str, Any]:
    told = words or words_in("en", frame.settings.zone)
    said = saying.said(told, story, frame.pace, now)
    answer = {"level": said.answer.level, "reason": said.answer.reason, "acts": said.answer.owner}
    return {
        "order_id": story.id, "code": story.numbers.get("code"), "external_id": story.external_id,
        "seller": story.seller, "shop": story.shop, "flow": story.flow, "way": story.way,
        "collected_by": story.collected_by, "declared_by": story.declared_by, "state": story.stage,
        "since": story.stage_since, **answer, "why": said.why, "next": said.next,
        "tracks": {name: step.state for name, step in story.tracks.items()} | {"carriage": _carriage(story)},
        "holds": [hold.name for hold in story.holding],
        "lifted_by": {hold.name: saying.lifting(told, story, hold).next for hold in story.holding},
        "total": story.purse.total, "in_hand": story.purse.in_hand,
        "numbers": story.numbers, "started_at": story.started_at, "changed_at": story.changed_at,
        "ended_at": story.ended_at,
    }  # fmt: skip


def _carriage(story: Story) -> Mapping[str, str]:
    return {parcel_id: parcel.carriage.state for parcel_id, parcel in story.parcels.items()}


def _line(words: Words, line: Line) -> dict[str, Any]:
    entry = line.entry
    return {
        "n": line.n, "id": entry.id, "at": entry.at, "service": entry.service, "type": entry.type, "lane": entry.lane,
        "level": entry.level, "summary": saying.title(words, entry), "detail": saying.detail(words, entry),
        "data": entry.values, "cause": {"id": entry.cause, "n": line.cause}, "trace_id": entry.trace or None,
    }  # fmt: skip


def _groups(letters: Sequence[DeadLetter]) -> list[dict[str, Any]]:
    return [
        {
            "service": group.service,
            "code": group.code,
            "count": len(group.letters),
            "letters": [asdict(one) for one in group.letters],
        }
        for group in grouped(letters)
    ]
