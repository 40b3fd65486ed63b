"""Deliveries over real sockets: the schedule, the same bytes again, broken answers, and faults at our own doors."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from deploy.world import link
from deploy.world.app import World, create
from deploy.world.books import Push
from deploy.world.config import Config
from deploy.world.core import BrokenOff
from deploy.world.http_client import Client, NoAnswer
from deploy.world.keys import Keys
from deploy.world.sender import Delivery, Sender

Got = list[tuple[str, bytes]]


@asynccontextmanager
async def served(app: object) -> AsyncIterator[str]:
    """The application on a port of its own."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="critical", lifespan="off"))  # type: ignore[arg-type]
    running = asyncio.create_task(server.serve())
    while not server.started:  # noqa: ASYNC110 - uvicorn offers no event
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await running


def receiver(got: Got, answer: Callable[[int], Response]) -> Starlette:
    async def take(request: Request) -> Response:
        got.append((request.headers.get("attempt", ""), await request.body()))
        return answer(len(got))

    return Starlette(routes=[Route("/", take, methods=["POST"])])


def sender(client: Client) -> Sender:
    return Sender(client, connections=4, retries_divided_by=1e9)


async def test_a_push_is_sent_until_it_is_acknowledged_and_built_anew_each_time() -> None:
    got: Got = []
    push, client = Push("k", "1"), Client()
    numbers = iter("abc")
    async with served(receiver(got, lambda n: Response(status_code=503 if n < 3 else 200))) as url:
        taken = await sender(client).deliver(push, Delivery(url, lambda: ({"attempt": next(numbers)}, b"x"), (1, 1, 1)))
        client.close()

    assert taken
    assert got == [("a", b"x"), ("b", b"x"), ("c", b"x")]
    assert [one["status"] for one in push.attempts] == [503, 503, 200]
    assert push.settled


async def test_a_schedule_ends() -> None:
    push = Push("k", "1")

    assert not await sender(Client()).deliver(push, Delivery("http://127.0.0.1:9/", lambda: ({}, b""), (1, 1)))
    assert [one["status"] for one in push.attempts] == ["unreachable"] * 3
    assert not push.settled


async def test_a_forgery_is_tried_once_and_settled_by_its_refusal() -> None:
    got: Got = []
    push, client = Push("k", "1", wanted="refusal"), Client()
    async with served(receiver(got, lambda _: Response(status_code=401))) as url:
        await sender(client).deliver(push, Delivery(url, lambda: ({}, b"x"), (1, 1)))
        client.close()

    assert len(got) == 1
    assert push.settled


async def test_what_is_lost_on_the_way_never_arrives() -> None:
    got: Got = []
    push, client = Push("k", "1"), Client()
    async with served(receiver(got, lambda _: Response())) as url:
        await sender(client).deliver(push, Delivery(url, lambda: ({}, b"x"), (1, 1, 1), lost=2))
        client.close()

    assert len(got) == 1
    assert [one["status"] for one in push.attempts] == ["lost on the way", "lost on the way", 200]


async def test_a_broken_answer_is_no_answer_and_the_next_call_gets_its_own() -> None:
    got: Got = []
    client = Client()
    async with served(receiver(got, lambda n: BrokenOff() if n == 1 else Response(b"second"))) as url:
        with pytest.raises(NoAnswer, match="closed"):
            await client.request("POST", url, headers={}, body=b"1", timeout=5)
        answer = await client.request("POST", url, headers={}, body=b"2", timeout=5)
        client.close()

    assert (answer.status, answer.body) == (200, b"second")


async def test_a_late_answer_is_never_given_to_the_next_request() -> None:
    async def slow(request: Request) -> Response:
        body = await request.body()
        await asyncio.sleep(0.3 if body == b"slow" else 0)
        return Response(body)

    client = Client()
    async with served(Starlette(routes=[Route("/", slow, methods=["POST"])])) as url:
        with pytest.raises(NoAnswer, match="timeout"):
            await client.request("POST", url, headers={}, body=b"slow", timeout=0.1)
        answers = [await client.request("POST", url, headers={}, body=b"fast", timeout=5) for _ in range(3)]
        client.close()

    assert [answer.body for answer in answers] == [b"fast"] * 3


async def test_an_answer_of_ours_that_is_lost_has_had_its_effect_once(config: Config, keys: Keys) -> None:
    app = create(replace(config, faults=replace(config.faults, lost=1.0)), keys)
    world: World = app.state.world
    world.core.misbehaving = 1.0
    booking = {"parcelId": "P", "orderNo": "T", "consignee": "a", "consigneeTelephone": "1", "consigneeAddress": "b"}
    content = {**booking, "weight": "1"}
    form = link.form("CORRIDOR_WAYBILL_BOOK", content, secret=keys.cainiao_secret, partner="P", from_code="X")
    client = Client()
    async with served(app) as url:
        with pytest.raises(NoAnswer, match="closed"):
            await client.request("POST", f"{url}/cainiao/link", headers=link.FORM, body=form, timeout=5)
        answer = await client.request("POST", f"{url}/cainiao/link", headers=link.FORM, body=form, timeout=5)
        client.close()
        await world.core.sender.stop()

    assert link.accepted(answer.body)
    assert world.core.books.unlinked()["T"].count("waybills") == 1


async def test_connections_are_kept_and_used_again() -> None:
    ports: set[int] = set()

    async def take(request: Request) -> Response:
        assert request.client is not None
        ports.add(request.client.port)
        return Response()

    client, started = Client(), time.perf_counter()
    async with served(Starlette(routes=[Route("/", take, methods=["POST"])])) as url:
        for _ in range(20):
            await client.request("POST", url, headers={}, body=b"", timeout=5)
        client.close()

    assert len(ports) == 1
    assert time.perf_counter() - started < 20
