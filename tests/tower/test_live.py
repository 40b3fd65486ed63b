"""The stream of changes: what it says, to whom, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from services.tower import pages_live
from services.tower.pages_live import RETRY, Hub
from services.tower.store_figures import last_change
from shared.security.auth import Principal
from tests.support.tales import Tale
from tests.support.tower import Tower, opened

OPERATOR = Principal("operator", "", "o")
SELLER = Principal("seller", "highland-coop", "s")
OTHER = Principal("seller", "lakeside-tea", "x")


def hub(tower: Tower) -> Hub:
    return Hub(tower.service.resources.read, asyncio.Event(), 10)


async def begun(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    assert await anext(stream) == RETRY
    return stream


async def next_event(stream: AsyncIterator[bytes], seconds: float = 5) -> list[str]:
    return (await asyncio.wait_for(anext(stream), seconds)).decode().split("\n")


async def test_a_change_is_told_to_those_who_watch_and_may_see_it(tower: Tower) -> None:
    shared = hub(tower)
    tale, beside = Tale("1001"), Tale("1002")
    tale.placed()
    streams = {
        "operator": shared.stream(OPERATOR, "", None),
        "seller": shared.stream(SELLER, tale.order, None),
        "other seller": shared.stream(OTHER, "", None),
        "other order": shared.stream(SELLER, beside.order, None),
    }
    waiting = {name: asyncio.ensure_future(next_event(await begun(stream))) for name, stream in streams.items()}
    await asyncio.sleep(pages_live.EVERY * 1.5)

    await tower.hears(tale)
    await asyncio.wait({waiting["operator"], waiting["seller"]}, timeout=5)
    await asyncio.sleep(pages_live.EVERY * 1.5)
    change = await last_change(tower.service.resources.read)

    assert waiting["operator"].result() == [f"id: {change}", "event: changed", "data: orders", "", ""]
    assert waiting["seller"].result()[2] == f"data: {tale.order}"
    assert not waiting["other seller"].done()
    assert not waiting["other order"].done()
    shared.stopping.set()
    await asyncio.wait(waiting.values(), timeout=5)


async def test_a_page_that_missed_something_is_told_to_look_again(tower: Tower) -> None:
    tale = Tale()
    tale.placed()
    await tower.hears(tale)
    change = await last_change(tower.service.resources.read)
    shared = hub(tower)

    behind = await next_event(await begun(shared.stream(OPERATOR, "", change - 1)))
    from_another_time = await next_event(await begun(shared.stream(OPERATOR, "", change + 5000)))

    assert behind[1] == "event: resync"
    assert from_another_time[:2] == [f"id: {change}", "event: resync"]


async def test_a_page_that_missed_nothing_is_left_alone(tower: Tower) -> None:
    shared = hub(tower)
    stream = await begun(shared.stream(OPERATOR, "", await last_change(tower.service.resources.read)))
    waiting = asyncio.ensure_future(next_event(stream))

    done, _ = await asyncio.wait({waiting}, timeout=pages_live.EVERY * 2)

    assert done == set()
    waiting.cancel()


async def test_streams_end_at_once_when_the_service_stops(tower: Tower) -> None:
    shared = hub(tower)
    stream = await begun(shared.stream(OPERATOR, "", None))
    waiting = asyncio.ensure_future(anext(stream, b"ended"))
    await asyncio.sleep(0.2)

    shared.stopping.set()

    assert await asyncio.wait_for(waiting, 0.5) == b"ended"
    assert shared.open == 0


async def test_one_stream_too_many_is_asked_to_come_back(dsn: str, tmp_path: Path) -> None:
    async with opened(dsn, tmp_path, live_streams=0) as full:
        answer = await full.page("/tower/live")

    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
