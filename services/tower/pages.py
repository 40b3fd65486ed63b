"""The operators' pages. Plain HTML first: filters are GET forms, the script only adds what is nice to have."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any, Final
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from services.tower import store, store_figures
from services.tower.attention import FOR_PEOPLE, KINDS, grouped
from services.tower.cases import CONFLICT, of_story
from services.tower.pages_frame import HEADERS, Frame, Visit, preference
from services.tower.pages_live import Hub
from services.tower.pages_order import row, whole_order
from services.tower.pages_session import LONGEST_FORM, local_path, same_origin
from services.tower.stages import Stage
from services.tower.store import PAGE, Cursor, Filter
from services.tower.store_figures import AGES
from shared.errors import BadInput
from shared.http.app import read_body
from shared.http.payload import read_form
from shared.http.problem import NotAllowed, NotAuthenticated, NotFound

NO_STORE: Final = {"Cache-Control": "no-store"}


def router(frame: Frame) -> APIRouter:
    routes = APIRouter(tags=["tower pages"])
    hub = Hub(frame.service.resources.read, frame.service.stopping, frame.settings.live_streams)
    for path, page in PAGES.items():
        frame.mount(routes, path, partial(page, frame))
    frame.mount(routes, "/tower/live", partial(_live, hub))
    _sign_in(frame, routes)
    return routes


async def _overview(frame: Frame, visit: Visit) -> Response:
    read = frame.service.resources.read
    figures = await store_figures.figures(read, visit.principal, frame.pace, visit.now)
    stuck = await store.stuck(read, visit.principal, frame.pace, visit.now)
    rows = [row(frame, visit, one) for one in stuck]
    return await _page(frame, visit, "overview.html", "overview", figures=figures, ages=AGES, stuck=rows)


async def _listed(frame: Frame, visit: Visit) -> Response:
    wanted, after = _filter(frame, visit), _cursor(visit)
    read = frame.service.resources.read
    found = await store.orders(read, visit.principal, wanted, frame.pace, visit.now, after=after)
    asked = {name: value for name, value in visit.request.query_params.items() if name != "after"}
    return await _page(
        frame, visit, "orders.html", "orders", rows=[row(frame, visit, one) for one in found[:PAGE]], asked=asked,
        stages=list(Stage), holds=_holds(visit), first=after is None, next=store.more(found, PAGE),
    )  # fmt: skip


def _holds(visit: Visit) -> list[str]:
    """Every hold that has a word, and the one that was asked for."""
    words = "reason.hold."
    known = [key.removeprefix(words) for key in visit.words.texts if key.startswith(words)]
    given = [visit.asked("hold")] if visit.asked("hold") else []
    return list(dict.fromkeys([*(hold for hold in known if hold != "other"), *given]))


async def _one(frame: Frame, visit: Visit) -> Response:
    """By its own id; any other number of the order leads there."""
    given = str(visit.request.path_params["order_id"])
    if not _is_id(given):
        return await _answer(frame, visit, given)
    told = await store.story(frame.service.resources.read, given, visit.principal)
    return await _page(frame, visit, "order.html", "orders", **await whole_order(frame, visit, told))


async def _find(frame: Frame, visit: Visit) -> Response:
    return await _answer(frame, visit, visit.asked("q"))


async def _anything(frame: Frame, visit: Visit) -> Response:
    return await _answer(frame, visit, str(visit.request.path_params["number"]))


async def _answer(frame: Frame, visit: Visit, text: str) -> Response:
    """One hit is gone to, several are listed, none is a 404 with advice."""
    hits = await store.search(frame.service.resources.read, visit.principal, text)
    if visit.asked("part") == "hits":
        return frame.page("hits.html", visit.request, visit.words, hits=hits, text=text)
    if len(hits) == 1:
        place = f"#f-{hits[0].entry}" if hits[0].entry else ""
        return RedirectResponse(f"/orders/{hits[0].story.id}{place}", 303, headers=NO_STORE)
    rows = [row(frame, visit, hit.story) for hit in hits]
    status, more = 200 if hits or not text else 404, len(hits) >= store.MOST_HITS
    return await _page(frame, visit, "find.html", "", status=status, rows=rows, text=text, more=more)


async def _dead_letters(frame: Frame, visit: Visit) -> Response:
    _for_operators(visit)
    attended = await frame.attention(visit.authorization)
    read = frame.service.resources.read
    figures = await store_figures.figures(read, visit.principal, frame.pace, visit.now)
    groups = {kind: grouped(attended.of(kind)) for kind in KINDS}
    return await _page(
        frame, visit, "dead.html", "dead", attended=attended, groups=groups, for_people=FOR_PEOPLE,
        reasons=figures.reasons,
    )  # fmt: skip


async def _cases(frame: Frame, visit: Visit) -> Response:
    """Those of other services by their own lists, those of orders by its facts."""
    _for_operators(visit)
    read = frame.service.resources.read
    found, silent = await frame.colleagues.cases(visit.authorization)
    wanted = Filter(reason=CONFLICT)
    stories = await store.orders(read, visit.principal, wanted, frame.pace, visit.now)
    rows = [(case, story) for story in stories[:PAGE] for case in of_story(story)]
    return await _page(
        frame, visit, "cases.html", "cases", cases=[(case, None) for case in found], silent=silent, rows=rows
    )


def _for_operators(visit: Visit) -> None:
    if visit.principal.role != "operator":
        raise NotAllowed("this page is for operators")


async def _live(hub: Hub, visit: Visit) -> Response:
    if hub.open >= hub.limit:
        return Response(status_code=503, headers={"Retry-After": "5"})
    given = visit.request.headers.get("last-event-id") or visit.asked("after")
    after = int(given) if given.isascii() and given.isdecimal() else None
    stream = hub.stream(visit.principal, visit.asked("watch"), after)
    return StreamingResponse(stream, headers={**HEADERS, "X-Accel-Buffering": "no"}, media_type="text/event-stream")


PAGES: Final[Mapping[str, Callable[[Frame, Visit], Awaitable[Response]]]] = {
    "/": _overview,
    "/orders": _listed,
    "/orders/{order_id}": _one,
    "/find": _find,
    "/o/{number}": _anything,
    "/dead-letters": _dead_letters,
    "/cases": _cases,
}


async def _page(frame: Frame, visit: Visit, template: str, here: str, *, status: int = 200, **values: Any) -> Response:  # noqa: ANN401
    known = values.get("attended")
    if visit.principal.role == "operator":
        known = known or await frame.attention(visit.authorization)
    letters = known.for_people if known else 0
    # Rendering is the page's whole cost: off the loop, so that a large one delays nobody's webhook.
    values |= {"visit": visit, "here": here, "letters": letters}
    return await asyncio.to_thread(partial(frame.page, template, visit.request, visit.words, status=status, **values))


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _filter(frame: Frame, visit: Visit) -> Filter:
    """The query as a filter. `age` is a column of the overview's table: its number from 0."""
    ages = dict(enumerate(AGES))
    column = int(visit.asked("age")) if visit.asked("age") in map(str, range(len(AGES) + 1)) else None
    younger = visit.now - frame.pace.real(ages[column]) if column in ages else None
    older = visit.now - frame.pace.real(ages[column - 1]) if column else None
    number, state, hold, reason = (visit.asked(name) for name in ("number", "state", "hold", "reason"))
    return Filter(number, state, hold, reason, problems=visit.asked("problems") == "1", older=older, younger=younger)


def _cursor(visit: Visit) -> Cursor | None:
    """Where the page before ended; a mistyped one is the first page."""
    try:
        return Cursor.read(visit.asked("after"))
    except BadInput:
        return None


def _sign_in(frame: Frame, routes: APIRouter) -> None:
    clock, tokens = frame.service.resources.clock, frame.service.resources.tokens

    @routes.get("/login", include_in_schema=False)
    async def form(request: Request) -> Response:
        target = local_path(request.query_params.get("next", "/"))
        return preference(request) or frame.page("login.html", request, frame.words(request), wrong=False, next=target)

    @routes.post("/login", include_in_schema=False)
    async def enter(request: Request) -> Response:
        same_origin(request)
        given = read_form(await read_body(request, LONGEST_FORM))
        token, target = given.get("token", "").strip(), local_path(given.get("next", "/"))
        try:
            tokens.principal(f"Bearer {token}", "operator", "seller")
        except (NotAuthenticated, NotAllowed):
            return frame.page("login.html", request, frame.words(request), status=401, wrong=True, next=target)
        response = RedirectResponse(target, 303, headers=NO_STORE)
        frame.sessions.begin(response, token, clock.now())
        return response

    @routes.post("/logout", include_in_schema=False)
    async def leave(request: Request) -> Response:
        same_origin(request)
        response = RedirectResponse("/login", 303, headers=NO_STORE)
        frame.sessions.end(response)
        return response

    @routes.get("/static/tower/{version}/{name}", include_in_schema=False)
    async def asset(version: str, name: str, request: Request) -> Response:
        if version != frame.assets.version:
            raise NotFound("these files are of another version")
        return frame.assets.answer(name, request)
