"""The operators' pages. Plain HTML first: filters are GET forms, the script only adds what is nice to have."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Annotated, Any, Final
from uuid import UUID

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse, StreamingResponse

from services.tower import store, store_figures
from services.tower.attention import grouped
from services.tower.drawing import LANES
from services.tower.pages_frame import HEADERS, Frame, Visit
from services.tower.pages_live import Hub
from services.tower.pages_session import LONGEST_TOKEN, local_path, same_origin
from services.tower.saying import said
from services.tower.stages import Stage
from services.tower.store import PAGE, Cursor, Filter
from services.tower.store_figures import AGES
from services.tower.story import Story
from services.tower.strip import strip
from services.tower.timeline import chosen, expected, folded, lines, traces
from shared.http.problem import NotAllowed, NotAuthenticated, NotFound

NO_STORE: Final = {"Cache-Control": "no-store"}


def router(frame: Frame) -> APIRouter:
    routes = APIRouter(tags=["tower pages"])
    resources = frame.service.resources
    hub = Hub(resources.read, frame.service.stopping, frame.settings.live_streams)

    async def overview(visit: Visit) -> Response:
        figures = await store_figures.figures(resources.read, visit.principal, frame.pace, visit.now)
        stuck = await store.stuck(resources.read, visit.principal, frame.pace, visit.now)
        return await _page(
            frame, visit, "overview.html", "overview", figures=figures, ages=AGES, stuck=[_row(frame, visit, one) for one in stuck]
        )

    async def listed(visit: Visit) -> Response:
        wanted, after = _filter(frame, visit), _cursor(visit)
        found = await store.orders(resources.read, visit.principal, wanted, frame.pace, visit.now, after=after)
        last = found[PAGE - 1] if len(found) > PAGE else None
        rows = [_row(frame, visit, one) for one in found[:PAGE]]
        asked = {name: value for name, value in visit.request.query_params.items() if name != "after"}
        return await _page(
            frame, visit, "orders.html", "orders", rows=rows, asked=asked, stages=list(Stage), first=after is None,
            next=f"{last.started_at.isoformat()}~{last.id}" if last else "",
        )  # fmt: skip

    async def one(visit: Visit) -> Response:
        given = str(visit.request.path_params["order_id"])
        if not _is_id(given):
            return await find(visit, given)
        story = await store.story(resources.read, given, visit.principal)
        return await _order(frame, visit, story)

    async def find(visit: Visit, given: str = "") -> Response:
        text = given or visit.asked("q")
        hits = await store.search(resources.read, visit.principal, text)
        if visit.asked("part") == "hits":
            return frame.page("hits.html", visit.request, visit.words, hits=hits, text=text)
        if len(hits) == 1:
            place = f"#f-{hits[0].entry}" if hits[0].entry else ""
            return RedirectResponse(f"/orders/{hits[0].story.id}{place}", 303, headers=NO_STORE)
        rows = [_row(frame, visit, hit.story) for hit in hits]
        status = 200 if hits or not text else 404
        return await _page(frame, visit, "find.html", "", status=status, rows=rows, text=text)

    async def anything(visit: Visit) -> Response:
        return await find(visit, str(visit.request.path_params["number"]))

    async def dead_letters(visit: Visit) -> Response:
        if visit.principal.role != "operator":
            raise NotAllowed("dead letters are for operators")
        groups = grouped(await frame.attention())
        figures = await store_figures.figures(resources.read, visit.principal, frame.pace, visit.now)
        return await _page(frame, visit, "dead.html", "dead", groups=groups, reasons=figures.reasons)

    async def live(visit: Visit) -> Response:
        if hub.open >= hub.limit:
            return Response(status_code=503, headers={"Retry-After": "5"})
        given = visit.request.headers.get("last-event-id") or visit.asked("after")
        after = int(given) if given.isascii() and given.isdecimal() else None
        stream = hub.stream(visit.principal, visit.asked("watch"), after)
        return StreamingResponse(stream, headers={**HEADERS, "X-Accel-Buffering": "no"}, media_type="text/event-stream")

    for path, page in (
        ("/", overview), ("/orders", listed), ("/orders/{order_id}", one), ("/find", find), ("/o/{number}", anything),
        ("/dead-letters", dead_letters), ("/tower/live", live),
    ):  # fmt: skip
        frame.mount(routes, path, page)
    _sign_in(frame, routes)
    return routes


async def _page(frame: Frame, visit: Visit, template: str, here: str, *, status: int = 200, **values: Any) -> Response:  # noqa: ANN401
    letters = await frame.letters() if visit.principal.role == "operator" else 0
    # Rendering is the page's whole cost: off the loop, so that a large one delays nobody's webhook.
    return await asyncio.to_thread(
        lambda: frame.page(template, visit.request, visit.words, status=status, visit=visit, here=here, letters=letters, **values)
    )


def _row(frame: Frame, visit: Visit, story: Story) -> dict[str, Any]:
    return {"story": story, "said": said(visit.words, story, frame.pace, visit.now)}


async def _order(frame: Frame, visit: Visit, story: Story) -> Response:
    entries = await store.lines(frame.service.resources.read, story.id)
    whole = lines(entries, frame.pace.real(timedelta(hours=6)))
    tracks = [lane for lane in visit.request.query_params.getlist("track") if lane in LANES]
    problems = visit.asked("problems") == "1"
    shown, left_out = folded(chosen(whole, tracks, problems=problems))
    return await _page(
        frame, visit, "order.html", "orders", story=story, said=said(visit.words, story, frame.pace, visit.now), strip=strip(story),
        lines=shown, left_out=left_out, count=len(whole), lanes=LANES, tracks=tracks, problems=problems,
        expected=() if tracks or problems else expected(story), traces=traces(whole),
    )  # fmt: skip


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
    return Filter(
        visit.asked("state"), visit.asked("hold"), visit.asked("reason"), problems=visit.asked("problems") == "1", older=older,
        younger=younger,
    )  # fmt: skip


def _cursor(visit: Visit) -> Cursor | None:
    """Where the page before ended; a mistyped one is the first page."""
    at, _, key = visit.asked("after").partition("~")
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        return None
    return Cursor(moment, key) if moment.tzinfo else None


def _sign_in(frame: Frame, routes: APIRouter) -> None:
    clock, tokens = frame.service.resources.clock, frame.service.resources.tokens

    @routes.get("/login", include_in_schema=False)
    async def form(request: Request) -> Response:
        return frame.page("login.html", request, frame.words(request), wrong=False, next=local_path(request.query_params.get("next", "/")))

    @routes.post("/login", include_in_schema=False)
    async def enter(
        request: Request, token: Annotated[str, Form(max_length=LONGEST_TOKEN)] = "", next: Annotated[str, Form(max_length=500)] = "/"  # noqa: A002
    ) -> Response:
        same_origin(request)
        try:
            tokens.principal(f"Bearer {token.strip()}", "operator", "seller")
        except (NotAuthenticated, NotAllowed):
            return frame.page("login.html", request, frame.words(request), status=401, wrong=True, next=local_path(next))
        response = RedirectResponse(local_path(next), 303, headers=NO_STORE)
        frame.sessions.begin(response, token.strip(), clock.now())
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
