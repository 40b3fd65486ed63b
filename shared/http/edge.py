"""What all answers have in common, whatever the address: problem documents, HEAD, OPTIONS, known parameters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import BadInput, Failure, Permanent, Transient, told
from shared.flow.decision import Reply
from shared.http.openapi import finished
from shared.http.payload import UNSTORABLE
from shared.http.problem import (
    Conflict,
    Internal,
    NoSuchAddress,
    NotAllowed,
    NotAuthenticated,
    TooLarge,
    UnknownParameter,
    WrongMethod,
    problem_reply,
)

METHODS: Final = ("DELETE", "GET", "PATCH", "POST", "PUT")
API: Final = "/v1/"  # our own interface; partners and browsers may send us parameters that we do not know
# What the framework refuses by itself, in our words; any other of its refusals is Permanent or, from 500 on, Internal.
_REFUSALS: Final[Mapping[int, Failure]] = {
    400: BadInput("the request cannot be read", where="body", fix="see /openapi.json"),
    401: NotAuthenticated("a bearer token is needed"),
    403: NotAllowed("this is not for you"),
    404: NoSuchAddress("there is nothing at this address"),
    405: WrongMethod("this address does not take this method"),
    409: Conflict("this cannot be done now"),
    413: TooLarge("the request is too large"),
    503: Transient("come again"),
}


class Documented(FastAPI):
    """Tells its own OpenAPI document, finished; `services` are those whose routes it has."""

    services: tuple[str, ...] = ()

    def openapi(self) -> dict[str, Any]:
        if not self.openapi_schema:
            self.openapi_schema = finished(super().openapi(), self.services)
        return self.openapi_schema


def round_off(app: FastAPI) -> None:
    """Every answer that is no success becomes a problem document, also those that no route of ours gave."""
    app.add_exception_handler(Failure, _failed)
    app.add_exception_handler(HTTPException, _unrouted)
    app.add_exception_handler(RequestValidationError, _unread)
    app.add_exception_handler(Exception, _broken)
    app.add_middleware(Storable)
    app.add_middleware(Head)


async def known_parameters(request: Request) -> None:
    """Refuses a parameter that the route does not have, or that comes twice: a misspelt filter filters nothing."""
    route = request.scope.get("route")
    if request.method != "GET" or not request.url.path.startswith(API) or not isinstance(route, APIRoute):
        return
    known = {field.alias for field in route.dependant.query_params}
    given = [name for name, _ in request.query_params.multi_items()]
    if unknown := next((name for name in given if name not in known), None):
        raise UnknownParameter(
            "not a parameter of this address", where=told(unknown), fix=f"known: {', '.join(sorted(known)) or 'none'}"
        )
    if twice := next((name for name in known if given.count(name) > 1), None):
        raise BadInput("comes twice", where=twice, fix="send it once")


async def _failed(_: Request, failure: Exception) -> Response:
    assert isinstance(failure, Failure)
    return _answer(failure)


async def _unrouted(request: Request, error: Exception) -> Response:
    """What the framework refused: no route, or none for this method (OPTIONS is answered with what the address takes),
    or a request that it could not read."""
    assert isinstance(error, HTTPException)
    if error.status_code not in (404, 405):
        return _answer(_REFUSALS.get(error.status_code) or _refusal(error.status_code))
    allowed = _allowed(request.app.router.routes, request.scope)
    if not allowed:
        return _answer(_REFUSALS[404])
    allow = {"Allow": ", ".join(sorted(allowed))}
    if request.method == "OPTIONS":
        return Response(status_code=204, headers=allow)
    return _answer(_REFUSALS[error.status_code], allow)


def _refusal(status: int) -> Failure:
    return Internal("something broke on our side") if status >= 500 else Permanent("the request was refused")


async def _unread(_: Request, error: Exception) -> Response:
    """What FastAPI could not read is a 400 of ours: by field, never by value."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(told(str(name)) for name in first["loc"][1:])
    return _answer(BadInput(str(first["msg"]), where=where, fix="see /openapi.json"))


async def _broken(_: Request, __: Exception) -> Response:
    # The server logs the error itself: it is raised on behind this answer.
    return _answer(Internal("something broke on our side"))


def _answer(failure: Failure, headers: Mapping[str, str] | None = None) -> Response:
    return response(problem_reply(failure), headers)


def response(reply: Reply, headers: Mapping[str, str] | None = None) -> Response:
    """A reply on its way out; who has to come again is told when."""
    retry = {"Retry-After": "1"} if reply.status == 503 else {}
    return Response(reply.body, reply.status, media_type=reply.content_type, headers={**retry, **(headers or {})})


def _allowed(routes: Iterable[BaseRoute], scope: Scope) -> set[str]:
    """Methods that some route takes at this address; the route that Starlette names knows only its own."""
    tried = {method: {**scope, "method": method} for method in METHODS}
    found = {method for method, asked in tried.items() if any(r.matches(asked)[0] is Match.FULL for r in routes)}
    if "GET" in found:
        found.add("HEAD")
    return found | {"OPTIONS"} if found else found


@dataclass(frozen=True, slots=True)
class Storable:
    """Refuses addresses with NUL or half a surrogate pair, before any handler: PostgreSQL's text takes neither, so
    nothing can be there and no filter can name it. One place, whatever the route and the service."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = _unstorable(scope) if scope["type"] == "http" else None
        answer = self.app if refused is None else _answer(refused)
        await answer(scope, receive, send)


def _unstorable(scope: Scope) -> Failure | None:
    if UNSTORABLE.search(scope["path"]):
        return _REFUSALS[404]
    query = unquote_to_bytes(scope.get("query_string", b"")).decode(errors="replace")
    if UNSTORABLE.search(query):
        return BadInput("NUL in a parameter", where="query", fix="leave it out")
    return None


@dataclass(frozen=True, slots=True)
class Head:
    """HEAD is GET without its body: same status, same headers. FastAPI's routes do not take it by themselves."""

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        async def without_body(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        await self.app({**scope, "method": "GET"}, receive, without_body)
