"""What every page shares: who asks, in which language, the templates, the assets and the headers of an answer."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from services.tower import saying
from services.tower.attention import Attention
from services.tower.client import Colleagues
from services.tower.drawing import curve, heat, round_top, ticks
from services.tower.pages_session import Sessions
from services.tower.pages_words import preferred, words_in
from services.tower.settings import TowerSettings
from services.tower.stages import Pace
from services.tower.told import amount
from services.tower.wording import LABELS, LANGUAGES, TAGS, Words
from shared.http.problem import NotAllowed, NotAuthenticated, NotFound
from shared.security.auth import Principal
from shared.service import Service

HERE: Final = Path(__file__).parent
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-store",
}
YEAR: Final = 31_536_000
SMALL: Final = 1024  # bytes: below it packing costs more than it saves


@dataclass(frozen=True)
class Visit:
    """One request for a page by somebody who is known. `authorization` is what other services may be asked with."""

    request: Request
    principal: Principal
    authorization: str = field(repr=False)
    words: Words
    now: datetime

    def asked(self, name: str) -> str:
        return self.request.query_params.get(name, "").strip()[:200]


Handler = Callable[[Visit], Awaitable[Response]]


class Assets:
    """The static files in memory, packed once, under a path that changes with any of them."""

    def __init__(self, folder: Path) -> None:
        self._files = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
        self._packed = {name: gzip.compress(content, mtime=0) for name, content in self._files.items()}
        self.version = hashlib.sha256(b"".join(self._files.values())).hexdigest()[:12]

    def url(self, name: str) -> str:
        return f"/static/tower/{self.version}/{name}"

    def answer(self, name: str, request: Request) -> Response:
        if name not in self._files:
            raise NotFound("no such file")
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        cache = {"Cache-Control": f"public, max-age={YEAR}, immutable", "X-Content-Type-Options": "nosniff"}
        if takes_gzip(request):
            packed = {**cache, "Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
            return Response(self._packed[name], media_type=kind, headers=packed)
        return Response(self._files[name], media_type=kind, headers=cache)


def takes_gzip(request: Request) -> bool:
    return "gzip" in request.headers.get("accept-encoding", "")


@dataclass(frozen=True)
class Frame:
    """The pages' own composition: one per service."""

    service: Service
    settings: TowerSettings
    pace: Pace
    attention: Attention
    sessions: Sessions
    colleagues: Colleagues

    @cached_property
    def assets(self) -> Assets:
        return Assets(HERE / "static")

    @cached_property
    def templates(self) -> Environment:
        environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        drawn = {"curve": curve, "ticks": ticks, "round_top": round_top, "heat": heat}
        environment.globals.update(
            drawn,
            asset=self.assets.url,
            amount=amount,
            saying=saying,
            languages=[(language, LABELS[language], TAGS[language]) for language in LANGUAGES],
            quote=quote,
            query=query,
            corridor=self.service.resources.corridor.title,
            scale=self.settings.time_scale,
            trace_url=self.settings.trace_url,
        )
        return environment

    def words(self, request: Request) -> Words:
        accepted = request.headers.get("accept-language", "")
        return words_in(preferred("", request.cookies.get("lang", ""), accepted), self.settings.zone)

    def visit(self, request: Request) -> Visit:
        """Who asks, by the session's cookie or by a bearer token. Raises NotAuthenticated."""
        now = self.service.resources.clock.now()
        given = request.headers.get("authorization") or self.sessions.authorization(request, now)
        principal = self.service.resources.tokens.principal(given, "operator", "seller")
        return Visit(request, principal, given, self.words(request), now)

    def page(self, template: str, request: Request, words: Words, *, status: int = 200, **values: Any) -> Response:  # noqa: ANN401
        theme = request.cookies.get("theme", "")
        text = self.templates.get_template(template).render(
            w=words, t=words.t, request=request, theme=theme if theme in ("light", "dark") else "auto", **values
        )
        headers = {**HEADERS, "Vary": "Accept-Encoding, Accept-Language, Cookie", "Content-Language": words.tag}
        body = text.encode()
        if len(body) > SMALL and takes_gzip(request):
            body, headers = gzip.compress(body, 5, mtime=0), {**headers, "Content-Encoding": "gzip"}
        return Response(body, status, headers, "text/html; charset=utf-8")

    def mount(self, router: APIRouter, path: str, handler: Handler) -> None:
        """A page at `path`, for people who are signed in; everybody else is asked to."""

        async def take(request: Request) -> Response:
            if moved := preference(request):
                return moved
            try:
                visit = self.visit(request)
            except NotAuthenticated:
                return _to_login(request)
            try:
                return await handler(visit)
            except (NotFound, NotAllowed) as failure:
                status = 404 if isinstance(failure, NotFound) else 403
                values = {"visit": visit, "here": "", "letters": 0, "code": status}
                return self.page("error.html", request, visit.words, status=status, **values)

        router.add_api_route(path, take, methods=["GET", "HEAD"], include_in_schema=False, response_class=Response)


def query(given: Mapping[str, str], **changed: str) -> str:
    """The same query with some parts changed; an empty one is left out."""
    kept = {name: value for name, value in {**given, **changed}.items() if value}
    return f"?{urlencode(kept)}" if kept else "?"


def _to_login(request: Request) -> Response:
    target = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return RedirectResponse(f"/login?next={quote(target, safe='')}", 303, headers={"Cache-Control": "no-store"})


def preference(request: Request) -> Response | None:
    """`?lang=` and `?theme=` become cookies and leave the address, so that a shared link forces nobody's language."""
    chosen = {name: request.query_params[name] for name in ("lang", "theme") if name in request.query_params}
    if not chosen:
        return None
    rest = query({name: value for name, value in request.query_params.items() if name not in chosen})
    target = request.url.path + ("" if rest == "?" else rest)
    response = RedirectResponse(target, 303, headers={"Cache-Control": "no-store"})
    for name, value in chosen.items():
        if value in (*LANGUAGES, "light", "dark"):
            response.set_cookie(name, value, max_age=YEAR, samesite="lax", path="/")
    return response
