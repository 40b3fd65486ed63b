"""Every answer that is no success is a problem document with a stable code, whoever gave it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, HTTPException, Query

from shared.errors import Transient, told
from shared.http.app import new_app


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    routes = APIRouter(prefix="/v1")

    @routes.get("/things")
    async def things(kind: str = "", most: Annotated[int, Query(le=10)] = 5) -> dict[str, object]:
        return {"kind": kind, "most": most}

    @routes.post("/things", status_code=202)
    async def take() -> None:
        return None

    @routes.put("/things/{name}")
    async def put(name: str, body: dict[str, int]) -> None:
        raise AssertionError(f"{name} was reached with {body}")

    @routes.post("/refused/{status}")
    async def refused(status: int) -> None:
        raise HTTPException(status)

    @routes.get("/broken")
    async def broken() -> None:
        raise KeyError("secret")

    @routes.get("/busy")
    async def busy() -> None:
        raise Transient("come again")

    app = new_app("test")
    app.include_router(routes)
    app.add_api_route("/hooks/partner", lambda: {"taken": True}, methods=["POST", "GET"])
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="https://corridor.test") as client:
        yield client


@pytest.mark.parametrize(
    ("method", "path", "status", "code", "where"),
    [
        ("GET", "/nothing", 404, "address.not_found", None),
        ("GET", "/v1/things/", 404, "address.not_found", None),
        ("POST", "/v1/nothing", 404, "address.not_found", None),
        ("OPTIONS", "/nothing", 404, "address.not_found", None),
        ("PUT", "/v1/things", 405, "method.not_allowed", None),
        ("DELETE", "/v1/things", 405, "method.not_allowed", None),
        ("GET", "/v1/things?colour=red", 400, "input.unknown_parameter", "colour"),
        ("GET", "/v1/broken?x=1", 400, "input.unknown_parameter", "x"),
        ("GET", "/v1/things?kind=a&kind=b", 400, "input.malformed", "kind"),
        ("GET", "/v1/things?most=eleven", 400, "input.malformed", "most"),
        ("GET", "/v1/things?most=11", 400, "input.malformed", "most"),
        ("GET", "/v1/broken", 500, "internal", None),
        ("GET", "/v1/busy", 503, "transient", None),
        ("GET", "/v1/broken?110101199003074477=1", 400, "input.unknown_parameter", told("110101199003074477")),
        ("POST", "/v1/refused/400", 400, "input.malformed", "body"),
        ("POST", "/v1/refused/401", 401, "auth.required", None),
        ("POST", "/v1/refused/403", 403, "auth.forbidden", None),
        ("POST", "/v1/refused/413", 413, "input.too_large", None),
        ("POST", "/v1/refused/418", 422, "permanent", None),
        ("POST", "/v1/refused/500", 500, "internal", None),
        ("POST", "/v1/refused/503", 503, "transient", None),
        ("PUT", "/v1/things/%00", 404, "address.not_found", None),
        ("PUT", "/v1/things/a%00b", 404, "address.not_found", None),
        ("POST", "/hooks/partner/%00", 404, "address.not_found", None),
        ("GET", "/v1/things?kind=%00", 400, "input.malformed", "query"),
        ("GET", "/v1/things?a%00=1", 400, "input.malformed", "query"),
        ("POST", "/hooks/partner?sign=%00", 400, "input.malformed", "query"),
    ],
)
async def test_what_is_wrong_is_told_as_a_problem(
    client: httpx.AsyncClient, method: str, path: str, status: int, code: str, where: str | None
) -> None:
    answer = await client.request(method, path)

    assert answer.headers["content-type"] == "application/problem+json"
    told = answer.json()
    assert (answer.status_code, told["status"], told["code"], told.get("where")) == (status, status, code, where)
    assert told["type"] == f"urn:corridor:problem:{code}"
    assert "secret" not in answer.text
    assert "eleven" not in answer.text


async def test_a_refused_method_is_told_with_those_that_the_address_takes(client: httpx.AsyncClient) -> None:
    answer = await client.put("/v1/things")

    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, POST"


async def test_options_says_what_the_address_takes(client: httpx.AsyncClient) -> None:
    answer = await client.options("/v1/things")

    assert (answer.status_code, answer.headers["allow"], answer.content) == (204, "GET, HEAD, OPTIONS, POST", b"")


async def test_head_is_get_without_the_body(client: httpx.AsyncClient) -> None:
    whole, head = await client.get("/v1/things?kind=a"), await client.head("/v1/things?kind=a")
    none = await client.head("/nothing")

    assert (head.status_code, head.headers, head.content) == (200, whole.headers, b"")
    assert (none.status_code, none.content) == (404, b"")


async def test_who_is_to_come_again_is_told_when(client: httpx.AsyncClient) -> None:
    assert (await client.get("/v1/busy")).headers["retry-after"] == "1"


async def test_partners_may_send_parameters_that_we_do_not_know(client: httpx.AsyncClient) -> None:
    assert (await client.post("/hooks/partner?sign=1&x=2")).json() == {"taken": True}
    assert (await client.get("/hooks/partner?sign=1")).status_code == 200


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 100_000, b'{"110101199003074477": "x1101"}'])
async def test_a_body_that_the_framework_cannot_read_is_bad_input_and_no_wrong_method(
    client: httpx.AsyncClient, body: bytes
) -> None:
    answer = await client.put("/v1/things/a", content=body, headers={"content-type": "application/json"})

    assert (answer.status_code, answer.json()["code"]) == (400, "input.malformed")
    assert "allow" not in answer.headers
    assert "1101" not in answer.text


async def test_head_of_an_address_that_nothing_can_have_is_refused_without_a_body(client: httpx.AsyncClient) -> None:
    answer = await client.head("/v1/things%00")

    assert (answer.status_code, answer.content) == (404, b"")
