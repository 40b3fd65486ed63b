"""The intake move: requests that arrived in the same instant share one transaction. Nothing is acknowledged before
its commit."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Final

from shared.db.engine import DatabaseGone
from shared.errors import Transient
from shared.flow.apply import BATCH
from shared.flow.items import Fate, Item, Result
from shared.flow.runner import Runner
from shared.logs import logger
from shared.telemetry import Telemetry

log = logger("intake")

QUEUE: Final = 2_000  # above it the answer is 503 at once: memory stays bounded, senders retry
BUDGET_SECONDS: Final = 2.5  # for the repeats of a batch
ANSWER_SECONDS: Final = 3.0  # whatever the database does (it may hang, not fail): the tightest sender waits 5 s


class Overloaded(Transient):
    """More requests are waiting than we can store in time: come again."""

    code = "intake.overloaded"


@dataclass
class Intake:
    """Writers drain one queue without a timer: whatever is queued goes together (a fixed wait costs rate and
    latency)."""

    writers: Sequence[Runner]
    telemetry: Telemetry
    _queue: asyncio.Queue[tuple[Item, asyncio.Future[Result]]] = field(default_factory=lambda: asyncio.Queue(QUEUE))

    async def accept(self, item: Item) -> Result:
        """Join the batch in flight; returns after its commit.

        Raises Overloaded, or DatabaseGone when the database did not take it within the reply budget: nothing is known
        to be stored then, and the sender is told to come again.
        """
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        try:
            self._queue.put_nowait((item, future))
        except asyncio.QueueFull as error:
            raise Overloaded("too many requests are waiting") from error
        begun = perf_counter()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await future
        except TimeoutError as error:
            raise DatabaseGone("the database did not take it in time") from error
        finally:
            self.telemetry.observe("corridor.intake.duration", perf_counter() - begun)

    async def run(self, stopping: asyncio.Event) -> None:
        await asyncio.gather(*(self._write(runner, stopping) for runner in self.writers))

    async def _write(self, runner: Runner, stopping: asyncio.Event) -> None:
        stop = asyncio.ensure_future(stopping.wait())
        while not (stopping.is_set() and self._queue.empty()):
            get = asyncio.ensure_future(self._queue.get())
            await asyncio.wait({get, stop}, return_when=asyncio.FIRST_COMPLETED)
            if not get.done():
                get.cancel()
                continue
            waiting = [get.result()]
            while len(waiting) < BATCH and not self._queue.empty():
                waiting.append(self._queue.get_nowait())
            await self._batch(runner, waiting)
        runner.drop()

    async def _batch(self, runner: Runner, waiting: Sequence[tuple[Item, asyncio.Future[Result]]]) -> None:
        try:
            results = await runner.run("receipts", [item for item, _ in waiting], give_up_after=BUDGET_SECONDS)
        except Exception as error:
            log.warning("batch not stored", size=len(waiting), error=type(error).__name__)
            for _, future in waiting:
                if not future.done():
                    future.set_exception(error)
            return
        for result, (_, future) in zip(results, waiting, strict=True):
            if result.fate is Fate.DEAD:
                log.error("receipt quarantined", item_id=str(result.item.id), error=str(result.failure))
            if not future.done():
                future.set_result(result)
        self.telemetry.count("corridor.receipts", len(results))
