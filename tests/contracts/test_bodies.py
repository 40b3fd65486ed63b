"""Bodies are read by us, only so far, and an API's only after the asker is known: never by the framework on its way to
a handler."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Body, FastAPI, Request
from fastapi.routing import APIRoute
from pydantic import BaseModel
from starlette.routing import BaseRoute

from deploy.contracts import NOWHERE
from deploy.local.installation import SERVICES, Installation
from deploy.world.keys import make_keys
from shared.broker.embedded import EmbeddedBroker
from shared.db.engine import Database
from shared.http.app import new_app
from shared.security.auth import development_tokens

OTHERS = ("GET", "HEAD", "OPTIONS")


class Loss(BaseModel):
    reason: str


@pytest.fixture(scope="module")
def apps(tmp_path_factory: pytest.TempPathFactory) -> dict[str, FastAPI]:
    """Every service as it is served, with no database behind it."""
    folder = tmp_path_factory.mktemp("bodies")
    make_keys(folder / "secrets")
    tokens = development_tokens(folder / "secrets")
    installation = Installation(folder, dict.fromkeys([*SERVICES, "broker"], NOWHERE), tokens)
    found: dict[str, FastAPI] = {name: new_app(name) for name in SERVICES}
    for name, app in found.items():
        app.include_router(installation.build(name, EmbeddedBroker(Database(NOWHERE, name))).router)
    return found


def routes(found: Iterable[BaseRoute]) -> Iterator[APIRoute]:
    for route in found:
        if isinstance(route, APIRoute):
            yield route
        elif included := getattr(route, "original_router", None):
            yield from routes(included.routes)


def read_by_the_framework(app: FastAPI) -> list[str]:
    return [route.path for route in routes(app.routes) if route.body_field is not None]


@pytest.mark.parametrize("name", SERVICES)
def test_no_route_lets_the_framework_read_its_body(apps: dict[str, FastAPI], name: str) -> None:
    assert list(routes(apps[name].routes))
    assert read_by_the_framework(apps[name]) == []


@pytest.mark.parametrize("name", SERVICES)
async def test_a_stranger_is_refused_before_a_byte_of_its_body_is_read(apps: dict[str, FastAPI], name: str) -> None:
    read: list[str] = []

    async def body(path: str) -> AsyncIterator[bytes]:
        read.append(path)
        yield b"{}"

    transport = httpx.ASGITransport(apps[name])
    async with httpx.AsyncClient(transport=transport, base_url="https://corridor.test") as client:
        for route in routes(apps[name].routes):
            for method in {*(route.methods or ())} - {*OTHERS} if route.path.startswith("/v1/") else ():
                path = re.sub(r"\{[^}]+\}", "1", route.path)
                answer = await client.request(method, path, content=body(path))
                assert (path, answer.status_code) == (path, 401)

    assert read == []


def test_such_a_route_is_found_in_whatever_form_it_comes() -> None:
    inner, outer, app = APIRouter(), APIRouter(prefix="/outer"), new_app("test")

    @inner.post("/model")
    async def model(loss: Loss) -> None: ...

    @inner.post("/word")
    async def word(reason: Annotated[str, Body()] = "") -> None: ...

    @inner.post("/ours/{name}")
    async def ours(name: str, request: Request, page: int = 1) -> None: ...

    outer.include_router(inner)
    app.include_router(outer)

    assert [path.rpartition("/")[2] for path in read_by_the_framework(app)] == ["model", "word"]
