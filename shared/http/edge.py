"""What all answers have in common, whatever the address: problem documents, HEAD, OPTIONS, known parameters."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.errors import BadInput, Failure
from shared.http.openapi import finished
from shared.http.problem import Internal, NoSuchAddress, UnknownParameter, WrongMethod, problem_reply

METHODS: Final = ("DELETE", "GET", "PATCH", "POST", "PUT")
API: Final = "/v1/"  # our own interface; partners and browsers may send us parameters that we do not know


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
            "not a parameter of this address", where=unknown[:60], fix=f"known: {', '.join(sorted(known)) or 'none'}"
        )
    if twice := next((name for name in known if given.count(name) > 1), None):
        raise BadInput("comes twice", where=twice, fix="send it once")


async def _failed(_: Request, failure: Exception) -> Response:
    assert isinstance(failure, Failure)
    return _answer(failure)


async def _unrouted(request: Request, error: Exception) -> Response:
    """No route, or none for this method; OPTIONS is answered with what the address takes."""
    assert isinstance(error, HTTPException)
    allowed = _allowed(request.app.router.routes, request.scope)
    if not allowed:
        return _answer(NoSuchAddress("there is nothing at this address"))
    allow = {"Allow": ", ".join(sorted(allowed))}
    if request.method == "OPTIONS":
        return Response(status_code=204, headers=allow)
    return _answer(WrongMethod("this address does not take this method"), allow)


async def _unread(_: Request, error: Exception) -> Response:
    """What FastAPI could not read is a 400 of ours: by field, never by value."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"][1:]))
    return _answer(BadInput(str(first["msg"]), where=where, fix="see /openapi.json"))


async def _broken(_: Request, __: Exception) -> Response:
    # The server logs the error itself: it is raised on behind this answer.
    return _answer(Internal("something broke on our side"))


def _answer(failure: Failure, headers: dict[str, str] | None = None) -> Response:
    reply = problem_reply(failure)
    retry = {"Retry-After": "1"} if reply.status == 503 else {}
    return Response(reply.body, reply.status, media_type=reply.content_type, headers=retry | (headers or {}))


def _allowed(routes: Iterable[BaseRoute], scope: Scope) -> set[str]:
    """Methods that some route takes at this address; the route that Starlette names knows only its own."""
    tried = {method: {**scope, "method": method} for method in METHODS}
    found = {method for method, asked in tried.items() if any(r.matches(asked)[0] is Match.FULL for r in routes)}
    if "GET" in found:
        found.add("HEAD")
    return found | {"OPTIONS"} if found else found


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
