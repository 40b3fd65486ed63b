"""Deliveries with a memory: a message is sent again on its sender's schedule until somebody acknowledges it.

Schedules are the partners' own (our reference page on reliability, section 5.1), in seconds; Cainiao and the customs
window publish none, theirs are invented. A running deadline is never compressed, only the pauses are.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from deploy.world import times
from deploy.world.books import Push, attempt
from deploy.world.http_client import Answer, Client, NoAnswer

SHOPIFY: Final = (60, 120, 300, 600, 1200, 2400, 4200, 5400)  # 8 retries within 4 hours
WECHAT: Final = (15, 15, 30, 180, 600, 1200, 1800, 1800, 1800, 3600, 10800, 10800, 10800, 21600, 21600)
ALIPAY: Final = (240, 600, 600, 3600, 7200, 21600, 54000)  # 8 deliveries in about 25 hours
XIAOHONGSHU: Final = (300,)  # one retry after 5 minutes, and no more
SEVENTEENTRACK: Final = (600, 1800, 3600)  # not confirmed
STANDARD: Final = (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
INVENTED: Final = (5, 30, 120, 600, 1800, 3600, 7200, 14400)
SHORTEST_PAUSE: Final = 0.05  # seconds

Headers = Mapping[str, str]
Built = tuple[Headers, bytes]


@dataclass(frozen=True, slots=True)
class Delivery:
    """build: called per attempt, because some signatures carry the time of the attempt."""

    url: str
    build: Callable[[], Built]
    schedule: tuple[int, ...]
    accepted: Callable[[Answer], bool] = lambda answer: 200 <= answer.status < 300
    timeout: float = 5.0
    lost: int = 0  # the first so many attempts never reach the receiver


class Sender:
    def __init__(self, client: Client, *, connections: int, retries_divided_by: float) -> None:
        self._client = client
        self._divide = retries_divided_by
        # Waiting for a connection must not eat the receiver's five seconds.
        self._slots = asyncio.Semaphore(connections)
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def busy(self) -> int:
        return len(self._tasks)

    async def call(
        self,
        method: str,
        url: str,
        *,
        headers: Headers,
        body: bytes = b"",
        timeout: float = 5.0,  # noqa: ASYNC109
    ) -> Answer:
        """One request; raises NoAnswer."""
        async with self._slots:
            return await self._client.request(method, url, headers=headers, body=body, timeout=timeout)

    async def deliver(self, push: Push, delivery: Delivery) -> bool:
        """Until acknowledged or the schedule is over; every attempt is written into the push."""
        pauses = [] if push.wanted == "refusal" else [seconds / self._divide for seconds in delivery.schedule]
        for number, pause in enumerate([*pauses, 0.0]):
            if await self._attempt(push, delivery, lost=number < delivery.lost):
                push.acked_at = times.iso_utc(times.now())
                return True
            if number < len(pauses):
                await asyncio.sleep(max(pause, SHORTEST_PAUSE))
        return False

    def start(self, push: Push, delivery: Delivery, *, after: float = 0.0) -> asyncio.Task[bool]:
        async def later() -> bool:
            await asyncio.sleep(after)
            return await self.deliver(push, delivery)

        return self.spawn(later())

    def spawn(self, work: Any) -> asyncio.Task[Any]:  # noqa: ANN401
        task: asyncio.Task[Any] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def settle(self) -> None:
        """Wait until nothing is on its way any more, whatever came of it."""
        while self._tasks:
            await asyncio.wait(list(self._tasks))

    async def stop(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _attempt(self, push: Push, delivery: Delivery, *, lost: bool) -> bool:
        started, at = time.perf_counter(), times.now()
        answer: Answer | None = None
        status: int | str = "lost on the way"
        if not lost:
            headers, body = delivery.build()
            try:
                answer = await self.call("POST", delivery.url, headers=headers, body=body, timeout=delivery.timeout)
                status = answer.status
            except NoAnswer as error:
                status = str(error)
        push.attempts.append(attempt(at, status, (time.perf_counter() - started) * 1000))
        return answer is not None and delivery.accepted(answer)
