"""The call move: leased work rows, the calls that they ask for, and timers. An outcome is applied like any other item."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any, Final, Literal

from asyncpg import Record as Row
from pydantic import TypeAdapter

from shared.errors import Permanent, Transient, Unknown
from shared.events.envelope import Cause
from shared.flow.apply import BATCH
from shared.flow.decision import Due, Exhausted, Outcome, Refused
from shared.flow.fold import TooEarly
from shared.flow.items import Item, Leased
from shared.flow.runner import Remedy, Runner, remedy
from shared.ids import derived
from shared.logs import logger
from shared.telemetry import Telemetry

log = logger("work")

SLOTS: Final = 32
LEASE: Final = timedelta(seconds=60)  # > the longest client deadline (15 s) + applying; shorter sent one call forty times
IDLE_SECONDS: Final = 0.1
BACKOFF: Final = (1.0, 5.0, 30.0, 120.0, 600.0)  # seconds after each failed try

_LEASE: Final = """
UPDATE work SET token = token + 1, attempts = attempts + 1, leased_until = clock_timestamp() + $3::interval
 WHERE id IN (SELECT id FROM work
               WHERE due_at <= $1 AND (leased_until IS NULL OR leased_until < clock_timestamp())
               ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED)
RETURNING id, kind, lane, name, task, token, attempts, phase, due_at, cause_id, traceparent"""
# A non-final outcome is accepted from the current lease only.
_RETRY: Final = """
UPDATE work SET due_at = $3, leased_until = NULL, phase = $4, last_error = $5 WHERE id = $1 AND token = $2"""


@dataclass(frozen=True, slots=True)
class Redo:
    """A call's value that is no outcome but an item of its own: decided as if it came in now."""

    content: object


@dataclass(frozen=True, slots=True)
class Call:
    """What one kind of work does. `run` None is a timer.

    `unknown` says how an unanswered call is resolved: by `query`, by sending the identical task again, or by a person.
    """

    task: type
    run: Callable[[Leased], Awaitable[object]] | None = None
    unknown: Literal["query", "resend", "person"] = "person"
    query: Callable[[Leased], Awaitable[object]] | None = None
    backoff: tuple[float, ...] = BACKOFF

    @cached_property
    def codec(self) -> TypeAdapter[Any]:
        return TypeAdapter(self.task)


@dataclass
class Worker:
    """Leases what free slots can run, calls, and applies the outcomes in batches."""

    runner: Runner
    leaser: Runner
    calls: Mapping[str, Call]
    telemetry: Telemetry
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    _outcomes: asyncio.Queue[Item] = field(default_factory=asyncio.Queue)
    _running: set[asyncio.Task[None]] = field(default_factory=set)

    async def run(self, stopping: asyncio.Event) -> None:
        """Until `stopping`; calls in flight get their client's own deadline to end, what is unanswered stays leased."""
        applying = asyncio.ensure_future(self._apply_outcomes())
        try:
            while not stopping.is_set():
                self.wake.clear()
                if not await self.lease():
                    await self._pause()
        finally:
            if self._running:
                await asyncio.wait(self._running, timeout=5)
            while not self._outcomes.empty():
                await asyncio.sleep(0.01)
            applying.cancel()
            await asyncio.gather(applying, return_exceptions=True)
            self.runner.drop()
            self.leaser.drop()

    async def lease(self) -> int:
        """Take what is due, start it, and say how much it was."""
        free = SLOTS - len(self._running)
        if free <= 0 or self._outcomes.qsize() > BATCH:
            return 0
        now = self.leaser.clock.now()
        rows = await self.leaser.repeat(lambda c: c.fetch(_LEASE, now, free, LEASE))
        for row in rows:
            self._start(row)
        return len(rows)

    def _start(self, row: Row) -> None:
        call = self.calls[row["kind"]]
        cause = Cause(row["cause_id"], row["lane"], row["traceparent"])
        leased = Leased(
            row["id"], row["kind"], row["lane"], row["name"], call.codec.validate_json(row["task"]), row["token"], row["attempts"],
            row["phase"], row["due_at"], cause,
        )  # fmt: skip
        if call.run is None:
            self._finished(leased, Due())
            return
        task = asyncio.ensure_future(self._perform(call, leased))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _perform(self, call: Call, leased: Leased) -> None:
        """One try. Whatever it ends with becomes an outcome or a later try; it never ends in silence."""
        try:
            asking = call.query if leased.phase == "unknown" and call.query is not None else call.run
            assert asking is not None
            result = await asking(leased)
        except Unknown as error:
            phase = "unknown" if call.unknown == "query" else "send"
            if call.unknown == "person":
                self._finished(leased, Exhausted(error.code, str(error), unknown=True))
            else:
                await self._later(call, leased, error, phase)
        except Transient as error:
            await self._later(call, leased, error, leased.phase)
        except Permanent as error:
            self._finished(leased, Refused(error.code, str(error)))
        except Exception as error:
            log.error("call failed with a bug", kind=leased.kind, lane=leased.lane, exc_info=error)
            await self._later(call, leased, error, "unknown" if call.unknown == "query" else leased.phase)
        else:
            self._finished(leased, result)
        self.wake.set()

    async def _later(self, call: Call, leased: Leased, error: Exception, phase: str) -> None:
        code = getattr(error, "code", type(error).__name__)
        if leased.attempts > len(call.backoff):
            self._finished(leased, Exhausted(code, str(error), unknown=isinstance(error, Unknown) or phase == "unknown"))
            return
        due = self.leaser.clock.now() + timedelta(seconds=call.backoff[leased.attempts - 1])
        await self.leaser.repeat(lambda c: c.execute(_RETRY, leased.id, leased.token, due, phase, code))
        self.telemetry.count("corridor.call.retries", kind=leased.kind, code=code)

    def _finished(self, leased: Leased, result: object) -> None:
        content = (
            result.content
            if isinstance(result, Redo)
            else Outcome(leased.kind, leased.lane, leased.name, leased.task, result)
        )
        reach = self.runner.applier.process.reach(content)
        item_id = derived("work", self.runner.applier.process.service, str(leased.id))
        self._outcomes.put_nowait(Item(item_id, content, reach, leased.cause, leased))

    async def _apply_outcomes(self) -> None:
        while True:
            items = [await self._outcomes.get()]
            while len(items) < BATCH and not self._outcomes.empty():
                items.append(self._outcomes.get_nowait())
            await self._apply(items)

    async def _apply(self, items: Sequence[Item]) -> None:
        try:
            await self.runner.run("work", items)
        except Exception as error:
            if remedy(error) is Remedy.AGAIN or len(items) > 1:
                for item in items:
                    await self._apply([item])
                return
            await self._stuck(items[0], error)

    async def _stuck(self, item: Item, error: Exception) -> None:
        """The outcome cannot be applied: try again later if it is only early, else set the row aside, visibly."""
        leased = item.origin
        assert isinstance(leased, Leased)
        call = self.calls[leased.kind]
        if isinstance(error, TooEarly) and leased.attempts <= len(call.backoff):
            await self._later(call, leased, error, leased.phase)
            return
        log.error("outcome cannot be applied", kind=leased.kind, lane=leased.lane, exc_info=error)
        text = f"{type(error).__name__}: {getattr(error, 'code', '')}"
        never = self.leaser.clock.now() + timedelta(days=3650)
        await self.leaser.repeat(lambda c: c.execute(_RETRY, leased.id, leased.token, never, "stuck", text))

    async def _pause(self) -> None:
        try:
            async with asyncio.timeout(IDLE_SECONDS):
                await self.wake.wait()
        except TimeoutError:
            return
